/** The books of commissions: in order after any story, guarded, watched; usage of the hub and statements in them. */
import fc from 'fast-check'
import { sql } from 'kysely'
import { createAttribution } from '../../db/attributions.ts'
import { asTenant, inTransaction } from '../../db/client.ts'
import { putPriceList } from '../../db/commission-plans.ts'
import { postLedger } from '../../db/ledger.ts'
import { takenBack } from '../../model/commission.ts'
import { newId } from '../../platform/new-id.ts'
import {
  credit,
  eur,
  paidInvoice,
  startCommissionBench,
  tenPercent,
  type CommissionBench,
} from '../harness/commission-bench.ts'

let bench: CommissionBench
beforeEach(async () => {
  bench = await startCommissionBench()
})
// Whatever a test has done: the books are in order.
afterEach(async () => {
  try {
    await bench.check()
  } finally {
    await bench.close()
  }
})

const ready = async (plan = tenPercent): Promise<void> => {
  await bench.plan(plan)
  await bench.attribute()
}
describe('the books', () => {
  const runs = Number(process.env['TIELINE_PROPERTY_RUNS'] ?? 10)
  const step = fc.record({
    what: fc.constantFrom('pay', 'pay', 'credit', 'credit', 'void', 'reopen', 'refund', 'statement'),
    document: fc.integer({ min: 1, max: 4 }),
    amount: fc.integer({ min: 1, max: 1_000_00 }),
    isApplied: fc.boolean(),
    settles: fc.boolean(),
    repeats: fc.boolean(),
  })
  const plans = fc.record({
    rate: fc.integer({ min: 1, max: 9_999 }),
    levels: fc
      .array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 5 })
      .filter((list) => list.some((weight) => weight > 0)),
    refundDays: fc.constantFrom(0, 30),
  })

  it('are in order after any story, whatever is repeated, and what is left is what was not taken back', async () => {
    await bench.attribute(null)
    let stories = 0
    await fc.assert(
      fc.asyncProperty(plans, fc.array(step, { minLength: 1, maxLength: 14 }), async (plan, story) => {
        const { rate, levels, refundDays } = plan
        await bench.plan({
          ...tenPercent,
          levels,
          refundDays,
          rules: [{ kind: 'percentage', rateBasisPoints: rate }],
        })
        // A customer of its own for each story, so that they share a database.
        const customerId = `story-${++stories}`
        const of = { customerId }
        for (const { what, document, amount, isApplied, settles, repeats } of story) {
          const id = `${customerId}-${document}`
          const applied = isApplied ? [{ type: 'invoice', id, amount: eur(amount) }] : []
          if (what === 'pay') await bench.put(paidInvoice(id, amount, of))
          if (what === 'void') await bench.put(paidInvoice(id, amount, { status: 'void', ...of }))
          if (what === 'reopen') await bench.put(paidInvoice(id, amount, { status: 'open', ...of }))
          if (what === 'credit') await bench.put(credit(`c${id}`, amount, { applied, ...of }))
          if (what === 'refund')
            await bench.put({
              model: 'payment',
              id: `p${id}`,
              mapped: { amount: eur(-amount), ...of },
            })
          if (what === 'statement') await statement(amount % 2 === 0)
          if (settles) await bench.settle()
          if (repeats) {
            await bench.settle()
            const before = await bench.lines()
            await sql`update commission_sources set state = 'pending' where customer_id = ${customerId}`.execute(
              bench.db,
            )
            await bench.settle()
            // A state is not taken back by a repetition either.
            expect(await bench.lines()).toEqual(before)
          }
        }
        await bench.settle()
        await bench.check()
        await expectLeft(rate, customerId)
      }),
      // Stories share a database: one that failed would fail each that is tried in its place.
      { numRuns: runs, endOnFailure: true },
    )
  }, 120_000)

  /** Closes last month's books for the seller: approved and paid, or rejected. */
  async function statement(isApproved: boolean): Promise<void> {
    const { state, statementId } = await bench.activities.openStatement({
      partnerId: bench.seller,
      period: '2099-01',
      by: 'test',
    })
    if (state !== 'awaiting_approval') return
    const decision = isApproved ? 'approve' : 'reject'
    await bench.activities.decideStatement({ statementId, decision, reason: 'A test', by: 'test' })
    if (isApproved)
      await bench.activities.payStatement({ statementId, reference: 'T-1', paidOn: '2026-01-01', by: 'test' })
  }

  async function expectLeft(rate: number, customerId: string): Promise<void> {
    const found = await sql<{ base: number; gross: number; taken: number; total: number; left: number }>`
      select d.base_minor as base, d.gross_minor as gross, d.taken_minor as taken, d.total_minor as total,
        coalesce((select sum(amount_minor) from commission_lines l where l.document_key = d.document_key), 0)::bigint as left
      from commission_documents d where customer_id = ${customerId}
    `.execute(bench.db)
    for (const { base, gross, taken, total, left } of found.rows) {
      expect(gross).toBe(Math.floor((base * rate) / 10_000 + 0.5))
      expect(left).toBe(gross - takenBack(gross, taken, total))
    }
  }

  it('refuse a transaction that does not sum to zero, and any change of what is written', async () => {
    await ready()
    await bench.put(paidInvoice('1', 100_00))
    await bench.settle()
    const lopsided = inTransaction(bench.db, (tx) =>
      postLedger(tx, {
        kind: 'accrue',
        subject: 'test',
        currency: 'EUR',
        entries: [
          { partnerId: null, account: 'expense', lineId: null, amountMinor: 5 },
          { partnerId: bench.seller, account: 'accrued', lineId: null, amountMinor: -4 },
        ],
      }),
    )
    await expect(lopsided).rejects.toThrow('sums to 1 and not to zero')
    await expect(sql`update ledger_entries set amount_minor = 0`.execute(bench.db)).rejects.toThrow(
      'only ever added to',
    )
    await expect(sql`delete from ledger_transactions`.execute(bench.db)).rejects.toThrow()
  })

  it('are found out when they are not in order: audit entry, event and metric', async () => {
    await ready()
    await bench.put(paidInvoice('1', 100_00))
    await bench.settle()
    await sql`update commission_lines set amount_minor = amount_minor + 1 where level = 0`.execute(bench.db)
    await sql`update ledger_accounts set balance_minor = 7 where kind = 'expense'`.execute(bench.db)
    const found = await bench.activities.checkLedger({})
    expect(found).toMatchObject({ ok: false, lines: 3 })
    const told = await sql<{ type: string; check: string }>`
      select type, data->>'check' as check from hub_events where type = 'ledger.broken'
    `.execute(bench.db)
    expect(told.rows).toEqual([{ type: 'ledger.broken', check: 'balance is the sum of its entries' }])
    const audited = await sql`select from audit where action = 'ledger.broken'`.execute(bench.db)
    expect(audited.rows).toHaveLength(1)
    const { values } = await bench.deps.metrics.ledgerViolations.get()
    expect(values[0]?.value).toBe(found.violations)
    await sql`update commission_lines set amount_minor = amount_minor - 1 where level = 0`.execute(bench.db)
    await sql`update ledger_accounts a set balance_minor = (select sum(amount_minor) from ledger_entries e where e.account_key = a.account_key)`.execute(
      bench.db,
    )
  })

  it('show a partner its own lines and those below it, and nothing of its parent; it cannot write any (INV-7)', async () => {
    await ready()
    await bench.put(paidInvoice('1', 100_00))
    await bench.settle()
    const seen = async (partnerId: string) =>
      await asTenant(bench.db, partnerId, async (tx) => {
        const found = await sql<{
          partnerId: string
        }>`select partner_id from commission_lines order by level`.execute(tx)
        return found.rows.map((row) => row.partnerId)
      })
    expect(await seen(bench.seller)).toEqual([bench.seller])
    expect(await seen(bench.middle)).toEqual([bench.seller, bench.middle])
    expect(await seen(bench.top)).toEqual([bench.seller, bench.middle, bench.top])
    await expect(
      asTenant(bench.db, bench.seller, (tx) => sql`update commission_lines set amount_minor = 1`.execute(tx)),
    ).rejects.toThrow('permission denied')
    await expect(
      asTenant(bench.db, bench.seller, (tx) => sql`select from ledger_transactions`.execute(tx)),
    ).rejects.toThrow('permission denied')
  })
})

describe('usage of the hub', () => {
  it('is billed once a month at the prices of the tier, and earns for the partner of the account or of its attribution', async () => {
    await bench.plan({ ...tenPercent, levels: [1] })
    await putPriceList(bench.db, {
      // That of the hub's own partner.
      tier: 'unlimited',
      currency: 'EUR',
      prices: { connections: 30_00, records: 5_00 },
      effectiveFrom: '2020-01-01',
      createdBy: 'test',
    })
    const { accountId } = await hubAccount()
    await createAttribution(bench.db, {
      attributionId: newId('attribution'),
      partnerId: bench.middle,
      accountId,
      connectionId: null,
      customerId: null,
      effectiveFrom: '2020-01-01',
      createdBy: 'test',
    })
    for (const id of ['1', '2', '3', '4']) await bench.put(paidInvoice(id, 1_00))
    const period = new Date().toISOString().slice(0, 7)
    await expect(bench.activities.rateUsage({ period, after: null })).rejects.toMatchObject({
      type: 'StateConflict',
    })
    bench.pass(32)
    const rated = await bench.activities.rateUsage({ period, after: null })
    expect(rated.sources).toHaveLength(1)
    expect(await bench.activities.rateUsage({ period, after: null })).toEqual({ sources: [], next: null })
    await bench.settle()
    // 30.00 for the connection and 4 changes at 5.00 a thousand, ten per cent of it.
    expect((await bench.lines()).map(({ partnerId, amountMinor }) => [partnerId, amountMinor])).toEqual([
      [bench.middle, 3_00],
    ])
  })

  const hubAccount = async () => {
    const found = await sql<{ accountId: string }>`select account_id from connections`.execute(bench.db)
    return { accountId: found.rows[0]?.accountId ?? '' }
  }
})

describe('a statement', () => {
  const open = (period: string) =>
    bench.activities.openStatement({ partnerId: bench.seller, period, by: 'test' })

  it('carries forward what is below the minimum payout, and what was taken back after it was paid', async () => {
    await ready({ ...tenPercent, levels: [1], minimumPayout: { EUR: 15_00 } })
    await bench.put(paidInvoice('1', 100_00))
    await bench.settle()
    expect(await open('2099-01')).toMatchObject({
      state: 'carried',
      totals: [{ totalMinor: 10_00, outcome: 'carried' }],
    })
    await bench.put(paidInvoice('2', 100_00))
    await bench.settle()
    const { statementId, ...closed } = await open('2099-02')
    expect(closed).toMatchObject({
      state: 'awaiting_approval',
      totals: [{ totalMinor: 20_00, lineCount: 2 }],
    })
    const by = 'test'
    await bench.activities.decideStatement({ statementId, decision: 'approve', reason: null, by })
    await bench.activities.payStatement({ statementId, reference: 'T-1', paidOn: '2026-01-01', by })
    await bench.put(credit('c1', 50_00))
    await bench.settle()
    expect(await open('2099-03')).toMatchObject({ state: 'carried', totals: [{ totalMinor: -5_00 }] })
    await bench.put(paidInvoice('3', 300_00))
    await bench.settle()
    expect(await open('2099-04')).toMatchObject({ totals: [{ totalMinor: 25_00, outcome: 'payable' }] })
    // Closed months stay as they are.
    expect(await open('2099-02')).toMatchObject({ statementId, state: 'paid' })
    expect(await open('2099-01')).toMatchObject({ state: 'carried' })
  })
})

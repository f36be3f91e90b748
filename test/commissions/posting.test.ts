/** What billing documents become in the books: once, to the cent, taken back when the money goes back. */
import { sql } from 'kysely'
import { followCommissions } from '../../activities/commission-feed.ts'
import { postSource } from '../../activities/commission-post.ts'
import { createPlan } from '../../db/commission-plans.ts'
import { addSource, getSource, listPendingSources } from '../../db/commission-sources.ts'
import { newId } from '../../platform/new-id.ts'
import {
  credit,
  eur,
  paidInvoice,
  startCommissionBench,
  tenPercent,
  type CommissionBench,
  type Document,
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
const amounts = async () => (await bench.lines()).map(({ level, amountMinor }) => [level, amountMinor])

describe('a paid invoice', () => {
  it('earns for the partner and those above it, by the amount without tax, to the cent', async () => {
    await ready()
    await bench.put(paidInvoice('1', 119_99, { subtotal: eur(100_83), total: eur(119_99) }))
    expect(await bench.settle()).toBe(1)
    expect(await bench.lines()).toEqual([
      {
        partnerId: bench.seller,
        level: 0,
        kind: 'earning',
        state: 'due',
        currency: 'EUR',
        amountMinor: 7_06,
      },
      {
        partnerId: bench.middle,
        level: 1,
        kind: 'earning',
        state: 'due',
        currency: 'EUR',
        amountMinor: 2_01,
      },
      { partnerId: bench.top, level: 2, kind: 'earning', state: 'due', currency: 'EUR', amountMinor: 1_01 },
    ])
  })

  it('earns when it becomes paid and not before, whatever else is changed about it', async () => {
    await ready()
    await bench.put(paidInvoice('1', 100_00, { status: 'open' }))
    expect(await bench.settle()).toBe(0)
    await bench.put(paidInvoice('1', 100_00))
    await bench.settle()
    await bench.put(paidInvoice('1', 100_00, { memo: 'Thank you' }))
    await bench.settle()
    expect(await bench.netByLevel()).toEqual([7_00, 2_00, 1_00])
    expect(await bench.lines()).toHaveLength(3)
  })

  it('of a customer that nobody is attributed to, or by a plan that goes by payments, earns nothing', async () => {
    await ready({ ...tenPercent, basis: 'payments' })
    await bench.put(paidInvoice('1', 100_00))
    await bench.put(paidInvoice('2', 100_00, { customerId: 'somebody' }))
    await bench.settle()
    await bench.put({
      model: 'payment',
      id: 'p1',
      mapped: { customerId: 'cus-1', amount: eur(50_00), status: 'completed' },
    })
    await bench.settle()
    expect(await bench.netByLevel()).toEqual([3_50, 1_00, 50])
    await bench.put({
      model: 'payment',
      id: 'p1',
      mapped: { customerId: 'cus-1', amount: eur(0), status: 'voided' },
    })
    await bench.settle()
    expect(await bench.netByLevel()).toEqual([0, 0, 0])
  })

  it('is posted once by two who do it at the same moment, and by one who does it again', async () => {
    await ready()
    await bench.put(paidInvoice('1', 100_00))
    await Promise.all([followCommissions(bench.deps), followCommissions(bench.deps)])
    const [source, ...others] = await listPendingSources(bench.db, 10)
    expect(others).toEqual([])
    const { sourceId = '' } = source ?? {}
    await Promise.all([1, 2, 3, 4].map(() => postSource(bench.deps, sourceId)))
    // As if the worker had died before it could say that it was done.
    await sql`update commission_sources set state = 'pending' where source_id = ${sourceId}`.execute(bench.db)
    await postSource(bench.deps, sourceId)
    expect(await amounts()).toEqual([
      [0, 7_00],
      [1, 2_00],
      [2, 1_00],
    ])
    const found = await getSource(bench.db, sourceId)
    expect(found && (await addSource(bench.db, { ...found, sourceId: newId('commissionSource') }))).toBe(
      false,
    )
  })

  it('earns by the plan of the day it was paid on, by product, and only in the first months', async () => {
    await ready({
      ...tenPercent,
      levels: [1],
      rules: [
        { kind: 'percentage', rateBasisPoints: 5000, products: ['setup'] },
        { kind: 'percentage', rateBasisPoints: 2000, firstMonths: 12 },
      ],
    })
    await bench.plan({ ...tenPercent, levels: [1] }, '2026-06-01')
    const lines = [
      { itemId: 'setup', amount: eur(40_00) },
      { itemId: 'seat', amount: eur(60_00) },
    ]
    const at = (day: string) => new Date(`${day}T12:00:00Z`)
    await bench.put({ ...paidInvoice('1', 100_00, { lines }), at: at('2025-01-10') })
    await bench.put({ ...paidInvoice('2', 100_00, { lines }), at: at('2026-01-10') })
    await bench.put({ ...paidInvoice('3', 100_00, { lines }), at: at('2026-06-10') })
    await bench.settle()
    expect(await amounts()).toEqual([
      [0, 32_00],
      [0, 20_00],
      [0, 10_00],
    ])
  })

  it('fills up the tiers of its month together with the others', async () => {
    const tiers = [
      { fromMinor: 0, rateBasisPoints: 1000 },
      { fromMinor: 150_00, rateBasisPoints: 2000 },
    ]
    await ready({
      ...tenPercent,
      levels: [1],
      rules: [{ kind: 'tiered', mode: 'whole', currency: 'EUR', tiers }],
    })
    await Promise.all(['1', '2', '3'].map((id) => bench.put(paidInvoice(id, 100_00))))
    await bench.settle()
    expect((await amounts()).map(([, amount]) => amount)).toEqual([10_00, 30_00, 20_00])
  })

  it('is the rate of the override for its partner, and closed partners are passed over', async () => {
    await ready()
    await createPlan(bench.db, {
      planId: newId('commissionPlan'),
      partnerId: bench.seller,
      tier: null,
      name: 'Special',
      definition: { ...tenPercent, rules: [{ kind: 'flat', amountMinor: 9_00, currency: 'EUR' }] },
      state: 'active',
      effectiveFrom: '2020-01-01',
      effectiveTo: null,
      createdBy: 'test',
    })
    await sql`update partners set state = 'closed' where partner_id = ${bench.middle}`.execute(bench.db)
    await bench.put(paidInvoice('1', 1_00))
    await bench.settle()
    expect((await bench.lines()).map(({ partnerId, amountMinor }) => [partnerId, amountMinor])).toEqual([
      [bench.seller, 7_00],
      [bench.top, 2_00],
    ])
  })
})

describe('money that goes back', () => {
  it('takes back its part from every level: by credit note, applied or not, once', async () => {
    await ready()
    await bench.put(paidInvoice('1', 100_00))
    await bench.settle()
    await bench.put(credit('c1', 33_33))
    await bench.settle()
    await bench.put(credit('c1', 33_33, { applied: [{ type: 'invoice', id: '1', amount: eur(33_33) }] }))
    await bench.settle()
    expect(await bench.netByLevel()).toEqual([4_67, 1_33, 67])
    await bench.put(credit('c1', 33_33, { status: 'void' }))
    await bench.settle()
    expect(await bench.netByLevel()).toEqual([7_00, 2_00, 1_00])
  })

  it('before there was anything to take it from waits for the invoice', async () => {
    await ready()
    await bench.put(credit('c1', 40_00, { applied: [{ type: 'invoice', id: '1', amount: eur(40_00) }] }))
    await bench.put(credit('c2', 10_00))
    await bench.settle()
    expect(await bench.lines()).toEqual([])
    await bench.put(paidInvoice('1', 100_00))
    await bench.settle()
    expect((await bench.netByLevel()).reduce((sum, one) => sum + one, 0)).toBe(5_00)
  })

  it('that found too little takes the rest once another gives it back, or the invoice is worth more again', async () => {
    await ready()
    const left = async (document: Document): Promise<number> => {
      await bench.put(document)
      await bench.settle()
      return (await bench.netByLevel()).reduce((sum, one) => sum + one, 0)
    }
    await left(paidInvoice('1', 100_00))
    expect(await left(credit('c1', 80_00))).toBe(2_00)
    expect(await left(credit('c2', 50_00))).toBe(0)
    expect(await left(credit('c1', 80_00, { status: 'void' }))).toBe(5_00)
    expect(await left(paidInvoice('1', 60_00))).toBe(1_00)
    expect(await left(credit('c3', 40_00))).toBe(0)
    expect(await left(paidInvoice('1', 100_00))).toBe(1_00)
  })

  it('takes back all when the invoice is void, deleted or open again, and gives it back when it is paid', async () => {
    await ready()
    const states: readonly [Document, number][] = [
      [paidInvoice('1', 99_99), 10_00],
      [paidInvoice('1', 0, { status: 'void' }), 0],
      [paidInvoice('1', 99_99), 10_00],
      [paidInvoice('1', 99_99, { status: 'partlyPaid' }), 0],
      [paidInvoice('1', 49_99), 5_00],
      [{ ...paidInvoice('1', 49_99), deleted: true }, 0],
    ]
    for (const [document, left] of states) {
      await bench.put(document)
      await bench.settle()
      expect((await bench.netByLevel()).reduce((sum, one) => sum + one, 0)).toBe(left)
    }
  })

  it('is a refund when a payment goes to the customer, unless it pays out a credit note', async () => {
    await ready()
    await bench.put(paidInvoice('1', 100_00))
    await bench.put(credit('c1', 20_00))
    const refund = (id: string, applied: object[]): Document => ({
      model: 'payment',
      id,
      mapped: { customerId: 'cus-1', amount: eur(-20_00), applied } as Document['mapped'],
    })
    await bench.put(refund('p1', [{ type: 'creditNote', id: 'c1', amount: eur(20_00) }]))
    await bench.put(refund('p2', []))
    await bench.settle()
    expect(await bench.netByLevel()).toEqual([4_20, 1_20, 60])
  })

  it('while it is held is held with it; later it is due at once', async () => {
    await ready({ ...tenPercent, refundDays: 30 })
    await bench.put(paidInvoice('1', 100_00))
    await bench.settle()
    await bench.put(credit('c1', 10_00))
    await bench.settle()
    expect(new Set((await bench.lines()).map(({ state }) => state))).toEqual(new Set(['held']))
    for (const { sourceId } of (
      await sql<{ sourceId: string }>`select source_id from commission_sources`.execute(bench.db)
    ).rows) {
      await bench.activities.releaseCommissionSource({ sourceId })
      expect(await bench.activities.releaseCommissionSource({ sourceId })).toEqual({ lines: 0 })
    }
    await bench.put(credit('c2', 10_00))
    await bench.settle()
    expect(new Set((await bench.lines()).map(({ state }) => state))).toEqual(new Set(['due']))
  })
})

/**
 * From a paid invoice at a billing provider to a paid statement, as partner and hub see it over the API: real sandbox, sync, dispatcher and
 * workflows. Only this test knows which provider it is.
 */
import { sql } from 'kysely'
import { checkLedger } from '../../db/ledger.ts'
import { ensureAccount } from '../../db/partners.ts'
import { previousPeriod } from '../../model/commission.ts'
import { newId } from '../../platform/new-id.ts'
import { samples } from '../../sandbox/samples.ts'
import type { components } from '../../openapi/types.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'

type Schemas = components['schemas']
const slug = 'quickbooks'
const sample = samples.find((one) => one.provider === slug)
const realm = sample?.settings['realm_id'] ?? ''
const size = {
  customers: 12,
  invoices: 20,
  payments: 10,
  items: 5,
  vendors: 3,
  bills: 3,
  purchases: 3,
  credit_memos: 2,
  deposits: 3,
  journal_entries: 2,
}
const resources = ['customers', 'invoices', 'credit_memos']
const period = previousPeriod(new Date())

let api: TestApi
const [parent, seller, stranger, accountId] = [
  newId('partner'),
  newId('partner'),
  newId('partner'),
  newId('account'),
]
let connectionId = ''
let customerId = ''

beforeAll(async () => {
  api = await startTestApi({ size })
  const { db } = api.database.database
  for (const [partnerId, parentId] of [
    [parent, null],
    [seller, parent],
    [stranger, null],
  ])
    await sql`insert into partners (partner_id, name, parent_id) values (${partnerId}, 'A partner', ${parentId})`.execute(
      db,
    )
  await ensureAccount(db, { accountId, partnerId: seller, name: 'Customer' })
  const made = await api.request('POST', '/admin/v1/connections', {
    body: { provider: slug, name: 'Books', settings: sample?.settings, secrets: sample?.secrets },
  })
  expect(made).toMatchObject({ status: 201 })
  connectionId = (made.body as { connectionId: string }).connectionId
  await sync('full')
  customerId = await someCustomer()
  const definition = {
    basis: 'invoices',
    rules: [{ kind: 'percentage', rateBasisPoints: 1000 }],
    levels: [70, 30],
    refundDays: 0,
    minimumPayout: { USD: 1_00 },
  }
  for (const [path, body] of [
    ['/admin/v1/commission-plans', { name: 'Standard', definition, effectiveFrom: '2020-01-01' }],
    ['/admin/v1/attributions', { accountId, connectionId, customerId, effectiveFrom: '2020-01-01' }],
  ] as const)
    expect(await api.request('POST', path, { body })).toMatchObject({ status: 201 })
}, 180_000)

afterAll(async () => {
  await api?.hub.temporal.client.workflow
    .getHandle(`dispatch-events:${api.hub.taskQueue}`)
    .terminate()
    .catch(() => undefined)
  await api?.close()
})
afterEach(async () => {
  expect((await checkLedger(api.database.database.db)).violations).toEqual([])
})

async function sync(mode: 'full' | 'incremental'): Promise<void> {
  const begun = await api.request('POST', '/admin/v1/runs', { body: { connectionId, mode, resources } })
  expect(begun.status).toBe(202)
  const { runId } = begun.body as { runId: string }
  const ended = await until(
    async () => (await api.request('GET', `/admin/v1/runs/${runId}`)).body as { state: string },
    ({ state }) => state !== 'running' && state !== 'paused' && state !== 'pending',
  )
  expect(ended.state).toBe('succeeded')
}

const atProvider = async (entity: string, body: object): Promise<Record<string, string>> => {
  const response = await fetch(`${api.sandbox.url}/${slug}/v3/company/${realm}/${entity.toLowerCase()}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${sample?.secrets['access_token'] ?? ''}`,
      accept: 'application/json',
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  })
  const answer = (await response.json()) as Record<string, Record<string, string>>
  expect([response.status, answer]).toEqual([200, expect.anything()])
  return answer[entity] ?? {}
}

async function someCustomer(): Promise<string> {
  const found = await sql<{ id: string }>`
    select external_id as id from records where model = 'customer' and mapped->>'currency' = 'USD' and deleted_at is null order by external_id limit 1
  `.execute(api.database.database.db)
  return found.rows[0]?.id ?? ''
}

const lines = (amount: number) => [
  { Amount: amount, DetailType: 'SalesItemLineDetail', SalesItemLineDetail: { ItemRef: { value: '1' } } },
]
const ofCustomer = () => ({ CustomerRef: { value: customerId } })
const listed = async (token: string): Promise<Schemas['CommissionLine'][]> => {
  const { status, body } = await api.request('GET', '/v1/commissions', { token })
  expect(status).toBe(200)
  return (body as Schemas['CommissionList']).items
}
const key = async (partnerId: string) => (await api.key({ partnerId, scopes: ['commissions.read'] })).text

it('an invoice that is paid becomes lines for the partner and its parent, which lead back to it; a credit note takes its part back', async () => {
  const token = await key(parent)
  const invoice = await atProvider('Invoice', { ...ofCustomer(), Line: lines(200) })
  const paying = {
    ...ofCustomer(),
    TotalAmt: Number(invoice['TotalAmt']),
    Line: [
      { Amount: Number(invoice['TotalAmt']), LinkedTxn: [{ TxnId: invoice['Id'], TxnType: 'Invoice' }] },
    ],
  }
  await atProvider('Payment', paying)
  await sync('incremental')
  const earned = await until(
    () => listed(token),
    (items) => items.length > 0,
  )
  expect(
    earned.map(({ partnerId, level, amount, kind }) => [partnerId, level, amount.amountMinor, kind]).sort(),
  ).toEqual(
    [
      [seller, 0, 14_00, 'earning'],
      [parent, 1, 6_00, 'earning'],
    ].sort(),
  )
  const own = await listed(await key(seller))
  expect(own.map(({ partnerId }) => partnerId)).toEqual([seller])
  expect(await listed(await key(stranger))).toEqual([])

  const path = `/v1/commissions/${own[0]?.lineId ?? ''}`
  const trace = (await api.request('GET', path, { token })).body as Schemas['CommissionTrace']
  expect(trace).toMatchObject({
    plan: { version: 1, name: 'Standard' },
    calculation: { baseMinor: 200_00 },
    document: {
      kind: 'invoice',
      externalId: invoice['Id'],
      facts: { number: invoice['DocNumber'], status: 'paid' },
    },
    siblings: [{ partnerId: parent }],
  })
  expect(trace.ledger.map((one) => one.kind)).toEqual([
    'accrue',
    'accrue',
    'hold',
    'hold',
    'release',
    'release',
  ])
  const record = await api.request('GET', trace.record ?? '')
  expect(record).toMatchObject({ status: 200, body: { externalId: invoice['Id'] } })
  expect((await api.request('GET', path, { token: await key(stranger) })).status).toBe(404)

  await atProvider('CreditMemo', { ...ofCustomer(), Line: lines(50) })
  await sync('incremental')
  const all = await until(
    () => listed(token),
    (items) => items.length === 4,
  )
  expect(all.reduce((sum, { amount }) => sum + amount.amountMinor, 0)).toBe(15_00)
}, 120_000)

it('a statement waits for a person, can be rejected and made anew, is paid once, and its CSV is what the ledger holds', async () => {
  const { db } = api.database.database
  // As if a month had passed since.
  await sql`update commission_lines set due_at = due_at - interval '1 month'`.execute(db)
  const close = async () => {
    const answer = await api.request('POST', '/admin/v1/statements', { body: { partnerId: seller, period } })
    expect(answer.status).toBe(202)
    return await until(
      async () =>
        (
          (await api.request('GET', `/admin/v1/statements?partnerId=${seller}`))
            .body as Schemas['StatementList']
        ).items[0],
      (one) => one?.state === 'awaiting_approval',
    )
  }
  const first = await close()
  expect((await close())?.statementId).toBe(first?.statementId)
  const post = (id: string, what: string, body: object) =>
    api.request('POST', `/admin/v1/statements/${id}/${what}`, { body })
  const firstId = first?.statementId ?? ''
  expect((await post(firstId, 'payout', { reference: 'x' })).status).toBe(409)
  expect((await post(firstId, 'decision', { decision: 'reject' })).status).toBe(400)
  const rejected = await post(firstId, 'decision', { decision: 'reject', reason: 'Disputed' })
  expect(rejected).toMatchObject({ status: 200, body: { state: 'rejected', reason: 'Disputed' } })

  const statementId = (await close())?.statementId ?? ''
  expect(statementId).not.toBe(firstId)
  expect(await post(statementId, 'decision', { decision: 'approve' })).toMatchObject({
    body: { state: 'approved' },
  })
  const paid = await post(statementId, 'payout', { reference: 'SEPA-1', paidOn: '2026-01-05' })
  const payouts = [{ amount: { amountMinor: 10_50, currency: 'USD' }, reference: 'SEPA-1' }]
  expect(paid).toMatchObject({ status: 200, body: { state: 'paid', payouts } })
  expect((await post(statementId, 'payout', { reference: 'SEPA-1' })).status).toBe(409)

  const token = await key(seller)
  const csv = await api.request('GET', `/v1/statements/${statementId}/csv`, { token })
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  const rows = String(csv.body).trim().split('\r\n').slice(1)
  const sums = await sql<{ sum: number }>`
    select -sum(e.amount_minor)::bigint as sum from ledger_entries e join ledger_accounts a using (account_key)
    join commission_lines l using (line_id) where a.kind = 'payouts' and l.statement_id = ${statementId}
  `.execute(db)
  const total = rows.reduce((sum, row) => sum + Math.round(Number(row.split(',')[12]) * 100), 0)
  expect([rows.length, total, sums.rows[0]?.sum]).toEqual([2, 10_50, 10_50])
  const pdf = await fetch(`${api.url}/v1/statements/${statementId}/pdf`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(pdf.headers.get('content-type')).toBe('application/pdf')
  expect(
    Buffer.from(await pdf.arrayBuffer())
      .subarray(0, 5)
      .toString(),
  ).toBe('%PDF-')
  expect(
    (await api.request('GET', `/v1/statements/${statementId}/csv`, { token: await key(stranger) })).status,
  ).toBe(404)
  const by = await api.request('GET', '/v1/earnings?by=level', { token: await key(parent) })
  expect(by.body).toMatchObject({
    items: [
      { key: '0', netMinor: 10_50, paidMinor: 10_50 },
      { key: '1', dueMinor: 4_50 },
    ],
  })
  const best = await api.request('GET', '/admin/v1/commission-leaderboard?currency=USD')
  expect(best.body).toMatchObject({
    items: [
      { rank: 1, partnerId: seller },
      { rank: 2, partnerId: parent },
    ],
  })
}, 120_000)

/** The connector's actions, reports and writes against the simulated company: two readings of the same documentation. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { JsonObject } from '../../model/json.ts'
import { applyMapping, applyOutward } from '../../model/mapping.ts'
import type { Row } from '../../providers/contract.ts'
import { quickbooks } from '../../providers/quickbooks/index.ts'
import { readPages, startProviderBench, takeOver, type ProviderBench } from '../harness/provider-bench.ts'

const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }))
const usd = (amountMinor: number) => ({ amountMinor, currency: 'USD' })

let bench: ProviderBench
beforeAll(async () => {
  bench = await startProviderBench(quickbooks)
})
afterAll(() => bench.close())

function fits(schema: object, value: unknown): void {
  const validate = ajv.compile(schema)
  expect([validate(value), validate.errors]).toEqual([true, null])
}

let keys = 0
/** Runs an action twice with one key: both answers fit its schema. */
async function act(name: string, input: JsonObject): Promise<JsonObject> {
  const action = quickbooks.actions.find((one) => one.name === name)
  if (!action) throw new Error(`there is no action ${name}`)
  fits(action.input, input)
  const key = `key-${keys++}`
  const first = await action.run(bench.open(), input, key)
  const second = await action.run(bench.open(), input, key)
  fits(action.output, first)
  fits(action.output, second)
  return first
}

async function reported(name: string, input: JsonObject): Promise<JsonObject> {
  const report = quickbooks.reports.find((one) => one.name === name)
  if (!report) throw new Error(`there is no report ${name}`)
  fits(report.input, input)
  const output = await report.run(bench.open(), input)
  fits(report.output, output)
  return output
}

const resourceOf = (name: string) => {
  const resource = quickbooks.resources.find((one) => one.name === name)
  if (!resource) throw new Error(`there is no resource ${name}`)
  return resource
}

async function all(name: string): Promise<Row[]> {
  const resource = resourceOf(name)
  return [...takeOver(resource, await readPages(bench, resource)).living.values()]
}

async function one(name: string, id: unknown): Promise<JsonObject> {
  const resource = resourceOf(name)
  const { rows } = (await resource.getMany?.(bench.open(), [String(id)])) ?? { rows: [] }
  const [row] = rows
  if (!row) throw new Error(`${name} has no ${String(id)}`)
  return applyMapping(resource.mapping, row).mapped
}

/** A customer in dollars with an address, and a service that is sold. */
async function scene() {
  const customer = (await all('customers')).find(
    (row) =>
      row['Active'] === true &&
      (row['PrimaryEmailAddr'] as JsonObject | undefined)?.['Address'] !== undefined,
  )
  const item = (await all('items')).find((row) => row['Type'] === 'Service' && row['Active'] === true)
  const accounts = await all('accounts')
  const account = (type: string) => String(accounts.find((row) => row['AccountType'] === type)?.['Id'])
  return {
    customerId: String(customer?.['Id']),
    itemId: String(item?.['Id']),
    bank: account('Bank'),
    income: account('Income'),
    expense: account('Expense'),
  }
}

describe('invoice to ledger', () => {
  it('makes an invoice once, takes a payment, sends receipts, posts and takes back', async () => {
    const { customerId, itemId, bank, income } = await scene()
    const before = (await all('invoices')).length
    const lines = [{ itemId, description: 'Work', quantity: 3, unitPrice: usd(1999) }]
    const made = await act('create_invoice', {
      customerId,
      lines,
      dueOn: '2026-07-01',
      customerEmail: 'ana@example.com',
    })
    expect(made).toMatchObject({ total: usd(5997), balance: usd(5997) })
    expect((await all('invoices')).length).toBe(before + 1)
    expect(await act('send_invoice', { invoiceId: made['invoiceId'] ?? '' })).toMatchObject({
      sendStatus: 'EmailSent',
    })
    const pdf = await act('invoice_pdf', { invoiceId: made['invoiceId'] ?? '' })
    expect(Buffer.from(String(pdf['base64']), 'base64').toString('latin1').slice(0, 5)).toBe('%PDF-')

    const part = await act('record_payment', {
      customerId,
      amount: usd(2000),
      invoiceId: made['invoiceId'] ?? '',
    })
    expect(part).toMatchObject({ unapplied: usd(0) })
    expect(await one('invoices', made['invoiceId'])).toMatchObject({
      status: 'partlyPaid',
      balance: usd(3997),
    })
    await act('send_receipt', { paymentId: part['paymentId'] ?? '', sendTo: 'ana@example.com' })
    await act('send_receipt', { paymentId: part['paymentId'] ?? '' })
    await act('void_payment', { paymentId: part['paymentId'] ?? '' })
    expect(await one('invoices', made['invoiceId'])).toMatchObject({ status: 'open', balance: usd(5997) })
    expect(await one('payments', part['paymentId'])).toMatchObject({ status: 'voided', amount: usd(0) })

    const entry = await act('create_journal_entry', {
      lines: [
        { side: 'debit', amount: usd(5997), accountId: bank },
        { side: 'credit', amount: usd(5997), accountId: income },
      ],
    })
    expect(await one('journal_entries', entry['journalEntryId'])).toMatchObject({ total: usd(5997) })
    expect(
      await act('delete_journal_entry', { journalEntryId: entry['journalEntryId'] ?? '' }),
    ).toMatchObject({
      isRepeated: false,
    })
    await act('void_invoice', { invoiceId: made['invoiceId'] ?? '' })
    expect(await one('invoices', made['invoiceId'])).toMatchObject({ status: 'void', total: usd(0) })
  })

  it('records sales receipts and bills', async () => {
    const { customerId, itemId, bank, expense } = await scene()
    const lines = [{ itemId, quantity: 1, unitPrice: usd(1234) }]
    expect(await act('create_sales_receipt', { customerId, lines, depositAccountId: bank })).toMatchObject({
      total: usd(1234),
    })
    const vendorId = String((await all('vendors')).find((row) => row['Active'] === true)?.['Id'])
    const bill = await act('create_bill', { vendorId, lines: [{ accountId: expense, amount: usd(777) }] })
    expect(await one('bills', bill['billId'])).toMatchObject({ total: usd(777), vendorId })
  })
})

describe('reconciliation', () => {
  it('proposes what is left of a payment, and applying it settles the invoice to the cent', async () => {
    const { customerId, itemId } = await scene()
    const lines = [{ itemId, quantity: 1, unitPrice: usd(987_654) }]
    const made = await act('create_invoice', {
      customerId,
      lines,
      issuedOn: '2026-06-01',
      dueOn: '2026-07-01',
    })
    const paid = await act('record_payment', { customerId, amount: usd(987_654), paidOn: '2026-06-01' })
    expect(paid).toMatchObject({ unapplied: usd(987_654) })
    const output = await reported('reconciliation', { from: '2026-05-01', to: '2026-06-30' })
    const proposals = (output['proposals'] as JsonObject[]).filter(
      ({ paymentId }) => paymentId === paid['paymentId'],
    )
    expect(proposals).toMatchObject([
      { method: 'exact', applications: [{ invoiceId: made['invoiceId'], amount: usd(987_654) }] },
    ])
    expect(await act('apply_payments', { proposals })).toMatchObject({
      applied: 1,
      results: [{ unapplied: usd(0) }],
    })
    expect(await one('invoices', made['invoiceId'])).toMatchObject({ status: 'paid', balance: usd(0) })
    const tracked = await reported('payment_tracking', { from: '2026-06-01', to: '2026-06-30' })
    expect(tracked['invoices']).toContainEqual(
      expect.objectContaining({ invoiceId: made['invoiceId'], status: 'paid', daysToPay: 0 }),
    )
  })

  it('adds up: what was paid is what is applied and what is left', async () => {
    const output = await reported('reconciliation', { from: '2020-01-01', to: '2026-12-31' })
    expect(output['isWhole']).toBe(true)
    for (const sums of output['totals'] as Record<string, { amountMinor: number }>[]) {
      const of = (name: string) => sums[name]?.amountMinor ?? Number.NaN
      expect(of('paid')).toBe(of('applied') + of('unapplied'))
      expect(of('proposed')).toBeLessThanOrEqual(of('unapplied'))
    }
  })
})

it.each(['profit_and_loss', 'balance_sheet', 'trial_balance', 'general_ledger', 'transaction_list'])(
  'lays out the report %s',
  async (name) => {
    const output = await reported(name, { from: '2026-01-01', to: '2026-06-30' })
    expect((output['rows'] as unknown[]).length).toBeGreaterThan(0)
  },
)

it('lays out aged receivables', async () => {
  expect(((await reported('aged_receivables', {}))['rows'] as unknown[]).length).toBeGreaterThan(0)
})

describe('writing', () => {
  it.each(['invoices', 'bills', 'credit_memos', 'journal_entries', 'purchases', 'deposits', 'payments'])(
    'a field of %s leaves all lines as they were',
    async (name) => {
      const resource = resourceOf(name)
      const [row] = await all(name)
      if (!row || !resource.write?.update) throw new Error(`${name} cannot be changed`)
      const field =
        name === 'invoices' || name === 'credit_memos' ? { PrivateNote: 'seen' } : { PrivateNote: 'seen' }
      const written = await resource.write.update(
        bench.open(),
        String(row['Id']),
        { PrivateNote: 'seen' },
        row,
        `w-${name}`,
      )
      expect(written.row['PrivateNote']).toBe('seen')
      expect(written.row['Line']).toEqual(row['Line'])
      const { rows } = (await resource.getMany?.(bench.open(), [String(row['Id'])])) ?? { rows: [] }
      expect(rows[0]).toEqual(written.row)
      await expect(
        resource.write.update(bench.open(), String(row['Id']), { PrivateNote: 'late' }, row, `late-${name}`),
      ).rejects.toMatchObject({ code: 'Conflict' })
    },
  )

  it('a batch of customers: each with an outcome of its own, and none twice', async () => {
    const customers = resourceOf('customers')
    const batch = customers.write?.batch
    const mapping = customers.write?.mapping
    if (!batch || !mapping) throw new Error('no batch')
    const taken = String((await all('customers'))[0]?.['DisplayName'])
    const fields = (name: string) => applyOutward(mapping, { name }).mapped
    const items = ['New One', taken, 'New Two'].map((name, index) => ({
      operation: 'create' as const,
      externalId: '',
      fields: fields(name),
      idempotencyKey: `b${index}`,
    }))
    const count = (await all('customers')).length
    const outcomes = await batch.write(bench.open(), items)
    expect(outcomes[0]).toMatchObject({ row: { DisplayName: 'New One' } })
    expect(outcomes[1]).toMatchObject({ code: 'Invalid' })
    expect(outcomes[2]).toMatchObject({ row: { DisplayName: 'New Two' } })
    await batch.write(bench.open(), items)
    expect((await all('customers')).length).toBe(count + 2)
  })
})

it('describes its fields, custom ones among them', async () => {
  const described = (await resourceOf('invoices').describe?.(bench.open())) ?? []
  expect(described).toContainEqual(
    expect.objectContaining({ path: 'DueDate', type: 'date', isWritable: true }),
  )
})

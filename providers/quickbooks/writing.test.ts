/** Writes, actions and reports: versions, lines, keys, batches, exact money. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { applyMapping, applyOutward } from '../../model/mapping.ts'
import { decimalOf } from '../../model/money.ts'
import { HubError } from '../../platform/errors.ts'
import { productOf } from './amounts.ts'
import {
  action,
  answerOf,
  fault,
  invoice,
  report,
  resource,
  startCompany,
  type Asked,
  type Company,
} from './test-context.ts'

let company: Company
beforeAll(async () => {
  company = await startCompany()
})
afterAll(() => company.close())

const invoices = resource('invoices')
const statementOf = ({ query }: Asked): string => query.get('query') ?? ''

async function failureOf(work: Promise<unknown>): Promise<HubError> {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof HubError) return error
  throw error
}

describe('writing', () => {
  const write = invoices.write
  if (!write?.create || !write.update || !write.remove || !write.batch)
    throw new Error('invoices are not written')
  const { create, update, remove, batch } = write
  const ownRow = { ...invoice(7), SyncToken: '3' }
  const answered = (asked: Asked) => ({ body: { Invoice: { ...ownRow, ...asked.body, SyncToken: '4' } } })

  it('hands the same requestid to QuickBooks on each repetition, and another for another key', async () => {
    company.answer((asked) => ({ body: { Invoice: { ...ownRow, ...asked.body } } }))
    for (const key of ['wri_1', 'wri_1', 'wri_2'])
      await create(company.open(), { CustomerRef: { value: '1' } }, key)
    const [first, second, third] = company.asked.map(({ query }) => query.get('requestid') ?? '')
    expect(first).toMatch(/^[0-9a-f]{36}$/)
    expect([second, third === first]).toEqual([first, false])
  })

  it('sends all lines with a sparse update that names none, its version, and no subtotal', async () => {
    company.answer(answered)
    const { row } = await update(company.open(), '7', { DueDate: '2027-01-01' }, ownRow, 'wri_1')
    expect(company.asked[0]?.body).toEqual({
      Id: '7',
      SyncToken: '3',
      sparse: true,
      DueDate: '2027-01-01',
      CustomerRef: { value: '1' },
      Line: [ownRow.Line[0]],
    })
    expect(row['SyncToken']).toBe('4')
  })

  it('sends a deposit whole, since QuickBooks takes a sparse one for all there is', async () => {
    company.answer((asked) => ({ body: { Deposit: { ...asked.body, SyncToken: '2' } } }))
    const row = {
      ...{
        Id: '5',
        SyncToken: '1',
        TxnDate: '2026-11-02',
        DepositToAccountRef: { value: '35' },
        TotalAmt: 5,
      },
      ...{ Line: [{ Id: '1', Amount: 5 }], derived: { currency: 'USD' }, domain: 'QBO', sparse: false },
    }
    await resource('deposits').write?.update?.(company.open(), '5', { PrivateNote: 'x' }, row, 'wri_1')
    const { TotalAmt: _total, derived: _derived, domain: _domain, ...rest } = row
    expect(company.asked[0]?.body).toEqual({ ...rest, PrivateNote: 'x', sparse: false })
  })

  it('lays a line over the one of the same id, so that what is not named is kept', async () => {
    company.answer(answered)
    const fields = {
      Line: [
        { Id: '1', Amount: 120, 'SalesItemLineDetail.Qty': 2 },
        { Amount: 5, Description: 'Post' },
      ],
    }
    await update(company.open(), '7', fields, ownRow, 'wri_1')
    expect(company.asked[0]?.body['Line']).toEqual([
      {
        Id: '1',
        Amount: 120,
        DetailType: 'SalesItemLineDetail',
        SalesItemLineDetail: { ItemRef: { value: '5' }, Qty: 2, UnitPrice: 100 },
      },
      { Amount: 5, Description: 'Post' },
    ])
  })

  it('is a conflict when the version is not the newest', async () => {
    company.answer(() => ({ status: 400, body: fault('5010', 'ValidationFault', 'Stale Object Error') }))
    const failure = await failureOf(update(company.open(), '7', { DocNumber: 'x' }, ownRow, 'wri_1'))
    expect(failure.code).toBe('Conflict')
  })

  it('deletes a transaction, hides an entry of a list, and takes what is gone for done', async () => {
    company.answer(answered)
    await remove(company.open(), '7', ownRow, 'wri_1')
    expect([company.asked[0]?.query.get('operation'), company.asked[0]?.body]).toEqual([
      'delete',
      { Id: '7', SyncToken: '3' },
    ])
    company.answer(() => ({ body: { Customer: { Id: '1', SyncToken: '1' } } }))
    await resource('customers').write?.remove?.(company.open(), '1', { Id: '1', SyncToken: '0' }, 'wri_2')
    expect(company.asked[0]?.body).toMatchObject({ Active: false, sparse: true })
    company.answer(() => ({ status: 400, body: fault('610') }))
    await expect(remove(company.open(), '7', ownRow, 'wri_1')).resolves.toBeUndefined()
  })

  it('gives each item of a batch its own outcome', async () => {
    company.answer((asked) =>
      asked.path === '/query'
        ? answerOf('Invoice', [ownRow])
        : {
            body: {
              BatchItemResponse: [
                { bId: '3', ...fault('610') },
                { bId: '1', Invoice: invoice(8) },
                { bId: '2', ...fault('5010') },
              ],
            },
          },
    )
    const outcomes = await batch.write(company.open(), [
      { operation: 'create', externalId: '', fields: { CustomerRef: { value: '1' } }, idempotencyKey: 'a' },
      { operation: 'update', externalId: '7', fields: { DocNumber: 'x' }, idempotencyKey: 'b' },
      { operation: 'delete', externalId: '7', fields: {}, idempotencyKey: 'c' },
      { operation: 'update', externalId: '99', fields: {}, idempotencyKey: 'd' },
    ])
    expect(outcomes[0]).toMatchObject({ row: { Id: '8' } })
    expect(outcomes[1]).toMatchObject({ code: 'Conflict' })
    expect(outcomes[2]).toBeUndefined()
    expect(outcomes[3]).toMatchObject({ code: 'NotFound' })
    expect(company.asked.at(-1)?.query.get('requestid')).toHaveLength(36)
  })
})

describe('money', () => {
  it('is read to the cent, in the object’s currency', () => {
    const amounts = fc.integer({ min: -1e12, max: 1e12 })
    fc.assert(
      fc.property(amounts, fc.constantFrom('USD', 'JPY', 'KWD'), (amountMinor, currency) => {
        const TotalAmt = Number(decimalOf({ amountMinor, currency }))
        const row = { ...invoice(1), TotalAmt, derived: { currency } }
        expect(applyMapping(invoices.mapping, row).mapped['total']).toEqual({ amountMinor, currency })
      }),
    )
  })

  it('of a line that gives quantity and price is their exact product', () => {
    expect(productOf(3, 0.1, 'USD')).toBe(0.3)
    expect(productOf(1.005, 100, 'USD')).toBe(100.5)
    expect(productOf(2.5, 1.01, 'USD')).toBe(2.53)
    expect(productOf(-2.5, 1.01, 'USD')).toBe(-2.53)
    expect(productOf(3, 33.3333, 'JPY')).toBe(100)
  })

  it('goes out as it came in', () => {
    const fields = {
      customerId: '1',
      lines: [{ itemId: '5', quantity: 3, unitPrice: { amountMinor: 1999, currency: 'USD' } }],
    }
    const write = invoices.write
    const { mapped, problems } = applyOutward(write?.mapping ?? { model: 'invoice', rules: [] }, fields)
    expect(problems).toEqual([])
    expect(mapped['Line']).toMatchObject([
      { 'SalesItemLineDetail.UnitPrice': 19.99, DetailType: 'SalesItemLineDetail' },
    ])
  })
})

describe('actions', () => {
  const ajv = addFormats.default(new Ajv2020({ strict: false }))
  const fits = (schema: object, value: unknown) => {
    const validate = ajv.compile(schema)
    validate(value)
    expect(validate.errors ?? []).toEqual([])
  }

  it('void an invoice once: one that is void already is left alone', async () => {
    const voided = invoice(7, { TotalAmt: 0, Balance: 0, PrivateNote: 'Voided - by mistake' })
    company.answer((asked) => (asked.path === '/query' ? answerOf('Invoice', [voided]) : { body: {} }))
    expect(await action('void_invoice').run(company.open(), { invoiceId: '7' }, 'k')).toEqual({
      invoiceId: '7',
      isRepeated: true,
    })
    expect(company.asked).toHaveLength(1)
  })

  it('record a payment on an invoice, with the amount exact, and can be taken back', async () => {
    company.answer((asked) => ({
      body: {
        Payment: { Id: '9', SyncToken: '0', UnappliedAmt: 0, CurrencyRef: { value: 'USD' }, ...asked.body },
      },
    }))
    const input = { customerId: '1', amount: { amountMinor: 1999, currency: 'USD' }, invoiceId: '7' }
    const record = action('record_payment')
    const output = await record.run(company.open(), input, 'k')
    fits(record.output, output)
    expect(company.asked[0]?.body).toMatchObject({
      TotalAmt: 19.99,
      CustomerRef: { value: '1' },
      Line: [{ Amount: 19.99, LinkedTxn: [{ TxnId: '7', TxnType: 'Invoice' }] }],
    })
    expect(record.undo?.input(input, output)).toEqual({ paymentId: '9' })
  })

  it('refuse a journal entry that does not balance, before anything is sent', async () => {
    company.answer(() => ({ body: {} }))
    const money = (amountMinor: number) => ({ amountMinor, currency: 'USD' })
    const lines = [
      { side: 'debit', amount: money(100), accountId: '1' },
      { side: 'credit', amount: money(99), accountId: '2' },
    ]
    const failure = await failureOf(action('create_journal_entry').run(company.open(), { lines }, 'k'))
    expect([failure.code, company.asked.length]).toEqual(['InvalidInput', 0])
  })

  it('apply a proposal once: a repetition finds it applied, a payment that changed otherwise is refused', async () => {
    let payment: Readonly<Record<string, unknown>> = {
      Id: '9',
      SyncToken: '0',
      TotalAmt: 100,
      UnappliedAmt: 100,
      CustomerRef: { value: '1' },
      CurrencyRef: { value: 'USD' },
      Line: [],
    }
    company.answer((asked) => {
      if (asked.path === '/payment') {
        payment = { ...payment, ...asked.body, SyncToken: '1', UnappliedAmt: 40 }
        return { body: { Payment: payment } }
      }
      return statementOf(asked).includes('from Payment')
        ? answerOf('Payment', [payment])
        : answerOf('Invoice', [invoice(7, { Balance: 60 })])
    })
    const wish = (amountMinor: number) => ({
      proposals: [
        {
          paymentId: '9',
          paymentVersion: '0',
          applications: [{ invoiceId: '7', amount: { amountMinor, currency: 'USD' } }],
        },
      ],
    })
    const apply = action('apply_payments')
    expect(await apply.run(company.open(), wish(6001), 'k')).toMatchObject({
      applied: 0,
      results: [{ state: 'refused' }],
    })
    const first = await apply.run(company.open(), wish(6000), 'k')
    fits(apply.output, first)
    expect(first).toMatchObject({
      applied: 1,
      results: [{ state: 'applied', unapplied: { amountMinor: 4000 } }],
    })
    expect(await apply.run(company.open(), wish(6000), 'k')).toMatchObject({
      results: [{ state: 'alreadyApplied' }],
    })
    expect(await apply.run(company.open(), wish(6500), 'k')).toMatchObject({
      results: [{ state: 'refused' }],
    })
    expect(company.asked.filter(({ path }) => path === '/payment')).toHaveLength(1)
  })

  it('hand on a PDF, and nothing that is none', async () => {
    company.answer(() => ({ body: { not: 'a PDF' } }))
    expect((await failureOf(action('invoice_pdf').run(company.open(), { invoiceId: '7' }, 'k'))).code).toBe(
      'Protocol',
    )
  })
})

describe('reports', () => {
  const ajv = addFormats.default(new Ajv2020({ strict: false }))

  it('reconcile: sums agree, and what is left is proposed', async () => {
    const paid = {
      SyncToken: '0',
      TxnDate: '2026-11-05',
      CustomerRef: { value: '1' },
      CurrencyRef: { value: 'USD' },
    }
    company.answer((asked) => {
      const statement = statementOf(asked)
      if (/startposition [^1]/.test(statement)) return answerOf('x', [])
      if (statement.includes('from Payment'))
        return answerOf('Payment', [
          {
            ...paid,
            Id: '9',
            TotalAmt: 60,
            UnappliedAmt: 0,
            Line: [{ Amount: 60, LinkedTxn: [{ TxnId: '7', TxnType: 'Invoice' }] }],
          },
          { ...paid, Id: '10', TotalAmt: 40, UnappliedAmt: 40 },
        ])
      if (statement.includes('from Deposit'))
        return answerOf('Deposit', [
          {
            ...paid,
            Id: '20',
            TotalAmt: 60,
            Line: [{ Amount: 60, LinkedTxn: [{ TxnId: '9', TxnType: 'Payment' }] }],
          },
        ])
      if (statement.includes('from Account')) return answerOf('Account', [])
      return answerOf('Invoice', [invoice(7, { Balance: 40 })])
    })
    const output = await report('reconciliation').run(company.open(), {
      from: '2026-11-01',
      to: '2026-11-30',
    })
    const validate = ajv.compile(report('reconciliation').output)
    validate(output)
    expect(validate.errors ?? []).toEqual([])
    expect(output).toMatchObject({
      isWhole: true,
      totals: [
        {
          paid: { amountMinor: 10000 },
          applied: { amountMinor: 6000 },
          unapplied: { amountMinor: 4000 },
          proposed: { amountMinor: 4000 },
        },
      ],
      payments: [
        { paymentId: '9', state: 'matched', deposit: 'deposited', depositId: '20' },
        { paymentId: '10', state: 'unmatched', deposit: 'undeposited' },
      ],
      invoices: [{ invoiceId: '7', state: 'partly', otherwiseSettled: { amountMinor: 0 } }],
      deposits: [{ depositId: '20', state: 'matched' }],
      proposals: [
        {
          paymentId: '10',
          method: 'exact',
          applications: [{ invoiceId: '7', amount: { amountMinor: 4000 } }],
        },
      ],
    })
  })

  it('lay out nested sections as rows, with amounts exact, and tell when QuickBooks has cut them', async () => {
    const cells = (...values: string[]) => values.map((value) => ({ value }))
    const body = {
      Header: {
        ReportName: 'ProfitAndLoss',
        ReportBasis: 'Accrual',
        StartPeriod: '2026-11-01',
        EndPeriod: '2026-11-30',
        Currency: 'USD',
      },
      Columns: {
        Column: [
          { ColTitle: '', ColType: 'Account' },
          { ColTitle: 'Total', ColType: 'Money', MetaData: [{ Name: 'ColKey', Value: 'total' }] },
        ],
      },
      Rows: {
        Row: [
          {
            type: 'Section',
            group: 'Income',
            Header: { ColData: cells('Income', '') },
            Rows: { Row: [{ type: 'Data', ColData: [{ value: 'Sales', id: '79' }, { value: '1234.56' }] }] },
            Summary: { ColData: cells('Total Income', '1234.56') },
          },
          { type: 'Data', ColData: cells('Unable to display more data. Please reduce the date range.') },
        ],
      },
    }
    company.answer(() => ({ body }))
    const output = await report('profit_and_loss').run(company.open(), {
      from: '2026-11-01',
      to: '2026-11-30',
    })
    const validate = ajv.compile(report('profit_and_loss').output)
    validate(output)
    expect(validate.errors ?? []).toEqual([])
    expect(output).toMatchObject({
      isWhole: false,
      rows: [
        { kind: 'section' },
        {
          kind: 'data',
          section: ['Income'],
          ids: { column_1: '79' },
          amounts: { total: { amountMinor: 123456 } },
        },
        { kind: 'summary' },
      ],
    })
  })
})

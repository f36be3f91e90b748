/** The simulated QuickBooks company keeps its books: what writes, edits and reports promise. */
import type { JsonObject } from '../../model/json.ts'
import {
  closeAll,
  cents,
  codeOf,
  homeCustomer,
  list,
  newInvoice,
  part,
  payBody,
  refOf,
  size,
  slug,
  start,
  withHome,
  word,
  type Company,
} from '../harness/quickbooks-company.ts'

afterEach(closeAll)

describe('writes', () => {
  it('number an invoice, work out its totals, and refuse what is missing or wrong', async () => {
    const bench = await start()
    const { invoice, status } = await newInvoice(bench, 120.5)
    expect([status, invoice['TotalAmt'], invoice['Balance'], invoice['SyncToken']]).toEqual([
      200,
      120.5,
      120.5,
      '0',
    ])
    expect(word(invoice, 'DocNumber')).toMatch(/^\d+$/)
    const refusal = async (target: string, body: object) =>
      codeOf((await bench.call('POST', target, { body })).body)
    expect(await refusal('/invoice', { Line: [] })).toBe('2020')
    expect(await refusal('/invoice', { CustomerRef: { value: '999999' }, Line: [{}] })).toBe('2500')
    expect(await refusal('/invoice', { Id: '999999', SyncToken: '0' })).toBe('610')
    expect(await refusal('/customer', { DisplayName: (await homeCustomer(bench))['DisplayName'] })).toBe(
      '6240',
    )
    expect(codeOf((await bench.call('GET', '/invoice/999999')).body)).toBe('610')
  })

  it('guard versions: an old SyncToken is refused, a sparse update leaves the rest, a full one empties it', async () => {
    const bench = await start()
    const { invoice } = await newInvoice(bench, 10)
    const change = (body: object) => bench.call('POST', '/invoice', { body: { Id: invoice['Id'], ...body } })
    const sparse = await change({ SyncToken: '0', sparse: true, PrivateNote: 'hello' })
    expect(part(sparse.body, 'Invoice')).toMatchObject({ PrivateNote: 'hello', TotalAmt: 10, SyncToken: '1' })
    expect(codeOf((await change({ SyncToken: '0', sparse: true, PrivateNote: 'late' })).body)).toBe('5010')
    const { CustomerRef, Line } = invoice
    const full = await change({ SyncToken: '1', CustomerRef, Line })
    expect(part(full.body, 'Invoice')['PrivateNote']).toBeUndefined()
  })

  it('repeat the first answer to a requestid, also after a restart', async () => {
    await withHome(async (home) => {
      const bench = await start({ home })
      const first = await newInvoice(bench, 33, { requestid: 'once-only' })
      const again = await start({ home })
      const second = await newInvoice(again, 33, { requestid: 'once-only' })
      expect(second.body).toEqual(first.body)
      expect(part(await again.query('select count(*) from Invoice'), 'QueryResponse')['totalCount']).toBe(161)
      const long = await newInvoice(again, 33, { requestid: 'x'.repeat(51) })
      expect(long.status).toBe(400)
    })
  })

  it('settle invoices by payments, and never beyond their balance', async () => {
    const bench = await start()
    const { invoice, customer } = await newInvoice(bench, 100)
    const id = word(invoice, 'Id')
    const pay = (body: object) => bench.call('POST', '/payment', { body })
    const paid = part((await pay(payBody(customer, 80, id, 60))).body, 'Payment')
    expect([paid['TotalAmt'], paid['UnappliedAmt']]).toEqual([80, 20])
    const shown = async () => part((await bench.call('GET', `/invoice/${id}`)).body, 'Invoice')
    expect(await shown()).toMatchObject({
      Balance: 40,
      LinkedTxn: [{ TxnId: paid['Id'], TxnType: 'Payment' }],
    })
    expect(codeOf((await pay(payBody(customer, 50, id))).body)).toBe('6000')
    const gone = await bench.call('POST', '/payment', { query: { operation: 'delete' }, body: paid })
    expect(part(gone.body, 'Payment')).toEqual({ status: 'Deleted', domain: 'QBO', Id: paid['Id'] })
    expect(await shown()).toMatchObject({ Balance: 100, LinkedTxn: [] })
  })

  it('void an invoice to nothing and leave its payment unapplied', async () => {
    const bench = await start()
    const { invoice, customer } = await newInvoice(bench, 70)
    const payment = part(
      (await bench.call('POST', '/payment', { body: payBody(customer, 70, word(invoice, 'Id')) })).body,
      'Payment',
    )
    const { body } = await bench.call('POST', '/invoice', {
      query: { operation: 'void' },
      body: { Id: invoice['Id'], SyncToken: '1' },
    })
    expect(part(body, 'Invoice')).toMatchObject({ TotalAmt: 0, Balance: 0, PrivateNote: 'Voided' })
    const after = part((await bench.call('GET', `/payment/${word(payment, 'Id')}`)).body, 'Payment')
    expect(after).toMatchObject({ UnappliedAmt: 70, Line: [] })
  })

  it('deposit a payment once, and keep it as long as it lies there', async () => {
    const bench = await start()
    const { invoice, customer } = await newInvoice(bench, 55)
    const payment = part(
      (await bench.call('POST', '/payment', { body: payBody(customer, 55, word(invoice, 'Id')) })).body,
      'Payment',
    )
    const body = {
      DepositToAccountRef: { value: '1' },
      Line: [{ Amount: 55, LinkedTxn: [{ TxnId: payment['Id'], TxnType: 'Payment', TxnLineId: '0' }] }],
    }
    const deposit = await bench.call('POST', '/deposit', { body })
    expect(part(deposit.body, 'Deposit')['TotalAmt']).toBe(55)
    expect(codeOf((await bench.call('POST', '/deposit', { body })).body)).toBe('6000')
    const { Id } = payment
    const gone = await bench.call('POST', '/payment', {
      query: { operation: 'delete' },
      body: { Id, SyncToken: '1' },
    })
    expect(codeOf(gone.body)).toBe('6540')
  })

  it('refuse a journal entry that does not balance', async () => {
    const { call } = await start()
    const line = (PostingType: string, Amount: number, value: string) => ({
      Amount,
      DetailType: 'JournalEntryLineDetail',
      JournalEntryLineDetail: { PostingType, AccountRef: { value } },
    })
    const entry = (credit: number) =>
      call('POST', '/journalentry', {
        body: { Line: [line('Debit', 10, '17'), line('Credit', credit, '1')] },
      })
    expect(codeOf((await entry(9)).body)).toBe('6000')
    expect((await entry(10)).status).toBe(200)
  })

  it('send an invoice, and give it as a PDF', async () => {
    const bench = await start()
    const { invoice } = await newInvoice(bench, 12)
    const id = word(invoice, 'Id')
    expect(codeOf((await bench.call('POST', `/invoice/${id}/send`)).body)).toBe('6000')
    const sent = await bench.call('POST', `/invoice/${id}/send`, { query: { sendTo: 'ana@example.com' } })
    expect(part(sent.body, 'Invoice')).toMatchObject({
      EmailStatus: 'EmailSent',
      BillEmail: { Address: 'ana@example.com' },
    })
    const pdf = await bench.call('GET', `/invoice/${id}/pdf`)
    expect([pdf.headers.get('content-type'), pdf.text.slice(0, 5)]).toEqual(['application/pdf', '%PDF-'])
  })
})

describe('the books', () => {
  const check = async (bench: Company) => {
    const truth = (resource: string) => Object.values(bench.sandbox.control.state(slug, resource))
    const [invoices, payments, memos] = [truth('invoices'), truth('payments'), truth('credit_memos')]
    const applied = new Map<string, number>()
    for (const payment of payments)
      for (const line of list(payment['Line']))
        for (const link of list(line['LinkedTxn'])) {
          const key = `${word(link, 'TxnType')} ${word(link, 'TxnId')}`
          applied.set(key, (applied.get(key) ?? 0) + cents(line, 'Amount'))
        }
    for (const one of invoices) {
      const paid = applied.get(`Invoice ${word(one, 'Id')}`) ?? 0
      expect([one['Id'], cents(one, 'Balance')]).toEqual([one['Id'], cents(one, 'TotalAmt') - paid])
    }
    for (const one of memos) {
      const used = applied.get(`CreditMemo ${word(one, 'Id')}`) ?? 0
      expect([one['Id'], cents(one, 'RemainingCredit')]).toEqual([one['Id'], cents(one, 'TotalAmt') - used])
    }
    const { body } = await bench.call('GET', '/reports/TrialBalance')
    const summary = list(part(list(part(body, 'Rows')['Row']).at(-1) ?? {}, 'Summary')['ColData'])
    expect(summary[1]?.['value']).toBe(summary[2]?.['value'])
    return { invoices, payments }
  }

  it('have every kind of invoice and payment, in two currencies, and balance', async () => {
    const { invoices, payments } = await check(await start())
    const isOpen = (one: JsonObject) => cents(one, 'Balance') === cents(one, 'TotalAmt')
    const kinds = {
      paid: invoices.filter((one) => cents(one, 'Balance') === 0),
      partly: invoices.filter((one) => cents(one, 'Balance') > 0 && !isOpen(one)),
      unpaid: invoices.filter(isOpen),
      overdue: invoices.filter((one) => cents(one, 'Balance') > 0 && word(one, 'DueDate') < '2026-06-01'),
      foreign: invoices.filter(
        (one) => refOf(one, 'CurrencyRef') === 'EUR' && one['ExchangeRate'] !== undefined,
      ),
      over: payments.filter((one) => cents(one, 'UnappliedAmt') > 0 && list(one['Line']).length > 0),
      unapplied: payments.filter((one) => list(one['Line']).length === 0 && cents(one, 'TotalAmt') > 0),
      deposited: payments.filter((one) =>
        list(one['LinkedTxn']).some(({ TxnType }) => TxnType === 'Deposit'),
      ),
      matching: payments.filter(
        (one) =>
          list(one['Line']).length === 0 &&
          invoices.some(
            (invoice) =>
              refOf(invoice, 'CustomerRef') === refOf(one, 'CustomerRef') &&
              invoice['Balance'] === one['TotalAmt'],
          ),
      ),
    }
    for (const [kind, found] of Object.entries(kinds)) expect([kind, found.length > 0]).toEqual([kind, true])
  })

  it('still balance after many edits of all kinds, the same ones for the same seed and after a restart', async () => {
    await withHome(async (home) => {
      const [one, same] = [await start({ home }), await start()]
      for (const resource of [...Object.keys(size), 'accounts', 'tax_codes']) {
        const wish = { resource, create: 4, update: 6, delete: 3 }
        for (const bench of [one, same]) {
          bench.pass(60_000)
          bench.sandbox.control.edit(slug, wish)
        }
      }
      await check(one)
      const again = await start({ home })
      for (const resource of [...Object.keys(size), 'accounts', 'tax_codes']) {
        const truth = one.sandbox.control.state(slug, resource)
        expect(same.sandbox.control.state(slug, resource)).toEqual(truth)
        expect(again.sandbox.control.state(slug, resource)).toEqual(truth)
      }
    })
  })

  it.each([
    ['AgedReceivables', 7],
    ['ProfitAndLoss', 2],
    ['BalanceSheet', 2],
    ['TrialBalance', 3],
    ['GeneralLedger', 8],
    ['TransactionList', 9],
  ])('%s has rows as wide as its columns', async (name, width) => {
    const { call } = await start()
    const { status, body } = await call('GET', `/reports/${name}`, {
      query: { date_macro: 'This Fiscal Year' },
    })
    expect([status, part(body, 'Header')['ReportName']]).toEqual([200, name])
    expect(list(part(body, 'Columns')['Column'])).toHaveLength(width)
    const widths = new Set<number>()
    const visit = (row: JsonObject) => {
      for (const cells of [row, part(row, 'Header'), part(row, 'Summary')])
        if (cells['ColData'] !== undefined) widths.add(list(cells['ColData']).length)
      for (const inner of list(part(row, 'Rows')['Row'])) visit(inner)
    }
    for (const row of list(part(body, 'Rows')['Row'])) visit(row)
    expect([...widths]).toEqual([width])
  })

  it('what customers owe by age is what their open invoices, payments and credits say', async () => {
    const bench = await start()
    const { body } = await bench.call('GET', '/reports/AgedReceivables')
    const summary = list(part(list(part(body, 'Rows')['Row']).at(-1) ?? {}, 'Summary')['ColData'])
    const total = Math.round(Number(summary.at(-1)?.['value']) * 100)
    const home = (one: JsonObject, name: string) => cents(one, name) * Number(one['ExchangeRate'] ?? 1)
    const sum = (resource: string, name: string) =>
      Object.values(bench.sandbox.control.state(slug, resource)).reduce(
        (all, one) => all + home(one, name),
        0,
      )
    const owed =
      sum('invoices', 'Balance') - sum('payments', 'UnappliedAmt') - sum('credit_memos', 'RemainingCredit')
    expect(Math.abs(total - owed)).toBeLessThan(100)
  })
})

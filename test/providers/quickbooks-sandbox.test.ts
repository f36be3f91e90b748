/** The simulated QuickBooks company over HTTP, as Intuit documents it: what the connector and people try out against. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { samples } from '../../sandbox/samples.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/server.ts'
import { simulators } from '../../sandbox/simulators.ts'

const slug = 'quickbooks'
const sample = samples.find((one) => one.provider === slug)
const app = simulators.find((one) => one.slug === slug)?.app
if (!sample || !app) throw new Error('QuickBooks is missing')
const { settings, secrets } = sample
const realm = settings['realm_id'] ?? ''
const otherRealm = '4620816365007654321'
const size = {
  customers: 40,
  invoices: 160,
  payments: 120,
  items: 12,
  vendors: 10,
  bills: 20,
  purchases: 20,
  credit_memos: 10,
  deposits: 30,
  journal_entries: 6,
}
const hour = 3_600_000
const day = 24 * hour

interface Asked {
  readonly query?: Record<string, string>
  readonly body?: object
  readonly form?: Record<string, string>
  readonly text?: string
  readonly token?: string
  readonly headers?: Record<string, string>
}

const open: Sandbox[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()))
})

async function start(options: Partial<SandboxOptions> = {}) {
  let time = Date.parse('2026-06-01T12:00:00Z')
  const limits = { minute: 1e9, second: 1e9, batch: 1e9, ...options.limits }
  const sandbox = await startSandbox({ port: 0, size, now: () => new Date(time), ...options, limits })
  open.push(sandbox)
  const ask = async (method: string, target: string, asked: Asked = {}) => {
    const { query = {}, body, form, text: plain, token = secrets['access_token'] ?? '', headers = {} } = asked
    const sent = form ? new URLSearchParams(form).toString() : body ? JSON.stringify(body) : plain
    const response = await fetch(`${sandbox.url}/${slug}${target}?${new URLSearchParams(query).toString()}`, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    const answer: unknown = isJson ? JSON.parse(text) : {}
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJsonObject(answer) ? answer : {},
    }
  }
  const call = (method: string, target: string, asked: Asked = {}) =>
    ask(method, `/v3/company/${realm}${target}`, asked)
  const query = async (statement: string) =>
    (await call('GET', '/query', { query: { query: statement } })).body
  const rows = async (entity: string, rest = ''): Promise<JsonObject[]> =>
    list(part(await query(`select * from ${entity} ${rest}`), 'QueryResponse')[entity])
  return { sandbox, ask, call, query, rows, pass: (ms: number) => void (time += ms), now: () => time }
}

const part = (object: JsonObject, name: string): JsonObject => {
  const found = object[name]
  return isJsonObject(found) ? found : {}
}
const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : [])
const firstOf = (rows: readonly JsonObject[]): JsonObject => {
  const [row] = rows
  if (!row) throw new Error('nothing was found')
  return row
}
const word = (object: JsonObject, name: string): string => {
  const value = object[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
const refOf = (object: JsonObject, name: string): string => word(part(object, name), 'value')
const codeOf = (body: JsonObject): string => word(firstOf(list(part(body, 'Fault')['Error'])), 'code')
const cents = (object: JsonObject, name: string): number => Math.round(Number(object[name] ?? 0) * 100)

/** An invoice over one line, for the first customer in home currency. */
async function newInvoice(bench: Awaited<ReturnType<typeof start>>, amount: number, query = {}) {
  const customer = await homeCustomer(bench)
  const { status, body } = await bench.call('POST', '/invoice', {
    query,
    body: {
      CustomerRef: { value: word(customer, 'Id') },
      Line: [
        {
          Amount: amount,
          DetailType: 'SalesItemLineDetail',
          SalesItemLineDetail: { ItemRef: { value: '1' } },
        },
      ],
    },
  })
  return { status, body, invoice: part(body, 'Invoice'), customer: word(customer, 'Id') }
}

const homeCustomer = async ({ rows }: Awaited<ReturnType<typeof start>>): Promise<JsonObject> =>
  firstOf((await rows('Customer', 'maxresults 100')).filter((one) => refOf(one, 'CurrencyRef') === 'USD'))

const payBody = (customer: string, total: number, invoice: string, amount = total) => ({
  CustomerRef: { value: customer },
  TotalAmt: total,
  Line: [{ Amount: amount, LinkedTxn: [{ TxnId: invoice, TxnType: 'Invoice' }] }],
})

describe('signing in', () => {
  const redirectUri = 'http://127.0.0.1:9999/callback'
  const basic = `Basic ${Buffer.from(`${app.clientId}:${app.clientSecret}`).toString('base64')}`
  const verifier = 'a-verifier-of-more-than-forty-three-characters-0123456789'
  const authorize = {
    client_id: app.clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'com.intuit.quickbooks.accounting openid',
    state: 'the-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  const tokenPath = '/oauth2/v1/tokens/bearer'
  type Bench = Awaited<ReturnType<typeof start>>
  const token = (bench: Bench, form: Record<string, string>, authorization = basic) =>
    bench.ask('POST', tokenPath, { form, headers: { authorization } })
  const refresh = (bench: Bench, value: string) =>
    token(bench, { grant_type: 'refresh_token', refresh_token: value })

  async function allow(bench: Bench, company = realm) {
    const { headers, status } = await bench.ask('POST', '/connect/oauth2', {
      query: authorize,
      form: { decision: 'allow', realmId: company },
    })
    expect(status).toBe(302)
    return new URL(headers.get('location') ?? '')
  }
  const exchange = async (bench: Bench, company = realm) => {
    const target = await allow(bench, company)
    return token(bench, {
      grant_type: 'authorization_code',
      code: target.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
    })
  }

  it('shows a consent screen that works without JavaScript, and sends back code, state and realm', async () => {
    const bench = await start()
    const screen = await bench.ask('GET', '/connect/oauth2', { query: authorize })
    expect([screen.status, screen.text]).toEqual([200, expect.stringContaining('<form method="post">')])
    expect(screen.text).not.toContain('<script')
    const target = await allow(bench)
    expect(`${target.origin}${target.pathname}`).toBe(redirectUri)
    expect(target.searchParams.get('state')).toBe('the-state')
    expect(target.searchParams.get('realmId')).toBe(realm)
    const denied = await bench.ask('POST', '/connect/oauth2', {
      query: authorize,
      form: { decision: 'deny' },
    })
    expect(denied.headers.get('location')).toContain('error=access_denied')
    for (const wrong of [{ client_id: 'x' }, { redirect_uri: 'http://evil.example' }, { state: '' }])
      expect((await bench.ask('GET', '/connect/oauth2', { query: { ...authorize, ...wrong } })).status).toBe(
        400,
      )
  })

  it('answers exactly the documented fields, takes a code once, and wants client and verifier right', async () => {
    const bench = await start()
    const { body, status } = await exchange(bench)
    expect([status, Object.keys(body).sort()]).toEqual([
      200,
      ['access_token', 'expires_in', 'refresh_token', 'token_type', 'x_refresh_token_expires_in'],
    ])
    expect([body['expires_in'], body['x_refresh_token_expires_in']]).toEqual([3600, 8726400])
    const code = (await allow(bench)).searchParams.get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri }
    expect((await token(bench, form, 'Basic eDp5')).body['error']).toBe('invalid_client')
    expect((await token(bench, { ...form, code_verifier: 'wrong' })).body['error']).toBe('invalid_grant')
    expect((await token(bench, { ...form, code_verifier: verifier })).body['error']).toBe('invalid_grant')
  })

  it('lets an access token live an hour, and one for another company see only that', async () => {
    const bench = await start()
    const access = word((await exchange(bench, otherRealm)).body, 'access_token')
    const info = (company: string) =>
      bench.ask('GET', `/v3/company/${company}/companyinfo/${company}`, { token: access })
    expect(part((await info(otherRealm)).body, 'CompanyInfo')['CompanyName']).toBe('Second Street Bakery')
    const foreign = await info(realm)
    expect([foreign.status, foreign.text]).toEqual([403, expect.stringContaining('"3100"')])
    bench.pass(hour + 1000)
    const over = await info(otherRealm)
    expect([over.status, over.text]).toEqual([401, expect.stringContaining('"3200"')])
  })

  it('changes the refresh token after a day, keeps the one before for another, and then refuses it', async () => {
    const bench = await start()
    const first = word((await exchange(bench)).body, 'refresh_token')
    bench.pass(23 * hour)
    expect((await refresh(bench, first)).body['refresh_token']).toBe(first)
    bench.pass(2 * hour)
    const second = word((await refresh(bench, first)).body, 'refresh_token')
    expect(second).not.toBe(first)
    bench.pass(23 * hour)
    expect((await refresh(bench, first)).body['refresh_token']).toBe(second)
    bench.pass(2 * hour)
    const late = await refresh(bench, first)
    expect([late.status, late.body['error']]).toEqual([400, 'invalid_grant'])
    expect((await refresh(bench, second)).status).toBe(200)
    bench.pass(102 * day)
    expect((await refresh(bench, second)).status).toBe(400)
  })

  it('ends a consent when it is revoked, and remembers consents across a restart', async () => {
    const home = mkdtempSync(path.join(tmpdir(), 'tieline-quickbooks-'))
    try {
      const bench = await start({ home })
      const kept = (await exchange(bench)).body
      const ended = (await exchange(bench)).body
      const revoke = () =>
        bench.ask('POST', '/v2/oauth2/tokens/revoke', {
          body: { token: word(ended, 'refresh_token') },
          headers: { authorization: basic },
        })
      expect((await revoke()).status).toBe(200)
      expect((await revoke()).status).toBe(400)
      const again = await start({ home })
      const info = (from: JsonObject) =>
        again.call('GET', `/companyinfo/${realm}`, { token: word(from, 'access_token') })
      expect((await info(kept)).status).toBe(200)
      expect((await info(ended)).status).toBe(401)
      expect((await refresh(again, word(kept, 'refresh_token'))).status).toBe(200)
    } finally {
      rmSync(home, { recursive: true })
    }
  })
})

describe('queries', () => {
  it('count, filter, order and page; 100 rows unless more are asked for, 1000 at most', async () => {
    const { query, rows } = await start()
    expect(part(await query('select count(*) from Invoice'), 'QueryResponse')).toEqual({ totalCount: 160 })
    expect(await rows('Invoice')).toHaveLength(100)
    const ordered = await rows('Invoice', 'orderby MetaData.LastUpdatedTime asc, Id desc maxresults 1000')
    const times = ordered.map((row) => Date.parse(word(part(row, 'MetaData'), 'LastUpdatedTime')))
    expect(times).toEqual([...times].sort((one, other) => one - other))
    const pages = [await rows('Invoice', 'ORDER BY Id STARTPOSITION 1 MAXRESULTS 90')]
    pages.push(await rows('Invoice', 'ORDERBY Id STARTPOSITION 91 MAXRESULTS 90'))
    expect(new Set(pages.flat().map((row) => row['Id'])).size).toBe(160)
    const open = await rows('Invoice', "where Balance > '0' and TxnDate >= '2026-05-01' maxresults 1000")
    expect(open.length).toBeGreaterThan(0)
    for (const row of open) expect(cents(row, 'Balance')).toBeGreaterThan(0)
    expect(codeOf(await query('select * from Invoice maxresults 1001'))).toBe('4001')
    expect(part(await query("select * from Invoice where DocNumber = 'none'"), 'QueryResponse')).toEqual({})
  })

  it('take quotes with a backslash, texts by POST, and say what they cannot do', async () => {
    const { call, query, rows } = await start()
    await call('POST', '/customer', { body: { DisplayName: "Cutlery 'R Us" } })
    expect(await rows('Customer', "where DisplayName = 'Cutlery \\'R Us'")).toHaveLength(1)
    expect(await rows('Customer', "where DisplayName like 'Cutlery%'")).toHaveLength(1)
    const posted = await call('POST', '/query', {
      text: "select * from Term where Name = 'Net 30'",
      headers: { 'content-type': 'application/text' },
    })
    expect(list(part(posted.body, 'QueryResponse')['Term'])).toHaveLength(1)
    for (const [statement, code] of [
      ["select * from Invoice where Id = '1' or Id = '2'", '4000'],
      ["select * from Customer where DisplayName = 'Cutlery 'R Us'", '4000'],
      ['', '4000'],
      ["select * from Invoice where PrivateNote = 'x'", '4001'],
      ['select * from Nothing', '4001'],
    ] as const)
      expect([statement, codeOf(await query(statement))]).toEqual([statement, code])
  })

  it('hide inactive names unless Active is asked for', async () => {
    const { call, rows } = await start()
    const { Id = '', SyncToken = '' } = firstOf(await rows('Vendor'))
    const before = (await rows('Vendor', 'maxresults 1000')).length
    const { body } = await call('POST', '/vendor', { body: { Id, SyncToken, sparse: true, Active: false } })
    expect(word(part(body, 'Vendor'), 'DisplayName')).toMatch(/ \(deleted\)$/)
    expect(await rows('Vendor', 'maxresults 1000')).toHaveLength(before - 1)
    const all = await rows('Vendor', 'where Active in (true, false) maxresults 1000')
    expect(all.map((row) => row['Id'])).toContain(Id)
  })
})

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
    const home = mkdtempSync(path.join(tmpdir(), 'tieline-quickbooks-'))
    try {
      const bench = await start({ home })
      const first = await newInvoice(bench, 33, { requestid: 'once-only' })
      const again = await start({ home })
      const second = await newInvoice(again, 33, { requestid: 'once-only' })
      expect(second.body).toEqual(first.body)
      expect(part(await again.query('select count(*) from Invoice'), 'QueryResponse')['totalCount']).toBe(161)
      const long = await newInvoice(again, 33, { requestid: 'x'.repeat(51) })
      expect(long.status).toBe(400)
    } finally {
      rmSync(home, { recursive: true })
    }
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

describe('many at once', () => {
  it('a batch answers each item by itself, and takes 30', async () => {
    const { call } = await start()
    const item = (index: number) => ({
      bId: `b${index}`,
      operation: 'create',
      Customer: { DisplayName: `Batch ${index % 2}` },
    })
    const items = [0, 1, 2].map(item)
    const body = {
      BatchItemRequest: [
        ...items,
        { bId: 'q', Query: "select * from Customer where DisplayName like 'Batch%'" },
      ],
    }
    const { status, body: answer } = await call('POST', '/batch', { body })
    const found = list(answer['BatchItemResponse'])
    expect([status, found.map((one) => one['bId'])]).toEqual([200, ['b0', 'b1', 'b2', 'q']])
    expect(found.map((one) => 'Fault' in one)).toEqual([false, false, true, false])
    const many = { BatchItemRequest: Array.from({ length: 31 }, (_, index) => item(index)) }
    expect((await call('POST', '/batch', { body: many })).status).toBe(400)
  })

  it('change data capture tells of changes and deletions, of 30 days at most', async () => {
    const { call, sandbox, now, pass } = await start()
    pass(day)
    const since = new Date(now()).toISOString()
    pass(1000)
    const edits = [
      ...sandbox.control.edit(slug, { resource: 'invoices', create: 2, update: 2, delete: 1 }),
      ...sandbox.control.edit(slug, { resource: 'customers', update: 1, delete: 1 }),
    ]
    expect(edits.map(({ resource, effect }) => `${resource} ${effect}`)).not.toContain('customers deleted')
    const ask = (entities: string, changedSince: string) =>
      call('GET', '/cdc', { query: { entities, changedSince } })
    const { body } = await ask('Invoice,Customer,Estimate', since)
    const groups = list(firstOf(list(body['CDCResponse']))['QueryResponse'])
    const invoices = list(groups[0]?.['Invoice'])
    for (const { id, resource, effect } of edits.filter((one) => one.resource === 'invoices')) {
      const row = invoices.find((one) => one['Id'] === id)
      expect([resource, row?.['status']]).toEqual([resource, effect === 'deleted' ? 'Deleted' : undefined])
      if (effect === 'deleted')
        expect(Object.keys(row ?? {}).sort()).toEqual(['Id', 'MetaData', 'domain', 'status'])
    }
    expect(list(groups[1]?.['Customer'])).toHaveLength(1)
    expect(groups[2]).toEqual({})
    expect((await ask('Invoice', new Date(now() - 31 * day).toISOString())).status).toBe(400)
    expect((await ask('TaxCode', since)).status).toBe(400)
  })
})

describe('the books', () => {
  const check = async (bench: Awaited<ReturnType<typeof start>>) => {
    const truth = (resource: string) => Object.values(bench.sandbox.control.state(slug, resource))
    const [invoices, payments, memos] = [truth('invoices'), truth('payments'), truth('credit_memos')]
    const applied = new Map<string, number>()
    for (const payment of payments)
      for (const line of list(payment['Line']))
        for (const { TxnId, TxnType } of list(line['LinkedTxn'])) {
          const key = `${String(TxnType)} ${String(TxnId)}`
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
    const home = mkdtempSync(path.join(tmpdir(), 'tieline-quickbooks-'))
    try {
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
    } finally {
      rmSync(home, { recursive: true })
    }
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

describe('limits', () => {
  it('are 10 calls a second and 40 batches a minute, answered with 429 and the gateway’s fault', async () => {
    const { call, pass } = await start({ limits: { minute: 500, second: 10, batch: 40 } })
    const statuses: number[] = []
    for (let calls = 0; calls < 11; calls++) statuses.push((await call('GET', '/preferences')).status)
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 429])
    let last = 0
    for (let calls = 0; calls < 41; calls++) {
      pass(200)
      const body = { BatchItemRequest: [{ bId: '1', Query: 'select count(*) from Term' }] }
      last = (await call('POST', '/batch', { body })).status
    }
    expect(last).toBe(429)
    expect((await call('GET', '/preferences')).headers.get('intuit_tid')).not.toBeNull()
  })
})

/** The simulated QuickBooks service, as Intuit documents it: sign-in, queries, changes, batches, limits. */
import { createHash } from 'node:crypto'
import type { JsonObject } from '../../model/json.ts'
import {
  closeAll,
  app,
  cents,
  codeOf,
  day,
  firstOf,
  hour,
  list,
  otherRealm,
  part,
  realm,
  slug,
  start,
  withHome,
  word,
  type Company,
} from '../harness/quickbooks-company.ts'

afterEach(closeAll)

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
  const token = (bench: Company, form: Record<string, string>, authorization = basic) =>
    bench.ask('POST', tokenPath, { form, headers: { authorization } })
  const refresh = (bench: Company, value: string) =>
    token(bench, { grant_type: 'refresh_token', refresh_token: value })

  async function allow(bench: Company, company = realm) {
    const { headers, status } = await bench.ask('POST', '/connect/oauth2', {
      query: authorize,
      form: { decision: 'allow', realmId: company },
    })
    expect(status).toBe(302)
    return new URL(headers.get('location') ?? '')
  }
  const exchange = async (bench: Company, company = realm) => {
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
    await withHome(async (home) => {
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
    })
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

describe('many at once', () => {
  it('more changes than fit are cut off, and nothing says so', async () => {
    const { call, now } = await start({ limits: { changes: 5 } })
    const changedSince = new Date(now() - 20 * day).toISOString()
    const { body } = await call('GET', '/cdc', { query: { entities: 'Invoice', changedSince } })
    const [group = {}] = list(firstOf(list(body['CDCResponse']))['QueryResponse'])
    expect([list(group['Invoice']).length, group['totalCount']]).toEqual([5, 5])
  })

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

it('answers XML to those who do not ask for JSON', async () => {
  const { call } = await start()
  const accept = { accept: '*/*' }
  const { text, headers } = await call('GET', `/companyinfo/${realm}`, { headers: accept })
  expect(headers.get('content-type')).toContain('application/xml')
  expect(text).toContain('<CompanyName>Tieline Sandbox Co.</CompanyName>')
  const refused = await call('GET', '/invoice/999999', { headers: accept })
  expect(refused.text).toContain('<Fault type="ValidationFault"><Error code="610"')
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

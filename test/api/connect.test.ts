/** The connect page over real HTTP, in a browser without JavaScript, against a local OAuth provider. */
import { createAccount, sessionOf, startConnectBench, type ConnectBench } from '../harness/connect-bench.ts'
import { createBrowser } from '../harness/browser.ts'
import { goodKey } from '../harness/oauth-provider.ts'
import { until } from '../harness/api.ts'
import { openCredential } from '../../db/credentials.ts'
import { newKeyRingText, parseKeyRing } from '../../platform/secrets/keyring.ts'
import { createSessionLinks } from '../../platform/secrets/session-link.ts'
import { newId } from '../../platform/new-id.ts'

let bench: ConnectBench

beforeAll(async () => {
  bench = await startConnectBench()
}, 120_000)
afterAll(async () => {
  await bench?.close()
})

const keyFields = { 'field.company': 'acme', 'field.key': goodKey }

/** From the link to the end, by key. */
async function connectByKey(wish: object = {}, fields: Record<string, string> = keyFields) {
  const { link, browser } = await bench.link({ auth: 'key', ...wish })
  const form = await browser.open(link.url)
  await browser.send(form, '/setup', fields)
  return { link, browser, page: await bench.ended(browser, link) }
}

/** From the link through the consent to the end. */
async function connectByConsent(
  wish: object = {},
  decision: Parameters<ConnectBench['consent']>[2] = { allow: true },
) {
  const { link, browser } = await bench.link({ auth: 'oauth', ...wish })
  await bench.consent(browser, link, decision)
  return { link, browser, page: await bench.ended(browser, link) }
}

describe('a link', () => {
  it('leads the first browser to its page and takes the token out of the address', async () => {
    const { link, browser } = await bench.link({})
    const page = await browser.open(link.url)
    expect(page).toMatchObject({ status: 200, url: `${bench.api.url}/connect/s/${link.sessionId}` })
    expect(page.text).toContain('Partner of Tinybooks')
    expect(browser.setCookies).toEqual([
      expect.stringMatching(/^tieline-ses_\w+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=3600$/),
    ])
    expect(await bench.session(link)).toMatchObject({ state: 'open', connectionId: null })
  })

  it('is dead for every other browser, and still opens for the first', async () => {
    const { link, browser } = await bench.link({})
    await browser.open(link.url)
    const other = createBrowser(bench.api.url)
    expect(await other.open(link.url)).toMatchObject({ status: 403 })
    expect(other.cookies.size).toBe(0)
    expect(await other.open(`${bench.api.url}/connect/s/${link.sessionId}`)).toMatchObject({ status: 403 })
    expect(await browser.open(link.url)).toMatchObject({ status: 200 })
  })

  it('is not used up by a mail scanner, a chat preview or a prefetch', async () => {
    const { link, browser } = await bench.link({})
    const visits = [{ 'User-Agent': 'Slackbot-LinkExpanding 1.0' }, { 'Sec-Purpose': 'prefetch' }]
    for (const headers of visits) {
      const seen = await createBrowser(bench.api.url).open(link.url, headers)
      expect(seen).toMatchObject({ status: 200, url: link.url })
      expect(seen.text).not.toContain('Tinybooks')
    }
    expect(await browser.open(link.url)).toMatchObject({ status: 200 })
  })

  it('that is forged, damaged, of another hub or expired opens nothing', async () => {
    const { link, browser } = await bench.link({})
    const { origin } = new URL(link.url)
    const at = (token: string) => browser.open(`${origin}/connect/${token}`)
    const token = link.url.split('/').at(-1) ?? ''
    const later = new Date(Date.now() + 60_000)
    const foreign = createSessionLinks(parseKeyRing(newKeyRingText()))
    const { links } = bench.api.deps
    const [head, body, signature = ''] = token.split('.')
    const flipped = `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    expect(await at(flipped)).toMatchObject({ status: 404 })
    expect(await at('nonsense')).toMatchObject({ status: 404 })
    expect(await at(await foreign.sign(link.sessionId, later))).toMatchObject({ status: 404 })
    expect(await at(await links.sign(newId('session'), later))).toMatchObject({ status: 404 })
    expect(await at(await links.sign(link.sessionId, new Date(Date.now() - 1000)))).toMatchObject({
      status: 410,
    })
    expect(browser.cookies.size).toBe(0)
  })

  it('signed before a rotation of the key ring works while the old key is in it', async () => {
    const [before, after] = [newKeyRingText(new Date('2026-01-02')), newKeyRingText(new Date('2026-03-04'))]
    const sessionId = newId('session')
    const token = await createSessionLinks(parseKeyRing(before)).sign(
      sessionId,
      new Date(Date.now() + 60_000),
    )
    expect(await createSessionLinks(parseKeyRing(`${after},${before}`)).read(token)).toEqual({ sessionId })
    expect(await createSessionLinks(parseKeyRing(after)).read(token)).toBe('invalid')
  })

  it('of a session whose time is over says so, and its secrets are erased', async () => {
    const { link, browser } = await bench.link({ auth: 'key' })
    const form = await browser.open(link.url)
    await browser.send(form, '/setup', { 'field.company': 'A C M E', 'field.key': goodKey })
    await bench.sql(
      `update connect_sessions set expires_at = now() - interval '1 second' where session_id = '${link.sessionId}'`,
    )
    const page = await browser.open(form.url)
    expect(page).toMatchObject({ status: 410 })
    expect(page.text).toContain('has expired')
    expect(await browser.send(form, '/setup', keyFields)).toMatchObject({ status: 410 })
    expect(await bench.session(link)).toMatchObject({ state: 'expired' })
    await bench.link({})
    expect(await bench.secretsOf(link)).toEqual([])
  })
})

describe('every page', () => {
  it('keeps frames, caches, foreign scripts and referrers out', async () => {
    const { link, browser } = await bench.link({ auth: 'key' })
    const { headers, text } = await browser.open(link.url)
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("form-action 'self';")
    expect(policy).not.toContain('unsafe')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(text).not.toMatch(/<script>|<style|style=|onclick|https?:\/\//)
    for (const name of ['connect.css', 'connect.js'])
      expect((await fetch(`${bench.api.url}/connect/assets/${name}`)).status).toBe(200)
  })

  it('labels each field and shows the partner', async () => {
    const { link, browser } = await bench.link({ auth: 'key' })
    const { text } = await browser.open(link.url)
    for (const [, id = ''] of text.matchAll(/<input id="([^"]+)"/g))
      expect(text).toContain(`<label for="${id}">`)
    expect(text).toContain('<html lang="en" dir="ltr">')
    expect(text).toContain('<p class="partner">Partner of Tinybooks &lt;b&gt;</p>')
  })

  it('takes no form from another site or without its token', async () => {
    const { link, browser } = await bench.link({ auth: 'key' })
    const page = await browser.open(link.url)
    const forged = {
      ...page,
      text: page.text.replace(/name="formToken" value="[^"]*"/, 'name="formToken" value="x"'),
    }
    expect(await browser.send(forged, '/setup', keyFields)).toMatchObject({ status: 403 })
    expect(await bench.session(link)).toMatchObject({ state: 'open' })
  })
})

describe('connecting by key', () => {
  it('tests what was entered, makes the connection and its schedule, and ends the session', async () => {
    const { page, link } = await connectByKey({ returnUrl: 'https://app.acme.example/back?x=1' })
    expect(page.text).toContain('Signed in to acme Ltd.')
    expect(page.text).toContain('href="https://app.acme.example/back?x=1"')
    const session = await bench.session(link)
    expect(session).toMatchObject({ state: 'done', failure: null, finding: { facts: { plan: 'small' } } })
    const connection = await bench.connection(session.connectionId ?? '')
    expect(connection).toMatchObject({
      state: 'active',
      auth: 'key',
      settings: { company: 'acme' },
      name: 'Tinybooks',
    })
    expect(await openCredential(bench.db, bench.api.deps.vault, connection.connectionId)).toMatchObject({
      secrets: { key: goodKey },
    })
    // Made after the session is done, by the same workflow.
    const schedule = await until(
      () => bench.api.request('GET', `/admin/v1/connections/${connection.connectionId}/schedule`),
      ({ status }) => status === 200,
    )
    expect(schedule.body).toMatchObject({ paused: false })
    expect(await bench.secretsOf(link)).toEqual([])
    const { body } = await bench.api.request('GET', `/admin/v1/audit?subject=${connection.connectionId}`)
    expect(body).toMatchObject({
      items: [{ action: 'connection.created', details: { sessionId: link.sessionId } }],
    })
  })

  it('says by each field what is wrong with it and keeps what was right, but never shows a secret', async () => {
    const { link, browser } = await bench.link({ auth: 'key' })
    const form = await browser.open(link.url)
    const wrong = await browser.send(form, '/setup', { 'field.company': '<b>', 'field.key': goodKey })
    expect(wrong.status).toBe(422)
    expect(wrong.text).toContain('3 to 20 small letters.')
    expect(wrong.text).toContain('value="&lt;b&gt;"')
    expect(wrong.text).toContain('Entered already.')
    expect(wrong.text).not.toContain(goodKey)
    const empty = await browser.send(form, '/setup', { 'field.company': '', 'field.key': '' })
    expect(empty.text).toContain('Enter: Company.')
    expect(empty.text).not.toContain('Enter: Key.')
    await browser.send(form, '/setup', { 'field.company': 'acme', 'field.key': '' })
    expect((await bench.ended(browser, link)).text).toContain('Tinybooks is connected')
  })

  it('that the provider refuses tells why and lets the person try again on the same page', async () => {
    const { page, link, browser } = await connectByKey({}, { ...keyFields, 'field.key': 'key-1' })
    expect(page.text).toContain('This did not work')
    expect(await bench.session(link)).toMatchObject({
      state: 'failed',
      connectionId: null,
      failure: { code: 'Unauthorized' },
    })
    expect(page.text).not.toContain('key-1')
    await browser.send(page, '/setup', keyFields)
    expect((await bench.ended(browser, link)).text).toContain('Tinybooks is connected')
  })

  it('waits out nothing when the provider is down, and tests again at a click', async () => {
    bench.provider.setOutage(true)
    const { page, link, browser } = await connectByKey()
    bench.provider.setOutage(false)
    expect(await bench.session(link)).toMatchObject({ failure: { code: 'Unavailable' } })
    await browser.send(page, '/again')
    expect((await bench.ended(browser, link)).text).toContain('Tinybooks is connected')
  }, 60_000)
})

describe('the choice of a way', () => {
  it('is the person’s when nobody made it, and can be made again', async () => {
    const { link, browser } = await bench.link({})
    const choice = await browser.open(link.url)
    expect(choice.text).toMatch(/value="oauth"[\s\S]*value="key"/)
    const form = await browser.send(choice, '/method', { auth: 'key' })
    expect(form.text).toContain('An API key')
    const again = await browser.send(form, '/method', { auth: '' })
    expect(again.text).toContain('Choose how to connect it')
  })
})

describe('connecting by consent', () => {
  it('shows what is asked for and why, and sends the person to the provider with PKCE and a state', async () => {
    const { link, browser } = await bench.link({ auth: 'oauth' })
    const form = await browser.open(link.url)
    expect(form.text).toContain('Send invoices by e-mail')
    expect(form.text).toContain('Continue to Tinybooks')
    expect(form.headers.get('content-security-policy')).toContain(
      "form-action 'self' https: http://127.0.0.1",
    )
    const away = await browser.send(form, '/setup', { 'field.environment': 'production' })
    expect(away.status).toBe(303)
    const url = new URL(away.headers.get('location') ?? '')
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'tinybooks-app',
      redirect_uri: `${bench.api.url}/oauth/callback`,
      scope: 'books.read books.mail',
      code_challenge_method: 'S256',
    })
    expect(await bench.session(link)).toMatchObject({ state: 'waiting_for_consent' })
  })

  it('makes the connection with what the provider told of the account', async () => {
    const { page, link } = await connectByConsent()
    expect(page.text).toContain('Tinybooks is connected')
    expect(page.text).not.toContain('Not everything was allowed')
    const { connectionId } = await bench.session(link)
    expect(await bench.connection(connectionId ?? '')).toMatchObject({
      auth: 'oauth',
      externalAccount: 'acme',
      name: 'Tinybooks: acme Ltd',
      settings: { environment: 'production', realm_id: 'realm-acme' },
    })
    const credential = await openCredential(bench.db, bench.api.deps.vault, connectionId ?? '')
    expect(credential?.secrets).toMatchObject({ refresh_token: expect.stringMatching(/^refresh-/) as string })
    expect(await bench.secretsOf(link)).toEqual([])
  })

  it('takes a refusal for an answer, and the person may think again', async () => {
    const { page, link, browser } = await connectByConsent({}, { allow: false })
    expect(page.text).toContain('The access was not allowed at Tinybooks.')
    expect(await bench.session(link)).toMatchObject({ state: 'failed', failure: { code: 'Forbidden' } })
    await bench.consent(browser, link, { allow: true })
    expect((await bench.ended(browser, link)).text).toContain('Tinybooks is connected')
  })

  it('names a required access that was not granted, and makes no connection', async () => {
    const { page, link } = await connectByConsent({}, { allow: true, scopes: 'books.mail' })
    expect(page.text).toContain('Missing: Read invoices (books.read)')
    expect(await bench.session(link)).toMatchObject({ state: 'failed', connectionId: null })
  })

  it('notes an optional access that was not granted', async () => {
    const { page, link } = await connectByConsent({}, { allow: true, scopes: 'books.read' })
    expect(page.text).toContain('<li>Send invoices by e-mail</li>')
    expect(await bench.session(link)).toMatchObject({
      state: 'done',
      finding: { without: ['Send invoices by e-mail'] },
    })
  })

  it('takes a state once, from the browser that was sent, for the session that it was made for', async () => {
    const one = await bench.link({ auth: 'oauth' })
    const two = await bench.link({ auth: 'oauth' })
    const back = await bench.approve(one.browser, one.link, { allow: true })
    await bench.approve(two.browser, two.link, { allow: true })
    const before = bench.provider.exchanges.granted
    // Another browser, and the browser of another session, bring the answer of the first.
    expect(await createBrowser(bench.api.url).open(back)).toMatchObject({ status: 403 })
    expect(await two.browser.open(back)).toMatchObject({ status: 403 })
    const forged = new URL(back)
    forged.searchParams.set('state', 'a-state-that-nobody-made')
    expect(await one.browser.open(forged.href)).toMatchObject({ status: 400 })
    await one.browser.open(back)
    expect((await bench.ended(one.browser, one.link)).text).toContain('Tinybooks is connected')
    expect(await one.browser.open(back)).toMatchObject({ status: 400 })
    expect(bench.provider.exchanges.granted - before).toBe(1)
    expect(await bench.session(two.link)).toMatchObject({ state: 'waiting_for_consent' })
  })

  it('lets a later approval replace an earlier one that was left half-way', async () => {
    const { link, browser } = await bench.link({ auth: 'oauth' })
    const first = await bench.approve(browser, link, { allow: true })
    const second = await bench.approve(browser, link, { allow: true })
    expect(await browser.open(first)).toMatchObject({ status: 400 })
    await browser.open(second)
    expect((await bench.ended(browser, link)).text).toContain('Tinybooks is connected')
  })

  it('keeps codes, tokens and keys out of the histories', async () => {
    const { link } = await connectByConsent()
    const handle = bench.api.hub.temporal.client.workflow.getHandle(`connect:${link.sessionId}`)
    const clear = await bench.historyInClear(handle)
    expect(clear).toContain(link.sessionId)
    expect(clear).not.toMatch(/access-|refresh-|realm-acme|code_verifier/)
  })
})

describe('connecting again', () => {
  it('keeps the connection, its id and its cursors, and ends its trouble', async () => {
    const first = await connectByConsent()
    const { connectionId = '' } = (await bench.session(first.link)) as { connectionId?: string }
    await bench.markTroubled(connectionId)
    const troubled = await bench.connection(connectionId)
    expect(troubled).toMatchObject({
      state: 'needs_attention',
      reconnect: { path: '/admin/v1/connect-sessions', body: { provider: 'tinybooks', connectionId } },
    })
    const { page, link } = await connectByConsent({ ...troubled.reconnect?.body })
    expect(page.text).toContain('Tinybooks is connected')
    expect(await bench.session(link)).toMatchObject({ connectionId, isReconnection: true })
    const mended = await bench.connection(connectionId)
    expect(mended).toMatchObject({ connectionId, state: 'active', stateReason: null, name: troubled.name })
    expect(mended.reconnect).toBeUndefined()
    expect(await openCredential(bench.db, bench.api.deps.vault, connectionId)).toMatchObject({
      generation: 2,
    })
    expect(await bench.cursorsOf(connectionId)).toEqual([{ resource: 'invoices', position: { after: '7' } }])
  })

  it('to another account of the provider is refused, unless the session allows it', async () => {
    const first = await connectByConsent()
    const { connectionId } = await bench.session(first.link)
    const other = await connectByConsent({ connectionId }, { allow: true, account: 'umbrella' })
    expect(other.page.text).toContain('another Tinybooks account')
    expect(await bench.session(other.link)).toMatchObject({
      state: 'failed',
      failure: { code: 'StateConflict' },
    })
    expect(await bench.connection(connectionId ?? '')).toMatchObject({ externalAccount: 'acme' })
    const allowed = await connectByConsent(
      { connectionId, allowOtherAccount: true },
      { allow: true, account: 'umbrella' },
    )
    expect(allowed.page.text).toContain('Tinybooks is connected')
    expect(await bench.connection(connectionId ?? '')).toMatchObject({ externalAccount: 'umbrella' })
  })

  it('by key to another company is refused too: its address tells', async () => {
    const first = await connectByKey()
    const { connectionId } = await bench.session(first.link)
    const other = await connectByKey({ connectionId }, { ...keyFields, 'field.company': 'umbrella' })
    expect(other.page.text).toContain('another Tinybooks account')
  })
})

describe('the API of connect sessions', () => {
  it.each([
    ['http elsewhere', 'http://app.acme.example/'],
    ['no URL', 'back'],
    ['a script', 'javascript:alert(1)'],
    ['a password', 'https://me:secret@app.acme.example/'],
  ])('refuses to lead back to %s', async (_name, returnUrl) => {
    const answer = await bench.ask({ returnUrl })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer: '/returnUrl' }] } })
  })

  it('refuses ways, accounts and connections that there are not', async () => {
    expect(await bench.ask({ auth: 'magic' })).toMatchObject({ body: { errors: [{ pointer: '/auth' }] } })
    expect(await bench.ask({ accountId: newId('account') })).toMatchObject({
      body: { errors: [{ pointer: '/accountId' }] },
    })
    expect(await bench.ask({ connectionId: newId('connection') })).toMatchObject({ status: 404 })
  })

  it('lets a tenant see only its own sessions', async () => {
    const other = await createAccount(bench, 'Other')
    const { link } = await bench.link({ accountId: other.accountId })
    expect(await sessionOf(bench, bench.partnerId, link.sessionId)).toBeUndefined()
    expect(await sessionOf(bench, other.partnerId, link.sessionId)).toBeDefined()
  })
})

it('a session whose workflow could not be started is taken up by whoever looks at the page', async () => {
  const { link, browser } = await bench.link({ auth: 'key' })
  const form = await browser.open(link.url)
  await bench.withoutTemporal(() => browser.send(form, '/setup', keyFields))
  expect(await bench.session(link)).toMatchObject({ state: 'testing' })
  await until(
    () => browser.open(form.url),
    ({ text }) => text.includes('Tinybooks is connected'),
  )
}, 60_000)

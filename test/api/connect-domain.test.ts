/** Connecting at a partner's own domain: there, away to the provider, back over the hub's address, and there again. */
import { sql } from 'kysely'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { until } from '../harness/api.ts'
import { createBrowser, namedServer, type Browser, type Page } from '../harness/browser.ts'
import { startConnectBench, type ConnectBench } from '../harness/connect-bench.ts'

type Link = components['schemas']['ConnectLink']
const domain = 'connect.acme.example'
let bench: ConnectBench
let home: string

beforeAll(async () => {
  bench = await startConnectBench()
  home = `http://${domain}:${new URL(bench.api.url).port}`
  await bench.api.request('PUT', `/admin/v1/partners/${bench.partnerId}/brand`, {
    body: { name: 'Acme Brand' },
  })
  await bench.api.request('POST', `/admin/v1/partners/${bench.partnerId}/brand/publish`, { body: {} })
  await verified(bench.partnerId, domain)
}, 120_000)
afterAll(() => bench?.close())

async function verified(partnerId: string, name: string): Promise<string> {
  const domainId = newId('brandDomain')
  await sql`insert into brand_domains (domain_id, partner_id, domain, token, state, created_by)
    values (${domainId}, ${partnerId}, ${name}, 't', 'verified', 'test')`.execute(bench.db)
  return domainId
}

const browserAt = (address: string): Browser => createBrowser(address, namedServer(bench.api.url))

async function linkAt(wish: object = {}): Promise<Link> {
  const { status, body } = await bench.ask({ auth: 'oauth', domain, ...wish })
  expect({ status, body }).toMatchObject({ status: 201 })
  return body as Link
}

/** Opens the link, fills the form in, approves at the provider; answers where that sends the browser. */
async function sentBack(browser: Browser, url: string): Promise<string> {
  const form = await browser.open(url)
  expect(form).toMatchObject({ status: 200 })
  const away = await browser.send(form, '/setup', { 'field.environment': 'production' })
  return await bench.provider.decide(away.headers.get('location') ?? '', { allow: true })
}

/** What the hub's own address answers to this browser there: it has no cookie for it. */
const atHub = (url: string): Promise<Page> => createBrowser(bench.api.url).open(url)
const locationOf = ({ headers }: Page): string => headers.get('location') ?? ''

describe('a connect session at a domain of the partner', () => {
  it('goes to the provider with the hub’s redirect URI, and ends at the domain with the brand', async () => {
    const link = await linkAt()
    expect(link.url).toMatch(`${home}/connect/`)
    const browser = browserAt(home)
    const back = await sentBack(browser, link.url)
    expect(back).toMatch(`${bench.api.url}/oauth/callback?`)
    const passed = await atHub(back)
    expect(passed.status).toBe(303)
    expect(locationOf(passed)).toMatch(`${home}/oauth/callback?`)
    expect(passed.headers.get('referrer-policy')).toBe('no-referrer')
    const page = await browser.open(locationOf(passed))
    expect(page.url).toBe(`${home}/connect/s/${link.sessionId}`)
    const done = await until(
      () => browser.open(page.url),
      ({ text }) => !text.includes('http-equiv="refresh"'),
    )
    expect(done.text).toContain('Tinybooks is connected')
    expect(done.text).toContain('Acme Brand')
    expect(await bench.session(link)).toMatchObject({ state: 'done' })
  })

  it('tells a refusal at the domain too', async () => {
    const link = await linkAt()
    const browser = browserAt(home)
    const form = await browser.open(link.url)
    const away = await browser.send(form, '/setup', { 'field.environment': 'production' })
    const back = await bench.provider.decide(locationOf(away), { allow: false })
    const page = await browser.open(locationOf(await atHub(back)))
    expect(page.text).toContain('The access was not allowed at Tinybooks.')
  })

  it('takes the answer from the browser that was sent away and from no other', async () => {
    const link = await linkAt()
    const browser = browserAt(home)
    const back = await sentBack(browser, link.url)
    const passed = locationOf(await atHub(back))
    // Somebody who was made to approve for another's session has no cookie of it, at no address.
    expect(await browserAt(home).open(passed)).toMatchObject({ status: 403 })
    const other = browserAt(home)
    await sentBack(other, (await linkAt()).url)
    expect(await other.open(passed)).toMatchObject({ status: 403 })
    expect(await bench.session(link)).toMatchObject({ state: 'waiting_for_consent' })
    await browser.open(passed)
    expect(await browser.open(passed)).toMatchObject({ status: 400 })
  })

  it('leads to no domain that is not, or no longer, a verified one of its own partner', async () => {
    const others = newId('partner')
    await sql`insert into partners (partner_id, name) values (${others}, 'Beside')`.execute(bench.db)
    await verified(others, 'connect.beside.example')
    for (const name of [
      'connect.beside.example',
      'unknown.example',
      'acme.example',
      `${domain}/x`,
      '127.0.0.1',
    ])
      expect(await bench.ask({ domain: name })).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: '/domain' }] },
      })
    // Opened at the domain of another: the answer is for nobody, as it was before.
    const beside = `http://connect.beside.example:${new URL(bench.api.url).port}`
    const link = await linkAt()
    const astray = browserAt(beside)
    expect(await atHub(await sentBack(astray, link.url.replace(home, beside)))).toMatchObject({ status: 403 })

    const domainId = await verified(bench.partnerId, 'soon-gone.example')
    const gone = `http://soon-gone.example:${new URL(bench.api.url).port}`
    const before = await linkAt({ domain: 'soon-gone.example' })
    const back = await sentBack(browserAt(gone), before.url)
    await sql`delete from brand_domains where domain_id = ${domainId}`.execute(bench.db)
    await until(
      () => atHub(back),
      ({ status }) => status === 403,
    )
  })

  it('needs nothing of this at the hub’s own address', async () => {
    const { link, browser } = await bench.link({ auth: 'oauth' })
    await bench.consent(browser, link, { allow: true })
    expect((await bench.ended(browser, link)).text).toContain('Tinybooks is connected')
  })
})

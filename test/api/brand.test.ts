/** Brands over HTTP: drafts, what is published, inheritance, domains, who may see what; on two API processes. */
import { request as httpRequest } from 'node:http'
import { createBrands } from '../../api/brands/brands.ts'
import { createApi, closeServer } from '../../api/server.ts'
import { freePorts } from '../../cli/up/ports.ts'
import { listAudit } from '../../db/audit.ts'
import { openCaches } from '../../db/caches.ts'
import { sql } from 'kysely'
import { newId } from '../../platform/new-id.ts'
import { createTxtLookup } from '../../platform/dns.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'
import { startDnsServer, type DnsServer } from '../harness/dns-server.ts'

let api: TestApi
let dns: DnsServer
/** Another process of the same hub, behind a proxy on this machine. */
let second: { readonly url: string; close(): Promise<void> }

async function startSecond(): Promise<typeof second> {
  const caches = openCaches(api.database.database, api.database.url)
  const config = { ...api.deps.config, trustedProxies: ['127.0.0.1'] }
  const brands = createBrands(api.database.database.db, caches)
  const [port = 0] = await freePorts(1)
  const server = await createApi({ ...api.deps, config, caches, brands }).listen(port, '127.0.0.1')
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      await closeServer(server, 500)
      await caches.close()
    },
  }
}

beforeAll(async () => {
  dns = await startDnsServer()
  api = await startTestApi({ txtOf: createTxtLookup({ servers: [dns.address] }) })
  second = await startSecond()
}, 120_000)

afterAll(async () => {
  await second?.close()
  await api?.close()
  await dns?.close()
})

interface Version {
  version: number
  state: string
  content: Record<string, unknown>
}
interface Brand {
  latestVersion: number
  publishedVersion: number | null
  draft: Version | null
  published: Version | null
  effective: {
    name: string
    styleUrl: string
    sources: Record<string, string>
    content: Record<string, unknown>
  }
}

/** A partner with a key that may do everything. */
async function partner(parentId?: string) {
  const partnerId = newId('partner')
  await sql`insert into partners (partner_id, name, parent_id) values (${partnerId}, ${`Partner ${partnerId.slice(-4)}`}, ${parentId ?? null})`.execute(
    api.database.database.db,
  )
  const { text } = await api.key({ partnerId })
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    await api.request(method, path, { token: text, headers, ...(body === undefined ? {} : { body }) })
  const brand = async (query = '') => (await ask('GET', `/v1/brand${query}`)).body as Brand
  const publish = async (content: object) => {
    const put = await ask('PUT', '/v1/brand', content)
    expect(put).toMatchObject({ status: 200 })
    expect(await ask('POST', '/v1/brand/publish', {})).toMatchObject({ status: 200 })
  }
  return { partnerId, ask, brand, publish }
}

const svg = (inner: string): string =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">${inner}</svg>`).toString('base64')

/** A page as a browser asks for it, with whatever Host it likes: fetch does not let one choose. */
const page = (path: string, headers: Record<string, string> = {}, base = api.url) =>
  new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
    (resolve, reject) => {
      const asked = httpRequest(base + path, { headers }, (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (part: string) => (text += part))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
      })
      asked.on('error', reject)
      asked.end()
    },
  )

describe('drafts and versions', () => {
  it('change nothing before they are published, and an old one comes back as a draft', async () => {
    const one = await partner()
    expect(await one.brand()).toMatchObject({
      latestVersion: 0,
      publishedVersion: null,
      draft: null,
      published: null,
    })
    await one.publish({ name: 'First' })
    await one.ask('PUT', '/v1/brand?note=Louder', { name: 'Second' })
    expect(await one.brand('?effective=true')).toMatchObject({
      draft: { version: 2, state: 'draft', note: 'Louder' },
      published: { version: 1, state: 'published' },
      effective: { name: 'First' },
    })
    await one.ask('POST', '/v1/brand/publish', {})
    expect(await one.ask('POST', '/v1/brand/versions/1/restore')).toMatchObject({
      body: { publishedVersion: 2, draft: { version: 3, content: { name: 'First' } } },
    })
    const { items } = (await one.ask('GET', '/v1/brand/versions?limit=2')).body as { items: Version[] }
    expect(items.map(({ version, state }) => [version, state])).toEqual([
      [3, 'draft'],
      [2, 'published'],
    ])
    const told = await listAudit(api.database.database.db, { subject: one.partnerId, limit: 10 })
    expect(told.map(({ action }) => action).reverse()).toEqual([
      ...['brand.drafted', 'brand.published', 'brand.drafted', 'brand.published', 'brand.drafted'],
    ])
  })

  it('are written by one who has seen the last change', async () => {
    const one = await partner()
    const first = await one.ask('GET', '/v1/brand')
    const match = { 'If-Match': first.headers.get('etag') ?? '' }
    expect(await one.ask('PUT', '/v1/brand', { name: 'A' }, match)).toMatchObject({ status: 200 })
    expect(await one.ask('PUT', '/v1/brand', { name: 'B' }, match)).toMatchObject({ status: 412 })
    expect(await one.ask('POST', '/v1/brand/publish', {}, match)).toMatchObject({ status: 412 })
    expect(await one.brand()).toMatchObject({ latestVersion: 1, publishedVersion: null })
  })

  it('name every field that cannot be, and keep none of it', async () => {
    const one = await partner()
    const answer = await one.ask('PUT', '/v1/brand', {
      name: 'A\nB',
      colors: { light: { text: '#aaaaaa', background: '#ffffff' } },
      css: 'a { position: fixed }',
      logo: newId('brandAsset'),
      legal: { terms: 'javascript:alert(1)' },
    })
    expect(answer).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    const { errors } = answer.body as { errors: { pointer: string }[] }
    expect(errors.map(({ pointer }) => pointer).sort()).toEqual([
      ...['/colors/light/text', '/css', '/legal/terms', '/logo', '/name'],
    ])
    expect(await one.brand()).toMatchObject({ latestVersion: 0 })
  })
})

describe('what people see', () => {
  it('comes from the partners above, field by field, and changes below when it changes above', async () => {
    const top = await partner()
    const child = await partner(top.partnerId)
    await top.publish({ support: { email: 'help@top.example' }, colors: { light: { primary: '#0b6e4f' } } })
    await child.publish({ name: 'Child' })
    const { effective } = await child.brand('?effective=true')
    expect(effective).toMatchObject({
      name: 'Child',
      content: { support: { email: 'help@top.example' } },
      sources: { name: child.partnerId, 'support.email': top.partnerId },
    })
    await top.publish({ support: { email: 'new@top.example' } })
    await until(
      () => child.brand('?effective=true'),
      ({ effective: now }) => (now.content['support'] as { email: string }).email === 'new@top.example',
    )
  })

  it('is of no other partner: neither beside nor above', async () => {
    const top = await partner()
    const child = await partner(top.partnerId)
    const beside = await partner()
    const made = await top.ask('POST', '/v1/brand/assets', { kind: 'logo', data: svg('<path d="M0 0"/>') })
    const { assetId } = made.body as { assetId: string }
    for (const other of [child, beside]) {
      expect(await other.ask('PUT', '/v1/brand', { logo: assetId })).toMatchObject({ status: 400 })
      expect(await other.ask('DELETE', `/v1/brand/assets/${assetId}`)).toMatchObject({ status: 404 })
      expect((await other.ask('GET', '/v1/brand/assets')).body).toMatchObject({ items: [] })
      expect(await other.ask('GET', `/admin/v1/partners/${top.partnerId}/brand`)).toMatchObject({
        status: 403,
      })
    }
    const byAdmin = await api.request('PUT', `/admin/v1/partners/${child.partnerId}/brand`, {
      body: { name: 'Set' },
    })
    expect(byAdmin).toMatchObject({ status: 200, body: { draft: { createdBy: 'admin' } } })
  })

  it('is on a second API process within a second of its change', async () => {
    const one = await partner()
    await one.publish({ name: 'Before' })
    const docs = async () => (await page(`/docs?partner=${one.partnerId}`, {}, second.url)).text
    expect(await docs()).toContain('<title>Before: API</title>')
    await one.publish({ name: 'After' })
    const began = performance.now()
    while (!(await docs()).includes('<title>After: API</title>'))
      if (performance.now() - began > 1_000) throw new Error('the brand is still the one of before')
  })
})

describe('files', () => {
  it('are cleaned, served to be kept for ever, and may do nothing when they are opened', async () => {
    const one = await partner()
    const data = svg('<script>alert(1)</script><path d="M0 0" onclick="x()"/>')
    const made = await one.ask('POST', '/v1/brand/assets', { kind: 'logo', data })
    expect(made).toMatchObject({
      status: 201,
      body: { mediaType: 'image/svg+xml', removed: ['<script>', 'onclick=""'] },
    })
    const { url, assetId } = made.body as { url: string; assetId: string }
    expect(await one.ask('POST', '/v1/brand/assets', { kind: 'logo', data })).toMatchObject({
      ...{ status: 200, body: { assetId } },
    })
    const served = await page(url)
    expect(served.text).not.toMatch(/script|onclick/)
    expect(served.headers['content-security-policy']).toMatch(/default-src 'none'.*sandbox/)
    expect(served.headers['cache-control']).toContain('immutable')
    expect(await page(url, { 'If-None-Match': String(served.headers.etag) })).toMatchObject({ status: 304 })
    await one.publish({ logo: assetId })
    expect(await one.ask('DELETE', `/v1/brand/assets/${assetId}`)).toMatchObject({ status: 409 })
    expect(await one.ask('POST', '/v1/brand/assets', { kind: 'logo', data: 'bm90aGluZw==' })).toMatchObject({
      status: 400,
    })
    expect(await page(`/brand/assets/${newId('brandAsset')}`)).toMatchObject({ status: 404 })
  })
})

describe('a preview', () => {
  it('shows a draft to whoever has the link, without a word that is not escaped', async () => {
    const one = await partner()
    const evil = `"><script>alert('1')</script>`
    await one.ask('PUT', '/v1/brand', {
      name: evil,
      texts: { de: { 'setup.connect': `Los ${evil}`, 'title.connect': `{provider} ${evil}` } },
      css: '.button{border-radius:2rem}',
    })
    const link = await one.ask('POST', '/v1/brand/preview-links', {})
    const { url } = link.body as { url: string }
    const path = url.slice(api.url.length)
    for (const name of ['choose', 'setup', 'problem', 'test', 'done', 'expired']) {
      const { status, text, headers } = await page(`${path}?page=${name}`, {
        'Accept-Language': 'de-CH,en;q=0.5',
      })
      expect(status).toBe(200)
      expect(text).toContain('<html lang="de" dir="ltr">')
      expect(text).not.toContain('<script>')
      expect(text).not.toMatch(/ style=|<style/)
      expect(headers['content-security-policy']).toContain("style-src 'self'")
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers['content-security-policy']).toContain("form-action 'none'")
    }
    expect((await page(`${path}/style.css`)).text).toContain('.branded .button{border-radius:2rem}')
    expect(await page(`${path}x`)).toMatchObject({ status: 404 })
    const shown = await one.ask('GET', '/v1/brand/preview?page=done&language=de')
    expect(shown.body).toContain('ist verbunden')
    expect(shown.body).not.toContain('<script>')
  })

  it('shows an e-mail whose headers and texts hold nothing but what they should', async () => {
    const one = await partner()
    await one.ask('PUT', '/v1/brand', {
      name: 'Müller "& <Co>',
      sender: { address: 'hello@m.example' },
      support: { email: 'help@m.example' },
    })
    const { body } = await one.ask('GET', '/v1/brand/mail-preview?language=de')
    const mail = body as { from: string; replyTo: string; html: string; text: string }
    expect(mail.from).toMatch(/^=\?UTF-8\?B\?[A-Za-z0-9+/=]+\?= <hello@m\.example>$/)
    expect(mail.replyTo).toBe('help@m.example')
    expect(mail.html).toContain('Müller &quot;&amp; &lt;Co&gt;')
    expect(mail.html).not.toContain('<Co>')
    expect(mail.text).toContain('Freundliche Grüße\nMüller "& <Co>')
  })
})

describe('a domain', () => {
  const stateOf = async (one: Awaited<ReturnType<typeof partner>>, domainId: string) =>
    (await one.ask('GET', `/v1/brand/domains/${domainId}`)).body as { state: string; reason: string | null }

  it('is its partner’s once the record is there; pages at it have the brand, at others they have not', async () => {
    const one = await partner()
    await one.publish({ name: 'Acme <Docs>' })
    const made = await one.ask('POST', '/v1/brand/domains', { domain: 'Connect.Acme.example' })
    expect(made).toMatchObject({ status: 201, body: { state: 'pending', domain: 'connect.acme.example' } })
    const { domainId, record } = made.body as { domainId: string; record: { name: string; value: string } }
    const titleAt = async (host: string, more: Record<string, string> = {}) =>
      /<title>(.*)<\/title>/.exec((await page('/docs', { Host: host, ...more })).text)?.[1]
    await until(
      () => Promise.resolve(dns.asked),
      (asked) => asked.includes(record.name),
    )
    expect(await titleAt('connect.acme.example')).toBe('Tieline: API')
    dns.records.set(record.name, ['something else', record.value])
    await one.ask('POST', `/v1/brand/domains/${domainId}/verify`)
    await until(
      () => stateOf(one, domainId),
      ({ state }) => state === 'verified',
    )
    await until(
      () => titleAt('connect.acme.example:8443'),
      (title) => title === 'Acme &lt;Docs&gt;: API',
    )
    expect(await titleAt('CONNECT.acme.example.')).toBe('Acme &lt;Docs&gt;: API')
    for (const host of [
      'evil.example',
      'x.connect.acme.example',
      'connect.acme.example.evil.example',
      '127.0.0.1',
    ])
      expect(await titleAt(host)).toBe('Tieline: API')
    // The client is no proxy that is trusted: what it says in its name is not looked at.
    expect(await titleAt('hub.example', { 'X-Forwarded-Host': 'connect.acme.example' })).toBe('Tieline: API')
    const lost = await page('/connect/nothing', { Host: 'connect.acme.example' })
    expect(lost.text).toContain('Acme &lt;Docs&gt;')
    expect((await page('/connect/nothing', { Host: 'evil.example' })).text).not.toContain('Acme')
    expect((await page('/docs/webhooks', { Host: 'connect.acme.example' })).text).toContain(
      'Acme &lt;Docs&gt;',
    )
    const other = await partner()
    const rival = await other.ask('POST', '/v1/brand/domains', { domain: 'connect.acme.example' })
    const theirs = rival.body as { domainId: string; record: { name: string; value: string } }
    dns.records.set(record.name, [record.value, theirs.record.value])
    await other.ask('POST', `/v1/brand/domains/${theirs.domainId}/verify`)
    const lostIt = await until(
      () => stateOf(other, theirs.domainId),
      ({ state }) => state === 'failed',
    )
    expect(lostIt.reason).toContain('Another partner')
    expect(await other.ask('GET', `/v1/brand/domains/${domainId}`)).toMatchObject({ status: 404 })
    expect(await one.ask('DELETE', `/v1/brand/domains/${domainId}`)).toMatchObject({ status: 204 })
    await until(
      () => titleAt('connect.acme.example'),
      (title) => title === 'Tieline: API',
    )
  })

  it('stays as it is while DNS does not answer', async () => {
    const one = await partner()
    dns.isBroken = true
    const made = await one.ask('POST', '/v1/brand/domains', { domain: 'slow.example' })
    const { domainId, record } = made.body as { domainId: string; record: { name: string } }
    await until(
      () => Promise.resolve(dns.asked),
      (asked) => asked.includes(record.name),
    )
    expect(await stateOf(one, domainId)).toMatchObject({ state: 'pending', reason: null })
    dns.isBroken = false
    await one.ask('DELETE', `/v1/brand/domains/${domainId}`)
  })

  it.each([
    'localhost',
    '127.0.0.1',
    'a b.example',
    'https://a.example',
    'a.example:80',
    '*.a.example',
    'ä.example',
  ])('is refused: %s', async (domain) => {
    const one = await partner()
    expect(await one.ask('POST', '/v1/brand/domains', { domain })).toMatchObject({ status: 400 })
  })
})

describe('X-Forwarded-Host', () => {
  it('is believed from a proxy that is trusted, the last one that it names', async () => {
    const one = await partner()
    await one.publish({ name: 'Behind' })
    await sql`insert into brand_domains (domain_id, partner_id, domain, token, state, created_by)
      values (${newId('brandDomain')}, ${one.partnerId}, 'behind.example', 't', 'verified', 'test')`.execute(
      api.database.database.db,
    )
    const titleOf = async (forwarded: string) =>
      (await page('/docs', { Host: 'hub.example', 'X-Forwarded-Host': forwarded }, second.url)).text
    expect(await titleOf('behind.example')).toContain('<title>Behind: API</title>')
    expect(await titleOf('behind.example, evil.example')).toContain('<title>Tieline: API</title>')
  })
})

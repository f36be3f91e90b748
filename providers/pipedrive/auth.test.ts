/** Signing in: tokens against the simulated token endpoint, whose company it is, what the answers to too many calls mean. */
import { createOAuthClient } from '../http/oauth.ts'
import { startServer, type TestServer } from '../http/test-server.ts'
import type { SimulatorReply } from '../../sandbox/kit.ts'
import { baseUrl, oauth, scopesIn } from './auth.ts'
import { explainError } from './errors.ts'
import { limits } from './limits.ts'
import { openBench, type Bench } from './test-context.ts'
import { app } from './simulator-oauth.ts'

const day = 24 * 3_600_000
let server: TestServer
beforeAll(async () => void (server = await startServer()))
afterAll(() => server.close())

/** The real client in front of the simulated company. */
function signIn(bench: Bench) {
  const originMap = { 'https://oauth.pipedrive.com': server.url }
  const client = createOAuthClient({ originMap, clock: { now: bench.now, sleep: async () => undefined } })
  const form = (
    path: string,
    text: string,
    headers: Record<string, string> = {},
    method = 'POST',
  ): SimulatorReply => {
    const url = new URL(path, 'https://oauth.pipedrive.com')
    return bench.world.handle({
      method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: undefined,
      text,
      origin: url.origin,
    })
  }
  server.answer((response, { method, url, body, headers }) => {
    const authorization = headers['authorization'] ?? ''
    const reply = form(url, body, { authorization: String(authorization) }, method)
    response
      .writeHead(reply.status, { 'content-type': 'application/json' })
      .end(JSON.stringify(reply.body ?? null))
  })
  return { client, form }
}

/** A consent, as far as the code. */
function codeOf(form: ReturnType<typeof signIn>['form']): string {
  const asked = `client_id=${app.clientId}&redirect_uri=https%3A%2F%2Fhub.example%2Fback&state=s`
  const reply = form(`/oauth/authorize?${asked}`, 'decision=allow')
  return new URL(reply.headers?.['location'] ?? '').searchParams.get('code') ?? ''
}

function issue(form: ReturnType<typeof signIn>['form']) {
  const authorization = `Basic ${Buffer.from(`${app.clientId}:${app.clientSecret}`).toString('base64')}`
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: codeOf(form),
    redirect_uri: 'https://hub.example/back',
  })
  return form('/oauth/token', body.toString(), { authorization }).body as Record<string, string>
}

describe('tokens', () => {
  it('are renewed with the same refresh token, whose 60 days begin anew; the old access token ends', async () => {
    const bench = openBench()
    const { client, form } = signIn(bench)
    const first = issue(form)
    const secrets = { access_token: first['access_token'] ?? '', refresh_token: first['refresh_token'] ?? '' }
    bench.pass(59 * day)
    const renewed = await client.refresh(oauth, {}, app, secrets)
    expect(renewed.secrets).toMatchObject({
      refresh_token: secrets.refresh_token,
      expires_at: new Date(bench.now().getTime() + 3_600_000).toISOString(),
      refresh_expires_at: new Date(bench.now().getTime() + 60 * day).toISOString(),
    })
    expect(renewed.secrets['access_token']).not.toBe(secrets.access_token)
    const isKnown = (token = '') =>
      bench.world.handle({
        method: 'GET',
        path: '/api/v1/users/me',
        query: new URLSearchParams(),
        headers: { authorization: `Bearer ${token}` },
        body: undefined,
        text: '',
        origin: undefined,
      }).status
    expect([isKnown(secrets.access_token), isKnown(renewed.secrets['access_token'])]).toEqual([401, 200])
    bench.pass(59 * day)
    expect((await client.refresh(oauth, {}, app, renewed.secrets)).secrets['refresh_token']).toBe(
      secrets.refresh_token,
    )
    bench.pass(61 * day)
    await expect(client.refresh(oauth, {}, app, renewed.secrets)).rejects.toMatchObject({
      code: 'Unauthorized',
    })
  })

  it('are revoked together', async () => {
    const bench = openBench()
    const { client, form } = signIn(bench)
    const { access_token = '', refresh_token = '' } = issue(form)
    await client.revoke(oauth, {}, app, { access_token, refresh_token })
    await expect(client.refresh(oauth, {}, app, { refresh_token })).rejects.toMatchObject({
      code: 'Unauthorized',
    })
  })

  it('full access to a kind of object is read access too', () => {
    expect(scopesIn('deals:full,contacts:read base')).toEqual([
      'deals:full',
      'contacts:read',
      'base',
      'deals:read',
    ])
  })
})

describe('the company', () => {
  it('is the one that the token came for', async () => {
    const { context } = openBench()
    const token = { api_domain: 'https://acme.pipedrive.com' }
    expect(await oauth.identify(context, { callback: {}, token })).toEqual({
      settings: { company_domain: 'acme', company_id: '12882925' },
      externalAccount: '12882925',
      label: 'Tieline Sandbox',
    })
  })

  it.each([
    [undefined],
    ['https://acme.example'],
    ['https://a.b.pipedrive.com'],
    ['http://acme.pipedrive.com'],
  ])('cannot be that of %s', async (api_domain) => {
    const token = api_domain === undefined ? {} : { api_domain }
    await expect(oauth.identify(openBench().context, { callback: {}, token })).rejects.toMatchObject({
      code: 'Protocol',
    })
  })

  it('has a host of its own, which only a domain can name', () => {
    expect(baseUrl({ company_domain: 'acme' })).toBe('https://acme.pipedrive.com')
    expect(baseUrl({})).toBe('https://api.pipedrive.com')
    expect(() => baseUrl({ company_domain: 'evil.example/' })).toThrow(
      expect.objectContaining({ code: 'NotConfigured' }) as Error,
    )
  })
})

describe('too many calls', () => {
  const readAt = new Date('2026-11-24T10:00:00Z')
  const over = (headers: Record<string, string>, status = 429, body: unknown = { success: false }) =>
    explainError({ status, headers, body, readAt })

  it('in two seconds are left to the usual wait; those of a day are a quota, asked for every hour', () => {
    expect(over({ 'x-ratelimit-remaining': '0', 'retry-after': '2' })).toBeUndefined()
    expect(over({})).toBeUndefined()
    expect(over({ 'x-ratelimit-remaining': '17' })).toMatchObject({
      code: 'QuotaExhausted',
      retryAt: new Date('2026-11-24T11:00:00Z'),
    })
  })

  it('bring a page of Cloudflare in the end, which is no lack of permission', () => {
    expect(over({}, 403, '<!DOCTYPE html>Cloudflare')?.code).toBe('RateLimited')
    expect(over({}, 403, { success: false, error: 'Scope and URL mismatch' })).toEqual({
      code: 'Forbidden',
      message: 'Scope and URL mismatch',
    })
  })

  it('are avoided by what the answers and the plan say', () => {
    const headers = { 'x-ratelimit-limit': '40', 'x-ratelimit-remaining': '39', 'x-ratelimit-reset': '2' }
    expect(limits.learn?.('read', headers, readAt)).toEqual([
      { bucket: 'burst', limit: 40, remaining: 39, resetAt: new Date('2026-11-24T10:00:02Z') },
    ])
    expect(limits.learn?.('read', { 'x-ratelimit-limit': 'many' }, readAt)).toEqual([])
    expect(limits.limitFor?.('day', { tokens_per_day: '150000' })).toBe(15_000)
    expect(limits.limitFor?.('day', {})).toBeUndefined()
    expect(limits.limitFor?.('burst', { tokens_per_day: '150000' })).toBeUndefined()
  })

  it('of the day end the read with a quota, in the sandbox too', async () => {
    const bench = openBench({}, { day: 1 })
    await bench.context.call({ method: 'GET', path: '/api/v2/deals', group: 'read' })
    await expect(
      bench.context.call({ method: 'GET', path: '/api/v2/deals', group: 'read' }),
    ).rejects.toMatchObject({ code: 'QuotaExhausted' })
  })
})

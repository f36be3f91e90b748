/**
 * A provider with OAuth, as small as it can be, and a real server behind it: an authorize page that is a plain form, a token
 * endpoint that is strict about codes, PKCE and the app, and one call that needs a token.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonObject } from '../../model/json.ts'
import type { Provider } from '../../providers/contract.ts'

const login = 'https://login.tinybooks.example'
const api = 'https://api.tinybooks.example'
export const tinybooksApp = { clientId: 'tinybooks-app', clientSecret: 'tinybooks-app-secret' }
export const tinybooksVariables = {
  TINYBOOKS_CLIENT_ID: tinybooksApp.clientId,
  TINYBOOKS_CLIENT_SECRET: tinybooksApp.clientSecret,
}
/** The only key that the other way to connect takes. */
export const goodKey = 'key-0123456789'

const environmentField = {
  name: 'environment',
  label: 'Environment',
  help: 'Which books.',
  secret: false,
  required: true,
  pattern: '^(production|sandbox)$',
  patternHint: 'production or sandbox',
}

export const tinybooks: Provider = {
  slug: 'tinybooks',
  name: 'Tinybooks',
  category: 'billing',
  apiVersion: '1',
  docs: [],
  auth: [
    {
      kind: 'oauth2',
      name: 'oauth',
      title: 'Sign in with Tinybooks',
      setup: [{ title: 'Your books', text: 'Choose which books to connect.', fields: [environmentField] }],
      client: { idVariable: 'TINYBOOKS_CLIENT_ID', secretVariable: 'TINYBOOKS_CLIENT_SECRET' },
      endpoints: () => ({ authorize: `${login}/authorize`, token: `${api}/token` }),
      clientAuthentication: 'basic',
      pkce: true,
      scopes: [
        { scope: 'books.read', feature: 'Read invoices', required: true },
        { scope: 'books.mail', feature: 'Send invoices by e-mail', required: false },
      ],
      accessLifetimeSeconds: 3600,
      refresh: { rotates: 'always', graceSeconds: 0 },
      headers: (secrets) => ({ authorization: `Bearer ${secrets['access_token'] ?? ''}` }),
      identify: async ({ call }, { callback }) => {
        const { body } = await call({ method: 'GET', path: '/me', group: 'all' })
        const { account, name } = body as { account: string; name: string }
        return {
          settings: { realm_id: callback['realmId'] ?? '' },
          externalAccount: account,
          label: name,
        }
      },
    },
    {
      kind: 'token',
      name: 'key',
      title: 'API key',
      setup: [
        {
          title: 'An API key',
          text: 'Make one under Settings.',
          fields: [
            {
              name: 'company',
              label: 'Company',
              help: 'Short name of the company.',
              secret: false,
              required: true,
              pattern: '^[a-z]{3,20}$',
              patternHint: '3 to 20 small letters',
              example: 'acme',
            },
            {
              name: 'key',
              label: 'Key',
              help: 'Kept encrypted.',
              secret: true,
              required: true,
              pattern: '^key-[0-9]+$',
              patternHint: 'Begins with "key-"',
            },
          ],
        },
      ],
      headers: (secrets) => ({ authorization: `Bearer ${secrets['key'] ?? ''}` }),
    },
  ],
  baseUrl: (settings) =>
    settings['company'] === undefined ? api : `https://${settings['company']}.tinybooks.example`,
  limits: { buckets: {}, groups: { all: [] }, learn: () => [] },
  explainError: () => undefined,
  resources: [],
  actions: [],
  reports: [],
  health: {
    check: async ({ call }) => {
      const { body } = await call({ method: 'GET', path: '/me', group: 'all' })
      return { proves: `signed in to ${(body as { name: string }).name}`, facts: { plan: 'small' } }
    },
  },
}

export interface OAuthProvider {
  readonly originMap: Readonly<Record<string, string>>
  /** Calls of the token endpoint that got tokens, and those that were refused. */
  readonly exchanges: { granted: number; refused: number }
  /** What a person at the consent screen does. Answers where the browser is sent next. */
  decide(authorizeUrl: string, decision: Decision): Promise<string>
  /** Called between the token endpoint's or `/me`'s work and its answer. */
  beforeAnswer(path: '/token' | '/me', work: () => Promise<void>): void
  /** Answers 503 instead, until it is turned off. */
  setOutage(isOut: boolean): void
  close(): Promise<void>
}

export interface Decision {
  readonly allow: boolean
  readonly scopes?: string
  /** Whose books are open in the browser: `acme` when left out. */
  readonly account?: string
}

interface Code {
  readonly challenge: string
  readonly redirectUri: string
  readonly scopes: string
  readonly account: string
}

interface Stage {
  readonly codes: Map<string, Code>
  readonly tokens: Map<string, string>
  readonly exchanges: { granted: number; refused: number }
  readonly hooks: Map<string, () => Promise<void>>
  isOut: boolean
}

export async function startOAuthProvider(): Promise<OAuthProvider> {
  const stage: Stage = {
    codes: new Map(),
    tokens: new Map([[goodKey, 'acme']]),
    exchanges: { granted: 0, refused: 0 },
    hooks: new Map(),
    isOut: false,
  }
  const server = createServer((request, response) => void serve(stage, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const here = `http://127.0.0.1:${port}`
  return {
    originMap: { [login]: here, [api]: here, 'https://*.tinybooks.example': here },
    exchanges: stage.exchanges,
    decide,
    beforeAnswer: (path, work) => void stage.hooks.set(path, work),
    setOutage: (isOut) => void (stage.isOut = isOut),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function decide(authorizeUrl: string, { allow, scopes, account }: Decision): Promise<string> {
  const url = new URL(authorizeUrl)
  const page = await fetch(url)
  if (!page.ok) throw new Error(`the consent screen says ${page.status}: ${await page.text()}`)
  const form = new URLSearchParams(url.searchParams)
  form.set('allow', String(allow))
  form.set('scope', scopes ?? url.searchParams.get('scope') ?? '')
  form.set('account', account ?? 'acme')
  const answer = await fetch(url.origin + url.pathname, { method: 'POST', body: form, redirect: 'manual' })
  return answer.headers.get('location') ?? ''
}

async function serve(stage: Stage, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://tinybooks')
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
  const { status, body, headers } = answerTo(stage, request, url, form)
  await stage.hooks.get(url.pathname)?.()
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(typeof body === 'string' ? body : JSON.stringify(body))
}

interface Answer {
  readonly status: number
  readonly body: JsonObject | string
  readonly headers?: Record<string, string>
}

function answerTo(stage: Stage, request: IncomingMessage, url: URL, form: URLSearchParams): Answer {
  if (stage.isOut && url.pathname !== '/authorize') return { status: 503, body: {} }
  if (url.pathname === '/authorize') {
    const asked = request.method === 'GET' ? url.searchParams : form
    if (asked.get('client_id') !== tinybooksApp.clientId) return { status: 400, body: 'unknown app' }
    if (request.method === 'GET')
      return { status: 200, body: '<form method="post"><button>Allow</button></form>' }
    return consent(stage, form)
  }
  if (url.pathname === '/token') return token(stage, request, form)
  const [, bearer = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
  const account = stage.tokens.get(bearer)
  if (account === undefined) return { status: 401, body: { error: 'who are you?' } }
  return { status: 200, body: { account, name: `${account} Ltd` } }
}

function consent({ codes }: Stage, form: URLSearchParams): Answer {
  const redirectUri = form.get('redirect_uri') ?? ''
  const back = new URL(redirectUri)
  back.searchParams.set('state', form.get('state') ?? '')
  if (form.get('allow') === 'true') {
    const code = randomBytes(12).toString('hex')
    codes.set(code, {
      challenge: form.get('code_challenge') ?? '',
      redirectUri,
      scopes: form.get('scope') ?? '',
      account: form.get('account') ?? '',
    })
    back.searchParams.set('code', code)
    back.searchParams.set('realmId', `realm-${form.get('account')}`)
  } else back.searchParams.set('error', 'access_denied')
  return { status: 302, body: '', headers: { location: back.href } }
}

function token({ codes, tokens, exchanges }: Stage, request: IncomingMessage, form: URLSearchParams): Answer {
  const basic = Buffer.from(`${tinybooksApp.clientId}:${tinybooksApp.clientSecret}`).toString('base64')
  const code = codes.get(form.get('code') ?? '')
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  const isGood =
    request.headers.authorization === `Basic ${basic}` &&
    code?.challenge === challenge &&
    code.redirectUri === form.get('redirect_uri')
  codes.delete(form.get('code') ?? '')
  if (!isGood) {
    exchanges.refused++
    return { status: 400, body: { error: 'invalid_grant' } }
  }
  exchanges.granted++
  const access = `access-${randomBytes(12).toString('hex')}`
  tokens.set(access, code.account)
  const answer = {
    access_token: access,
    refresh_token: `refresh-${access}`,
    token_type: 'bearer',
    expires_in: 3600,
  }
  return { status: 200, body: { ...answer, scope: code.scopes } }
}

/** Xero's sign-in, simulated: the consent screen, the token endpoint, the list of connected organisations. */
import type { JsonObject } from '../../model/json.ts'
import type { SandboxApp, SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { accessSeconds, type Access, type OAuthState } from './simulator-oauth-state.ts'

export const app: SandboxApp = {
  clientId: 'SANDBOXXEROAPP0123456789ABCDEF00',
  clientSecret: 'sandbox-xero-app-secret-0123456789',
}

export interface Organisation {
  readonly id: string
  readonly name: string
}

export interface SignIn {
  readonly state: OAuthState
  readonly organisations: readonly Organisation[]
}

const scopes = [
  'openid',
  'profile',
  'email',
  'offline_access',
  'accounting.contacts',
  'accounting.contacts.read',
  'accounting.invoices',
  'accounting.invoices.read',
  'accounting.settings',
  'accounting.settings.read',
]

/** Paths of sign-in, whatever host; undefined for others. */
export function answerSignIn(signIn: SignIn, request: SimulatorRequest): SimulatorReply | undefined {
  const { method, path } = request
  if (path === '/identity/connect/authorize')
    return method === 'POST' ? decide(signIn, request) : consent(signIn, request)
  if (path === '/connect/token') return method === 'POST' ? token(signIn, request) : { status: 405 }
  return undefined
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)

const page = (status: number, body: string): SimulatorReply => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
  text: `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Xero (simulated)</title>
<meta name="viewport" content="width=device-width"><style>body{font:16px/1.5 sans-serif;max-width:34em;margin:3em auto;padding:0 1em}
button{font:inherit;padding:.5em 1.2em;margin-right:.6em}small{color:#555}</style></head><body>${body}</body></html>`,
})

/** What is wrong with the address that the app sent the user to. */
function wrongIn(query: URLSearchParams): string | undefined {
  if (query.get('client_id') !== app.clientId)
    return 'unauthorized_client: Unknown client or client not enabled'
  const uri = query.get('redirect_uri') ?? ''
  const isLocal = URL.canParse(uri) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(uri).hostname)
  if (!URL.canParse(uri) || !(uri.startsWith('https://') || isLocal))
    return 'unauthorized_client: Invalid redirect_uri'
  if (query.get('response_type') !== 'code') return 'unsupported_response_type'
  const asked = (query.get('scope') ?? '').split(/\s+/).filter((one) => one !== '')
  if (asked.length === 0 || asked.some((one) => !scopes.includes(one))) return 'invalid_scope'
  return undefined
}

function consent({ organisations }: SignIn, { query }: SimulatorRequest): SimulatorReply {
  const wrong = wrongIn(query)
  if (wrong !== undefined) return page(400, `<h1>Sorry</h1><p>${escaped(wrong)}</p>`)
  const choice = organisations
    .map(
      ({ id, name }, index) =>
        `<p><label><input type="checkbox" name="tenantId" value="${id}"${index === 0 ? ' checked' : ''}> ${escaped(name)}</label></p>`,
    )
    .join('')
  const hidden = [...query]
    .map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`)
    .join('')
  return page(
    200,
    `<p><small>This is Tieline’s simulator. No Xero account is involved.</small></p>
<h1>Let Tieline see and change your organisation?</h1><form method="post">${hidden}${choice}
<p><button name="decision" value="allow">Allow access</button><button name="decision" value="deny">Cancel</button></p></form>`,
  )
}

function decide({ state, organisations }: SignIn, request: SimulatorRequest): SimulatorReply {
  const form = new URLSearchParams(request.text)
  const given = new URLSearchParams([...request.query, ...form])
  const wrong = wrongIn(given)
  if (wrong !== undefined) return page(400, `<p>${escaped(wrong)}</p>`)
  const redirectUri = given.get('redirect_uri') ?? ''
  const target = new URL(redirectUri)
  const ticked = organisations.filter(({ id }) => form.getAll('tenantId').includes(id))
  const chosen = ticked.length > 0 ? ticked : organisations.slice(0, 1)
  if (form.get('decision') === 'deny') target.searchParams.set('error', 'access_denied')
  else {
    const ids = chosen.map(({ id }) => id)
    target.searchParams.set('code', state.saveCode(ids, redirectUri, given.get('scope') ?? ''))
    target.searchParams.set('scope', given.get('scope') ?? '')
  }
  target.searchParams.set('state', given.get('state') ?? '')
  return { status: 302, headers: { location: target.href, 'cache-control': 'no-store' } }
}

const isClient = ({ headers }: SimulatorRequest): boolean => {
  const given = /^Basic (.+)$/i.exec(headers['authorization'] ?? '')?.[1] ?? ''
  const decoded = Buffer.from(given, 'base64').toString('utf8')
  const plain = `${app.clientId}:${app.clientSecret}`
  return decoded === plain || decoded === plain.split(':').map(encodeURIComponent).join(':')
}

function token({ state }: SignIn, request: SimulatorRequest): SimulatorReply {
  const refused = (error: string, status = 400): SimulatorReply => ({ status, body: { error } })
  if (!isClient(request)) return refused('invalid_client')
  const form = new URLSearchParams(request.text)
  const kind = form.get('grant_type')
  if (kind !== 'authorization_code' && kind !== 'refresh_token') return refused('unsupported_grant_type')
  const tokens =
    kind === 'refresh_token'
      ? state.refresh(form.get('refresh_token') ?? '')
      : state.exchange(form.get('code') ?? '', form.get('redirect_uri') ?? '')
  if (!tokens) return refused('invalid_grant')
  const hasRefresh = tokens.scope.split(' ').includes('offline_access')
  return {
    status: 200,
    headers: { 'cache-control': 'no-store' },
    body: {
      access_token: tokens.access,
      expires_in: accessSeconds,
      token_type: 'Bearer',
      ...(hasRefresh ? { refresh_token: tokens.refresh } : {}),
      scope: tokens.scope,
    },
  }
}

/** `/connections`: all that the person has connected, or those that one consent has added. */
export function answerConnections(
  { state, organisations }: SignIn,
  { method, path, query }: SimulatorRequest,
): SimulatorReply {
  const [, id] = /^\/connections\/([\w-]+)$/i.exec(path) ?? []
  if (id !== undefined) return { status: method === 'DELETE' && state.unlink(id) ? 204 : 404 }
  if (method !== 'GET') return { status: 405 }
  const consentId = query.get('authEventId')
  const links = state.links().filter(({ consent: one }) => consentId === null || one === consentId)
  const text = (ms: number) => new Date(ms).toISOString().replace('Z', '0000')
  return {
    status: 200,
    body: links.map((link): JsonObject => ({
      id: link.id,
      authEventId: link.consent,
      tenantId: link.tenantId,
      tenantType: 'ORGANISATION',
      tenantName: organisations.find((one) => one.id === link.tenantId)?.name ?? '',
      createdDateUtc: text(link.createdAt),
      updatedDateUtc: text(link.updatedAt),
    })),
  }
}

export const bearerOf = ({ headers }: SimulatorRequest, state: OAuthState): Access | undefined =>
  state.access(/^Bearer (.+)$/i.exec(headers['authorization'] ?? '')?.[1] ?? '')

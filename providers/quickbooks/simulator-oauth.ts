/** Intuit's sign-in, simulated: the consent screen, the token endpoint, revocation, who the user is. */
import { createHash } from 'node:crypto'
import { isJsonObject } from '../../model/json.ts'
import type { SandboxApp, SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { accessSeconds, refreshSeconds, type OAuthState, type TokenSet } from './simulator-oauth-state.ts'
import { textOf } from './simulator-values.ts'

export const app: SandboxApp = {
  clientId: 'sandbox-quickbooks-app',
  clientSecret: 'sandbox-quickbooks-app-secret-0123456789',
}

export const accountingScope = 'com.intuit.quickbooks.accounting'

export interface Company {
  readonly realm: string
  readonly name: string
}

export interface SignIn {
  readonly state: OAuthState
  readonly companies: readonly Company[]
  readonly now: () => Date
}

const scopes = [
  accountingScope,
  'com.intuit.quickbooks.payment',
  'openid',
  'profile',
  'email',
  'phone',
  'address',
]

/** Paths of sign-in, whatever host; undefined for others. */
export function answerSignIn(signIn: SignIn, request: SimulatorRequest): SimulatorReply | undefined {
  const { method, path } = request
  if (path === '/connect/oauth2')
    return method === 'POST' ? decide(signIn, request) : consent(signIn, request)
  if (path === '/oauth2/v1/tokens/bearer') return method === 'POST' ? token(signIn, request) : wrongMethod()
  if (path === '/v2/oauth2/tokens/revoke') return method === 'POST' ? revoke(signIn, request) : wrongMethod()
  if (path === '/v1/openid_connect/userinfo') return userInfo(signIn, request)
  return undefined
}

const wrongMethod = (): SimulatorReply => ({ status: 405, body: { error: 'method_not_allowed' } })

const page = (status: number, title: string, body: string): SimulatorReply => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
  text: `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width"><style>body{font:16px/1.5 sans-serif;max-width:34em;margin:3em auto;padding:0 1em}
button{font:inherit;padding:.5em 1.2em;margin-right:.6em}small{color:#555}</style></head><body>${body}</body></html>`,
})

const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)

/** What is wrong with the address that the app sent the user to; Intuit shows it and does not redirect. */
function wrongIn(query: URLSearchParams): string | undefined {
  if (query.get('client_id') !== app.clientId) return 'The client_id is not known.'
  if (!isRedirect(query.get('redirect_uri') ?? ''))
    return 'The redirect_uri query parameter value is invalid. Make sure it is listed in the Redirect URIs section on your app’s keys tab and matches exactly.'
  if (query.get('response_type') !== 'code') return 'The response_type query parameter value must be code.'
  if ((query.get('state') ?? '') === '')
    return 'The state query parameter is missing from the authorization request.'
  const asked = (query.get('scope') ?? '').split(/\s+/).filter((one) => one !== '')
  if (asked.length === 0 || asked.some((one) => !scopes.includes(one)))
    return 'The scope query parameter is missing from the authorization request.'
  return undefined
}

/** https, or this computer. */
const isRedirect = (uri: string): boolean =>
  URL.canParse(uri) &&
  (uri.startsWith('https://') || ['localhost', '127.0.0.1', '[::1]'].includes(new URL(uri).hostname))

function consent({ companies }: SignIn, { query }: SimulatorRequest): SimulatorReply {
  const wrong = wrongIn(query)
  if (wrong !== undefined)
    return page(400, 'Sorry', `<h1>Uh oh, there’s a connection problem</h1><p>${escaped(wrong)}</p>`)
  const choice = companies
    .map(
      ({ realm, name }, index) =>
        `<p><label><input type="radio" name="realmId" value="${realm}"${index === 0 ? ' checked' : ''}> ${escaped(name)} <small>${realm}</small></label></p>`,
    )
    .join('')
  const hidden = [...query]
    .map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`)
    .join('')
  return page(
    200,
    'Intuit (simulated)',
    `<p><small>This is Tieline’s simulator. No Intuit account is involved.</small></p>
<h1>Let Tieline see and change your books?</h1>
<form method="post">${hidden}<p>Which company?</p>${choice}
<p><button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></p></form>`,
  )
}

/** The answer to the consent screen: back to the app with a code, or with `access_denied`. */
function decide({ state, companies, now }: SignIn, request: SimulatorRequest): SimulatorReply {
  const form = new URLSearchParams(request.text)
  const given = new URLSearchParams([...request.query, ...form])
  const wrong = wrongIn(given)
  if (wrong !== undefined) return page(400, 'Sorry', `<p>${escaped(wrong)}</p>`)
  const redirectUri = given.get('redirect_uri') ?? ''
  const target = new URL(redirectUri)
  const realm = companies.find((one) => one.realm === form.get('realmId'))?.realm ?? companies[0]?.realm ?? ''
  if (form.get('decision') === 'deny') target.searchParams.set('error', 'access_denied')
  else {
    const plain = given.get('code_challenge_method') === 'S256' ? 'S256' : 'plain'
    const challenge = given.get('code_challenge')
    const code = state.saveCode({
      redirectUri,
      scope: given.get('scope') ?? '',
      realm,
      challenge: challenge === null ? '' : `${plain} ${challenge}`,
      at: now().getTime(),
    })
    target.searchParams.set('code', code)
    target.searchParams.set('realmId', realm)
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

const refused = (error: string, description: string, status = 400): SimulatorReply => ({
  status,
  headers: { 'cache-control': 'no-cache, no-store' },
  body: { error, error_description: description },
})

function token(signIn: SignIn, request: SimulatorRequest): SimulatorReply {
  if (!isClient(request)) return refused('invalid_client', 'Invalid client credentials', 401)
  const form = new URLSearchParams(request.text)
  const kind = form.get('grant_type')
  if (kind === 'authorization_code') return exchange(signIn, form)
  if (kind !== 'refresh_token') return refused('unsupported_grant_type', 'The grant type is not supported')
  const tokens = signIn.state.refresh(form.get('refresh_token') ?? '')
  return tokens ? issued(tokens) : refused('invalid_grant', 'Incorrect or invalid refresh token')
}

function exchange({ state }: SignIn, form: URLSearchParams): SimulatorReply {
  const code = state.takeCode(form.get('code') ?? '')
  if (!code) return refused('invalid_grant', 'Invalid authorization code')
  if (code.redirectUri !== form.get('redirect_uri'))
    return refused('invalid_grant', 'Redirect URI does not match')
  const [method = '', challenge = ''] = code.challenge.split(' ')
  const verifier = form.get('code_verifier') ?? ''
  const proof = method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier
  if (challenge !== '' && proof !== challenge) return refused('invalid_grant', 'Invalid code verifier')
  return issued(state.grant(code.realm, code.scope))
}

const issued = ({ access, refresh }: TokenSet): SimulatorReply => ({
  status: 200,
  headers: { 'cache-control': 'no-cache, no-store' },
  body: {
    token_type: 'bearer',
    access_token: access,
    expires_in: accessSeconds,
    refresh_token: refresh,
    x_refresh_token_expires_in: refreshSeconds,
  },
})

/** `{"token": …}` as JSON, or as a form. Either token ends the whole consent. */
function revoke({ state }: SignIn, request: SimulatorRequest): SimulatorReply {
  if (!isClient(request)) return refused('invalid_client', 'Invalid client credentials', 401)
  const given = isJsonObject(request.body)
    ? textOf(request.body['token'])
    : (new URLSearchParams(request.text).get('token') ?? '')
  return state.revoke(given) ? { status: 200 } : refused('invalid_request', 'Invalid token')
}

export const bearerOf = ({ headers }: SimulatorRequest): string =>
  /^Bearer (.+)$/i.exec(headers['authorization'] ?? '')?.[1] ?? ''

function userInfo({ state }: SignIn, request: SimulatorRequest): SimulatorReply {
  const access = state.access(bearerOf(request))
  if (!access) return { status: 401, body: { error: 'invalid_token' } }
  if (!/\bopenid\b/.test(access.scope)) return { status: 403, body: { error: 'insufficient_scope' } }
  return {
    status: 200,
    body: {
      sub: '6c5d0c2e-3f7a-4f0e-9d3b-2a1f6f9c0b11',
      givenName: 'Olivia',
      familyName: 'Owner',
      email: 'owner@company.example',
      emailVerified: true,
    },
  }
}

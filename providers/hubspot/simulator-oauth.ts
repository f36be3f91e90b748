/** Sign-in: the consent screen, codes, tokens. Refresh tokens stay the same; access tokens live half an hour. */
import { createHash } from 'node:crypto'
import type { JsonObject } from '../../model/json.ts'
import type { SandboxApp, SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { refuse } from './simulator-objects.ts'
import type { Portal } from './simulator-portal.ts'
import { portalId, wordOf } from './simulator-types.ts'

export const app: SandboxApp = {
  clientId: 'sandbox-hubspot-app',
  clientSecret: 'sandbox-hubspot-app-secret-0123456789',
}

const accessMs = 1_800_000
const codeMs = 60_000

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')

/** Asks in HTML; the form works without JavaScript. */
export function consent(request: SimulatorRequest): SimulatorReply {
  const { query } = request
  const redirect = query.get('redirect_uri') ?? ''
  if (query.get('client_id') !== app.clientId || redirect === '')
    return page('<h1>This app is not known</h1>', 400)
  const hidden = [...query]
    .map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`)
    .join('')
  const scopes = (query.get('scope') ?? '')
    .split(' ')
    .map((scope) => `<li>${escape(scope)}</li>`)
    .join('')
  return page(
    `<p>This is Tieline’s simulator. No HubSpot account is involved.</p><h1>Connect Tieline to Tieline Sandbox (${portalId})?</h1><ul>${scopes}</ul>` +
      `<form method="post" action="">${hidden}<button name="decision" value="allow">Connect app</button> <button name="decision" value="deny">Cancel</button></form>`,
  )
}

const page = (body: string, status = 200): SimulatorReply => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  text: `<!DOCTYPE html><html lang="en"><meta name="viewport" content="width=device-width"><title>HubSpot (simulated)</title><style>body{font:16px system-ui;max-width:34rem;margin:3rem auto;padding:0 1rem}</style>${body}</html>`,
})

const secretText = (portal: Portal, kind: string): string =>
  `${kind}-${createHash('sha256').update(`${kind} ${portal.changes()} ${portal.others.grants.size}`).digest('hex').slice(0, 40)}`

export function decide(portal: Portal, request: SimulatorRequest, now: number): SimulatorReply {
  const form = new URLSearchParams(request.text)
  const back = new URL(form.get('redirect_uri') ?? 'http://127.0.0.1/')
  const state = form.get('state')
  if (state !== null) back.searchParams.set('state', state)
  if (form.get('decision') !== 'allow') {
    back.searchParams.set('error', 'access_denied')
  } else {
    const code = secretText(portal, 'code')
    const scopes = [form.get('scope') ?? '', form.get('optional_scope') ?? ''].join(' ').trim()
    portal.keep('grants', code, {
      kind: 'code',
      redirect: form.get('redirect_uri') ?? '',
      challenge: form.get('code_challenge'),
      scopes,
      until: now + codeMs,
    })
    back.searchParams.set('code', code)
  }
  return { status: 302, headers: { location: back.href } }
}

export function token(portal: Portal, request: SimulatorRequest, now: number): SimulatorReply {
  const form = new URLSearchParams(request.text)
  if (form.get('client_id') !== app.clientId || form.get('client_secret') !== app.clientSecret)
    return {
      status: 400,
      body: {
        error: 'invalid_client',
        error_description: 'missing or invalid client id or secret',
        status: 'BAD_CLIENT_ID',
      },
    }
  if (form.get('grant_type') === 'refresh_token') {
    const refresh = form.get('refresh_token') ?? ''
    const grant = portal.others.grants.get(refresh)
    if (grant?.['kind'] !== 'refresh') return badGrant('missing or invalid refresh token')
    return tokens(portal, refresh, wordOf(grant['scopes']), now)
  }
  const code = form.get('code') ?? ''
  const grant = portal.others.grants.get(code)
  if (grant?.['kind'] !== 'code' || Number(grant['until']) < now)
    return badGrant('missing or unknown auth code')
  if (grant['redirect'] !== form.get('redirect_uri')) return badGrant('redirect_uri does not match')
  const challenge = grant['challenge']
  const verifier = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  if (typeof challenge === 'string' && challenge !== verifier) return badGrant('code_verifier does not match')
  portal.keep('grants', code, null)
  const refresh = secretText(portal, 'refresh')
  portal.keep('grants', refresh, { kind: 'refresh', scopes: grant['scopes'] ?? '' })
  return tokens(portal, refresh, wordOf(grant['scopes']), now)
}

const badGrant = (message: string): SimulatorReply => ({
  status: 400,
  body: { error: 'invalid_grant', error_description: message, status: 'BAD_REFRESH_TOKEN', message },
})

function tokens(portal: Portal, refresh: string, scopes: string, now: number): SimulatorReply {
  const access = secretText(portal, 'access')
  portal.keep('grants', access, { kind: 'access', until: now + accessMs, refresh })
  const body: JsonObject = {
    token_type: 'bearer',
    access_token: access,
    refresh_token: refresh,
    expires_in: accessMs / 1000,
    hub_id: portalId,
    hub_domain: 'tieline-sandbox.example',
    user_id: 9001,
    scopes: scopes.split(' ').filter((scope) => scope !== ''),
  }
  return { status: 200, body }
}

export function revoke(portal: Portal, request: SimulatorRequest): SimulatorReply {
  const refresh = new URLSearchParams(request.text).get('token') ?? ''
  if (portal.others.grants.has(refresh)) portal.keep('grants', refresh, null)
  return { status: 204 }
}

/** Undefined: come in. */
export function stranger(
  portal: Portal,
  request: SimulatorRequest,
  privateToken: string,
  now: number,
): SimulatorReply | undefined {
  const given = (request.headers['authorization'] ?? '').replace(/^Bearer /, '')
  if (given === privateToken) return undefined
  const grant = portal.others.grants.get(given)
  if (grant?.['kind'] === 'access' && portal.others.grants.has(wordOf(grant['refresh']))) {
    if (Number(grant['until']) > now) return undefined
    return refuse(401, 'EXPIRED_AUTHENTICATION', 'The OAuth token used to make this call expired')
  }
  return refuse(
    401,
    'INVALID_AUTHENTICATION',
    'Authentication credentials not found. This API supports OAuth 2.0 authentication',
  )
}

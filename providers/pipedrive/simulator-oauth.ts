/** Sign-in at the simulated Pipedrive: the consent screen, the token endpoint, revocation. Kept across restarts. */
import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { SandboxApp, SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { domain, textOf } from './simulator-objects.ts'

export const app: SandboxApp = {
  clientId: 'sandbox-pipedrive-app',
  clientSecret: 'sandbox-pipedrive-app-secret-0123456789',
}
/** What the app was given in the Developer Hub; a person takes all of it or nothing. */
const scope = 'base,deals:full,contacts:full,activities:full,leads:read,products:read,users:read,admin'
const accessSeconds = 3600
const refreshMs = 60 * 24 * 3_600_000
const codeMs = 5 * 60_000

export interface SignIn {
  /** Undefined for other paths. */
  answer(request: SimulatorRequest): SimulatorReply | undefined
  accepts(access: string): boolean
  restore(entry: JsonObject): void
}

interface Setting {
  readonly seed: number
  readonly now: () => Date
  readonly record: (entry: JsonValue) => void
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
const page = (status: number, body: string): SimulatorReply => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
  text: `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Pipedrive (simulated)</title></head><body>${body}</body></html>`,
})
const bad = (error: string, message: string): SimulatorReply => ({
  status: 400,
  body: { success: false, error, message },
})

/** https, or this computer. */
const isRedirect = (uri: string): boolean =>
  URL.canParse(uri) &&
  (uri.startsWith('https://') || ['localhost', '127.0.0.1', '[::1]'].includes(new URL(uri).hostname))

function isClient({ headers }: SimulatorRequest, form: URLSearchParams): boolean {
  const encoded = /^Basic (.+)$/i.exec(headers['authorization'] ?? '')?.[1]
  const given =
    encoded === undefined
      ? `${form.get('client_id') ?? ''}:${form.get('client_secret') ?? ''}`
      : Buffer.from(encoded, 'base64').toString('utf8')
  const plain = [app.clientId, app.clientSecret]
  return [plain.join(':'), plain.map(encodeURIComponent).join(':')].includes(given)
}

/** What is remembered: moments by value. An access token belongs to the refresh token it was made with. */
export function createSignIn({ seed, now, record }: Setting): SignIn {
  const codes = new Map<string, { readonly redirectUri: string; readonly at: number }>()
  const refreshes = new Map<string, number>()
  const accesses = new Map<string, { readonly refresh: string; readonly ends: number }>()
  let counter = 0
  const value = (kind: string): string =>
    createHash('sha256').update(`${seed} ${kind} ${++counter} ${now().getTime()}`).digest('base64url')

  function issue(refresh: string): SimulatorReply {
    const at = now().getTime()
    const access = `v1u:${value('access')}`
    refreshes.set(refresh, at)
    accesses.set(access, { refresh, ends: at + accessSeconds * 1000 })
    record({ oauth: 'issued', refresh, access, at, counter })
    return {
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: {
        access_token: access,
        token_type: 'Bearer',
        refresh_token: refresh,
        scope,
        expires_in: accessSeconds,
        api_domain: `https://${domain}.pipedrive.com`,
      },
    }
  }

  function token(request: SimulatorRequest): SimulatorReply {
    const form = new URLSearchParams(request.text)
    if (!isClient(request, form)) return bad('invalid_client', 'Invalid client: client is invalid')
    const kind = form.get('grant_type')
    if (kind === 'refresh_token') {
      const refresh = form.get('refresh_token') ?? ''
      const used = refreshes.get(refresh)
      return used !== undefined && now().getTime() - used <= refreshMs
        ? issue(refresh)
        : bad('invalid_grant', 'Invalid grant: refresh_token is invalid')
    }
    if (kind !== 'authorization_code') return bad('unsupported_grant_type', 'Unsupported grant type')
    const code = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    if (!code) return bad('invalid_grant', 'Invalid grant: authorization_code is invalid')
    if (now().getTime() - code.at > codeMs)
      return bad('invalid_grant', 'Invalid grant: authorization_code has expired')
    return code.redirectUri === form.get('redirect_uri')
      ? issue(`12882925:18487521:${value('refresh')}`)
      : bad('invalid_request', 'Invalid request: redirect_uri is invalid')
  }

  /** Of an access token: that alone; of a refresh token: the app is uninstalled. */
  function revoke(request: SimulatorRequest): SimulatorReply {
    const form = new URLSearchParams(request.text)
    if (!isClient(request, form)) return bad('invalid_client', 'Invalid client: client is invalid')
    const given = form.get('token') ?? ''
    forget(given)
    record({ oauth: 'revoked', value: given })
    return { status: 200, body: { success: true } }
  }

  function forget(given: string): void {
    accesses.delete(given)
    if (!refreshes.delete(given)) return
    for (const [access, { refresh }] of accesses) if (refresh === given) accesses.delete(access)
  }

  function consent({ query, method, text }: SimulatorRequest): SimulatorReply {
    const asked = new URLSearchParams([...query, ...new URLSearchParams(text)])
    const redirectUri = asked.get('redirect_uri') ?? ''
    if (asked.get('client_id') !== app.clientId || !isRedirect(redirectUri))
      return page(400, '<h1>App cannot be installed</h1>')
    if (method !== 'POST') {
      const hidden = [...query].map(
        ([name, one]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(one)}">`,
      )
      return page(
        200,
        `<p><small>This is Tieline’s simulator. No Pipedrive account is involved.</small></p><h1>Install Tieline?</h1>
<form method="post">${hidden.join('')}<button name="decision" value="allow">Allow and install</button>
<button name="decision" value="deny">Cancel</button></form>`,
      )
    }
    const target = new URL(redirectUri)
    if (asked.get('decision') === 'deny') target.searchParams.set('error', 'user_denied')
    else {
      const code = `12882925.18487521.${value('code')}`
      codes.set(code, { redirectUri, at: now().getTime() })
      target.searchParams.set('code', code)
    }
    if (asked.has('state')) target.searchParams.set('state', asked.get('state') ?? '')
    return { status: 302, headers: { location: target.href, 'cache-control': 'no-store' } }
  }

  return {
    answer: (request) => {
      if (request.path === '/oauth/authorize') return consent(request)
      if (request.method !== 'POST') return undefined
      if (request.path === '/oauth/token') return token(request)
      return request.path === '/oauth/revoke' ? revoke(request) : undefined
    },
    accepts: (access) => (accesses.get(access)?.ends ?? 0) > now().getTime(),
    restore: (entry) => {
      const { oauth, refresh, access, at } = entry
      if (oauth === 'revoked') return forget(textOf(entry['value']))
      if (!isJsonObject(entry) || oauth !== 'issued') return
      counter = Math.max(counter, Number(entry['counter']))
      refreshes.set(textOf(refresh), Number(at))
      accesses.set(textOf(access), { refresh: textOf(refresh), ends: Number(at) + accessSeconds * 1000 })
    },
  }
}

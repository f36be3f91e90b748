/** Sign-in at the simulated Zoho: the consent screen, the token endpoint. A refresh token stays the same. Kept across restarts. */
import { createHash } from 'node:crypto'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { SandboxApp, SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { textOf } from './simulator-org.ts'

export const app: SandboxApp = {
  clientId: '1000.SANDBOXZOHOAPP0123456789ABCDEF',
  clientSecret: 'sandbox-zoho-app-secret-0123456789abcdef',
}
const accessSeconds = 3600
const codeMs = 2 * 60_000

interface Pair {
  readonly access: string
  readonly refresh: string
}

export interface SignIn {
  /** Undefined for other paths. */
  answer(request: SimulatorRequest): SimulatorReply | undefined
  accepts(access: string): boolean
  /** Accepts only this pair from now on. */
  reset(pair: Pair): void
  restore(entry: JsonObject): void
}

interface Setting {
  readonly seed: number
  readonly now: () => Date
  readonly record: (entry: JsonValue) => void
  readonly first: Pair
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
const page = (status: number, body: string): SimulatorReply => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
  text: `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Zoho (simulated)</title></head><body>${body}</body></html>`,
})
/** Refusals come with 200. */
const bad = (error: string): SimulatorReply => ({ status: 200, body: { error } })

/** https, or this computer. */
const isRedirect = (uri: string): boolean =>
  URL.canParse(uri) &&
  (uri.startsWith('https://') || ['localhost', '127.0.0.1', '[::1]'].includes(new URL(uri).hostname))

export function createSignIn({ seed, now, record, first }: Setting): SignIn {
  const codes = new Map<
    string,
    { readonly redirectUri: string; readonly scope: string; readonly at: number }
  >()
  /** Refresh tokens that were not used, with the scope that was granted. */
  const refreshes = new Map<string, string>()
  const accesses = new Map<string, number>()
  let counter = 0
  const value = (kind: string): string =>
    createHash('sha256').update(`${seed} ${kind} ${++counter} ${now().getTime()}`).digest('hex')
  const reset = ({ access, refresh }: Pair): void => {
    accesses.clear()
    refreshes.clear()
    accesses.set(access, Number.MAX_SAFE_INTEGER)
    refreshes.set(refresh, '')
  }
  reset(first)

  function issue(scope: string, refresh: string, isFirst: boolean): SimulatorReply {
    const pair = { access: `1000.${value('access')}`, refresh }
    const ends = now().getTime() + accessSeconds * 1000
    keep({ ...pair, ends, scope })
    record({ oauth: 'issued', ...pair, ends, scope, counter })
    return {
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: {
        access_token: pair.access,
        ...(isFirst ? { refresh_token: refresh } : {}),
        scope: scope.replaceAll(',', ' '),
        api_domain: 'https://www.zohoapis.eu',
        token_type: 'Bearer',
        expires_in: accessSeconds,
      },
    }
  }

  function keep(one: Pair & { readonly ends: number; readonly scope: string }): void {
    refreshes.set(one.refresh, one.scope)
    accesses.set(one.access, one.ends)
  }

  function token({ text }: SimulatorRequest): SimulatorReply {
    const form = new URLSearchParams(text)
    if (form.get('client_id') !== app.clientId) return bad('invalid_client')
    if (form.get('client_secret') !== app.clientSecret) return bad('invalid_client_secret')
    if (form.get('grant_type') === 'refresh_token') {
      const refresh = form.get('refresh_token') ?? ''
      const scope = refreshes.get(refresh)
      return scope === undefined ? bad('invalid_code') : issue(scope, refresh, false)
    }
    if (form.get('grant_type') !== 'authorization_code') return bad('unsupported_grant_type')
    const code = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const isGood =
      code?.redirectUri === form.get('redirect_uri') && now().getTime() - (code?.at ?? 0) <= codeMs
    return code && isGood ? issue(code.scope, `1000.${value('refresh')}`, true) : bad('invalid_code')
  }

  function consent({ query, method, text }: SimulatorRequest): SimulatorReply {
    const asked = new URLSearchParams([...query, ...new URLSearchParams(text)])
    const redirectUri = asked.get('redirect_uri') ?? ''
    if (asked.get('client_id') !== app.clientId || !isRedirect(redirectUri))
      return page(400, '<h1>The redirect URI or the client is not known</h1>')
    if (method !== 'POST') {
      const hidden = [...query].map(
        ([name, one]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(one)}">`,
      )
      return page(
        200,
        `<p><small>This is Tieline’s simulator. No Zoho account is involved.</small></p><h1>Authorize Tieline?</h1>
<form method="post">${hidden.join('')}<button name="decision" value="allow">Authorize</button>
<button name="decision" value="deny">Cancel</button></form>`,
      )
    }
    const target = new URL(redirectUri)
    if (asked.get('decision') === 'deny') target.searchParams.set('error', 'access_denied')
    else {
      const code = `1000.${value('code')}`
      codes.set(code, { redirectUri, scope: asked.get('scope') ?? '', at: now().getTime() })
      target.searchParams.set('code', code)
      target.searchParams.set('location', 'eu')
      target.searchParams.set('accounts-server', 'https://accounts.zoho.eu')
    }
    if (asked.has('state')) target.searchParams.set('state', asked.get('state') ?? '')
    return { status: 302, headers: { location: target.href, 'cache-control': 'no-store' } }
  }

  return {
    answer: (request) => {
      if (request.path === '/oauth/v2/auth') return consent(request)
      return request.method === 'POST' && request.path === '/oauth/v2/token' ? token(request) : undefined
    },
    accepts: (access) => (accesses.get(access) ?? 0) > now().getTime(),
    reset,
    restore: (entry) => {
      counter = Math.max(counter, Number(entry['counter']))
      const [access, refresh] = [textOf(entry['access']), textOf(entry['refresh'])]
      keep({
        access,
        refresh,
        ends: Number(entry['ends']),
        scope: textOf(entry['scope']),
      })
    },
  }
}

/** What Xero's identity service remembers: codes, consents, tokens, which organisations a person has connected. Kept across restarts. */
import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { textOf, uuidOf } from './simulator-values.ts'

export const accessSeconds = 1800
/** A refresh token that is not used dies. */
const refreshMs = 60 * 24 * 3_600_000
/** One that was used works on for so long, for those who lost the answer. */
const graceMs = 1_800_000
const codeMs = 5 * 60_000

export interface Code extends JsonObject {
  redirectUri: string
  scope: string
  consent: string
  at: number
}

export interface Access extends JsonObject {
  scope: string
  consent: string
  ends: number
}

interface Refresh extends JsonObject {
  scope: string
  consent: string
  issued: number
  /** 0: not yet. */
  used: number
}

/** A tenant that the person has connected to the app. */
export interface Link extends JsonObject {
  id: string
  tenantId: string
  consent: string
  createdAt: number
  updatedAt: number
}

export interface TokenSet {
  readonly access: string
  readonly refresh: string
  readonly scope: string
}

export interface OAuthState {
  saveCode(tenants: readonly string[], redirectUri: string, scope: string): string
  exchange(code: string, redirectUri: string): TokenSet | undefined
  refresh(value: string): TokenSet | undefined
  access(value: string): Access | undefined
  links(): Link[]
  unlink(id: string): boolean
  /** Accepts only this pair from now on. */
  reset(secrets: { readonly access: string; readonly refresh: string }): void
  restore(entry: JsonValue): void
}

interface Setting {
  readonly seed: number
  readonly now: () => Date
  readonly record: (entry: JsonObject) => void
  readonly tenant: string
  readonly scope: string
  readonly first: { readonly access: string; readonly refresh: string }
}

export function createOAuthState(setting: Setting): OAuthState {
  const now = () => setting.now().getTime()
  const codes = new Map<string, Code>()
  const accesses = new Map<string, Access>()
  const refreshes = new Map<string, Refresh>()
  const links = new Map<string, Link>()
  let counter = 0
  const held: Readonly<Record<string, Map<string, JsonObject>>> = {
    code: codes,
    access: accesses,
    refresh: refreshes,
    link: links,
  }
  /** Each change is told as JSON; `null` is an end. */
  const keep = (kind: string, value: string, object: JsonObject | null) => {
    if (object) held[kind]?.set(value, object)
    else held[kind]?.delete(value)
    setting.record({ oauth: kind, value, object, counter })
  }
  const secretOf = (kind: string): string => {
    counter++
    return createHash('sha256').update(`${setting.seed} ${kind} ${counter} ${now()}`).digest('base64url')
  }
  /** The sample's own pair was there before anybody asked. */
  const begin = ({ access, refresh }: Setting['first']) => {
    const consent = uuidOf('consent', 0)
    accesses.clear()
    refreshes.clear()
    accesses.set(access, { scope: setting.scope, consent, ends: Number.MAX_SAFE_INTEGER })
    refreshes.set(refresh, { scope: setting.scope, consent, issued: now(), used: 0 })
    if (!links.has(setting.tenant)) {
      const at = now()
      links.set(setting.tenant, {
        id: uuidOf('link', setting.tenant),
        tenantId: setting.tenant,
        consent,
        createdAt: at,
        updatedAt: at,
      })
    }
  }
  begin(setting.first)

  /** An access token is a JWT that names its consent. */
  function issue(scope: string, consent: string): TokenSet {
    const claims = Buffer.from(
      JSON.stringify({ authentication_event_id: consent, exp: Math.floor(now() / 1000) + accessSeconds }),
    )
    const access = `eyJhbGciOiJSUzI1NiJ9.${claims.toString('base64url')}.${secretOf('access')}`
    const refresh = secretOf('refresh')
    for (const [known, { ends }] of accesses) if (ends < now()) accesses.delete(known)
    keep('access', access, { scope, consent, ends: now() + accessSeconds * 1000 })
    keep('refresh', refresh, { scope, consent, issued: now(), used: 0 })
    return { access, refresh, scope }
  }

  return {
    saveCode: (tenants, redirectUri, scope) => {
      const value = secretOf('code')
      const consent = uuidOf('consent', setting.seed, counter, now())
      for (const tenantId of tenants) {
        const before = links.get(tenantId)
        const link = {
          id: before?.id ?? uuidOf('link', tenantId),
          tenantId,
          consent,
          createdAt: before?.createdAt ?? now(),
          updatedAt: now(),
        }
        // One that was connected before is not of this consent (README, "Connecting").
        keep('link', tenantId, before ? { ...before, updatedAt: now() } : link)
      }
      keep('code', value, { redirectUri, scope, consent, at: now() })
      return value
    },
    exchange: (value, redirectUri) => {
      const code = codes.get(value)
      if (code) keep('code', value, null)
      if (!code || code.redirectUri !== redirectUri || now() - code.at > codeMs) return undefined
      return issue(code.scope, code.consent)
    },
    refresh: (value) => {
      const token = refreshes.get(value)
      if (!token || now() - token.issued > refreshMs) return undefined
      if (token.used !== 0 && now() - token.used > graceMs) return undefined
      if (token.used === 0) keep('refresh', value, { ...token, used: now() })
      return issue(token.scope, token.consent)
    },
    access: (value) => {
      const token = accesses.get(value)
      return token && token.ends > now() ? token : undefined
    },
    links: () => [...links.values()],
    unlink: (id) => {
      const found = [...links.values()].find((link) => link.id === id)
      if (found) keep('link', found.tenantId, null)
      return found !== undefined
    },
    reset: begin,
    restore: (entry) => {
      if (!isJsonObject(entry)) return
      counter = Math.max(counter, Number(entry['counter'] ?? 0))
      const map = held[textOf(entry['oauth'])]
      if (isJsonObject(entry['object'])) map?.set(textOf(entry['value']), entry['object'])
      else map?.delete(textOf(entry['value']))
    },
  }
}

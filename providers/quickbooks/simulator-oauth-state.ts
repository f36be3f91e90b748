/** What Intuit's token service remembers: codes, grants and access tokens. Kept across restarts. */
import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { textOf } from './simulator-values.ts'

/** Seconds of life of an access token. */
export const accessSeconds = 3600
/** A refresh token dies when it is not used for so long: 101 days, as the token answer says. */
export const refreshSeconds = 8_726_400
/** The value of a refresh token changes after a day; the one before works for another. */
const rotationMs = 24 * 3_600_000
/** However often it is used (blog, 2025-11-12). */
const hardMs = 5 * 365 * 24 * 3_600_000
const codeMs = 5 * 60_000

export interface Code {
  readonly value: string
  readonly redirectUri: string
  readonly scope: string
  readonly realm: string
  /** S256 or plain, as it was sent; '' without PKCE. */
  readonly challenge: string
  readonly at: number
}

/** One consent: what may be used until it is revoked. */
export interface Grant {
  readonly realm: string
  readonly scope: string
  readonly began: number
  readonly refresh: string
  /** When the value was issued. */
  readonly issued: number
  readonly used: number
  readonly previous: string
  readonly previousEnds: number
}

export interface Access {
  readonly realm: string
  readonly scope: string
  readonly refreshOf: number
  readonly ends: number
}

export interface TokenSet {
  readonly access: string
  readonly refresh: string
}

export interface OAuthState {
  saveCode(code: Omit<Code, 'value'>): string
  takeCode(value: string): Code | undefined
  grant(realm: string, scope: string): TokenSet
  /** undefined: the refresh token is not valid. */
  refresh(value: string): TokenSet | undefined
  /** Who an access token speaks for; undefined when it is wrong or over. */
  access(value: string): Access | undefined
  /** Ends the consent that a token belongs to; false when there is none. */
  revoke(value: string): boolean
  /** Accepts only this pair from now on. */
  reset(secrets: { readonly access: string; readonly refresh: string }): void
  restore(entry: JsonValue): void
}

interface Setting {
  readonly seed: number
  readonly now: () => Date
  readonly record: (entry: JsonObject) => void
  readonly realm: string
  readonly scope: string
  readonly first: { readonly access: string; readonly refresh: string }
}

/** Remembers in memory; each change is told as JSON and can be taken again. */
export function createOAuthState(setting: Setting): OAuthState {
  const { seed, record, realm, scope } = setting
  const now = () => setting.now().getTime()
  let counter = 0
  const codes = new Map<string, Code>()
  const grants = new Map<number, Grant>()
  const accesses = new Map<string, Access>()
  /** The sample's own pair: it was there before anybody asked, and its access token does not end. */
  const begin = (secrets: Setting['first']) => {
    codes.clear()
    grants.clear()
    accesses.clear()
    grants.set(0, {
      realm,
      scope,
      began: now(),
      refresh: secrets.refresh,
      issued: now(),
      used: now(),
      previous: '',
      previousEnds: 0,
    })
    accesses.set(secrets.access, { realm, scope, refreshOf: 0, ends: Number.MAX_SAFE_INTEGER })
  }
  begin(setting.first)

  const value = (kind: string): string => {
    counter++
    const hash = createHash('sha256').update(`${seed} ${kind} ${counter} ${now()}`).digest('base64url')
    return kind === 'access' ? `eyJlbmMiOiJBMTI4Q0JDLUhTMjU2In0..${hash}` : `${kind}1${counter}${hash}`
  }
  const keepGrant = (id: number, grant: Grant) => {
    grants.set(id, grant)
    record({ oauth: 'grant', id, grant: { ...grant }, counter })
  }
  const issue = (id: number, grant: Grant): TokenSet => {
    const access = value('access')
    const entry: Access = {
      realm: grant.realm,
      scope: grant.scope,
      refreshOf: id,
      ends: now() + accessSeconds * 1000,
    }
    for (const [known, { ends }] of accesses) if (ends < now()) accesses.delete(known)
    accesses.set(access, entry)
    record({ oauth: 'access', value: access, access: { ...entry }, counter })
    return { access, refresh: grant.refresh }
  }
  const holderOf = (token: string): number | undefined =>
    accesses.get(token)?.refreshOf ??
    [...grants].find(
      ([, { refresh, previous, previousEnds }]) =>
        token !== '' && (refresh === token || (previous === token && now() < previousEnds)),
    )?.[0]

  return {
    saveCode: (code) => {
      const made = { ...code, value: value('XAB') }
      codes.set(made.value, made)
      record({ oauth: 'code', code: { ...made }, counter })
      return made.value
    },
    takeCode: (given) => {
      const code = codes.get(given)
      codes.delete(given)
      if (code) record({ oauth: 'used', value: given })
      return code && now() - code.at <= codeMs ? code : undefined
    },
    grant: (forRealm, forScope) => {
      const id = Math.max(0, ...grants.keys()) + 1
      const at = now()
      const refresh = value('RT')
      const grant = { realm: forRealm, scope: forScope, began: at, refresh, issued: at, used: at }
      keepGrant(id, { ...grant, previous: '', previousEnds: 0 })
      return issue(id, { ...grant, previous: '', previousEnds: 0 })
    },
    refresh: (given) => {
      const id = accesses.has(given) ? undefined : holderOf(given)
      const grant = id === undefined ? undefined : grants.get(id)
      const at = now()
      if (id === undefined || !grant) return undefined
      if (at - grant.used > refreshSeconds * 1000 || at - grant.began > hardMs) return undefined
      const isDue = given === grant.refresh && at - grant.issued >= rotationMs
      const next: Grant = isDue
        ? {
            ...grant,
            refresh: value('RT'),
            issued: at,
            used: at,
            previous: grant.refresh,
            previousEnds: at + rotationMs,
          }
        : { ...grant, used: at }
      keepGrant(id, next)
      return issue(id, next)
    },
    access: (given) => {
      const entry = accesses.get(given)
      return entry && entry.ends > now() ? entry : undefined
    },
    revoke: (given) => {
      const id = holderOf(given)
      if (id === undefined || !grants.has(id)) return false
      endGrant(id)
      record({ oauth: 'revoked', id })
      return true
    },
    reset: (secrets) => begin(secrets),
    restore: (entry) => {
      if (!isJsonObject(entry)) return
      counter = Math.max(counter, Number(entry['counter'] ?? 0))
      const { oauth, id, grant, access, code } = entry
      if (oauth === 'grant' && isJsonObject(grant)) grants.set(Number(id), readGrant(grant))
      if (oauth === 'access' && isJsonObject(access)) accesses.set(textOf(entry['value']), readAccess(access))
      if (oauth === 'code' && isJsonObject(code)) codes.set(textOf(code['value']), readCode(code))
      if (oauth === 'used') codes.delete(textOf(entry['value']))
      if (oauth === 'revoked') endGrant(Number(id))
    },
  }

  function endGrant(id: number): void {
    grants.delete(id)
    for (const [token, { refreshOf }] of accesses) if (refreshOf === id) accesses.delete(token)
  }
}

const readGrant = (one: JsonObject): Grant => ({
  realm: textOf(one['realm']),
  scope: textOf(one['scope']),
  began: Number(one['began']),
  refresh: textOf(one['refresh']),
  issued: Number(one['issued']),
  used: Number(one['used']),
  previous: textOf(one['previous']),
  previousEnds: Number(one['previousEnds']),
})

const readAccess = (one: JsonObject): Access => ({
  realm: textOf(one['realm']),
  scope: textOf(one['scope']),
  refreshOf: Number(one['refreshOf']),
  ends: Number(one['ends']),
})

const readCode = (one: JsonObject): Code => ({
  value: textOf(one['value']),
  redirectUri: textOf(one['redirectUri']),
  scope: textOf(one['scope']),
  realm: textOf(one['realm']),
  challenge: textOf(one['challenge']),
  at: Number(one['at']),
})

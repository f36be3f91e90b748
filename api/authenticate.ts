/**
 * Who is calling: by the hub's own token, by a partner's API key or by an access token got with one. The shape of a credential tells its kind, so that exactly one way
 * judges it.
 */
import type { IncomingMessage } from 'node:http'
import type { ApiKey, KnownKey } from '../db/api-keys.ts'
import { findPartner } from '../db/partners.ts'
import { bySession } from './authenticate-person.ts'
import { isId } from '../model/ids.ts'
import { permissionsOfHub, permissionsOfScopes } from '../model/permissions.ts'
import { isLikeApiKey, readApiKey } from '../platform/secrets/api-key.ts'
import { timingSafeEqualText } from '../platform/secrets/hash.ts'
import { isLikeSessionToken } from '../platform/secrets/person-token.ts'
import { isLikeToken } from './access-tokens.ts'
import { networksOf } from './address.ts'
import type { Caller } from './caller.ts'
import type { ApiDeps } from './deps.ts'
import { edgeFailure, invalidInput } from './problem.ts'
import { refused } from './refused.ts'

export const admin: Caller = {
  kind: 'admin',
  name: 'admin',
  role: 'owner',
  permissions: permissionsOfHub('owner'),
  partnerId: null,
}

/** What of a request says who it comes from. */
export interface Credentials {
  /** The header. */
  readonly authorization: string
  /** The header `Tieline-Partner`: whom somebody of the hub acts for under /v1. */
  readonly partner: string
  /** Of the client, behind proxies that are trusted. */
  readonly address: string
}

/** The header. @throws Unauthenticated when it comes more than once: which of them is meant? */
export function authorizationOf({ headersDistinct }: IncomingMessage): string {
  const all = headersDistinct['authorization'] ?? []
  if (all.length > 1) throw refused('Send one "Authorization" header, not several.')
  return all[0] ?? ''
}

/**
 * The caller behind a request.
 * @throws Unauthenticated (401, with `WWW-Authenticate`) when the credential is missing, wrong, ended or used from elsewhere.
 */
export async function authenticate(deps: ApiDeps, given: Credentials): Promise<Caller> {
  const [, token] = /^Bearer +(\S+)$/i.exec(given.authorization.trim()) ?? []
  if (token === undefined) {
    throw edgeFailure(
      'Unauthenticated',
      'Send a credential: "Authorization: Bearer <API key, access token, token of a session or the admin token of this hub>".',
      { 'WWW-Authenticate': 'Bearer realm="tieline"' },
    )
  }
  if (isLikeSessionToken(token)) return await bySession(deps, token, given.partner)
  const caller = await callerOf(deps, token, given.address)
  if (given.partner === '' || caller.partnerId !== null) return caller
  return await actingFor(deps, caller, given.partner)
}

async function callerOf(deps: ApiDeps, token: string, address: string): Promise<Caller> {
  if (isLikeApiKey(token)) return await byKey(deps, token, address)
  if (timingSafeEqualText(token, deps.config.adminToken)) return admin
  if (isLikeToken(token)) return await byToken(deps, token, address)
  throw refused('The token is neither an API key, an access token nor the admin token of this hub.')
}

async function byKey(deps: ApiDeps, token: string, address: string): Promise<Caller> {
  const read = readApiKey(token)
  if (!read) throw refused('This is no API key of Tieline: a character is wrong or missing.')
  const key = admitted(await deps.callers.keys.get(read.hash.toString('hex')), address)
  deps.keyUses.note(key.keyId, address)
  return callerWith(key, key.scopes)
}

/** As the key behind the token, in so far as the token has its scopes and the key has them still. No look-up: all from memory. */
async function byToken(deps: ApiDeps, token: string, address: string): Promise<Caller> {
  const { keyId, partnerId, scopes } = await deps.tokens.verify(token)
  const key = admitted(await deps.callers.keysById.get(keyId), address)
  if (key.partnerId !== partnerId) throw refused('The access token is not valid here.')
  deps.keyUses.note(keyId, address)
  return callerWith(
    key,
    scopes.filter((scope) => key.scopes.includes(scope)),
  )
}

/** The key, if it may be used now and from there. @throws Unauthenticated. */
export function admitted(known: KnownKey | undefined, address: string): ApiKey {
  if (!known) throw refused('There is no such API key.')
  const { key, partnerState } = known
  if (key.state === 'revoked') throw refused('The API key has been revoked.')
  if (key.expiresAt && key.expiresAt.getTime() <= Date.now()) throw refused('The API key has expired.')
  if (partnerState !== 'active') throw refused(`The partner of this API key is ${partnerState}.`)
  if (key.networks.length > 0 && !networksOf(key.networks)(address))
    throw refused('The API key may not be used from this address.')
  return key
}

const callerWith = ({ keyId, partnerId, mode }: ApiKey, scopes: readonly string[]): Caller => ({
  ...{ kind: 'key', name: `key:${keyId}`, partnerId, mode, keyId },
  permissions: permissionsOfScopes(scopes),
})

/** Somebody of the hub, as one who sees what a partner sees; the audit chain still knows who it is. */
async function actingFor(deps: ApiDeps, caller: Caller, partnerId: string): Promise<Caller> {
  const isKnown = isId('partner', partnerId) && (await findPartner(deps.database.db, partnerId)) !== undefined
  if (!isKnown)
    throw invalidInput([{ in: 'header', pointer: '/Tieline-Partner', detail: 'is not the id of a partner' }])
  return { ...caller, partnerId }
}

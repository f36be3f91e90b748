/**
 * Access tokens: short-lived JWTs (RFC 9068, Ed25519) that stand for an API key. They are checked without the database: the public halves
 * of the signing keys are held in memory, and forgotten within a second of a change made anywhere (`db/caches.ts`). What has become of the
 * key behind a token is asked from memory too (`authenticate.ts`).
 */
import {
  SignJWT,
  errors,
  importJWK,
  jwtVerify,
  type CryptoKey,
  type JWK,
  type JWTHeaderParameters,
} from 'jose'
import { LRUCache } from 'lru-cache'
import type { ApiKey } from '../db/api-keys.ts'
import type { Cache, Caches } from '../db/caches.ts'
import type { Db } from '../db/client.ts'
import { ensureSigningKey, listSigningKeys, openSigningKey } from '../db/signing-keys.ts'
import type { Vault } from '../db/vault.ts'
import { isId } from '../model/ids.ts'
import type { JsonObject } from '../model/json.ts'
import type { ServiceConfig } from '../platform/config.ts'
import { newId } from '../platform/new-id.ts'
import { sha256 } from '../platform/secrets/hash.ts'
import { edgeFailure } from './problem.ts'

const algorithm = 'EdDSA'
const type = 'at+jwt'
const longest = 4_096
/** Clocks of the hub's own processes differ by no more. */
const toleranceSeconds = 5
/** A key id that is not known costs one look-up in this time, whoever asks. */
const lookAgainMs = 1_000

/** What a token that holds says. */
export interface AccessClaims {
  readonly keyId: string
  readonly partnerId: string
  readonly scopes: readonly string[]
}

export interface MintedToken {
  readonly token: string
  readonly expiresInSeconds: number
}

export interface AccessTokens {
  /** A token for a key that lives, with some of its scopes; it never outlives the key. */
  mint(key: ApiKey, scopes: readonly string[]): Promise<MintedToken>
  /** @throws Unauthenticated (401) unless the hub has signed it, for itself, for now. */
  verify(token: string): Promise<AccessClaims>
  /** The public halves as a JWK set, with its `ETag`. */
  keySet(): Promise<PublishedKeys>
}

export interface PublishedKeys {
  readonly keys: readonly JsonObject[]
  readonly etag: string
}

interface Verifiers extends PublishedKeys {
  readonly byId: ReadonlyMap<string, CryptoKey>
}

interface Signer {
  readonly keyId: string
  readonly privateKey: CryptoKey
}

export interface AccessTokenOptions {
  readonly db: Db
  readonly vault: Vault
  readonly caches: Caches
  readonly config: Pick<ServiceConfig, 'publicUrl' | 'accessTokenSeconds'>
}

/** Whoever mints or checks makes the first signing key. */
const actor = 'api'

export function createAccessTokens(options: AccessTokenOptions): AccessTokens {
  const { db, vault, caches, config } = options
  const topics = ['signing_key']
  const verifiers = caches.cache<Verifiers>({ topics, max: 1, load: () => loadVerifiers(db, vault) })
  const signers = caches.cache<Signer>({ topics, max: 1, load: () => loadSigner(db, vault) })
  const keyOf = createKeyLookup(verifiers)
  const audience = `${config.publicUrl}/v1`

  return {
    mint: async (key, scopes) => {
      const signer = await signers.get('access')
      if (!signer) throw new Error('there is no key to sign with')
      const now = Math.floor(Date.now() / 1000)
      const keyEnds = key.expiresAt ? Math.floor(key.expiresAt.getTime() / 1000) : Infinity
      const expires = Math.min(now + config.accessTokenSeconds, keyEnds)
      const claims = { client_id: key.keyId, tenant: key.partnerId, scope: scopes.join(' ') }
      const token = await new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, typ: type, kid: signer.keyId })
        .setIssuer(config.publicUrl)
        .setAudience(audience)
        .setSubject(key.keyId)
        .setJti(newId('request'))
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(expires)
        .sign(signer.privateKey)
      return { token, expiresInSeconds: expires - now }
    },
    verify: async (token) => {
      if (token.length > longest) throw refusedToken('is too long')
      try {
        const { payload } = await jwtVerify(token, keyOf, {
          algorithms: [algorithm],
          typ: type,
          issuer: config.publicUrl,
          audience,
          clockTolerance: toleranceSeconds,
          requiredClaims: ['sub', 'client_id', 'tenant', 'scope', 'jti', 'iat', 'nbf', 'exp'],
        })
        return claimsOf(payload)
      } catch (error) {
        if (error instanceof errors.JWTExpired) throw refusedToken('has expired')
        if (error instanceof errors.JOSEError) throw refusedToken('is not valid here')
        throw error
      }
    },
    keySet: async () => (await verifiers.get('access')) ?? (await loadVerifiers(db, vault)),
  }
}

/** Shaped like a JWT (compact JWS). */
export const isLikeToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)

const refusedToken = (what: string) =>
  edgeFailure('Unauthenticated', `The access token ${what}. Get a new one from POST /v1/oauth/token.`, {
    'WWW-Authenticate': 'Bearer realm="tieline", error="invalid_token"',
  })

/** Headers by which a token would bring, or name, a key of its own choice: ours never have them. */
const foreign = ['jwk', 'jku', 'x5u', 'x5c', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'cty']

function createKeyLookup(verifiers: Cache<Verifiers>) {
  // What was looked for in vain; the process's clock only.
  const missed = new LRUCache<string, true>({ max: 1, ttl: lookAgainMs })
  return async (header: JWTHeaderParameters): Promise<CryptoKey> => {
    const { kid } = header
    if (typeof kid !== 'string' || foreign.some((name) => name in header)) throw new errors.JWSInvalid()
    const known = (await verifiers.get('access'))?.byId.get(kid)
    if (known) return known
    // Signed by another process with the first key there ever was: this one may not have heard of it yet.
    if (!missed.has('any')) {
      missed.set('any', true)
      verifiers.forget()
      const found = (await verifiers.get('access'))?.byId.get(kid)
      if (found) return found
    }
    throw new errors.JWKSNoMatchingKey()
  }
}

function claimsOf(payload: Readonly<Record<string, unknown>>): AccessClaims {
  const { sub, client_id: clientId, tenant, scope } = payload
  const isOurs =
    isId('apiKey', sub) && clientId === sub && isId('partner', tenant) && typeof scope === 'string'
  if (!isOurs) throw new errors.JWTInvalid()
  return { keyId: sub, partnerId: tenant, scopes: scope.split(' ').filter((one) => one !== '') }
}

async function loadVerifiers(db: Db, vault: Vault): Promise<Verifiers> {
  await ensureSigningKey(db, vault, 'access', actor)
  const found = await listSigningKeys(db, 'access', ['upcoming', 'current', 'retiring'])
  const keys = found.map(({ publicJwk }) => publicJwk)
  const imported = await Promise.all(
    found.map(async ({ keyId, publicJwk }) => [keyId, await imports(publicJwk)] as const),
  )
  const etag = `"${sha256(JSON.stringify(keys)).toString('hex').slice(0, 32)}"`
  return { keys, etag, byId: new Map(imported) }
}

async function loadSigner(db: Db, vault: Vault): Promise<Signer> {
  const key = await ensureSigningKey(db, vault, 'access', actor)
  return { keyId: key.keyId, privateKey: await imports(await openSigningKey(db, vault, key)) }
}

async function imports(jwk: JsonObject): Promise<CryptoKey> {
  const key = await importJWK(jwk as JWK, algorithm)
  if (key instanceof Uint8Array) throw new Error('a signing key is no key pair')
  return key
}

/** Who has which credential, from memory: forgotten within a second of a change (`db/caches.ts`). */
import { findApiKey, findApiKeyById, type KnownKey } from '../db/api-keys.ts'
import type { Cache, Caches } from '../db/caches.ts'
import type { Db } from '../db/client.ts'
import { findPersonSession, type KnownSession } from '../db/person-sessions.ts'

export interface Callers {
  /** By SHA-256 of the key, hex. What is not there is remembered too: guessing costs no queries. */
  readonly keys: Cache<KnownKey>
  /** By SHA-256 of the token of a session, hex. */
  readonly sessions: Cache<KnownSession>
  /** The same by the key's id: what access tokens name. */
  readonly keysById: Cache<KnownKey>
}

export function createCallers(db: Db, caches: Caches): Callers {
  return {
    keys: caches.cache<KnownKey>({
      topics: ['api_key', 'partner'],
      max: 20_000,
      load: (hash) => findApiKey(db, hash),
    }),
    sessions: caches.cache<KnownSession>({
      topics: ['person_session', 'person', 'membership', 'partner'],
      max: 20_000,
      load: (hash) => findPersonSession(db, hash),
    }),
    keysById: caches.cache<KnownKey>({
      topics: ['api_key', 'partner'],
      max: 20_000,
      load: (keyId) => findApiKeyById(db, keyId),
      // A partner's state counts for everybody below it.
      keysOf: (id, topic) => (topic === 'api_key' ? [id] : undefined),
    }),
  }
}

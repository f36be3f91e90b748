/**
 * The keys that the hub signs with: proofs of runs (`proof`) and access tokens (`access`), Ed25519. A key is published before it signs
 * and stays published after, so that who checks signatures never meets one that it does not know:
 *
 * `upcoming` (published) → `current` (signs) → `retiring` (only checks what it has signed) → `retired` (checks nothing; of proofs,
 * which are for ever, the public half is served on).
 *
 * There is one `upcoming` and one `current` key a purpose at most; the store sees to it. Each step is a compare-and-swap that may be
 * repeated, with its audit entry.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import { appendAudit } from './audit.ts'
import { inTransaction, type Db } from './client.ts'
import type { Vault } from './vault.ts'

export type SigningPurpose = 'proof' | 'access'
export type SigningKeyState = 'upcoming' | 'current' | 'retiring' | 'retired'

export interface SigningKey {
  /** Thumbprint (RFC 7638) of the public half: the `kid` of what it signs. */
  readonly keyId: string
  readonly purpose: SigningPurpose
  readonly state: SigningKeyState
  readonly publicJwk: JsonObject
  /** Null once it is retired: nobody signs with it any more. */
  readonly sealedPrivate: Buffer | null
  readonly createdAt: Date
  /** When it began to sign. */
  readonly currentAt: Date | null
  /** When it signed for the last time. */
  readonly retiringAt: Date | null
  readonly retiredAt: Date | null
}

const columns = sql`key_id, purpose, state, public_jwk, sealed_private, created_at, current_at, retiring_at, retired_at`

const place = (keyId: string) => ({ table: 'signing_keys', column: 'sealed_private', row: keyId })

/** Keys of a purpose in some states, newest first. */
export async function listSigningKeys(
  db: Db,
  purpose: SigningPurpose,
  states: readonly SigningKeyState[] = ['upcoming', 'current', 'retiring', 'retired'],
): Promise<SigningKey[]> {
  const found = await sql<SigningKey>`
    select ${columns} from signing_keys where purpose = ${purpose} and state = any (${[...states]}::text[])
    order by created_at desc, key_id
  `.execute(db)
  return found.rows
}

/** The private half of a key, as a JWK. @throws HubError `StateConflict` when it is retired. */
export async function openSigningKey(db: Db, vault: Vault, key: SigningKey): Promise<JsonObject> {
  if (!key.sealedPrivate) throw new HubError('StateConflict', `The signing key ${key.keyId} is retired.`)
  const opened = await vault.open(db, 'hub', place(key.keyId), key.sealedPrivate)
  return JSON.parse(opened.toString('utf8')) as JsonObject
}

/**
 * Makes the next key of a purpose, or answers the one that is upcoming already: everybody can know it before it signs.
 * @param actor as the audit chain names it.
 */
export async function publishSigningKey(
  db: Db,
  vault: Vault,
  purpose: SigningPurpose,
  actor: string,
): Promise<SigningKey> {
  return await made(db, vault, purpose, 'upcoming', actor)
}

/** The key that signs now; the first one is made on first use. Two processes that make one at once end with the same. */
export async function ensureSigningKey(
  db: Db,
  vault: Vault,
  purpose: SigningPurpose,
  actor: string,
): Promise<SigningKey> {
  return await made(db, vault, purpose, 'current', actor)
}

async function made(
  db: Db,
  vault: Vault,
  purpose: SigningPurpose,
  state: 'upcoming' | 'current',
  actor: string,
): Promise<SigningKey> {
  const [known] = await listSigningKeys(db, purpose, [state])
  if (known) return known
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const publicHalf = await exportJWK(pair.publicKey)
  const keyId = await calculateJwkThumbprint(publicHalf)
  const publicJwk = JSON.stringify({ ...publicHalf, kid: keyId, use: 'sig', alg: 'EdDSA' })
  const privateJwk = JSON.stringify(await exportJWK(pair.privateKey))
  const sealed = await vault.seal(db, 'hub', place(keyId), privateJwk)
  await inTransaction(db, async (tx) => {
    const inserted = await sql`
      insert into signing_keys (key_id, purpose, state, public_jwk, sealed_private, current_at)
      values (${keyId}, ${purpose}, ${state}, ${publicJwk}::jsonb, ${sealed}, ${state === 'current' ? sql`now()` : sql`null`})
      on conflict do nothing returning key_id
    `.execute(tx)
    if (inserted.rows.length > 0)
      await appendAudit(tx, {
        actor,
        action: 'signing_key.published',
        subject: keyId,
        details: { purpose, state },
      })
  })
  // Another process may have been quicker: its key counts.
  return await made(db, vault, purpose, state, actor)
}

/**
 * Lets a published key sign, and the one that has signed until now only check. Repeatable.
 * @returns the key that has ceased to sign; undefined when there was none.
 * @throws HubError `NoSuchThing`, `StateConflict` when the key has signed before and no longer does.
 */
export async function promoteSigningKey(
  db: Db,
  keyId: string,
  actor: string,
): Promise<{ readonly current: SigningKey; readonly retiring: SigningKey | undefined }> {
  return await inTransaction(db, async (tx) => {
    const key = await locked(tx, keyId)
    if (key.state === 'current') return { current: key, retiring: await newestRetiring(tx, key.purpose) }
    if (key.state !== 'upcoming')
      throw new HubError('StateConflict', `The signing key ${keyId} is ${key.state}.`)
    const before = await sql<SigningKey>`
      update signing_keys set state = 'retiring', retiring_at = now()
      where purpose = ${key.purpose} and state = 'current' returning ${columns}
    `.execute(tx)
    const after = await sql<SigningKey>`
      update signing_keys set state = 'current', current_at = now() where key_id = ${keyId} returning ${columns}
    `.execute(tx)
    const [current] = after.rows
    const [retiring] = before.rows
    if (!current) throw new Error('an update returned no row')
    const details = { purpose: key.purpose, before: retiring?.keyId ?? null }
    await appendAudit(tx, { actor, action: 'signing_key.promoted', subject: keyId, details })
    return { current, retiring }
  })
}

/**
 * Ends a key: what it has signed is no longer believed (proofs are: they are for ever), and its private half is erased. Also takes back
 * one that never signed. Repeatable.
 * @throws HubError `NoSuchThing`, `StateConflict` for the key that signs now: promote another first.
 */
export async function retireSigningKey(db: Db, keyId: string, actor: string): Promise<SigningKey> {
  return await inTransaction(db, async (tx) => {
    const key = await locked(tx, keyId)
    if (key.state === 'retired') return key
    if (key.state === 'current')
      throw new HubError('StateConflict', `The signing key ${keyId} signs now. Promote another one first.`)
    const after = await sql<SigningKey>`
      update signing_keys set state = 'retired', retired_at = now(), sealed_private = null where key_id = ${keyId} returning ${columns}
    `.execute(tx)
    const [retired] = after.rows
    if (!retired) throw new Error('an update returned no row')
    const details = { purpose: key.purpose, before: key.state }
    await appendAudit(tx, { actor, action: 'signing_key.retired', subject: keyId, details })
    return retired
  })
}

/** Locks every living key of its purpose, in one order, so that two steps never cross. */
async function locked(tx: Db, keyId: string): Promise<SigningKey> {
  const found = await sql<SigningKey>`
    select ${columns} from signing_keys
    where key_id = ${keyId} or (state <> 'retired' and purpose = (select purpose from signing_keys where key_id = ${keyId}))
    order by key_id for update
  `.execute(tx)
  const key = found.rows.find((row) => row.keyId === keyId)
  if (key) return key
  throw new HubError('NoSuchThing', `There is no signing key "${keyId}".`)
}

async function newestRetiring(tx: Db, purpose: SigningPurpose): Promise<SigningKey | undefined> {
  const found = await sql<SigningKey>`
    select ${columns} from signing_keys where purpose = ${purpose} and state = 'retiring'
    order by retiring_at desc limit 1
  `.execute(tx)
  return found.rows[0]
}

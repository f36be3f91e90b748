/**
 * Envelope encryption: every account has a data key of its own (the hub one, `hub`), wrapped by the key ring and kept in
 * `data_keys`. A sealed value begins with four bytes that name the version of its data key.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { HubError } from '../platform/errors.ts'
import type { KeyRing } from '../platform/secrets/keyring.ts'
import { open, seal } from '../platform/secrets/seal.ts'
import type { Db } from './client.ts'

/** Where a ciphertext lives; bound into it. */
export interface Place {
  readonly table: string
  readonly column: string
  readonly row: string
}

export interface Vault {
  /** Seals under the owner's current data key; the owner is an account id or `hub`. The key is made on first use. */
  seal(db: Db, ownerId: string, place: Place, plain: Uint8Array | string): Promise<Buffer>
  open(db: Db, ownerId: string, place: Place, sealed: Uint8Array): Promise<Buffer>
  /** Ids of the keys of its ring. */
  readonly ring: { readonly currentId: string; readonly ids: readonly string[] }
  /**
   * Wraps some data keys that a ring key wraps by the current one instead; what they have sealed stays as it is. Answers how many.
   * In a transaction: either all of them or none. Repeatable, and safe beside others: a data key is opened and sealed by who holds its row.
   */
  rewrap(tx: Db, fromRingKeyId: string, limit: number): Promise<number>
}

interface DataKey {
  readonly version: number
  readonly key: Uint8Array
}

type Unwrap = (
  ownerId: string,
  row: { readonly version: number; readonly ringKeyId: string; readonly wrapped: Uint8Array },
) => DataKey

const bind = (ownerId: string, place: Place) =>
  JSON.stringify([ownerId, place.table, place.column, place.row])
const bindKey = (ownerId: string, version: number) => JSON.stringify(['data_keys', ownerId, version])

export function createVault(ring: KeyRing): Vault {
  // Data keys never change once made; the newest version is looked up again after a minute.
  const keys = new Map<string, DataKey>()
  const newest = new Map<string, { readonly version: number; readonly until: number }>()

  // A key that was made in a transaction may be rolled back with it: only what is read outside of one is kept in memory.
  const remember = (db: Db, ownerId: string, known: DataKey): DataKey => {
    if (!db.isTransaction) keys.set(`${ownerId}:${known.version}`, known)
    return known
  }

  const unwrap: Unwrap = (ownerId, row) => {
    const wrapping = ring.find(row.ringKeyId)
    if (!wrapping) {
      throw new HubError('Internal', 'A stored secret cannot be read', {
        internal: `TIELINE_ENCRYPTION_KEYS lacks the key "${row.ringKeyId}"`,
      })
    }
    return { version: row.version, key: open(wrapping, row.wrapped, bindKey(ownerId, row.version)) }
  }

  const load = async (db: Db, ownerId: string, version?: number): Promise<DataKey | undefined> => {
    const found = await sql<{ version: number; ringKeyId: string; wrapped: Buffer }>`
      select version, ring_key_id, wrapped from data_keys where owner_id = ${ownerId}
        ${version === undefined ? sql`` : sql`and version = ${version}`}
      order by version desc limit 1
    `.execute(db)
    return found.rows[0] && remember(db, ownerId, unwrap(ownerId, found.rows[0]))
  }

  const current = async (db: Db, ownerId: string): Promise<DataKey> => {
    const cached = newest.get(ownerId)
    const known = cached && cached.until > Date.now() ? keys.get(`${ownerId}:${cached.version}`) : undefined
    if (known) return known
    const found = (await load(db, ownerId)) ?? (await make(db, ownerId, ring)) ?? (await load(db, ownerId))
    if (!found)
      throw new HubError('Internal', 'A secret cannot be stored', { internal: `no data key for ${ownerId}` })
    if (!db.isTransaction) newest.set(ownerId, { version: found.version, until: Date.now() + 60_000 })
    return remember(db, ownerId, found)
  }

  return {
    ring: { currentId: ring.current.id, ids: ring.ids },
    rewrap: (tx, fromRingKeyId, limit) => rewrap(tx, ring, unwrap, fromRingKeyId, limit),
    seal: async (db, ownerId, place, plain) => {
      const { version, key } = await current(db, ownerId)
      const head = Buffer.alloc(4)
      head.writeUInt32BE(version)
      const bytes = typeof plain === 'string' ? Buffer.from(plain, 'utf8') : plain
      return Buffer.concat([head, seal(key, bytes, bind(ownerId, place))])
    },
    open: async (db, ownerId, place, sealed) => {
      if (sealed.length < 4)
        throw new HubError('Internal', 'A stored secret cannot be read', { internal: 'not a sealed value' })
      const version = Buffer.from(sealed.subarray(0, 4)).readUInt32BE(0)
      const data = keys.get(`${ownerId}:${version}`) ?? (await load(db, ownerId, version))
      if (!data)
        throw new HubError('Internal', 'A stored secret cannot be read', {
          internal: `no data key ${ownerId}:${version}`,
        })
      return open(data.key, sealed.subarray(4), bind(ownerId, place))
    },
  }
}

/** Makes an owner's first data key; undefined when another process was quicker. */
async function make(db: Db, ownerId: string, ring: KeyRing): Promise<DataKey | undefined> {
  const key = randomBytes(32)
  const wrapped = seal(ring.current.key, key, bindKey(ownerId, 1))
  const made = await sql<{ version: number }>`
    insert into data_keys (owner_id, version, partner_id, ring_key_id, wrapped)
    values (${ownerId}, 1, (select partner_id from accounts where account_id = ${ownerId}), ${ring.current.id}, ${wrapped})
    on conflict do nothing returning version
  `.execute(db)
  return made.rows.length > 0 ? { version: 1, key } : undefined
}

async function rewrap(
  tx: Db,
  ring: KeyRing,
  unwrap: Unwrap,
  fromRingKeyId: string,
  limit: number,
): Promise<number> {
  const found = await sql<{ ownerId: string; version: number; ringKeyId: string; wrapped: Buffer }>`
    select owner_id, version, ring_key_id, wrapped from data_keys where ring_key_id = ${fromRingKeyId}
    order by ring_key_id, owner_id, version limit ${limit} for update skip locked
  `.execute(tx)
  const rows = found.rows.map((row) => {
    const { key, version } = unwrap(row.ownerId, row)
    return { ...row, wrapped: seal(ring.current.key, key, bindKey(row.ownerId, version)) }
  })
  if (rows.length === 0) return 0
  const done = await sql<{ ownerId: string }>`
    update data_keys k set ring_key_id = ${ring.current.id}, wrapped = n.wrapped
    from unnest(${rows.map((row) => row.ownerId)}::text[], ${rows.map((row) => row.version)}::int[], ${rows.map((row) => row.wrapped)}::bytea[])
      as n (owner_id, version, wrapped)
    where k.owner_id = n.owner_id and k.version = n.version and k.ring_key_id = ${fromRingKeyId} returning k.owner_id
  `.execute(tx)
  return done.rows.length
}

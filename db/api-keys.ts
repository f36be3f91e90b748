/** API keys: what is known of them; the keys themselves are nowhere. */
import { sql, type RawBuilder } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { MintedKey, KeyMode } from '../platform/secrets/api-key.ts'
import { newId } from '../platform/new-id.ts'
import type { Db } from './client.ts'

export interface ApiKey {
  readonly keyId: string
  readonly partnerId: string
  readonly name: string
  readonly mode: KeyMode
  readonly hint: string
  readonly scopes: readonly string[]
  /** CIDR blocks; empty: anywhere. */
  readonly networks: readonly string[]
  readonly limits: JsonObject
  readonly state: 'active' | 'revoked'
  readonly stateReason: string | null
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
  readonly lastUsedFrom: string | null
  readonly replaces: string | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly revokedAt: Date | null
  readonly version: number
}

export interface NewApiKey {
  /** Made when left out. */
  readonly keyId?: string
  readonly partnerId: string
  readonly name: string
  readonly mode: KeyMode
  readonly scopes: readonly string[]
  readonly networks?: readonly string[]
  readonly limits?: JsonObject
  readonly expiresAt?: Date | null
  readonly replaces?: string
  readonly createdBy: string
}

const columns = sql`key_id, partner_id, name, mode, hint, scopes, networks, limits, state, state_reason, expires_at, last_used_at,
  last_used_from, replaces, created_by, created_at, revoked_at, version`

/** Writes down what a key may do, with the hash that it is known by. */
export async function insertApiKey(db: Db, key: NewApiKey, minted: MintedKey): Promise<ApiKey> {
  const made = await sql<ApiKey>`
    insert into api_keys (key_id, partner_id, name, mode, secret_hash, hint, scopes, networks, limits, expires_at, replaces, created_by)
    values (${key.keyId ?? newId('apiKey')}, ${key.partnerId}, ${key.name}, ${key.mode}, ${minted.hash}, ${minted.hint}, ${[...key.scopes]}::text[],
      ${[...(key.networks ?? [])]}::text[], ${JSON.stringify(key.limits ?? {})}::jsonb, ${key.expiresAt ?? null}::timestamptz,
      ${key.replaces ?? null}, ${key.createdBy})
    returning ${columns}
  `.execute(db)
  const [row] = made.rows
  if (!row) throw new Error('the key was not written')
  return row
}

export interface KnownKey {
  readonly key: ApiKey
  readonly partnerState: 'active' | 'suspended' | 'closed'
}

/** The key with this hash, whatever its state. @param hash SHA-256 of the key, hex. */
export async function findApiKey(db: Db, hash: string): Promise<KnownKey | undefined> {
  return await known(db, sql`secret_hash = decode(${hash}, 'hex')`)
}

async function known(db: Db, which: RawBuilder<unknown>): Promise<KnownKey | undefined> {
  const found = await sql<ApiKey & { partnerState: KnownKey['partnerState'] }>`
    select ${columns}, (
      -- Who is below a suspended partner is suspended with it.
      select case when bool_or(p.state = 'closed') then 'closed' when bool_or(p.state = 'suspended') then 'suspended' else 'active' end
      from partner_ancestry a join partners p on p.partner_id = a.ancestor_id where a.partner_id = api_keys.partner_id) as partner_state
    from api_keys where ${which}
  `.execute(db)
  const [row] = found.rows
  if (!row) return undefined
  const { partnerState, ...key } = row
  return { key, partnerState }
}

/** @returns undefined when there is none, or none that `db` shows. */
export async function getApiKey(db: Db, keyId: string): Promise<ApiKey | undefined> {
  const found = await sql<ApiKey>`select ${columns} from api_keys where key_id = ${keyId}`.execute(db)
  return found.rows[0]
}

/** By its id, with what its partner's state makes of it. */
export async function findApiKeyById(db: Db, keyId: string): Promise<KnownKey | undefined> {
  return await known(db, sql`key_id = ${keyId}`)
}

/** Oldest first. */
export async function listApiKeys(
  db: Db,
  query: {
    readonly partnerId?: string | undefined
    readonly state?: ApiKey['state'] | undefined
    readonly mode?: KeyMode | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<ApiKey[]> {
  const { partnerId, state, mode, after } = query
  const found = await sql<ApiKey>`
    select ${columns} from api_keys where true
      ${partnerId === undefined ? sql`` : sql`and partner_id = ${partnerId}`}
      ${state === undefined ? sql`` : sql`and state = ${state}`}
      ${mode === undefined ? sql`` : sql`and mode = ${mode}`}
      ${after === undefined ? sql`` : sql`and key_id > ${after}`}
    order by key_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function lockApiKey(tx: Db, keyId: string): Promise<ApiKey | undefined> {
  const found = await sql<ApiKey>`select ${columns} from api_keys where key_id = ${keyId} for update`.execute(
    tx,
  )
  return found.rows[0]
}

export interface ApiKeyChange {
  readonly name?: string | undefined
  readonly scopes?: readonly string[] | undefined
  readonly networks?: readonly string[] | undefined
  /** Null: it never expires. */
  readonly expiresAt?: Date | null | undefined
}

/** Changes an active key; undefined when there is none with this id (and version, if one is expected). */
export async function updateApiKey(
  tx: Db,
  keyId: string,
  change: ApiKeyChange,
  expectedVersion?: number,
): Promise<ApiKey | undefined> {
  const { name, scopes, networks, expiresAt } = change
  const found = await sql<ApiKey>`
    update api_keys set name = coalesce(${name ?? null}, name), scopes = coalesce(${scopes ? [...scopes] : null}::text[], scopes),
      networks = coalesce(${networks ? [...networks] : null}::text[], networks),
      expires_at = ${expiresAt === undefined ? sql`expires_at` : sql`${expiresAt}::timestamptz`}, version = version + 1
    where key_id = ${keyId} and state = 'active'
      ${expectedVersion === undefined ? sql`` : sql`and version = ${expectedVersion}`}
    returning ${columns}
  `.execute(tx)
  return found.rows[0]
}

/** Ends a key for ever; undefined when it is revoked already, or there is none. */
export async function revokeApiKey(tx: Db, keyId: string, reason: string): Promise<ApiKey | undefined> {
  const found = await sql<ApiKey>`
    update api_keys set state = 'revoked', state_reason = ${reason}, revoked_at = now(), version = version + 1
    where key_id = ${keyId} and state = 'active' returning ${columns}
  `.execute(tx)
  return found.rows[0]
}

export interface KeyUse {
  readonly keyId: string
  readonly at: Date
  readonly address: string
}

/** Notes when and from where keys were used last; at most once a minute a key, however many processes tell. */
export async function noteKeyUse(db: Db, uses: readonly KeyUse[]): Promise<void> {
  await sql`
    update api_keys k set last_used_at = u.at, last_used_from = u.address
    from unnest(${uses.map((one) => one.keyId)}::text[], ${uses.map((one) => one.at.toISOString())}::timestamptz[],
      ${uses.map((one) => one.address)}::text[]) as u (key_id, at, address)
    where k.key_id = u.key_id and (k.last_used_at is null or k.last_used_at <= u.at - interval '1 minute')
  `.execute(db)
}

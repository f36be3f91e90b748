/** API keys: what is known of them; the keys themselves are nowhere. */
import { sql } from 'kysely'
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
    values (${newId('apiKey')}, ${key.partnerId}, ${key.name}, ${key.mode}, ${minted.hash}, ${minted.hint}, ${[...key.scopes]}::text[],
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
  const found = await sql<ApiKey & { partnerState: KnownKey['partnerState'] }>`
    select ${columns}, (
      -- Who is below a suspended partner is suspended with it.
      select case when bool_or(p.state = 'closed') then 'closed' when bool_or(p.state = 'suspended') then 'suspended' else 'active' end
      from partner_ancestry a join partners p on p.partner_id = a.ancestor_id where a.partner_id = api_keys.partner_id) as partner_state
    from api_keys where secret_hash = decode(${hash}, 'hex')
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

/**
 * Field mappings that a connection has of its own: versions of a resource and direction, at most one of them live. Without
 * one the provider's default holds (version 0).
 */
import { sql } from 'kysely'
import type { FieldRule } from '../model/mapping.ts'
import type { Db } from './client.ts'

export type MappingDirection = 'in' | 'out'
export type MappingState = 'draft' | 'live' | 'retired'

export interface StoredMapping {
  readonly connectionId: string
  readonly resource: string
  readonly direction: MappingDirection
  readonly version: number
  readonly state: MappingState
  readonly rules: readonly FieldRule[]
  readonly createdBy: string
  readonly createdAt: Date
  readonly publishedAt: Date | null
}

export interface MappingKey {
  readonly connectionId: string
  readonly resource: string
  readonly direction: MappingDirection
}

const columns = sql`connection_id, resource, direction, version, state, mapping->'rules' as rules, created_by, created_at, published_at`

/** The mapping in force, or undefined where the default holds. */
export async function getLiveMapping(db: Db, key: MappingKey): Promise<StoredMapping | undefined> {
  const found = await sql<StoredMapping>`
    select ${columns} from mappings where connection_id = ${key.connectionId} and resource = ${key.resource}
      and direction = ${key.direction} and state = 'live'
  `.execute(db)
  return found.rows[0]
}

export async function getMappingVersion(
  db: Db,
  key: MappingKey & { readonly version: number },
): Promise<StoredMapping | undefined> {
  const found = await sql<StoredMapping>`
    select ${columns} from mappings where connection_id = ${key.connectionId} and resource = ${key.resource}
      and direction = ${key.direction} and version = ${key.version}
  `.execute(db)
  return found.rows[0]
}

/** Versions of one mapping, newest first. */
export async function listMappingVersions(
  db: Db,
  key: MappingKey & { readonly before?: number | undefined; readonly limit: number },
): Promise<StoredMapping[]> {
  const found = await sql<StoredMapping>`
    select ${columns} from mappings where connection_id = ${key.connectionId} and resource = ${key.resource}
      and direction = ${key.direction} ${key.before === undefined ? sql`` : sql`and version < ${key.before}`}
    order by version desc limit ${key.limit}
  `.execute(db)
  return found.rows
}

/** Writes a new draft down; the connection's row is locked, so that versions have no gaps and no twins. */
export async function addMappingDraft(
  tx: Db,
  draft: MappingKey & {
    readonly partnerId: string
    readonly model: string
    readonly rules: readonly FieldRule[]
    readonly createdBy: string
  },
): Promise<StoredMapping> {
  const { connectionId, resource, direction } = draft
  await sql`select 1 from connections where connection_id = ${connectionId} for update`.execute(tx)
  const mapping = JSON.stringify({ model: draft.model, rules: draft.rules })
  const made = await sql<StoredMapping>`
    insert into mappings (connection_id, resource, direction, version, partner_id, mapping, state, created_by)
    select ${connectionId}, ${resource}, ${direction}, coalesce(max(version), 0) + 1, ${draft.partnerId}, ${mapping}::jsonb, 'draft', ${draft.createdBy}
    from mappings where connection_id = ${connectionId} and resource = ${resource} and direction = ${direction}
    returning ${columns}
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('an insert returned no row')
  return row
}

/**
 * Puts a version in force; 0 goes back to the default.
 * @returns the version that was in force before, 0 for the default; undefined when there is no such version.
 */
export async function publishMapping(
  tx: Db,
  key: MappingKey & { readonly version: number },
): Promise<number | undefined> {
  const { connectionId, resource, direction, version } = key
  await sql`select 1 from connections where connection_id = ${connectionId} for update`.execute(tx)
  const before = await getLiveMapping(tx, key)
  if (version > 0 && !(await getMappingVersion(tx, key))) return undefined
  await sql`
    update mappings set state = 'retired' where connection_id = ${connectionId} and resource = ${resource}
      and direction = ${direction} and state = 'live' and version <> ${version}
  `.execute(tx)
  await sql`
    update mappings set state = 'live', published_at = now() where connection_id = ${connectionId} and resource = ${resource}
      and direction = ${direction} and version = ${version}
  `.execute(tx)
  return before?.version ?? 0
}

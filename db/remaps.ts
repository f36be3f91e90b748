/**
 * Re-mapping of stored records: a walk by external id, each batch's rows, counts and position in one transaction (as a
 * page of a sync, INV-4). A dry run walks the same way and only counts.
 */
import { sql } from 'kysely'
import type { FailureNote } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import type { FieldRule } from '../model/mapping.ts'
import { HubError } from '../platform/errors.ts'
import { asTenant, type Db } from './client.ts'

export type RemapState = 'running' | 'succeeded' | 'failed' | 'cancelled'

export interface Remap {
  readonly remapId: string
  readonly partnerId: string
  readonly accountId: string
  readonly connectionId: string
  readonly resource: string
  /** 0: the provider's default. */
  readonly mappingVersion: number
  readonly dryRun: boolean
  /** What a dry run tries; null where the mapping in force counts. */
  readonly rules: readonly FieldRule[] | null
  readonly state: RemapState
  readonly afterId: string
  readonly expected: number
  readonly scanned: number
  readonly changed: number
  /** Records with at least one field that could not be converted. */
  readonly troubled: number
  /** Field of the model → in how many records it changes. */
  readonly changedFields: Readonly<Record<string, number>>
  /** What could not be converted → in how many records. */
  readonly problems: Readonly<Record<string, number>>
  readonly samples: readonly JsonObject[]
  readonly failure: FailureNote | null
  readonly startedBy: string
  readonly startedAt: Date
  readonly endedAt: Date | null
}

const columns = sql`remap_id, partner_id, account_id, connection_id, resource, mapping_version, dry_run, rules, state, after_id,
  expected, scanned, changed, troubled, changed_fields, problems, samples, failure, started_by, started_at, ended_at`

export async function createRemap(
  tx: Db,
  remap: Pick<Remap, 'remapId' | 'resource' | 'mappingVersion' | 'dryRun' | 'rules' | 'startedBy'> & {
    readonly connection: Pick<Remap, 'connectionId' | 'partnerId' | 'accountId'>
  },
): Promise<Remap> {
  const { connectionId, partnerId, accountId } = remap.connection
  const rules = remap.rules === null ? null : JSON.stringify(remap.rules)
  const made = await sql<Remap>`
    insert into remaps (remap_id, partner_id, account_id, connection_id, resource, mapping_version, dry_run, rules, expected, started_by)
    select ${remap.remapId}, ${partnerId}, ${accountId}, ${connectionId}, ${remap.resource}, ${remap.mappingVersion}, ${remap.dryRun},
      ${rules}::jsonb, coalesce((select living from record_counts where connection_id = ${connectionId} and resource = ${remap.resource}), 0),
      ${remap.startedBy}
    returning ${columns}
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('an insert returned no row')
  return row
}

export async function getRemap(db: Db, remapId: string): Promise<Remap | undefined> {
  const found = await sql<Remap>`select ${columns} from remaps where remap_id = ${remapId}`.execute(db)
  return found.rows[0]
}

/** Newest first. */
export async function listRemaps(
  db: Db,
  query: { readonly connectionId: string; readonly before?: string | undefined; readonly limit: number },
): Promise<Remap[]> {
  const found = await sql<Remap>`
    select ${columns} from remaps where connection_id = ${query.connectionId}
      ${query.before === undefined ? sql`` : sql`and remap_id < ${query.before}`}
    order by remap_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** A stored record as a re-mapping sees it. */
export interface MappedRecord {
  readonly externalId: string
  readonly raw: JsonObject
  readonly mapped: JsonObject
  readonly version: number
  readonly mappingVersion: number
}

/** Living and deleted records of a resource after an id, in id order. */
export async function recordsAfter(
  db: Db,
  place: {
    readonly connectionId: string
    readonly resource: string
    readonly afterId: string
    readonly limit: number
  },
): Promise<MappedRecord[]> {
  const found = await sql<MappedRecord>`
    select external_id, raw, mapped, version, mapping_version from records
    where connection_id = ${place.connectionId} and resource = ${place.resource} and external_id > ${place.afterId}
    order by external_id limit ${place.limit}
  `.execute(db)
  return found.rows
}

/** Some living records of a resource, those that changed last, or the ones that are named. */
export async function sampleRecords(
  db: Db,
  place: {
    readonly connectionId: string
    readonly resource: string
    readonly externalIds?: readonly string[] | undefined
    readonly limit: number
  },
): Promise<MappedRecord[]> {
  const named = place.externalIds
    ? sql`and external_id = any (${[...place.externalIds]}::text[])`
    : sql`and deleted_at is null`
  const found = await sql<MappedRecord>`
    select external_id, raw, mapped, version, mapping_version from records
    where connection_id = ${place.connectionId} and resource = ${place.resource} ${named}
    order by changed_at desc limit ${place.limit}
  `.execute(db)
  return found.rows
}

/** A batch that was looked at, and what of it changes. */
export interface RemapBatch {
  readonly afterId: string
  readonly lastId: string
  readonly scanned: number
  readonly troubled: number
  readonly changedFields: Readonly<Record<string, number>>
  readonly problems: Readonly<Record<string, number>>
  readonly samples: readonly JsonObject[]
  readonly changes: readonly {
    readonly externalId: string
    readonly version: number
    readonly mapped: JsonObject
  }[]
  /** Looked at, nothing to change: only their mapping version is noted. */
  readonly unchanged: readonly { readonly externalId: string; readonly version: number }[]
}

/**
 * Commits a batch. A record that a sync has changed meanwhile is left alone: the sync mapped it, and the last pass finds
 * it if it was with the old mapping.
 * @throws HubError `Superseded` when another attempt has committed this batch.
 */
export async function commitRemapBatch(db: Db, remap: Remap, batch: RemapBatch): Promise<void> {
  await asTenant(db, remap.partnerId, async (tx) => {
    const locked = await sql<Pick<Remap, 'afterId' | 'state' | 'changedFields' | 'problems' | 'samples'>>`
      select after_id, state, changed_fields, problems, samples from remaps where remap_id = ${remap.remapId} for update
    `.execute(tx)
    const [now] = locked.rows
    if (!now || now.state !== 'running' || now.afterId !== batch.afterId)
      throw new HubError('Superseded', 'Another attempt has taken over this batch')
    if (!remap.dryRun) await writeMapped(tx, remap, batch)
    const changedFields = JSON.stringify(added(now.changedFields, batch.changedFields))
    const problems = JSON.stringify(added(now.problems, batch.problems, 50))
    const samples = JSON.stringify([...now.samples, ...batch.samples].slice(0, 20))
    await sql`
      update remaps set after_id = ${batch.lastId}, scanned = scanned + ${batch.scanned}, changed = changed + ${batch.changes.length},
        troubled = troubled + ${batch.troubled}, changed_fields = ${changedFields}::jsonb, problems = ${problems}::jsonb,
        samples = ${samples}::jsonb
      where remap_id = ${remap.remapId}
    `.execute(tx)
  })
}

function added(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
  most = 500,
): Record<string, number> {
  const sum = { ...a }
  for (const [name, count] of Object.entries(b))
    if (name in sum || Object.keys(sum).length < most) sum[name] = (sum[name] ?? 0) + count
  return sum
}

async function writeMapped(tx: Db, remap: Remap, { changes, unchanged }: RemapBatch): Promise<void> {
  const { connectionId, resource, mappingVersion, remapId } = remap
  await sql`
    with incoming as (
      select * from rows from (
        unnest(${changes.map((one) => one.externalId)}::text[]),
        unnest(${changes.map((one) => one.version)}::int[]),
        jsonb_array_elements(${JSON.stringify(changes.map((one) => one.mapped))}::jsonb)
      ) as t (external_id, version, mapped)
    ), written as (
      update records r set mapped = i.mapped, changed_at = now(), mapping_version = ${mappingVersion}
      from incoming i where r.connection_id = ${connectionId} and r.resource = ${resource} and r.external_id = i.external_id
        and r.version = i.version
      returning r.external_id, r.partner_id, r.account_id, r.model, r.version, r.deleted_at
    )
    insert into changes (partner_id, account_id, connection_id, resource, external_id, model, effect, version, origin)
    select partner_id, account_id, ${connectionId}, ${resource}, external_id, model, 'remapped', version, ${`remap:${remapId}`}
    from written where deleted_at is null
  `.execute(tx)
  await sql`
    update records r set mapping_version = ${mappingVersion}
    from unnest(${unchanged.map((one) => one.externalId)}::text[], ${unchanged.map((one) => one.version)}::int[]) as i (external_id, version)
    where r.connection_id = ${connectionId} and r.resource = ${resource} and r.external_id = i.external_id
      and r.version = i.version and r.mapping_version <> ${mappingVersion}
  `.execute(tx)
}

/** Begins the walk again: records that a sync, still at work with the mapping before, wrote meanwhile. */
export async function restartRemap(db: Db, remap: Remap): Promise<void> {
  await sql`update remaps set after_id = '' where remap_id = ${remap.remapId} and state = 'running'`.execute(
    db,
  )
}

/** How many records were mapped by another version than this one. */
export async function countOtherwiseMapped(
  db: Db,
  place: { readonly connectionId: string; readonly resource: string; readonly mappingVersion: number },
): Promise<number> {
  const found = await sql<{ left: number }>`
    select count(*)::int as left from records
    where connection_id = ${place.connectionId} and resource = ${place.resource} and mapping_version <> ${place.mappingVersion}
  `.execute(db)
  return found.rows[0]?.left ?? 0
}

/** Ends a re-mapping that is under way. False when it had ended. */
export async function endRemap(
  tx: Db,
  remapId: string,
  state: Exclude<RemapState, 'running'>,
  failure: FailureNote | null,
): Promise<boolean> {
  const ended = await sql<{ remapId: string }>`
    update remaps set state = ${state}, failure = ${failure === null ? null : JSON.stringify(failure)}::jsonb, ended_at = now()
    where remap_id = ${remapId} and state = 'running' returning remap_id
  `.execute(tx)
  return ended.rows.length > 0
}

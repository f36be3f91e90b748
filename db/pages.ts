/**
 * The heart of INV-4: one page's rows, its counts and its cursor commit in one transaction, or nothing does. The row in
 * run_resources is locked first and its page number compared: a second attempt at the same page (a zombie of a worker that
 * was thought dead) finds the number moved on and writes nothing.
 */
import { sql } from 'kysely'
import { effectOf, type Effect } from '../model/effect.ts'
import type { JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import { asTenant, type Db } from './client.ts'
import { quarantineRows, releaseRows, type QuarantinedRow } from './quarantine.ts'

/** One row of a page, checked, mapped and hashed. */
export interface PreparedRow {
  readonly externalId: string
  /** JSON text. Empty objects for a tombstone: the last known content is kept. */
  readonly raw: string
  readonly mapped: string
  /** SHA-256 of the canonical content, hex. */
  readonly fingerprint: string
  readonly sourceUpdatedAt: Date | undefined
  readonly deleted: boolean
  /** When it was read, where the rows of a page were not read together (webhooks bring each at its own time). */
  readonly readAt?: Date
}

/** Which resource of which run a page belongs to. */
export interface PageScope {
  readonly runId: string
  readonly resource: string
  readonly model: string
  readonly partnerId: string
  readonly accountId: string
  readonly connectionId: string
  readonly dryRun: boolean
  readonly force: boolean
  /** Note the ids that were seen: deletions of this resource come from the scan. */
  readonly trackSeen: boolean
  /** The saved cursor follows each page. A forced run moves it only when it has read everything. */
  readonly moveCursor: boolean
  /** Top-level raw fields that change by themselves; a plan does not name them. */
  readonly volatile: readonly string[]
  /** Version of the connection's mapping that the rows were mapped with; 0: the provider's default. */
  readonly mappingVersion: number
}

/** What the store must know to write rows: a page's scope, or a write's. */
export interface ChangeScope extends Pick<
  PageScope,
  'resource' | 'model' | 'partnerId' | 'accountId' | 'connectionId' | 'mappingVersion'
> {
  /** Null for what no run brought. */
  readonly runId: string | null
  /** `write:<id>`: the hub's own doing. Rows of a page take it from the write that is under way for them. */
  readonly origin?: string
}

export interface PreparedPage {
  /** Number of pages before this one in the run. */
  readonly page: number
  readonly rows: readonly PreparedRow[]
  readonly quarantined: readonly QuarantinedRow[]
  /** What the mapping could not convert: how many rows, by problem. */
  readonly mappingProblems: Readonly<Record<string, number>>
  readonly positionIn: JsonObject | undefined
  readonly positionOut: JsonObject
  /** Sum over living rows of SHA-256(id, fingerprint) modulo 2^256, decimal. */
  readonly contentHash: bigint
  readonly readAt: Date
  /** The scan is complete with this page. */
  readonly done: boolean
  /** Attempts that were repeated to get it. */
  readonly retried: number
  readonly calls: number
}

export interface PageEffects {
  readonly created: number
  readonly updated: number
  readonly deleted: number
  readonly restored: number
  /** With tombstones of objects that were never known. */
  readonly unchanged: number
  readonly stale: number
}

/** A row of `records` as far as a decision needs it. */
export interface StoredRow {
  readonly externalId: string
  readonly fingerprint: string
  readonly sourceUpdatedAt: Date | null
  readonly readAt: Date
  readonly deleted: boolean
  readonly version: number
}

export interface Change {
  readonly row: PreparedRow
  readonly effect: Exclude<Effect, 'unchanged' | 'stale'>
  readonly version: number
}

/** Another transaction wrote one of the page's rows between our look and our write; the page is tried again. */
const raced = new Error('a row of the page changed meanwhile')

/** Lost against another writer: by version, or by Postgres' choice of whom to end in a deadlock. */
export const isRace = (error: unknown): boolean =>
  error === raced ||
  (error instanceof Error && 'code' in error && (error.code === '40P01' || error.code === '40001'))

/**
 * Commits a page of a real run.
 * @throws HubError `Superseded` when another attempt has committed this page or the run has ended.
 */
export async function commitPage(db: Db, scope: PageScope, page: PreparedPage): Promise<PageEffects> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await asTenant(db, scope.partnerId, async (tx) => {
        await lockPage(tx, scope, page.page)
        const stored = await storedRows(
          tx,
          scope,
          page.rows.map((row) => row.externalId),
        )
        const { changes, effects } = classify(page, stored, scope.force)
        await writeChanges(tx, scope, changes, page.readAt)
        await settleQuarantine(tx, scope, page)
        if (scope.trackSeen) await noteSeen(tx, scope, page.rows)
        await recordPage(tx, scope, page, effects)
        await noteMappingProblems(tx, scope, page.mappingProblems)
        return effects
      })
    } catch (error) {
      if (!isRace(error) || attempt === 10) throw error
    }
  }
}

/** Locks the resource's row of the run and makes sure that this page is the next one. */
export async function lockPage(tx: Db, scope: PageScope, page: number): Promise<void> {
  const found = await sql<{ pages: number; state: string }>`
    select pages, state from run_resources where run_id = ${scope.runId} and resource = ${scope.resource} for update
  `.execute(tx)
  const row = found.rows[0]
  if (!row || row.state !== 'running' || row.pages !== page) {
    throw new HubError('Superseded', 'Another attempt has taken over this page', {
      internal: `${scope.runId} ${scope.resource}: page ${page}, found ${row ? `${row.state} ${row.pages}` : 'no row'}`,
    })
  }
}

/** What the store holds of the given ids. */
export async function storedRows(
  tx: Db,
  scope: Pick<PageScope, 'connectionId' | 'resource'>,
  ids: readonly string[],
): Promise<Map<string, StoredRow>> {
  if (ids.length === 0) return new Map()
  const found = await sql<StoredRow>`
    select external_id, encode(fingerprint, 'hex') as fingerprint, source_updated_at, read_at,
      deleted_at is not null as deleted, version
    from records
    where connection_id = ${scope.connectionId} and resource = ${scope.resource} and external_id = any (${[...ids]}::text[])
  `.execute(tx)
  return new Map(found.rows.map((row) => [row.externalId, row]))
}

/** Decides the effect of every row of a page; `decided` stands in their order. */
export function classify(
  page: Pick<PreparedPage, 'rows' | 'readAt'>,
  stored: ReadonlyMap<string, StoredRow>,
  force: boolean,
): { changes: Change[]; effects: PageEffects; decided: Effect[] } {
  const effects = { created: 0, updated: 0, deleted: 0, restored: 0, unchanged: 0, stale: 0 }
  const changes: Change[] = []
  const decided: Effect[] = []
  for (const row of page.rows) {
    const readAt = (row.readAt ?? page.readAt).getTime()
    const known = stored.get(row.externalId)
    const effect = effectOf(
      known && {
        fingerprint: known.fingerprint,
        sourceUpdatedAt: known.sourceUpdatedAt?.getTime(),
        readAt: known.readAt.getTime(),
        deleted: known.deleted,
      },
      {
        fingerprint: row.fingerprint,
        sourceUpdatedAt: row.sourceUpdatedAt?.getTime(),
        readAt,
        deleted: row.deleted,
      },
      force,
    )
    decided.push(effect)
    effects[effect === 'buried' ? 'unchanged' : effect]++
    if (effect !== 'unchanged' && effect !== 'stale')
      changes.push({ row, effect, version: (known?.version ?? 0) + 1 })
  }
  return { changes, effects, decided }
}

/** Writes changed rows, the versions they supersede, the change feed and the living count. */
export async function writeChanges(
  tx: Db,
  scope: ChangeScope,
  unordered: readonly Change[],
  readAt: Date,
): Promise<void> {
  if (unordered.length === 0) return
  // One order for all writers, so that a page and a webhook lane cannot wait for each other.
  const changes = [...unordered].sort((a, b) => (a.row.externalId < b.row.externalId ? -1 : 1))
  const column = <T>(pick: (change: Change) => T): T[] => changes.map(pick)
  const jsonArray = (texts: string[]) => `[${texts.join(',')}]`
  const living = changes.reduce(
    (sum, { effect }) =>
      sum + (effect === 'deleted' ? -1 : effect === 'created' || effect === 'restored' ? 1 : 0),
    0,
  )
  const { connectionId, resource, partnerId, accountId, model, runId, mappingVersion, origin } = scope
  // A tombstone comes with empty content ('{}'): the last known content stays, `deleted_at` is set.
  const result = await sql<{ written: number }>`
    with incoming as materialized (
      select * from rows from (
        unnest(${column((c) => c.row.externalId)}::text[]),
        unnest(${column((c) => c.row.fingerprint)}::text[]),
        unnest(${column((c) => c.row.sourceUpdatedAt?.toISOString() ?? null)}::timestamptz[]),
        unnest(${column((c) => c.version)}::int[]),
        unnest(${column((c) => c.effect)}::text[]),
        unnest(${column((c) => (c.row.readAt ?? readAt).toISOString())}::timestamptz[]),
        jsonb_array_elements(${jsonArray(column((c) => c.row.raw))}::jsonb),
        jsonb_array_elements(${jsonArray(column((c) => c.row.mapped))}::jsonb)
      ) as t (external_id, fingerprint, source_updated_at, version, effect, read_at, raw, mapped)
    ), superseded as (
      insert into record_versions (connection_id, resource, external_id, version, partner_id, raw, source_updated_at, was_deleted, ended_by, run_id)
      select r.connection_id, r.resource, r.external_id, r.version, r.partner_id, r.raw, r.source_updated_at, r.deleted_at is not null, i.effect, ${runId}
      from records r join incoming i on i.external_id = r.external_id
      where r.connection_id = ${connectionId} and r.resource = ${resource} and i.effect <> 'buried'
        and r.external_id = any (${changes.filter((c) => c.version > 1).map((c) => c.row.externalId)}::text[])
    ), written as (
      insert into records as r (connection_id, resource, external_id, partner_id, account_id, model, raw, mapped, fingerprint,
        source_updated_at, read_at, deleted_at, version, run_id, mapping_version)
      select ${connectionId}, ${resource}, external_id, ${partnerId}, ${accountId}, ${model}, raw, mapped, decode(fingerprint, 'hex'),
        source_updated_at, read_at, case when raw = '{}' then now() end, version, ${runId}, ${mappingVersion}::int
      from incoming
      on conflict (connection_id, resource, external_id) do update set
        raw = case when excluded.raw = '{}' then r.raw else excluded.raw end,
        mapped = case when excluded.raw = '{}' then r.mapped else excluded.mapped end,
        fingerprint = case when excluded.raw = '{}' then r.fingerprint else excluded.fingerprint end,
        source_updated_at = coalesce(excluded.source_updated_at, r.source_updated_at),
        read_at = excluded.read_at, changed_at = now(), version = excluded.version, run_id = excluded.run_id,
        deleted_at = excluded.deleted_at,
        mapping_version = case when excluded.raw = '{}' then r.mapping_version else excluded.mapping_version end
      where r.version = excluded.version - 1
      returning r.external_id
    ), counted as (
      insert into record_counts as c (connection_id, resource, partner_id, living)
      select ${connectionId}, ${resource}, ${partnerId}, ${living}::bigint
      on conflict (connection_id, resource) do update set living = c.living + excluded.living
      where excluded.living <> 0
    ), fed as (
      insert into changes (partner_id, account_id, connection_id, resource, external_id, model, effect, version, run_id, origin)
      select ${partnerId}, ${accountId}, ${connectionId}, ${resource}, i.external_id, ${model}, i.effect, i.version, ${runId},
        coalesce(${origin ?? null}, (select 'write:' || max(u.write_id) from writes u where u.connection_id = ${connectionId}
          and u.resource = ${resource} and u.external_id = i.external_id and u.state = 'running'))
      from written w join incoming i using (external_id) where i.effect <> 'buried'
    )
    select count(*)::int as written from written
  `.execute(tx)
  if (result.rows[0]?.written !== changes.length) throw raced
}

async function settleQuarantine(tx: Db, scope: PageScope, page: PreparedPage): Promise<void> {
  await quarantineRows(tx, { ...scope, readAt: page.readAt }, page.quarantined)
  await releaseRows(
    tx,
    scope,
    page.rows.map((row) => row.externalId),
  )
}

/** Notes which ids the run has seen, and (for a dry run) with what content. */
export async function noteSeen(tx: Db, scope: PageScope, rows: readonly PreparedRow[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into scan_seen (run_id, resource, external_id, partner_id, fingerprint, deleted)
    select ${scope.runId}, ${scope.resource}, t.external_id, ${scope.partnerId}, decode(t.fingerprint, 'hex'), t.deleted
    from unnest(${rows.map((row) => row.externalId)}::text[], ${rows.map((row) => row.fingerprint)}::text[],
      ${rows.map((row) => row.deleted)}::boolean[]) as t (external_id, fingerprint, deleted)
    on conflict (run_id, resource, external_id) do update set fingerprint = excluded.fingerprint, deleted = excluded.deleted
  `.execute(tx)
}

/** Adds to the resource's row, which this transaction has locked. */
async function noteMappingProblems(
  tx: Db,
  { runId, resource }: PageScope,
  problems: Readonly<Record<string, number>>,
): Promise<void> {
  const entries = Object.entries(problems)
  if (entries.length === 0) return
  const found = await sql<{ mappingProblems: Record<string, number> }>`
    select mapping_problems from run_resources where run_id = ${runId} and resource = ${resource}
  `.execute(tx)
  const sum = { ...found.rows[0]?.mappingProblems }
  for (const [problem, count] of entries)
    if (problem in sum || Object.keys(sum).length < 50) sum[problem] = (sum[problem] ?? 0) + count
  await sql`
    update run_resources set mapping_problems = ${JSON.stringify(sum)}::jsonb where run_id = ${runId} and resource = ${resource}
  `.execute(tx)
}

/** Manifest, counts, position and (if asked) the saved cursor, in one statement. */
export async function recordPage(
  tx: Db,
  scope: PageScope,
  page: PreparedPage,
  effects: PageEffects,
): Promise<void> {
  const { runId, resource, partnerId, connectionId } = scope
  const created = effects.created + effects.restored
  const scanned = page.rows.length + page.quarantined.length
  const positionIn = page.positionIn === undefined ? null : JSON.stringify(page.positionIn)
  const positionOut = JSON.stringify(page.positionOut)
  const hash = page.contentHash.toString()
  await sql`
    with manifest as (
      insert into pages (run_id, resource, page, partner_id, connection_id, position_in, position_out, scanned, created, updated,
        unchanged, deleted, stale, quarantined, content_hash, read_at)
      select ${runId}, ${resource}, ${page.page}, ${partnerId}, ${connectionId}, ${positionIn}::jsonb, ${positionOut}::jsonb,
        ${scanned}, ${created}, ${effects.updated}, ${effects.unchanged}, ${effects.deleted}, ${effects.stale},
        ${page.quarantined.length}, ${hash}::numeric, ${page.readAt}::timestamptz
      where ${!scope.dryRun}
    ), moved as (
      insert into cursors (connection_id, resource, partner_id, position, scan_complete, run_id)
      select ${connectionId}, ${resource}, ${partnerId}, ${positionOut}::jsonb, ${page.done}, ${runId}
      where ${scope.moveCursor && !scope.dryRun}
      on conflict (connection_id, resource) do update set position = excluded.position, run_id = excluded.run_id,
        scan_complete = cursors.scan_complete or excluded.scan_complete, updated_at = now()
    )
    update run_resources set pages = pages + 1, position = ${positionOut}::jsonb, scanned = scanned + ${scanned},
      created = created + ${created}, updated = updated + ${effects.updated}, unchanged = unchanged + ${effects.unchanged},
      deleted = deleted + ${effects.deleted}, stale = stale + ${effects.stale}, quarantined = quarantined + ${page.quarantined.length},
      retried = retried + ${page.retried}, calls = calls + ${page.calls},
      content_hash = mod(content_hash + ${hash}::numeric, 115792089237316195423570985008687907853269984665640564039457584007913129639936::numeric)
    where run_id = ${runId} and resource = ${resource}
  `.execute(tx)
}

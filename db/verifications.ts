/** Verifications: how far each has come, what it has found, what was done about it. */
import { sql } from 'kysely'
import type { FindingKind, IntegrityCounts } from '../model/integrity.ts'
import type { FailureNote } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import type { Connection } from './connections.ts'
import type { Db } from './client.ts'

export type VerificationMode = 'sample' | 'full'
export type RepairWish = 'none' | 'ask' | 'apply'
export type VerificationState = 'running' | 'asking' | 'repairing' | 'succeeded' | 'failed' | 'cancelled'

export interface Verification {
  readonly verificationId: string
  readonly partnerId: string
  readonly accountId: string
  readonly connectionId: string
  readonly provider: string
  readonly mode: VerificationMode
  readonly repair: RepairWish
  readonly state: VerificationState
  readonly wishedResources: readonly string[] | null
  readonly decidedBy: string | null
  readonly decision: 'approved' | 'rejected' | null
  readonly repaired: number
  readonly notRepaired: number
  readonly drift: JsonObject | null
  readonly failure: FailureNote | null
  readonly keyId: string | null
  readonly jws: string | null
  readonly startedBy: string
  readonly startedAt: Date
  readonly endedAt: Date | null
}

const columns = sql`verification_id, partner_id, account_id, connection_id, provider, mode, repair, state, wished_resources, decided_by,
  decision, repaired, not_repaired, drift, failure, key_id, jws, started_by, started_at, ended_at`

/** Makes the row, or finds it again: a repetition makes no second one. */
export async function beginVerification(
  tx: Db,
  wish: {
    readonly verificationId: string
    readonly connection: Connection
    readonly mode: VerificationMode
    readonly repair: RepairWish
    readonly resources: readonly string[] | undefined
    readonly startedBy: string
  },
): Promise<void> {
  const { verificationId, connection, mode, repair, resources, startedBy } = wish
  const { partnerId, accountId, connectionId, provider } = connection
  await sql`
    insert into verifications (verification_id, partner_id, account_id, connection_id, provider, mode, repair, wished_resources, started_by)
    values (${verificationId}, ${partnerId}, ${accountId}, ${connectionId}, ${provider}, ${mode}, ${repair},
      ${resources === undefined ? null : [...resources]}::text[], ${startedBy})
    on conflict (verification_id) do nothing
  `.execute(tx)
}

export async function getVerification(db: Db, verificationId: string): Promise<Verification | undefined> {
  const found = await sql<Verification>`
    select ${columns} from verifications where verification_id = ${verificationId}
  `.execute(db)
  return found.rows[0]
}

/** Newest first; `before` is the id of the last one of the page before. */
export async function listVerifications(
  db: Db,
  query: {
    readonly connectionId?: string | undefined
    readonly partnerId?: string | undefined
    readonly before?: string | undefined
    readonly limit: number
  },
): Promise<Verification[]> {
  const filter = [
    sql`true`,
    ...(query.connectionId === undefined ? [] : [sql`connection_id = ${query.connectionId}`]),
    ...(query.partnerId === undefined ? [] : [sql`partner_id = ${query.partnerId}`]),
    ...(query.before === undefined ? [] : [sql`verification_id < ${query.before}`]),
  ]
  const found = await sql<Verification>`
    select ${columns} from verifications where ${sql.join(filter, sql` and `)} order by verification_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** When the last reading of a resource that went through began: what has changed since is the next one's to bring. Null: never. */
export async function inStepSince(db: Db, connectionId: string, resource: string): Promise<Date | null> {
  const found = await sql<{ at: Date | null }>`
    select max(rr.started_at) as at from run_resources rr join runs r using (run_id)
    where r.connection_id = ${connectionId} and rr.resource = ${resource} and rr.state = 'succeeded' and not r.dry_run
  `.execute(db)
  return found.rows[0]?.at ?? null
}

export interface VerifiedResource extends IntegrityCounts {
  readonly resource: string
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped'
  readonly position: JsonObject | null
  readonly pages: number
  readonly providerCount: number | null
  readonly storeCount: number | null
  readonly calls: number
  readonly note: string | null
  readonly startedAt: Date | null
  readonly endedAt: Date | null
}

const resourceColumns = sql`resource, state, position, pages, provider_count, store_count, checked, matching, pending, missing, extra, stale,
  different, orphans, calls, note, started_at, ended_at`

export async function listVerifiedResources(db: Db, verificationId: string): Promise<VerifiedResource[]> {
  const found = await sql<VerifiedResource>`
    select ${resourceColumns} from verification_resources where verification_id = ${verificationId} order by ordinal
  `.execute(db)
  return found.rows
}

export async function addVerifiedResources(
  tx: Db,
  { verificationId, partnerId }: Pick<Verification, 'verificationId' | 'partnerId'>,
  names: readonly string[],
): Promise<void> {
  await sql`
    insert into verification_resources (verification_id, resource, ordinal, partner_id)
    select ${verificationId}, name, n, ${partnerId} from unnest(${[...names]}::text[]) with ordinality as t (name, n)
    on conflict do nothing
  `.execute(tx)
}

export interface Finding {
  readonly externalId: string
  readonly kind: FindingKind
  readonly fields: readonly string[]
}

export interface VerifiedPage {
  readonly verificationId: string
  readonly partnerId: string
  readonly resource: string
  /** Pages before this one; a page that was committed meanwhile is passed over. */
  readonly page: number
  readonly position: JsonObject | null
  readonly done: boolean
  readonly seen: readonly string[]
  readonly counts: Partial<IntegrityCounts>
  readonly findings: readonly Finding[]
  readonly calls: number
}

/** Writes a compared page down: findings, counts, place, in one transaction of the caller's. False: another attempt has done it. */
export async function commitVerifiedPage(tx: Db, page: VerifiedPage): Promise<boolean> {
  const { verificationId, partnerId, resource, counts } = page
  const n = (name: keyof IntegrityCounts) => sql`${counts[name] ?? 0}::bigint`
  const moved = await sql`
    update verification_resources set pages = pages + 1, position = ${page.position === null ? null : JSON.stringify(page.position)}::jsonb,
      state = 'running', started_at = coalesce(started_at, now()), calls = calls + ${page.calls},
      checked = checked + ${n('checked')}, matching = matching + ${n('matching')}, pending = pending + ${n('pending')},
      missing = missing + ${n('missing')}, extra = extra + ${n('extra')}, stale = stale + ${n('stale')},
      different = different + ${n('different')}, orphans = orphans + ${n('orphans')}
    where verification_id = ${verificationId} and resource = ${resource} and pages = ${page.page} and state in ('waiting', 'running')
  `.execute(tx)
  if (!moved.numAffectedRows) return false
  await addFindings(tx, page, page.findings)
  if (page.seen.length > 0)
    await sql`
      insert into verification_seen (verification_id, resource, external_id, partner_id)
      select distinct ${verificationId}, ${resource}, id, ${partnerId} from unnest(${[...page.seen]}::text[]) as id on conflict do nothing
    `.execute(tx)
  return true
}

export async function addFindings(
  tx: Db,
  { verificationId, partnerId, resource }: Pick<VerifiedPage, 'verificationId' | 'partnerId' | 'resource'>,
  findings: readonly Finding[],
): Promise<void> {
  if (findings.length === 0) return
  await sql`
    insert into verification_findings (verification_id, resource, external_id, kind, partner_id, fields)
    select ${verificationId}, ${resource}, t."externalId", t.kind, ${partnerId}, array(select jsonb_array_elements_text(t.fields))
    from jsonb_to_recordset(${JSON.stringify(findings)}::jsonb) as t ("externalId" text, kind text, fields jsonb) on conflict do nothing
  `.execute(tx)
}

export async function endVerifiedResource(
  tx: Db,
  key: { readonly verificationId: string; readonly resource: string },
  end: {
    readonly state: 'done' | 'failed' | 'skipped'
    readonly providerCount?: number | null
    readonly storeCount?: number | null
    readonly orphans?: number
    readonly note?: string | null
  },
): Promise<void> {
  await sql`
    update verification_resources set state = ${end.state}, provider_count = ${end.providerCount ?? null}, store_count = ${end.storeCount ?? null},
      note = ${end.note ?? null}, orphans = ${end.orphans ?? 0}, ended_at = now(), started_at = coalesce(started_at, now())
    where verification_id = ${key.verificationId} and resource = ${key.resource} and ended_at is null
  `.execute(tx)
  await sql`
    delete from verification_seen where verification_id = ${key.verificationId} and resource = ${key.resource}
  `.execute(tx)
}

export interface StoredObject {
  readonly externalId: string
  readonly raw: JsonObject
  readonly mapped: JsonObject
  readonly deleted: boolean
  readonly sourceUpdatedAt: Date | null
}

/** What the store has of objects, content included. */
export async function storedObjects(
  db: Db,
  place: { readonly connectionId: string; readonly resource: string },
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredObject>> {
  const found = await sql<StoredObject>`
    select external_id, raw, mapped, deleted_at is not null as deleted, source_updated_at from records
    where connection_id = ${place.connectionId} and resource = ${place.resource} and external_id = any (${[...ids]}::text[])
  `.execute(db)
  return new Map(found.rows.map((row) => [row.externalId, row]))
}

/** Living records that the comparison has not met, in id order, as they were before it began. */
export async function unseenRecords(
  db: Db,
  query: {
    readonly verificationId: string
    readonly connectionId: string
    readonly resource: string
    readonly before: Date
    readonly after: string
    readonly limit: number
  },
): Promise<string[]> {
  const found = await sql<{ externalId: string }>`
    select r.external_id from records r
    where r.connection_id = ${query.connectionId} and r.resource = ${query.resource} and r.external_id > ${query.after} and r.deleted_at is null
      and r.read_at < ${query.before}::timestamptz
      and not exists (select from verification_seen s where s.verification_id = ${query.verificationId} and s.resource = ${query.resource}
        and s.external_id = r.external_id)
    order by r.connection_id, r.resource, r.external_id limit ${query.limit}
  `.execute(db)
  return found.rows.map(({ externalId }) => externalId)
}

/** Findings that an object points nowhere are kept up to this many per resource; the count is whole. */
const orphansKept = 200

/** Living records of a resource whose link field names an object that the store does not have, where it syncs such objects at all. */
export async function orphansOf(
  db: Db,
  query: {
    readonly connectionId: string
    readonly resource: string
    readonly field: string
    readonly to: readonly string[]
  },
): Promise<{ readonly total: number; readonly ids: string[] }> {
  const { connectionId, resource, field, to } = query
  const found = await sql<{ externalId: string; total: number }>`
    with targets as (
      select exists (select from records where connection_id = ${connectionId} and model = any (${[...to]}::text[]) and deleted_at is null) as there),
    links as (
      select r.external_id, l.id from records r, targets, lateral (
        select r.mapped ->> ${field} as id where jsonb_typeof(r.mapped -> ${field}) in ('string', 'number')
        union all
        select jsonb_array_elements_text(r.mapped -> ${field}) where jsonb_typeof(r.mapped -> ${field}) = 'array') as l
      where targets.there and r.connection_id = ${connectionId} and r.resource = ${resource} and r.deleted_at is null),
    broken as (
      select distinct external_id from links where not exists (
        select from records t where t.connection_id = ${connectionId} and t.external_id = links.id and t.model = any (${[...to]}::text[])))
    select external_id, count(*) over ()::int as total from broken order by external_id limit ${orphansKept}
  `.execute(db)
  return { total: found.rows[0]?.total ?? 0, ids: found.rows.map(({ externalId }) => externalId) }
}

/**
 * Drift between webhook and poll: changes of the last day that a sync had to bring, of how many of those a webhook had told. Only where
 * webhooks of the connection come at all.
 */
export async function driftOf(db: Db, connectionId: string): Promise<JsonObject | null> {
  const found = await sql<{ hooks: number; polled: number; untold: number }>`
    with hooked as (select count(*)::int as n from inbox_events where connection_id = ${connectionId} and received_at > now() - interval '1 day'),
    polled as (
      select c.resource, c.external_id, c.created_at from changes c
      where c.connection_id = ${connectionId} and c.run_id is not null and c.created_at > now() - interval '1 day' and c.effect <> 'remapped')
    select (select n from hooked) as hooks, count(*)::int as polled, count(*) filter (where not exists (
        select from inbox_events e where e.connection_id = ${connectionId} and e.resource = p.resource and e.external_id = p.external_id
          and e.received_at > now() - interval '2 days'))::int as untold
    from polled p
  `.execute(db)
  const row = found.rows[0]
  return row && row.hooks > 0
    ? { webhooks: row.hooks, changesByPoll: row.polled, notToldByWebhook: row.untold }
    : null
}

export interface FindingRow extends Finding {
  readonly resource: string
  readonly foundAt: Date
  readonly outcome: string | null
  readonly settledAt: Date | null
}

const findingColumns = sql`resource, external_id, kind, fields, found_at, outcome, settled_at`

export async function listFindings(
  db: Db,
  query: {
    readonly verificationId: string
    readonly kind?: FindingKind | undefined
    readonly after?:
      { readonly resource: string; readonly externalId: string; readonly kind: string } | undefined
    readonly limit: number
  },
): Promise<FindingRow[]> {
  const { verificationId, kind, after, limit } = query
  const found = await sql<FindingRow>`
    select ${findingColumns} from verification_findings where verification_id = ${verificationId}
      ${kind === undefined ? sql`` : sql`and kind = ${kind}`}
      ${after ? sql`and (resource, external_id, kind) > (${after.resource}, ${after.externalId}, ${after.kind})` : sql``}
    order by resource, external_id, kind limit ${limit}
  `.execute(db)
  return found.rows
}

/** Findings that can be repaired and were not yet, of one resource. */
export async function openFindings(
  db: Db,
  query: { readonly verificationId: string; readonly limit: number },
): Promise<FindingRow[]> {
  const found = await sql<FindingRow>`
    select ${findingColumns} from verification_findings
    where verification_id = ${query.verificationId} and settled_at is null and kind <> 'orphan'
      and resource = (select min(resource) from verification_findings where verification_id = ${query.verificationId} and settled_at is null
        and kind <> 'orphan')
    order by external_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function settleFindings(
  tx: Db,
  key: { readonly verificationId: string; readonly resource: string },
  outcomes: readonly { readonly externalId: string; readonly outcome: string }[],
): Promise<void> {
  if (outcomes.length === 0) return
  await sql`
    update verification_findings f set outcome = t.outcome, settled_at = now()
    from jsonb_to_recordset(${JSON.stringify(outcomes)}::jsonb) as t ("externalId" text, outcome text)
    where f.verification_id = ${key.verificationId} and f.resource = ${key.resource} and f.external_id = t."externalId" and f.settled_at is null
      and f.kind <> 'orphan'
  `.execute(tx)
  await sql`
    update verifications set
      repaired = (select count(*) from verification_findings where verification_id = ${key.verificationId} and outcome in ('repaired', 'gone')),
      not_repaired = (select count(*) from verification_findings where verification_id = ${key.verificationId} and settled_at is not null
        and outcome not in ('repaired', 'gone'))
    where verification_id = ${key.verificationId}
  `.execute(tx)
}

/** Lets go of the fingerprints of records that are to be written anew: equal content would count as unchanged otherwise. */
export async function forgetFingerprints(
  tx: Db,
  place: { readonly connectionId: string; readonly resource: string },
  ids: readonly string[],
): Promise<void> {
  await sql`
    update records set fingerprint = '\\x', source_updated_at = null, read_at = to_timestamp(0)
    where connection_id = ${place.connectionId} and resource = ${place.resource} and external_id = any (${[...ids]}::text[])
  `.execute(tx)
}

/** Moves on from a state that is expected. False: it is in another one. */
export async function setVerificationState(
  tx: Db,
  verificationId: string,
  from: readonly VerificationState[],
  change: {
    readonly state: VerificationState
    readonly decidedBy?: string
    readonly decision?: 'approved' | 'rejected'
    readonly failure?: FailureNote | null
  },
): Promise<boolean> {
  const isEnd = ['succeeded', 'failed', 'cancelled'].includes(change.state)
  const moved = await sql`
    update verifications set state = ${change.state}, decided_by = coalesce(${change.decidedBy ?? null}, decided_by),
      decision = coalesce(${change.decision ?? null}, decision),
      failure = coalesce(${change.failure ? JSON.stringify(change.failure) : null}::jsonb, failure),
      ended_at = case when ${isEnd} then now() end
    where verification_id = ${verificationId} and state = any (${[...from]}::text[])
  `.execute(tx)
  return moved.numAffectedRows === 1n
}

export async function keepVerificationReport(
  tx: Db,
  verificationId: string,
  report: { readonly keyId: string; readonly jws: string; readonly drift: JsonObject | null },
): Promise<void> {
  await sql`
    update verifications set key_id = ${report.keyId}, jws = ${report.jws}, drift = ${report.drift === null ? null : JSON.stringify(report.drift)}::jsonb
    where verification_id = ${verificationId}
  `.execute(tx)
}

/** A page of a dry run: the same decisions as a real one, written down as a plan and nowhere else (INV-8). */
import { sql } from 'kysely'
import { diffFields } from '../model/diff.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { asTenant, type Db } from './client.ts'
import {
  classify,
  lockPage,
  noteSeen,
  recordPage,
  storedRows,
  type Change,
  type PageEffects,
  type PageScope,
  type PreparedPage,
  type StoredRow,
} from './pages.ts'

/** One line of a plan. `fields`: names of the top-level raw fields that differ from the stored copy. */
export interface PlannedChange {
  readonly externalId: string
  readonly effect: 'created' | 'updated' | 'deleted' | 'restored'
  readonly fields: readonly string[]
}

/** How many changes of a resource a plan lists one by one; all are counted. */
export const plannedChangesListed = 200

/**
 * Plans a page: counts what a real run would write, names changed fields, writes only the run's own bookkeeping.
 * @throws HubError `Superseded` as `commitPage` does.
 */
export async function planPage(db: Db, scope: PageScope, page: PreparedPage): Promise<PageEffects> {
  return await asTenant(db, scope.partnerId, async (tx) => {
    await lockPage(tx, scope, page.page)
    const ids = page.rows.map((row) => row.externalId)
    const stored = new Map([...(await storedRows(tx, scope, ids)), ...(await seenRows(tx, scope, ids))])
    const { changes, effects } = classify(page, stored, scope.force)
    await addToPlan(tx, scope, await planned(tx, scope, changes))
    await noteSeen(tx, scope, page.rows)
    await recordPage(tx, scope, page, effects)
    return effects
  })
}

/** What this run has planned already for the ids: a second reading is compared with the first, as a real run would. */
async function seenRows(tx: Db, scope: PageScope, ids: readonly string[]): Promise<Map<string, StoredRow>> {
  if (ids.length === 0) return new Map()
  const found = await sql<{ externalId: string; fingerprint: string; deleted: boolean }>`
    select external_id, encode(fingerprint, 'hex') as fingerprint, deleted from scan_seen
    where run_id = ${scope.runId} and resource = ${scope.resource} and external_id = any (${[...ids]}::text[])
  `.execute(tx)
  const long = new Date(0)
  return new Map(
    found.rows.map((row) => [row.externalId, { ...row, sourceUpdatedAt: null, readAt: long, version: 1 }]),
  )
}

async function planned(tx: Db, scope: PageScope, changes: readonly Change[]): Promise<PlannedChange[]> {
  const updated = changes
    .filter((change) => change.effect === 'updated')
    .map((change) => change.row.externalId)
  const before = new Map<string, JsonObject>()
  if (updated.length > 0) {
    const found = await sql<{ externalId: string; raw: JsonObject }>`
      select external_id, raw from records
      where connection_id = ${scope.connectionId} and resource = ${scope.resource} and external_id = any (${updated}::text[])
    `.execute(tx)
    for (const row of found.rows) before.set(row.externalId, row.raw)
  }
  return changes.flatMap(({ row, effect }) => {
    if (effect === 'buried') return []
    const old = before.get(row.externalId)
    const now: unknown = effect === 'updated' ? JSON.parse(row.raw) : undefined
    return {
      externalId: row.externalId,
      effect,
      fields:
        old && isJsonObject(now)
          ? diffFields(old, now).filter((field) => !scope.volatile.includes(field))
          : [],
    }
  })
}

/** Adds changes to the plan that the run keeps for a resource: field counts in full, single changes up to a bound. */
export async function addToPlan(
  tx: Db,
  scope: Pick<PageScope, 'runId' | 'resource'>,
  more: readonly PlannedChange[],
): Promise<void> {
  if (more.length === 0) return
  const found = await sql<{ changedFields: Record<string, number>; samples: PlannedChange[] }>`
    select changed_fields, samples from run_resources where run_id = ${scope.runId} and resource = ${scope.resource}
  `.execute(tx)
  const fields: Record<string, number> = { ...found.rows[0]?.changedFields }
  for (const change of more) for (const field of change.fields) fields[field] = (fields[field] ?? 0) + 1
  const samples = [...(found.rows[0]?.samples ?? []), ...more].slice(0, plannedChangesListed)
  await sql`
    update run_resources set changed_fields = ${JSON.stringify(fields)}::jsonb, samples = ${JSON.stringify(samples)}::jsonb
    where run_id = ${scope.runId} and resource = ${scope.resource}
  `.execute(tx)
}

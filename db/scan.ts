/** What a completed scan did not see: candidates for deletion (INV-9). */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface ScanScope {
  readonly runId: string
  readonly resource: string
  readonly connectionId: string
}

/** Living records that were there before the run and that it has not seen; in key order, after `after`. */
export async function listUnseen(
  db: Db,
  scope: ScanScope & { readonly startedAt: Date; readonly after: string; readonly limit: number },
): Promise<string[]> {
  const found = await sql<{ externalId: string }>`
    select r.external_id from records r
    where r.connection_id = ${scope.connectionId} and r.resource = ${scope.resource} and r.external_id > ${scope.after}
      and r.deleted_at is null and r.read_at < ${scope.startedAt}::timestamptz
      and not exists (select from scan_seen s where s.run_id = ${scope.runId} and s.resource = ${scope.resource}
        and s.external_id = r.external_id)
    order by r.connection_id, r.resource, r.external_id limit ${scope.limit}
  `.execute(db)
  return found.rows.map((row) => row.externalId)
}

/**
 * Some living records to compare with the provider: those from a pivot on in id order, and from the beginning when the
 * end is reached.
 */
export async function sampleRecords(
  db: Db,
  query: {
    readonly connectionId: string
    readonly resource: string
    readonly pivot: string
    readonly limit: number
  },
): Promise<{ externalId: string; fingerprint: string; sourceUpdatedAt: Date | null }[]> {
  const from = (pivot: string, limit: number) =>
    sql<{ externalId: string; fingerprint: string; sourceUpdatedAt: Date | null }>`
      select external_id, encode(fingerprint, 'hex') as fingerprint, source_updated_at from records
      where connection_id = ${query.connectionId} and resource = ${query.resource} and external_id >= ${pivot} and deleted_at is null
      order by connection_id, resource, external_id limit ${limit}
    `.execute(db)
  const first = (await from(query.pivot, query.limit)).rows
  if (first.length >= query.limit) return first
  const rest = (await from('', query.limit - first.length)).rows
  const known = new Set(first.map((row) => row.externalId))
  return [...first, ...rest.filter((row) => !known.has(row.externalId))]
}

/** Takes one object, as a write's answer or a reading by id gave it, into the store: the same decisions as for a page. */
import type { Db } from '../db/client.ts'
import { classify, storedRows, writeChanges, type PreparedRow } from '../db/pages.ts'
import { getRecord } from '../db/records.ts'
import type { Resource, Row } from '../providers/contract.ts'
import { mappingInForce } from './mapping-in-force.ts'
import { preparePage } from './prepare-page.ts'

export interface Place {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
}

export interface Applied {
  readonly externalId: string
  /** Version of the record afterwards; null when the store does not hold it (quarantined). */
  readonly version: number | null
}

/**
 * Writes rows (and tombstones) in the given transaction.
 * @param origin `write:<id>`: whose doing it is.
 */
export async function applyRows(
  tx: Db,
  place: Place,
  resource: Resource,
  reading: { readonly rows: readonly Row[]; readonly deletedIds?: readonly string[]; readonly readAt: Date },
  origin: string,
): Promise<readonly Applied[]> {
  const { mapping, mappingVersion } = await mappingInForce(tx, place.connectionId, resource)
  const prepared = preparePage(resource, mapping, reading)
  const scope = {
    ...place,
    resource: resource.name,
    model: resource.model,
    mappingVersion,
    runId: null,
    origin,
  }
  const ids = prepared.rows.map((row: PreparedRow) => row.externalId)
  const stored = await storedRows(tx, scope, ids)
  const { changes } = classify({ rows: prepared.rows, readAt: reading.readAt }, stored, false)
  await writeChanges(tx, scope, changes, reading.readAt)
  return await Promise.all(
    ids.map(async (externalId) => {
      const record = await getRecord(tx, {
        connectionId: place.connectionId,
        resource: resource.name,
        externalId,
      })
      return { externalId, version: record?.version ?? null }
    }),
  )
}

/** Takes objects, as a write's answer, a reading by id or a webhook gave them, into the store: the same decisions as for a page. */
import type { Db } from '../db/client.ts'
import { classify, storedRows, writeChanges, type PreparedRow } from '../db/pages.ts'
import { quarantineRows, releaseRows } from '../db/quarantine.ts'
import type { Effect } from '../model/effect.ts'
import type { Row } from '../providers/contract.ts'
import { mappingInForce } from './mapping-in-force.ts'
import { preparePage, type StoredResource } from './prepare-page.ts'

export interface Place {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
}

export interface Applied {
  readonly externalId: string
  /** Version of the record afterwards; null when the store does not hold it (quarantined). */
  readonly version: number | null
  readonly effect: Effect | 'quarantined'
}

export interface AppliedReading {
  readonly rows: readonly Row[]
  readonly deletedIds?: readonly string[]
  readonly readAt: Date
  /** Where the objects were not read together. */
  readonly readAtOf?: ReadonlyMap<string, Date>
}

/**
 * Writes rows (and tombstones) in the given transaction; a row that does not fit goes to the quarantine.
 * @param origin `write:<id>`: the hub's own doing; left out for what happened at the provider, whoever told of it.
 */
export async function applyRows(
  tx: Db,
  place: Place,
  resource: StoredResource,
  reading: AppliedReading,
  origin?: string,
): Promise<readonly Applied[]> {
  const { readAt, readAtOf } = reading
  const { mapping, mappingVersion } = await mappingInForce(tx, place.connectionId, resource)
  const prepared = preparePage(resource, mapping, reading)
  const rows = prepared.rows.map((row): PreparedRow => {
    const own = readAtOf?.get(row.externalId)
    return own ? { ...row, readAt: own } : row
  })
  const scope = {
    ...place,
    resource: resource.name,
    model: resource.model,
    mappingVersion,
    runId: null,
    ...(origin === undefined ? {} : { origin }),
  }
  const ids = rows.map(({ externalId }) => externalId)
  const stored = await storedRows(tx, scope, ids)
  const { changes, decided } = classify({ rows, readAt }, stored, false)
  await writeChanges(tx, scope, changes, readAt)
  await quarantineRows(tx, { ...scope, readAt }, prepared.quarantined)
  await releaseRows(tx, scope, ids)
  const versions = new Map(changes.map(({ row, version }) => [row.externalId, version]))
  return [
    ...rows.map(({ externalId }, index) => ({
      externalId,
      version: versions.get(externalId) ?? stored.get(externalId)?.version ?? null,
      effect: decided[index] ?? 'unchanged',
    })),
    ...prepared.quarantined.map(({ externalId }) => ({
      externalId,
      version: null,
      effect: 'quarantined' as const,
    })),
  ]
}

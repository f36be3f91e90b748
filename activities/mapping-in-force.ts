/** Which mapping counts for a resource of a connection: its own where one is live, else the provider's default. */
import type { Db } from '../db/client.ts'
import { getLiveMapping } from '../db/mappings.ts'
import type { FieldMapping, OutwardMapping } from '../model/mapping.ts'
import type { Resource } from '../providers/contract.ts'

/** Mapping objects are compiled once each: the same version must be the same object. */
const known = new Map<string, { readonly version: number; readonly mapping: FieldMapping }>()

/** `mappingVersion` 0: the default. */
export async function mappingInForce(
  db: Db,
  connectionId: string,
  resource: Pick<Resource, 'name' | 'model' | 'mapping'>,
): Promise<{ readonly mapping: FieldMapping; readonly mappingVersion: number }> {
  const live = await getLiveMapping(db, { connectionId, resource: resource.name, direction: 'in' })
  if (!live) return { mapping: resource.mapping, mappingVersion: 0 }
  const key = `${connectionId}/${resource.name}`
  let kept = known.get(key)
  if (kept?.version !== live.version) {
    kept = { version: live.version, mapping: { model: resource.model, rules: live.rules } }
    if (known.size >= 5_000) known.clear()
    known.set(key, kept)
  }
  return { mapping: kept.mapping, mappingVersion: live.version }
}

/** Undefined for a resource that is not written. */
export async function outwardInForce(
  db: Db,
  connectionId: string,
  resource: Resource,
): Promise<OutwardMapping | undefined> {
  if (!resource.write) return undefined
  const live = await getLiveMapping(db, { connectionId, resource: resource.name, direction: 'out' })
  return live ? { model: resource.model, rules: live.rules } : resource.write.mapping
}

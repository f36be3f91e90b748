import { createHash } from 'node:crypto'
import { canonicalJson, type JsonObject } from '../model/json.ts'

/** What a manifest must hold to be chained: see `PageManifest` in `db/proofs.ts`. */
export interface ChainedManifest {
  readonly resource: string
  readonly page: number
  readonly positionIn: JsonObject | null
  readonly positionOut: JsonObject
  readonly scanned: number
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly deleted: number
  readonly stale: number
  readonly quarantined: number
  readonly contentHash: string
}

/** The hash before the first page of a resource. */
export const chainStart = '0'.repeat(64)

/** The chain's next hash: SHA-256 (hex) over the hash before it and the manifest's canonical JSON. */
export function chainManifest(before: string, manifest: ChainedManifest): string {
  const {
    resource,
    page,
    positionIn,
    positionOut,
    scanned,
    created,
    updated,
    unchanged,
    deleted,
    stale,
    quarantined,
    contentHash,
  } = manifest
  const content = {
    resource,
    page,
    positionIn,
    positionOut,
    scanned,
    created,
    updated,
    unchanged,
    deleted,
    stale,
    quarantined,
    contentHash,
  }
  return createHash('sha256').update(before).update(canonicalJson(content)).digest('hex')
}

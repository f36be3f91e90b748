/** What a proof says, and how its chain over page manifests is built: shared by the signer and by whoever verifies. */
import type { JsonObject } from './json.ts'

/** How well the store agrees with the provider for one resource. */
export interface Comparison extends JsonObject {
  /** Objects that were read again and compared field by field. */
  checked: number
  matching: number
  /** Changed at the provider since the run read them: not an error. */
  changedSince: number
  /** Living records in the store. */
  stored: number
  /** The provider's own count; null where it has none. */
  providerCount: number | null
  /** matching / (checked - changedSince), in per cent with four decimals; 100 when nothing was to be checked. */
  accuracyPercent: number
}

export interface ResourceProof extends JsonObject {
  resource: string
  state: string
  fullScan: boolean
  pages: number
  scanned: number
  created: number
  updated: number
  unchanged: number
  deleted: number
  stale: number
  quarantined: number
  retried: number
  /** Sum over pages, decimal, modulo 2^256. */
  contentHash: string
  /** Hash chain over the manifests of the pages in order, hex. */
  manifestChain: string
  comparison: Comparison | null
}

/** The signed content. Times RFC 3339. */
export interface ProofContent extends JsonObject {
  version: 1
  runId: string
  connectionId: string
  provider: string
  mode: string
  outcome: string
  startedAt: string
  endedAt: string
  resources: ResourceProof[]
  /** Over all resources. */
  accuracyPercent: number
}

/**
 * Accuracy in per cent with four decimals, rounded down so that one difference never reads as 100.
 * @param matching of `compared` objects.
 */
export function accuracyPercent(matching: number, compared: number): number {
  return compared <= 0 ? 100 : Math.floor((matching / compared) * 1_000_000) / 10_000
}

/** What activities need from their process. Built once per worker (`workers/deps.ts`); tests build their own. */
import type { Database } from '../db/client.ts'
import type { Vault } from '../db/vault.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Provider } from '../providers/contract.ts'
import type { Transport } from '../providers/http/transport.ts'

export interface ActivityDeps {
  readonly database: Database
  readonly vault: Vault
  readonly transport: Transport
  readonly metrics: Metrics
  readonly log: Log
  readonly clock: Clock
  readonly config: {
    /** Queue of workflows and hub work; a provider's calls run on `<taskQueue>-<slug>`. */
    readonly taskQueue: string
  }
  findProvider(slug: string): Provider | undefined
  readonly providerSlugs: readonly string[]
}

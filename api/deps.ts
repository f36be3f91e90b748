/** What the API needs from its process. Built once in `main.ts`; tests build their own. */
import type { PayloadCodec } from '@temporalio/common'
import type { AppSource } from '../db/app-source.ts'
import type { Caches } from '../db/caches.ts'
import type { Database, TenantDatabases } from '../db/client.ts'
import type { Vault } from '../db/vault.ts'
import type { ServiceConfig } from '../platform/config.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { PreviewLinks } from '../platform/secrets/preview-link.ts'
import type { IncidentLinks } from '../platform/secrets/incident-link.ts'
import type { SessionLinks } from '../platform/secrets/session-link.ts'
import type { TrialMarks } from '../platform/secrets/trial-mark.ts'
import type { Provider } from '../providers/contract.ts'
import type { Brands } from './brands/brands.ts'
import type { Callers } from './callers.ts'
import type { Waker } from './hooks/wake.ts'
import type { Live } from './live.ts'
import type { ApiLimits } from './limits/limits.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { KeyUses } from './key-use.ts'
import type { HubClient } from '../workflows/client.ts'

export interface ApiDeps {
  readonly config: Pick<
    ServiceConfig,
    | 'environment'
    | 'adminToken'
    | 'temporal'
    | 'temporalPort'
    | 'temporalUiUrl'
    | 'publicUrl'
    | 'originMap'
    | 'trustedProxies'
    | 'hookRates'
    | 'oidc'
    | 'accessTokenSeconds'
    | 'mail'
  >
  /** Of a handler that works for a tenant: that tenant's view, never the hub's. */
  readonly database: Database
  /** The whole hub's, for what a tenant's handler may do beyond its own rows, once it has checked that it may. */
  readonly hubDatabase: Database
  readonly tenants: TenantDatabases
  readonly caches: Caches
  /** The hub's own apps at providers. */
  readonly apps: AppSource
  readonly callers: Callers
  /** How much callers may ask, and what they have asked. */
  readonly limits: ApiLimits
  /** What partners' customers see. */
  readonly brands: Brands
  /** Signs links to drafts of brands. */
  readonly previews: PreviewLinks
  /** Access tokens: made for keys, checked without the database. */
  readonly tokens: AccessTokens
  /** Notes when keys are used. */
  readonly keyUses: KeyUses
  readonly vault: Vault
  /** Signs the links of connect sessions. */
  readonly links: SessionLinks
  /** Signs the links in alerts. */
  readonly incidentLinks: IncidentLinks
  /** Knows webhooks that the hub sends to itself to try its door. */
  readonly trials: TrialMarks
  /** Of the registry; tests add their own to the connect flow. */
  findProvider(slug: string): Provider | undefined
  /** Starts and steers workflows. */
  readonly temporal: HubClient
  /** The live status and its readers. */
  readonly live: Live
  /** Wakes the lanes of webhooks. */
  readonly waker: Waker
  /** Of the codec server. */
  readonly codec: PayloadCodec
  readonly metrics: Metrics
  readonly log: Log
  /** Variables that `fromEnvironment` may take a provider's settings and secrets from; what was entered of apps is among them. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Check every answer against the description; a mismatch becomes a 500. On in tests. */
  readonly validateAnswers: boolean
}

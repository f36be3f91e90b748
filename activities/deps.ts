/** What activities need from their process. Built once per worker (`workers/deps.ts`); tests build their own. */
import type { Client } from '@temporalio/client'
import type { CallStats } from '../db/call-stats.ts'
import type { Database } from '../db/client.ts'
import type { Connection } from '../db/connections.ts'
import type { Vault } from '../db/vault.ts'
import type { RetentionPeriods } from '../model/retention.ts'
import type { Clock } from '../platform/clock.ts'
import type { TxtLookup } from '../platform/dns.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { MailSettings } from '../platform/config.ts'
import type { Mailer } from '../platform/outbound/mail.ts'
import type { Outbound } from '../platform/outbound/post.ts'
import type { IncidentLinks } from '../platform/secrets/incident-link.ts'
import type { TrialMarks } from '../platform/secrets/trial-mark.ts'
import type { OAuth2Auth, Provider } from '../providers/contract.ts'
import type { OAuthApp, OAuthClient } from '../providers/http/oauth.ts'
import type { Transport } from '../providers/http/transport.ts'
import type { ProviderGate } from './provider-gate.ts'

export interface ActivityDeps {
  readonly database: Database
  readonly vault: Vault
  readonly transport: Transport
  readonly oauth: OAuthClient
  /** The hub's own app at a provider, as it was entered or from the environment; undefined when it is not set. */
  appOf(provider: string, method: OAuth2Auth): Promise<OAuthApp | undefined>
  readonly metrics: Metrics
  /** What calls to providers showed, counted for health and reports. */
  readonly callStats: CallStats
  readonly gate: ProviderGate
  readonly log: Log
  readonly clock: Clock
  readonly config: {
    /** Queue of workflows and hub work; a provider's calls run on `<taskQueue>-<slug>`. */
    readonly taskQueue: string
    /** Where others reach the API, without a slash at the end: what webhooks are posted to. */
    readonly publicUrl: string
    /** How long access tokens live. */
    readonly accessTokenSeconds: number
    /** How the hub's own mail goes out. */
    readonly mail?: MailSettings | undefined
    /** How long what grows with time is kept. */
    readonly retention: RetentionPeriods
  }
  /** Makes a connection's schedule, or brings it in line with its interval and state. `client` is the activity's own. */
  ensureSyncSchedule(client: Client, connection: Connection): Promise<void>
  /** Has a connection's schedule tick now; a run that is under way goes on instead. `client` is the activity's own. */
  syncSoon(client: Client, connectionId: string): Promise<void>
  /** Has a provider looked at before its next round is due. `client` is the activity's own. */
  checkHealthSoon(client: Client, provider: string): Promise<void>
  /** Where webhooks go out. */
  readonly outbound: Outbound
  /** Starts the deliveries of an endpoint, or tells those under way that there is more. `client` is the activity's own. */
  wakeEndpoint(
    client: Client,
    endpoint: { readonly endpointId: string; readonly partnerId: string },
  ): Promise<void>
  /** Texts of TXT records; see `platform/dns.ts`. */
  readonly txtOf: TxtLookup
  /** The name that a partner's brand has, from memory. */
  brandName(partnerId: string): Promise<string>
  readonly mailer: Mailer
  /** Signs the links in alerts. */
  readonly incidentLinks: IncidentLinks
  /** Starts what tells of an incident, or tells it that there is news. `client` is the activity's own. */
  wakeIncident(
    client: Client,
    incident: {
      readonly incidentId: string
      readonly title: string
      readonly provider: string | null
      readonly partnerId: string | null
    },
  ): Promise<void>
  /** Marks webhooks that the hub sends to itself to try its door. */
  readonly trials: TrialMarks
  /** Of this process: what secrets of providers' apps it has. */
  readonly env: Readonly<Record<string, string | undefined>>
  findProvider(slug: string): Provider | undefined
  readonly providerSlugs: readonly string[]
}

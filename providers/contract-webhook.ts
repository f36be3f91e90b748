/**
 * How a provider's webhooks are received: pure functions over the bytes that came. The door (`api/hooks/`) verifies and
 * stores, `processInbox` takes effect; neither knows a provider by name.
 */
import type { JsonObject, JsonSchema } from '../model/json.ts'
import type { FieldMapping } from '../model/mapping.ts'
import type { ModelName } from '../model/records.ts'
import type { Category, ProviderContext, Row, Secrets, Settings } from './contract-basics.ts'

export interface HookRequest {
  readonly method: string
  /** The URL that the provider called, rebuilt from the hub's public address: scheme, host, path and query. */
  readonly url: URL
  /** Names in lower case; every value that came, in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** What was sent, byte for byte; a compressed body decompressed, since providers sign what they compress. */
  readonly body: Buffer
  readonly receivedAt: Date
}

/** Values by name of secret, the current one first; several while one is being replaced. */
export type HookSecrets = Readonly<Record<string, readonly string[]>>

/** One thing that was looked at. A request is genuine when every check passed. */
export interface HookCheck {
  /** `signature`, `timestamp`, `basic_auth`, `token`, `tenant`, … */
  readonly name: string
  readonly passed: boolean
  /** For admins, never for the sender: "older than 5 minutes". Holds no secret. */
  readonly detail?: string
}

export interface HookAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** One thing that a body says has happened. It concerns at most one object: a merge is two events. */
export interface HookEvent {
  /** The same for every delivery of one event, and for no other event of the connection. */
  readonly key: string
  /** As the provider names it: `contact.propertyChange`. */
  readonly type: string
  /** Whose it is, by the provider's own id (realm, portal, organisation); left out when the body does not say. */
  readonly tenant?: string
  /** `notice`: known, and about no object (a test, a ping). `unknown`: kept and counted. */
  readonly about: 'changed' | 'deleted' | 'notice' | 'unknown'
  /** Of `changed` and `deleted`. */
  readonly resource?: string
  readonly externalId?: string
  /** The object as a reading would give it, where the body has all of it; without it the object is read by id. */
  readonly row?: Row
  /** When it happened, by the provider's clock. */
  readonly occurredAt?: Date
  /** The number of the event in its stream, and the first one of the same delivery, where the provider counts. */
  readonly sequence?: number
  /** Its own part of the body: what rules see and people are shown. */
  readonly payload: JsonObject
}

/** A secret of the webhooks. */
export interface HookSecretSpec {
  readonly name: string
  readonly title: string
  readonly help: string
  /** `hub`: made here and entered at the provider. `provider`: made there and entered here (or fetched by `subscriptions`). */
  readonly madeBy: 'hub' | 'provider'
  /** For URLs of the app: the environment variable that gives it; several values separated by commas while it is replaced. */
  readonly env?: string
  /** A provider that has no such secret works without it (a user name with a fixed value, say). */
  readonly optional?: boolean
}

/** The secret that stands in the URL where a provider signs nothing. */
export const urlKey = 'urlKey'

/** A webhook as it stands at the provider. */
export interface HookSubscription {
  readonly id: string
  readonly url: string
  readonly active: boolean
  /** Channels that end by themselves. */
  readonly expiresAt?: Date
  /** What it tells of, in the provider's words; compared with what is wished. */
  readonly topics: readonly string[]
}

/** What the hub wishes to stand at the provider. */
export interface HookWish {
  readonly url: string
  readonly topics: readonly string[]
  /** First values. */
  readonly secrets: Secrets
}

/** Subscriptions by API. Reconciled on a schedule: made, repaired, renewed, and removed with the connection. */
export interface HookSubscriptions {
  /** Every topic that the resources need. */
  readonly topics: readonly string[]
  /** All webhooks of the account that point at a hub (`url`), whoever made them; paging included. */
  list(context: ProviderContext): Promise<readonly HookSubscription[]>
  /** @returns secrets that the provider has made, by name, where it makes them. */
  create(
    context: ProviderContext,
    wish: HookWish,
  ): Promise<{ readonly id: string; readonly secrets?: Secrets; readonly expiresAt?: Date }>
  /** Brings an existing one in line (topics, activity, end). Left out: it is removed and made again. */
  update?(context: ProviderContext, id: string, wish: HookWish): Promise<{ readonly expiresAt?: Date }>
  /** One that is gone already is no error. */
  remove(context: ProviderContext, id: string): Promise<void>
}

/** A sample for `tieline webhooks simulate`. */
export interface HookSampleSpec {
  /** As a person names it: `invoice.updated`. */
  readonly event: string
  readonly title: string
  /** The resource whose object it concerns, and what happened to it; left out for a notice. */
  readonly resource?: string
  readonly effect?: 'created' | 'updated' | 'deleted'
}

export interface HookSampleWish {
  readonly event: string
  readonly url: URL
  readonly tenant: string
  readonly externalId: string
  /** The object as it stands at the provider, where it is known. */
  readonly row?: Row
  /** First values. */
  readonly secrets: Secrets
  readonly now: Date
  /** Makes ids of the event: the same id gives the same event (a repeated delivery). */
  readonly id: string
}

export interface HookSample {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Webhooks {
  /**
   * `app`: one URL of the provider's app for all tenants (`/hooks/<slug>`), secrets from the environment. `connection`: a
   * URL per connection (`/hooks/<slug>/<connectionId>`), secrets per connection. A provider of apps may be posted to the
   * URL of one connection too (a private app).
   */
  readonly scope: 'app' | 'connection'
  readonly secrets: readonly HookSecretSpec[]
  /** The setting of a connection that names its tenant, where connecting did not tell it otherwise. */
  readonly tenantSetting?: string
  /** Media types that are taken, without parameters. Empty: any. */
  readonly contentTypes: readonly string[]
  /** Longest body, in bytes after decompression. */
  readonly maxBytes: number
  /** Networks that the provider says it calls from (CIDR), with the source in its README. Not enforced unless a connection says so. */
  readonly addresses?: readonly string[]
  /** True where the provider signs nothing: the URL itself is unguessable (`?key=…`), next to what `verify` checks. */
  readonly unguessableUrl: boolean
  /** Every check with its result, those after a failed one too where that is possible. Never throws for what was sent. */
  verify(request: HookRequest, secrets: HookSecrets, settings: Settings): readonly HookCheck[]
  /** The answer to a handshake or challenge that asks for no event to be stored; looked at after `verify` has passed. */
  handshake?(request: HookRequest, secrets: HookSecrets): HookAnswer | undefined
  /** True for a handshake that comes before anything is signed (a HEAD of the URL, a first verification): answered without `verify`. */
  unsignedHandshake?(request: HookRequest): HookAnswer | undefined
  /** The answer once the row is committed; 200 and empty when left out. */
  accepted?(request: HookRequest): HookAnswer
  /** The answer to what is not genuine; 401 and empty when left out. */
  refused?(request: HookRequest): HookAnswer
  /** True where `sequence` counts, without holes, all that the app's URL is sent: a number that never comes is a lost event. */
  readonly counts?: boolean
  /** Where events have neither id nor time: what comes again within so many milliseconds is taken for a repetition. */
  readonly repeatWindowMs?: number
  /** @throws HubError `Invalid` for a body that cannot be read (it is genuine: it is kept, and told to an admin). */
  split(request: HookRequest): readonly HookEvent[]
  /**
   * Work that a notice asks for (a verifier to be sent back); repeatable.
   * @returns secrets that are in force from now on, beside those that are.
   */
  onNotice?(
    context: ProviderContext,
    event: { readonly type: string; readonly payload: JsonObject },
  ): Promise<{ readonly secrets: Secrets } | undefined>
  readonly subscriptions?: HookSubscriptions
  /** How to set it up by hand at the provider; Markdown, one step each. `{url}` and `{secret:<name>}` are filled in. */
  readonly setup: readonly string[]
  readonly samples: readonly HookSampleSpec[]
  /** A correctly signed sample. @throws HubError `InvalidInput` for an event that is not among `samples`. */
  sample(wish: HookSampleWish): HookSample
  /** Resources that exist only through webhooks so far; those of a complete provider are its own. */
  readonly received?: readonly ReceivedResource[]
}

/** A resource whose objects come in webhooks. */
export interface ReceivedResource {
  readonly name: string
  readonly title: string
  readonly model: ModelName
  /** JSON Schema of a row. */
  readonly schema: JsonSchema
  externalId(row: Row): string
  updatedAt(row: Row): string | undefined
  readonly mapping: FieldMapping
}

/** A provider of which the hub receives webhooks and does not read yet. */
export interface Receiver {
  readonly slug: string
  readonly name: string
  readonly category: Category
  readonly docs: readonly { readonly title: string; readonly url: string }[]
  readonly webhooks: Webhooks
}

export interface RotatableSecret {
  readonly name: string
  readonly title: string
  readonly madeBy: HookSecretSpec['madeBy']
  readonly env: string | undefined
}

/** The secrets that can be replaced; the first one is meant when none is named. */
export const rotatableSecrets = ({ secrets, unguessableUrl }: Webhooks): readonly RotatableSecret[] => [
  ...secrets.map(({ name, title, madeBy, env }) => ({ name, title, madeBy, env })),
  ...(unguessableUrl
    ? [{ name: urlKey, title: 'Key in the URL', madeBy: 'hub' as const, env: undefined }]
    : []),
]

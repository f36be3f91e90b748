/**
 * What a provider is to the hub: data plus functions that do no I/O of their own. Whatever needs the network goes
 * through the `call` that the transport (`providers/http`) hands in; whatever needs the database stays outside.
 * Adding a provider is one folder that exports a `Provider` and one line in `registry.ts`.
 */
import type { JsonObject, JsonSchema, JsonValue } from '../model/json.ts'
import type { FieldMapping } from '../model/mapping.ts'
import type { ModelName } from '../model/records.ts'

export type Category = 'billing' | 'crm' | 'analytics' | 'support'

/** Settings of a connection that are not secret (a subdomain, a region). */
export type Settings = Readonly<Record<string, string>>
/** The secrets of a credential, as the setup step or the environment gave them. */
export type Secrets = Readonly<Record<string, string>>
/** Where a read stands: opaque to the hub, a small JSON object, stored with the page it follows. */
export type Position = JsonObject
/** One object as the provider answered it. */
export type Row = Readonly<Record<string, unknown>>

/** Who goes first when calls are scarce; a lower lane leaves a reserve for those above it. */
export type Priority = 'webhook' | 'interactive' | 'incremental' | 'backfill'

// ---------------------------------------------------------------------------------------------- calls

export interface ProviderRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path with leading slash, joined to the provider's `baseUrl(settings)`. Never a full URL taken from an answer. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: JsonValue
  /** Endpoint group: a key of `limits.groups`; also the metrics label. */
  readonly group: string
  /** A repetition has no second effect (true for GET unless said otherwise; for writes only with an idempotency key). */
  readonly repeatable?: boolean
  /** Statuses besides 2xx that are an answer, not a failure (a 404 that means "none"). */
  readonly accept?: readonly number[]
}

export interface ProviderResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed JSON; undefined for an empty body. */
  readonly body: unknown
  /** When the request was sent: what the answer says is at least as new as this. */
  readonly readAt: Date
}

/** Makes one call: leases, token, time-out, safe retries and error mapping included. Throws `HubError` of the provider set. */
export type Call = (request: ProviderRequest) => Promise<ProviderResponse>

/** What a provider's functions are given. */
export interface ProviderContext {
  readonly call: Call
  readonly settings: Settings
  readonly now: () => Date
}

// ------------------------------------------------------------------------------------ connecting, limits

export interface SetupField {
  readonly name: string
  readonly label: string
  readonly help: string
  /** A secret goes to the credential, the rest to the settings. */
  readonly secret: boolean
  readonly required: boolean
  /** What the value must look like (a regular expression), and the sentence shown when it does not. */
  readonly pattern: string
  readonly patternHint: string
  readonly example?: string
  /** The environment variable that gives it for the whole hub, if there is one (design §9). */
  readonly env?: string
}

/** One page of instructions for whoever connects the service. */
export interface SetupStep {
  readonly title: string
  readonly text: string
  readonly fields: readonly SetupField[]
}

/** A credential that does not expire by itself and is attached to each call. Other kinds join this union when they come. */
export interface TokenAuth {
  readonly kind: 'token'
  /** Headers that carry the credential. */
  headers(secrets: Secrets, settings: Settings): Readonly<Record<string, string>>
}
export type Auth = TokenAuth

/** `limit` calls per `windowMs`. `scope`: what shares the budget. */
export interface RateLimit {
  readonly limit: number
  readonly windowMs: number
  readonly scope: 'app' | 'connection'
}

/** What an answer's headers teach about a bucket. */
export interface LimitLesson {
  /** Name of the bucket in `limits.buckets`. */
  readonly bucket: string
  readonly limit?: number
  readonly remaining?: number
  readonly resetAt?: Date
}

export interface Limits {
  readonly buckets: Readonly<Record<string, RateLimit>>
  /** Endpoint group → names of the buckets that a call takes one token from each. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** A bucket's limit where a connection's settings say more than the default (a plan, an add-on). */
  limitFor?(bucket: string, settings: Settings): number | undefined
  /** Reads an answer's headers. */
  learn(group: string, headers: Readonly<Record<string, string>>, now: Date): readonly LimitLesson[]
}

// ------------------------------------------------------------------------------------------- resources

/** What one call to the provider returned. */
export interface Page {
  readonly rows: readonly Row[]
  /** External ids that the provider reports as gone (tombstones). */
  readonly deletedIds?: readonly string[]
  /** Where the next page begins; when `done`, where the next incremental run begins. */
  readonly next: Position
  readonly done: boolean
  /** When the page was asked for. */
  readonly readAt: Date
}

export interface Resource {
  /** The provider's plural, as in its paths: `tickets`. */
  readonly name: string
  readonly title: string
  readonly model: ModelName
  /** Resources that are synced before this one. */
  readonly after: readonly string[]
  /** True when a read may go on from the last run's end; false when each run reads everything. */
  readonly incremental: boolean
  /**
   * How deletions are known. `tombstone`: pages say so. `scan`: what a completed full scan did not see is gone
   * (asked for by id first where `getMany` exists). `none`: objects of this kind are never deleted.
   */
  readonly deletions: 'tombstone' | 'scan' | 'none'
  /** JSON Schema of a row. A row that does not fit is quarantined and the run goes on. */
  readonly schema: JsonSchema
  /** Top-level fields that change without the object changing; left out of the fingerprint. */
  readonly volatile: readonly string[]
  /** First position of a full read. */
  start(context: { readonly settings: Settings; readonly now: () => Date }): Position
  readPage(context: ProviderContext, position: Position): Promise<Page>
  /** Ids are text, whatever the provider's type. Called only with rows that fit `schema`. */
  externalId(row: Row): string
  /** RFC 3339 time, or undefined where the provider has none. */
  updatedAt(row: Row): string | undefined
  /** True for a row that is a tombstone. */
  isDeleted?(row: Row): boolean
  /** Reads some objects again by id (≤ 100 ids); ids that are gone are missing from the answer. */
  getMany?(context: ProviderContext, ids: readonly string[]): Promise<{ rows: readonly Row[]; readAt: Date }>
  /** The provider's own count of living objects, where it has one; undefined when it will not say. */
  count?(context: ProviderContext): Promise<number | undefined>
  /** Default mapping from a raw row to the model. */
  readonly mapping: FieldMapping
}

// ------------------------------------------------------------------------------- actions, reports, health

export interface Action {
  /** `create_ticket`; its full name is `<slug>.create_ticket`. */
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: JsonSchema
  readonly output: JsonSchema
  /**
   * Runs the action. `idempotencyKey` is the same on every repetition of one request; the action hands it to the
   * provider where that has a way to take it, or makes the write repeatable by its nature.
   */
  run(context: ProviderContext, input: JsonObject, idempotencyKey: string): Promise<JsonObject>
}

export interface Report {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: JsonSchema
  readonly output: JsonSchema
  run(context: ProviderContext, input: JsonObject): Promise<JsonObject>
}

export interface HealthFinding {
  /** What the check proved, in one sentence ("signed in as Ana (admin)"). */
  readonly proves: string
  /** Small facts worth showing: role, plan, limits. No secrets. */
  readonly facts: JsonObject
}

export interface HealthCheck {
  /** The cheapest authenticated call. Throws `HubError` when it fails; `Unauthorized` when the credential is wrong. */
  check(context: ProviderContext): Promise<HealthFinding>
}

// -------------------------------------------------------------------------------------------- the whole

export interface Provider {
  readonly slug: string
  readonly name: string
  readonly category: Category
  readonly apiVersion: string
  readonly docs: readonly { readonly title: string; readonly url: string }[]
  readonly setup: readonly SetupStep[]
  readonly auth: Auth
  /** The real origin (and path prefix, if any) of a connection: `https://acme.zendesk.com`. The origin map may redirect it. */
  baseUrl(settings: Settings): string
  readonly limits: Limits
  /** Turns a failed answer into the closed set; undefined leaves it to the transport's table by status. */
  explainError(response: ProviderResponse): ProviderFault | undefined
  readonly resources: readonly Resource[]
  readonly actions: readonly Action[]
  readonly reports: readonly Report[]
  readonly health: HealthCheck
}

/** What a provider's own error body says. */
export interface ProviderFault {
  readonly code:
    | 'Unauthorized'
    | 'Forbidden'
    | 'NotFound'
    | 'Invalid'
    | 'Conflict'
    | 'RateLimited'
    | 'QuotaExhausted'
    | 'Unavailable'
    | 'Protocol'
  /** Public text: what the provider said, shortened, without personal data. */
  readonly message: string
  readonly retryAt?: Date
  /** Field errors; pointers into the input that was sent. */
  readonly fields?: readonly { readonly pointer: string; readonly detail: string }[]
}

/**
 * What a provider is to the hub: data plus functions that do no I/O of their own. Whatever needs the network goes
 * through the `call` that the transport (`providers/http`) hands in; whatever needs the database stays outside.
 * Adding a provider is one folder that exports a `Provider` and one line in `registry.ts`.
 */
import type { JsonObject, JsonSchema } from '../model/json.ts'
import type { FieldMapping, OutwardMapping } from '../model/mapping.ts'
import type { FieldType, ModelName } from '../model/records.ts'
import type { HubError } from '../platform/errors.ts'
import type {
  Category,
  Position,
  ProviderContext,
  ProviderResponse,
  Row,
  Secrets,
  Settings,
} from './contract-basics.ts'
import type { Webhooks } from './contract-webhook.ts'

export type * from './contract-basics.ts'

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

interface AuthMethodBase {
  /** Stored with the connection: `api_token`, `oauth`. Never renamed. */
  readonly name: string
  /** As a person chooses it: "Sign in with Acme". */
  readonly title: string
  /** What whoever connects is asked for. An OAuth method has fields only for what must be known before the consent. */
  readonly setup: readonly SetupStep[]
  /** Headers that carry the credential. */
  headers(secrets: Secrets, settings: Settings): Readonly<Record<string, string>>
  /** Replaces the credential by a new one that the provider makes on request, where it can. */
  readonly rotation?: CredentialRotation
}

/** A credential that does not expire by itself: an API key, an API token, a service account. */
export interface TokenAuth extends AuthMethodBase {
  readonly kind: 'token'
}

/** Mint a new one, prove it, switch, retire the old one: the hub does the steps, the provider says how. */
export interface CredentialRotation {
  /**
   * Makes a new credential beside the old one. `attempt` is the same on every repetition of one rotation: what an earlier,
   * broken attempt left behind under it is removed first or taken over.
   */
  mint(
    context: ProviderContext,
    attempt: string,
  ): Promise<{ readonly secrets: Secrets; readonly settings?: Settings }>
  /** Ends the old credential; called with the new one attached. Repeatable: one that is gone is no error. */
  retire(
    context: ProviderContext,
    old: { readonly secrets: Secrets; readonly settings: Settings },
  ): Promise<void>
}

export interface OAuthScope {
  readonly scope: string
  /** What it is for, as a person reads it: "Read and write invoices". */
  readonly feature: string
  /** Without it the connection is of no use; others only switch features off. */
  readonly required: boolean
}

/**
 * OAuth 2.0 authorization code. Secrets of such a connection: `access_token`, `expires_at` (RFC 3339), and where the
 * provider gives them `refresh_token`, `refresh_expires_at`, `refresh_hard_expires_at`, `scope`. Nobody but the credential
 * custodian (`activities/custodian.ts`) uses the refresh token.
 */
export interface OAuth2Auth extends AuthMethodBase {
  readonly kind: 'oauth2'
  /** Environment variables that hold the hub's own app at the provider. */
  readonly client: {
    readonly idVariable: string
    readonly secretVariable: string
    /**
     * How its secret is replaced at the provider: where that is done, and whether the old one goes on working beside a new one. `unproven`: no
     * source that could be read says so, and a person is told to expect that it does not.
     */
    readonly secretChange?: {
      readonly keepsBoth: boolean | 'unproven'
      readonly where: string
      readonly source: string
      /** What else should be known before it is done. */
      readonly warning?: string
    }
  }
  /** Full https URLs; redirected by the origin map like any other. */
  endpoints(settings: Settings): {
    readonly authorize: string
    readonly token: string
    readonly revoke?: string
  }
  /** How the app shows itself at the token endpoint: Basic header, or fields of the form. */
  readonly clientAuthentication: 'basic' | 'post'
  /** Further headers of token calls: what asks for more in the answer. */
  readonly tokenHeaders?: Readonly<Record<string, string>>
  readonly pkce: boolean
  readonly scopes: readonly OAuthScope[]
  /** Between scopes in the authorize URL, where it is not RFC 6749's space. */
  readonly scopeSeparator?: ','
  /** Parameter of the authorize URL that takes the scopes a person may refuse (`optional_scope`), where there is one. */
  readonly optionalScopeParameter?: string
  /** Further parameters of the authorize URL. */
  readonly authorizeParameters?: Readonly<Record<string, string>>
  /** Seconds that an access token lives when the answer does not say. */
  readonly accessLifetimeSeconds: number
  readonly refresh: {
    /** Whether a refresh answers a new refresh token. */
    readonly rotates: 'never' | 'sometimes' | 'always'
    /** How long a replaced refresh token still works: what a crash between answer and save may count on. 0: not at all. */
    readonly graceSeconds: number
    /** Seconds without use after which it dies; the hub keeps it alive. */
    readonly idleSeconds?: number
  }
  /** What a token answer says besides the standard fields (lifetimes of the refresh token, granted scopes). */
  readToken?(
    token: JsonObject,
    now: Date,
  ): {
    readonly refreshExpiresAt?: Date
    readonly refreshHardExpiresAt?: Date
    readonly scopes?: readonly string[]
  }
  /** Body that the revoke endpoint takes instead of RFC 7009's form (`{token}` as JSON). */
  readonly revokeBody?: 'form' | 'json'
  /**
   * Which account was connected: reads the redirect's own parameters (`realmId`), the token answer, and may call the
   * provider with the fresh token attached. `settings` are kept with the connection; `externalAccount` names the account at
   * the provider, so that a re-connection to another one is noticed; `scopes` are those granted, where it tells.
   */
  identify(
    context: ProviderContext,
    found: { readonly callback: Readonly<Record<string, string>>; readonly token: JsonObject },
  ): Promise<{
    readonly settings: Settings
    readonly externalAccount: string
    readonly label: string
    readonly scopes?: readonly string[]
  }>
}

export type AuthMethod = TokenAuth | OAuth2Auth

/** The ways to connect that need the hub's own app at the provider. */
export function appMethodsOf(provider: Provider | undefined): readonly OAuth2Auth[] {
  const methods: readonly AuthMethod[] = provider?.auth ?? []
  return methods.filter((method) => method.kind === 'oauth2')
}

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
  /** Reads an answer's headers. Left out where a provider's headers say nothing of limits. */
  learn?(group: string, headers: Readonly<Record<string, string>>, now: Date): readonly LimitLesson[]
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

/** A field of a provider's object, as describing the account found it. */
export interface FieldDescription {
  /** Path into the raw row, as mapping rules take it: `properties.favourite_colour`. */
  readonly path: string
  readonly title: string
  readonly type: FieldType
  /** Made by the account's people, not by the provider. */
  readonly isCustom: boolean
  readonly isWritable: boolean
  /** Values it may have, where it is a choice. */
  readonly options?: readonly { readonly value: string; readonly label: string }[]
}

/** What came of a write: the object as a reading would give it, so that our own write is not taken for a change. */
export interface Written {
  readonly row: Row
  readonly readAt: Date
}

/** One change of a batch. `fields`: the provider's own fields, as the outward mapping made them. */
export interface WriteItem {
  readonly operation: 'create' | 'update' | 'delete'
  /** Empty for a creation. */
  readonly externalId: string
  readonly fields: JsonObject
  readonly idempotencyKey: string
}

/** How objects of a resource are written. What the provider does not allow is left out. */
export interface Writer {
  /**
   * @param idempotencyKey the same on each repetition: the provider gets it, or an object that an earlier attempt made is
   *   found by it. Never two objects for one key.
   */
  create?(context: ProviderContext, fields: JsonObject, idempotencyKey: string): Promise<Written>
  /**
   * Changes the given fields and no others. @param current the object as it was just read (for a version token).
   * @throws HubError `Conflict` when the object is no longer at `current`; `NotFound` when it is gone.
   */
  update?(
    context: ProviderContext,
    externalId: string,
    fields: JsonObject,
    current: Row,
    idempotencyKey: string,
  ): Promise<Written>
  /**
   * Deletes, voids or archives. An object that is gone already is no error.
   * @returns the object where the provider keeps it (hidden, void): it lives on in the store as it is then.
   */
  remove?(
    context: ProviderContext,
    externalId: string,
    current: Row,
    idempotencyKey: string,
  ): Promise<Written | undefined>
  /** Several at once, at most `size`, each with an outcome of its own (same order). */
  readonly batch?: {
    readonly size: number
    write(
      context: ProviderContext,
      items: readonly WriteItem[],
    ): Promise<readonly (Written | HubError | undefined)[]>
  }
  /** Default mapping from fields of the model to the provider's (`to` is a path in the provider's body). */
  readonly mapping: OutwardMapping
  /**
   * A new object in fields of the model, and a change of it: shown to people, tried by the provider kit. `"@customers"`
   * stands for the id of some object of that resource.
   */
  readonly example?: { readonly create?: JsonObject; readonly change: JsonObject }
  /** Path in the raw row at which a field that was written is found again; the same path when it is left out. */
  readPath?(writtenPath: string): string
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
  /**
   * False for a position that cannot be gone on from any more: a look-back of the provider's is exceeded, deletions may have been
   * missed. Everything is read then, as a full scan. Left out: it always can.
   */
  canResume?(position: Position, now: Date): boolean
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
  /** Fields that objects of this kind have in this account; asked for when a mapping is edited. */
  describe?(context: ProviderContext): Promise<readonly FieldDescription[]>
  readonly write?: Writer
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
  /** The action that takes this one back, and its input: what an automation does when a later step fails. */
  readonly undo?: {
    readonly action: string
    input(input: JsonObject, output: JsonObject): JsonObject
  }
}

export interface Report {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly input: JsonSchema
  readonly output: JsonSchema
  /** How long an answer may be given again to the same question; 0: always asked anew. */
  readonly cacheSeconds: number
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

/** The method that a connection uses, by the name it was stored with. */
export function authMethod(provider: Provider, name: string): AuthMethod | undefined {
  return provider.auth.find((method) => method.name === name)
}

/** Every environment variable that a provider's ways to connect read. */
export const variablesOf = (provider: Provider): readonly string[] => [
  ...new Set(
    provider.auth.flatMap((method) => [
      ...method.setup.flatMap(({ fields }) => fields.flatMap(({ env }) => (env === undefined ? [] : [env]))),
      ...(method.kind === 'oauth2' ? [method.client.idVariable, method.client.secretVariable] : []),
    ]),
  ),
]

export interface Provider {
  readonly slug: string
  readonly name: string
  readonly category: Category
  readonly apiVersion: string
  readonly docs: readonly { readonly title: string; readonly url: string }[]
  /** Ways to connect, the recommended one first. */
  readonly auth: readonly [AuthMethod, ...AuthMethod[]]
  /**
   * The real origin (and path prefix, if any) of a connection: `https://shop.acme.example`. The origin map may redirect it.
   * @param base as a request names it, where the provider has several.
   */
  baseUrl(settings: Settings, base?: string): string
  readonly limits: Limits
  /**
   * Turns a failed answer into the closed set; undefined leaves it to the transport's table by status. The settings tell
   * what an answer does not (the account's time zone, where a day's quota ends).
   */
  explainError(response: ProviderResponse, settings: Settings): ProviderFault | undefined
  readonly resources: readonly Resource[]
  readonly actions: readonly Action[]
  readonly reports: readonly Report[]
  readonly health: HealthCheck
  /** Left out: the provider sends none; changes are found by reading. */
  readonly webhooks?: Webhooks
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
  /** The provider's own name for the call, where its support asks for it; for the log only. */
  readonly requestId?: string
  /** Field errors; pointers into the input that was sent. */
  readonly fields?: readonly { readonly pointer: string; readonly detail: string }[]
}

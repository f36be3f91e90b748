/** The words that every part of the provider contract uses: settings, rows, lanes, calls. */
import type { JsonObject, JsonValue } from '../model/json.ts'

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
  /** Path with leading slash, joined to the provider's base URL. Never a full URL taken from an answer. */
  readonly path: string
  /** Which of the provider's base URLs, where it has several (`export`); the main one when left out. */
  readonly base?: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. At most one of `body`, `form` and `text` is given. */
  readonly body?: JsonValue
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>
  /** Sent as it is, under its own content type. */
  readonly text?: { readonly type: string; readonly content: string }
  /** Compresses what is sent (`content-encoding: gzip`). */
  readonly gzip?: boolean
  /** How the answer is read; `json` when left out. See `ProviderResponse.body`. */
  readonly answer?: 'json' | 'text' | 'lines' | 'bytes'
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
  /**
   * `json`: the parsed value, undefined for an empty body. `text`: a string. `bytes`: base64. `lines` (JSON lines):
   * `JsonLines`. Error answers are always parsed as JSON, a string where they are not.
   */
  readonly body: unknown
  /** When the request was sent: what the answer says is at least as new as this. */
  readonly readAt: Date
}

/** An answer in JSON lines. `rest`: lines that are not JSON ("terminated early"), shortened; empty when the answer is whole. */
export interface JsonLines {
  readonly rows: readonly unknown[]
  readonly rest: readonly string[]
}

/** Makes one call: leases, token, time-out, safe retries and error mapping included. Throws `HubError` of the provider set. */
export type Call = (request: ProviderRequest) => Promise<ProviderResponse>

/** What a provider's functions are given. */
export interface ProviderContext {
  readonly call: Call
  readonly settings: Settings
  readonly now: () => Date
}

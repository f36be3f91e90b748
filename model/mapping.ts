/**
 * Field mapping as data: which raw field becomes which field of the model, and how. The same rules are checked, applied
 * and explained; nothing here knows a provider.
 */
import type { JsonValue } from './json.ts'
import type { ModelName } from './records.ts'

/** `text` also turns numbers into text (ids); `time` normalises to RFC 3339 UTC. */
export type Conversion = 'text' | 'number' | 'boolean' | 'time' | 'texts'

export interface FieldRule {
  /** Field of the model, or `custom.<name>`. */
  readonly to: string
  /** Path into the raw row, dots between keys: `satisfaction_rating.score`. */
  readonly from: string
  readonly convert?: Conversion
  /** Value table, applied before the conversion; a value that is not in it passes unchanged. */
  readonly values?: Readonly<Record<string, JsonValue>>
  /** Used when the raw field is missing or null. */
  readonly fallback?: JsonValue
}

export interface FieldMapping {
  readonly model: ModelName
  readonly rules: readonly FieldRule[]
}

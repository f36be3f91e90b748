/**
 * Field mapping as data: which raw field becomes which field of the model, and how. The same rules are checked, applied
 * and explained; nothing here knows a provider.
 */
import type { JsonObject, JsonValue } from './json.ts'
import { models, type FieldType, type ModelName } from './records.ts'

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

/** What came of mapping one row. `problems` name the fields that were left out because their value cannot be converted. */
export interface Mapped {
  readonly mapped: JsonObject
  readonly problems: readonly string[]
}

type Setter = (row: Readonly<Record<string, unknown>>, mapped: JsonObject, problems: string[]) => void

const compiled = new WeakMap<FieldMapping, readonly Setter[]>()

/** Maps a raw row to its model. Raw fields that no rule names are not lost: they stay in the raw row. */
export function applyMapping(mapping: FieldMapping, row: Readonly<Record<string, unknown>>): Mapped {
  let setters = compiled.get(mapping)
  if (!setters) {
    setters = mapping.rules.map(setterOf)
    compiled.set(mapping, setters)
  }
  const mapped: JsonObject = {}
  const problems: string[] = []
  for (const set of setters) set(row, mapped, problems)
  return { mapped, problems }
}

function setterOf(rule: FieldRule): Setter {
  const path = rule.from.split('.')
  const custom = rule.to.startsWith('custom.') ? rule.to.slice('custom.'.length) : undefined
  return (row, mapped, problems) => {
    const value = valueOf(rule, lookUp(row, path))
    if (value === undefined) {
      problems.push(`${rule.to}: the value of ${rule.from} is not a ${rule.convert ?? 'value'}`)
    } else if (custom !== undefined) {
      const fields = (mapped['custom'] ??= {}) as JsonObject
      fields[custom] = value
    } else {
      mapped[rule.to] = value
    }
  }
}

function lookUp(row: unknown, path: readonly string[]): unknown {
  let value = row
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** The value of a rule; undefined when it cannot be converted. A missing or null value becomes the fallback, or null. */
function valueOf(rule: FieldRule, raw: unknown): JsonValue | undefined {
  if (raw === undefined || raw === null) return rule.fallback ?? null
  const key =
    typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : undefined
  const translated =
    key !== undefined && rule.values && Object.hasOwn(rule.values, key)
      ? rule.values[key]
      : (raw as JsonValue)
  if (translated === undefined || translated === null) return translated
  return rule.convert === undefined ? translated : conversions[rule.convert](translated)
}

const asText = (value: JsonValue): string | undefined =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : undefined

const conversions: Readonly<Record<Conversion, (value: JsonValue) => JsonValue | undefined>> = {
  text: asText,
  number: (value) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    return typeof number === 'number' && Number.isFinite(number) ? number : undefined
  },
  boolean: (value) =>
    value === true || value === 'true' || value === 1
      ? true
      : value === false || value === 'false' || value === 0
        ? false
        : undefined,
  time: (value) => {
    const at = typeof value === 'string' ? Date.parse(value) : typeof value === 'number' ? value * 1000 : NaN
    return Number.isNaN(at) || Math.abs(at) > 8.64e15 ? undefined : new Date(at).toISOString()
  },
  texts: (value) => {
    const texts = Array.isArray(value) ? value.map(asText) : undefined
    return texts?.every((one) => one !== undefined) ? (texts as string[]) : undefined
  },
}

const resultOf: Readonly<Record<Conversion, FieldType>> = {
  text: 'text',
  number: 'number',
  boolean: 'boolean',
  time: 'time',
  texts: 'texts',
}

/** What is wrong with a mapping; empty when nothing is. */
export function checkMapping(mapping: FieldMapping): string[] {
  const fields: Readonly<Record<string, { readonly type: FieldType }>> = models[mapping.model]
  const problems: string[] = []
  const seen = new Set<string>()
  for (const rule of mapping.rules) {
    const field = Object.hasOwn(fields, rule.to) ? fields[rule.to] : undefined
    if (!field && !/^custom\.[\w-]{1,64}$/.test(rule.to))
      problems.push(`${rule.to}: ${mapping.model} has no such field`)
    if (seen.has(rule.to)) problems.push(`${rule.to}: two rules set it`)
    if (field && rule.convert !== undefined && resultOf[rule.convert] !== field.type) {
      problems.push(`${rule.to}: is of type ${field.type}, but the rule makes a ${resultOf[rule.convert]}`)
    }
    seen.add(rule.to)
  }
  if (!seen.has('id')) problems.push('id: no rule sets it')
  return problems
}

/** For each field of the model: the path it comes from, or null. */
export function explainMapping(mapping: FieldMapping): Readonly<Record<string, string | null>> {
  const sources = new Map(mapping.rules.map((rule) => [rule.to, rule.from]))
  const custom = mapping.rules.filter((rule) => rule.to.startsWith('custom.')).map((rule) => rule.to)
  return Object.fromEntries(
    [...Object.keys(models[mapping.model]), ...custom].map((name) => [name, sources.get(name) ?? null]),
  )
}

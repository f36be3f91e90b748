/**
 * Field mapping as data: which raw field becomes which field of the model, and how. The same rules are checked, applied
 * and explained; nothing here knows a provider.
 */
import { conversions, fits, nameOf, resultOf, type Conversion } from './conversions.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { isModelName, models, type FieldType, type ModelName } from './records.ts'

export interface FieldRule {
  /** Field of the model, or `custom.<name>`. */
  readonly to: string
  /** Path into the raw row, dots between keys, numbers for places in lists: `satisfaction_rating.score`, `emails.0.value`. */
  readonly from: string
  /** Left out: the value must be of the field's type already; a custom field takes any. */
  readonly convert?: Conversion
  /** Value table, applied before the conversion; a value that is not in it passes unchanged. */
  readonly values?: Readonly<Record<string, JsonValue>>
  /** Used as it is when the raw field is missing or null. */
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
    const fields: Fields = models[mapping.model]
    setters = mapping.rules.map((rule) => setterOf(rule, fields))
    compiled.set(mapping, setters)
  }
  const mapped: JsonObject = {}
  const problems: string[] = []
  for (const set of setters) set(row, mapped, problems)
  return { mapped, problems }
}

function setterOf(rule: FieldRule, fields: Fields): Setter {
  const path = rule.from.split('.')
  const custom = rule.to.startsWith('custom.') ? rule.to.slice('custom.'.length) : undefined
  const type = typeOf(fields, rule.to)
  const what = nameOf[rule.convert === undefined ? (type ?? 'text') : resultOf[rule.convert]]
  return (row, mapped, problems) => {
    const value = valueOf(rule, type, lookUp(row, path))
    if (value === undefined) problems.push(`${rule.to}: the value of ${rule.from} is not ${what}`)
    else if (custom === undefined) mapped[rule.to] = value
    else setOwn((mapped['custom'] ??= {}) as JsonObject, custom, value)
  }
}

type Fields = Readonly<Record<string, { readonly type: FieldType }>>

const typeOf = (fields: Fields, name: string): FieldType | undefined =>
  Object.hasOwn(fields, name) ? fields[name]?.type : undefined

/** Also for a custom field that is called `__proto__`. */
function setOwn(object: JsonObject, name: string, value: JsonValue): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
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
function valueOf(rule: FieldRule, type: FieldType | undefined, raw: unknown): JsonValue | undefined {
  if (raw === undefined || raw === null) return rule.fallback ?? null
  const key =
    typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : undefined
  const translated =
    key !== undefined && rule.values && Object.hasOwn(rule.values, key)
      ? rule.values[key]
      : (raw as JsonValue)
  if (translated === undefined || translated === null) return translated
  if (rule.convert !== undefined) return conversions[rule.convert](translated)
  return type === undefined || fits(type, translated) ? translated : undefined
}

/** What is wrong with a mapping, one line each; empty when nothing is. Takes mappings that people wrote. */
export function checkMapping(mapping: FieldMapping): string[] {
  if (!isModelName(mapping.model)) return [`model: there is no model "${String(mapping.model)}"`]
  const fields: Fields = models[mapping.model]
  const seen = new Set<string>()
  const problems: string[] = []
  for (const rule of mapping.rules) {
    const type = typeOf(fields, rule.to)
    if (type === undefined && !/^custom\.[\w-]{1,64}$/.test(rule.to))
      problems.push(`${rule.to}: ${mapping.model} has no such field`)
    if (seen.has(rule.to)) problems.push(`${rule.to}: two rules set it`)
    seen.add(rule.to)
    problems.push(...checkRule(rule, type).map((problem) => `${rule.to}: ${problem}`))
  }
  if (!seen.has('id')) problems.push('id: no rule sets it')
  return problems
}

/** What is wrong with a rule for a field of the given type; undefined: a custom field. */
function checkRule({ from, convert, values, fallback }: FieldRule, type: FieldType | undefined): string[] {
  const problems: string[] = []
  if (from.split('.').includes('')) problems.push(`"${from}" is not a path`)
  if (convert !== undefined && !Object.hasOwn(resultOf, convert))
    return [...problems, `there is no conversion "${String(convert)}"`]
  if (type === undefined) return problems
  if (convert !== undefined && resultOf[convert] !== type)
    problems.push(`it is ${nameOf[type]}, but the rule makes ${nameOf[resultOf[convert]]}`)
  if (fallback !== undefined && fallback !== null && !fits(type, fallback))
    problems.push(`it is ${nameOf[type]}, but its fallback is not`)
  for (const [key, value] of Object.entries(values ?? {})) {
    if (
      value !== null &&
      (convert === undefined ? !fits(type, value) : conversions[convert](value) === undefined)
    )
      problems.push(`it is ${nameOf[type]}, but what stands for "${key}" is not`)
  }
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

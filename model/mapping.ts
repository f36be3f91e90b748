/**
 * Field mapping as data: which raw field becomes which field of the model, and how; and the same outwards. Applied here;
 * checked in `mapping-check.ts`. Nothing here knows a provider.
 */
import {
  conversions,
  fits,
  nameOf,
  resultOf,
  zoneOf,
  type Circumstances,
  type Conversion,
} from './conversions.ts'
import type { FieldType, Model } from './fields.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { holds, type Condition } from './logic.ts'
import { models, type ModelName } from './records.ts'

/** A path into the row, or a value that is always the same. */
export interface Source {
  readonly from?: string
  readonly constant?: string
}

/**
 * One field. The value comes from exactly one of `from` (a path), `constant` and `concat`; it goes through `split`,
 * `values`, `convert` (or `each`) in this order. The first rule of a field whose `when` holds sets it.
 */
export interface FieldRule {
  /** Inwards: field of the model, or `custom.<name>`. Outwards: path in the provider's object. */
  readonly to: string
  /** Path into the row, dots between keys, numbers for places in lists: `satisfaction_rating.score`, `emails.0.value`. */
  readonly from?: string
  readonly constant?: JsonValue
  /** Texts of several fields with something between them; missing and empty ones are left out. */
  readonly concat?: { readonly from: readonly string[]; readonly with: string }
  /** One part of a text; `at` counts from 0, below 0 from the end. */
  readonly split?: { readonly by: string; readonly at: number }
  /** Value table, applied before the conversion; a value that is not in it passes unchanged. */
  readonly values?: Readonly<Record<string, JsonValue>>
  /** Left out: the value must be of the field's type already; a custom field takes any. */
  readonly convert?: Conversion
  /** For a list of objects: rules that make each element from each raw element (paths begin in the element, `^.` in the row). */
  readonly each?: readonly FieldRule[]
  /** Currency of an amount. */
  readonly currency?: Source
  /** Zone of times that carry no offset. */
  readonly zone?: Source
  /** Used as it is when the raw field is missing or null. */
  readonly fallback?: JsonValue
  /** JSON Logic over the row; the rule counts only where it holds. */
  readonly when?: Condition
}

export interface FieldMapping {
  readonly model: ModelName
  readonly rules: readonly FieldRule[]
}

/** From fields of the model to a provider's own. Only fields that are given are written; null is written as null. */
export interface OutwardMapping {
  readonly model: ModelName
  readonly rules: readonly FieldRule[]
}

/** What came of mapping one row. `problems` name the fields that were left out because their value cannot be converted. */
export interface Mapped {
  readonly mapped: JsonObject
  readonly problems: readonly string[]
}

type Row = Readonly<Record<string, unknown>>
interface Into {
  readonly mapped: JsonObject
  readonly problems: string[]
}
type Setter = (row: Row, into: Into) => void

const compiled = new WeakMap<FieldMapping, readonly Setter[]>()

/** Maps a raw row to its model. Raw fields that no rule names are not lost: they stay in the raw row. */
export function applyMapping(mapping: FieldMapping, row: Row): Mapped {
  let setters = compiled.get(mapping)
  if (!setters) {
    const fields: Model = models[mapping.model]
    setters = mapping.rules.map((rule) => setterOf(rule, fields))
    compiled.set(mapping, setters)
  }
  const into: Into = { mapped: {}, problems: [] }
  for (const set of setters) set(row, into)
  return into
}

function setterOf(rule: FieldRule, fields: Model): Setter {
  const custom = rule.to.startsWith('custom.') ? rule.to.slice('custom.'.length) : undefined
  const field = Object.hasOwn(fields, rule.to) ? fields[rule.to] : undefined
  const valueOf = reader(rule, field?.type, field?.fields)
  const isTime = rule.convert === 'time'
  const isSeveral = rule.when !== undefined
  return (row, into) => {
    if (isSeveral && (Object.hasOwn(into.mapped, rule.to) || !holds(rule.when, row))) return
    const found = valueOf(row)
    if (found.value === undefined) into.problems.push(`${rule.to}: ${found.problem}`)
    else if (custom === undefined) {
      // A later rule without a condition stands for "otherwise".
      if (!Object.hasOwn(into.mapped, rule.to) || into.mapped[rule.to] === null)
        into.mapped[rule.to] = found.value
    } else setOwn((into.mapped['custom'] ??= {}) as JsonObject, custom, found.value)
    if (isTime && custom === undefined && found.zone !== undefined)
      setOwn((into.mapped['zones'] ??= {}) as JsonObject, rule.to, found.zone)
  }
}

interface Found {
  readonly value: JsonValue | undefined
  readonly problem: string
  readonly zone?: string | undefined
}

/** How a rule reads its value from a row; compiled once. */
function reader(
  rule: FieldRule,
  type: FieldType | undefined,
  fields: Model | undefined,
): (row: Row) => Found {
  const read = sourceOf(rule)
  const currency = circumstance(rule.currency)
  const zone = circumstance(rule.zone)
  const items = rule.each ? eachOf(rule.each, fields) : undefined
  const what =
    nameOf[rule.convert === undefined ? (items ? 'objects' : (type ?? 'text')) : resultOf[rule.convert]]
  const named = rule.from ?? rule.concat?.from.join(', ') ?? 'the constant'
  const problem = `the value of ${named} is not ${what}`
  return (row) => {
    const raw = read(row)
    if (raw === undefined || raw === null) return { value: rule.fallback ?? null, problem }
    const translated = translate(rule, raw as JsonValue)
    if (translated === null || translated === undefined) return { value: translated, problem }
    if (items) return items(translated, row, problem)
    if (rule.convert === undefined)
      return { value: type === undefined || fits(type, translated) ? translated : undefined, problem }
    const around: Circumstances = { currency: currency?.(row), zone: zone?.(row) }
    const value = conversions[rule.convert](translated, around)
    return rule.convert === 'time'
      ? { value, problem, zone: value === undefined ? undefined : zoneOf(translated, around) }
      : { value, problem }
  }
}

function sourceOf({ from, constant, concat, split }: FieldRule): (row: Row) => unknown {
  if (from === undefined && concat === undefined) return () => constant
  const read = concat ? joined(concat) : pathReader(from ?? '')
  if (!split) return read
  return (row) => {
    const value = read(row)
    return typeof value === 'string' ? value.split(split.by).at(split.at) : value
  }
}

function joined({ from, with: between }: { readonly from: readonly string[]; readonly with: string }) {
  const readers = from.map(pathReader)
  return (row: Row): unknown => {
    const texts = readers
      .map((read) => read(row))
      .filter((part) => part !== undefined && part !== null && part !== '')
      .map((part) => (typeof part === 'string' ? part : JSON.stringify(part)))
    return texts.length === 0 ? undefined : texts.join(between)
  }
}

function circumstance(source: Source | undefined): ((row: Row) => unknown) | undefined {
  if (!source) return undefined
  const { from, constant } = source
  if (from === undefined) return () => constant
  const read = pathReader(from)
  return (row) => read(row) ?? constant
}

function pathReader(path: string): (row: Row) => unknown {
  const keys = path.split('.')
  const [only = ''] = keys
  if (keys.length === 1) return (row) => (Object.hasOwn(row, only) ? row[only] : undefined)
  return (row) => lookUp(row, keys)
}

export function lookUp(row: unknown, path: readonly string[]): unknown {
  let value = row
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

function translate({ values }: FieldRule, raw: JsonValue): JsonValue | undefined {
  if (!values || (typeof raw === 'object' && raw !== null)) return raw
  const key = String(raw)
  return Object.hasOwn(values, key) ? values[key] : raw
}

/** Elements of a list, each made by rules of its own. */
function eachOf(rules: readonly FieldRule[], fields: Model | undefined) {
  const setters = rules.map((rule) => setterOf(rule, fields ?? {}))
  return (list: JsonValue, row: Row, problem: string): Found => {
    if (!Array.isArray(list)) return { value: undefined, problem }
    const problems: string[] = []
    const value = list.map((item) => {
      const into: Into = { mapped: {}, problems: [] }
      const element = {
        ...(typeof item === 'object' && item !== null && !Array.isArray(item) ? item : { value: item }),
        '^': row,
      }
      for (const set of setters) set(element, into)
      problems.push(...into.problems)
      return into.mapped
    })
    return { value: problems.length > 0 ? undefined : value, problem: problems[0] ?? problem }
  }
}

/** Also for a field that is called `__proto__`. */
function setOwn(object: JsonObject, name: string, value: JsonValue): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}

/**
 * Fields of the model (and `custom`) as the provider's own object. A rule whose source is not given writes nothing, so that
 * an update changes only what was asked for.
 */
export function applyOutward(mapping: OutwardMapping, fields: JsonObject): Mapped {
  const into: Into = { mapped: {}, problems: [] }
  for (const rule of mapping.rules) {
    const sources = rule.concat?.from ?? (rule.from === undefined ? [] : [rule.from])
    const isGiven = (path: string) => lookUp(fields, path.split('.')) !== undefined
    if (sources.length > 0 && !sources.some(isGiven) && rule.fallback === undefined) continue
    if (rule.when !== undefined && !holds(rule.when, fields)) continue
    const { value, problem } = reader(rule, undefined, undefined)(fields)
    if (value === undefined) into.problems.push(`${rule.from ?? rule.to}: ${problem}`)
    else setPath(into.mapped, rule.to.split('.'), value)
  }
  return into
}

/** Sets a value at a path; numbers make lists. */
function setPath(object: JsonObject, path: readonly string[], value: JsonValue): void {
  let place: JsonObject | JsonValue[] = object
  path.forEach((key, index) => {
    const next = path[index + 1]
    const inner: JsonValue = next === undefined ? value : /^\d+$/.test(next) ? [] : {}
    const known = Object.hasOwn(place, key) ? (place as JsonObject)[key] : undefined
    const kept: JsonValue = next !== undefined && typeof known === 'object' && known !== null ? known : inner
    setOwn(place as JsonObject, key, kept)
    if (typeof kept === 'object' && kept !== null) place = kept
  })
}

/** For each field of the model: the path it comes from, or null. */
export function explainMapping(mapping: FieldMapping): Readonly<Record<string, string | null>> {
  const sourceText = (rule: FieldRule): string | null =>
    rule.from ??
    rule.concat?.from.join(' + ') ??
    (rule.constant === undefined ? null : JSON.stringify(rule.constant))
  const sources = new Map(mapping.rules.map((rule) => [rule.to, sourceText(rule)]))
  const custom = mapping.rules.filter((rule) => rule.to.startsWith('custom.')).map((rule) => rule.to)
  return Object.fromEntries(
    [...Object.keys(models[mapping.model]), ...custom].map((name) => [name, sources.get(name) ?? null]),
  )
}

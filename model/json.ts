/** JSON as types, and the one canonical way to write it. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject
export type JsonObject = { [key: string]: JsonValue }
/** A JSON Schema (draft 2020-12). Kept opaque: Ajv reads it. */
export type JsonSchema = Readonly<Record<string, unknown>>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Canonical text of a JSON value: keys sorted by code unit, no white space, `undefined` left out. Two values are
 * equal exactly when their texts are, so hashing the text fingerprints the value. Written for speed: every row that is
 * read goes through it.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += (text === '' ? '' : ',') + canonicalJson(item)
    return `[${text}]`
  }
  const object = value as Record<string, unknown>
  for (const key of sortedKeys(object)) {
    if (object[key] === undefined) continue
    text += (text === '' ? '' : ',') + quotedKey(key) + canonicalJson(object[key])
  }
  return `{${text}}`
}

/** Most providers send their keys in one order, often sorted: looking is cheaper than sorting. */
function sortedKeys(object: Record<string, unknown>): string[] {
  const keys = Object.keys(object)
  for (let i = 1; i < keys.length; i++) if ((keys[i - 1] ?? '') > (keys[i] ?? '')) return keys.sort()
  return keys
}

/** Keys come again in every row. Some objects are keyed by data, so the memory has an end. */
const quotedKeys = new Map<string, string>()
function quotedKey(key: string): string {
  let quoted = quotedKeys.get(key)
  if (quoted === undefined) {
    quoted = `${JSON.stringify(key)}:`
    if (quotedKeys.size < 5_000) quotedKeys.set(key, quoted)
  }
  return quoted
}

import { canonicalJson } from './json.ts'

type Fields = Readonly<Record<string, unknown>>

/** Names of the top-level fields that differ between two objects, sorted. A missing field and null differ. */
export function diffFields(before: Fields, after: Fields): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => textOf(before, name) !== textOf(after, name)).sort()
}

/** A field's canonical JSON; empty, which no JSON is, for one that is not there. */
const textOf = (object: Fields, name: string): string =>
  Object.hasOwn(object, name) && object[name] !== undefined ? canonicalJson(object[name]) : ''

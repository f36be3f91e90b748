import { canonicalJson } from './json.ts'

type Fields = Readonly<Record<string, unknown>>

/** Names of the top-level fields that differ between two objects, sorted. A missing field and null differ. */
export function diffFields(before: Fields, after: Fields): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => differs(before, after, name)).sort()
}

function differs(before: Fields, after: Fields, name: string): boolean {
  if (Object.hasOwn(before, name) !== Object.hasOwn(after, name)) return true
  return canonicalJson(before[name]) !== canonicalJson(after[name])
}

import { canonicalJson } from './json.ts'

/** Names of the top-level fields that differ between two objects, sorted. A missing field and null differ. */
export function diffFields(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names]
    .filter(
      (name) =>
        canonicalJson(before[name] ?? absent(before, name)) !==
        canonicalJson(after[name] ?? absent(after, name)),
    )
    .sort()
}

/** Tells a field that is not there from one that is null. */
const absent = (object: Readonly<Record<string, unknown>>, name: string) =>
  Object.hasOwn(object, name) ? null : '\0absent'

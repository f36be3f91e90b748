/** Three-way comparison of a write: what was last agreed, what the provider has now, what is asked for. */
import { canonicalJson, type JsonObject, type JsonValue } from './json.ts'

export const conflictPolicies = ['provider_wins', 'hub_wins', 'newest_wins', 'ask'] as const
/** Who wins where both sides have changed the same field. */
export type ConflictPolicy = (typeof conflictPolicies)[number]

/** One field of the provider's object, by its path. */
export interface FieldState {
  readonly path: string
  readonly ours: JsonValue
  readonly theirs: JsonValue | undefined
  readonly base: JsonValue | undefined
}

export interface Comparison {
  /** The provider has this value already: nothing to write. */
  readonly agreed: readonly string[]
  /** Only the hub's side changed it. */
  readonly clean: readonly FieldState[]
  /** Both sides changed it, differently. */
  readonly conflicts: readonly FieldState[]
}

/** A missing field and null are the same here: providers leave out what is empty, and write empty text for it. */
const plain = (value: unknown): string =>
  value === undefined || value === null || value === '' ? 'null' : canonicalJson(loosely(value))

/** Numbers and their text are the same: some providers answer every value as text. */
const loosely = (value: unknown): unknown =>
  typeof value === 'number' || typeof value === 'boolean' ? String(value) : value

export const isSame = (a: unknown, b: unknown): boolean => plain(a) === plain(b)

/** @param base values of the last agreed version; undefined when there is none: then whatever differs is a conflict. */
export function compareFields(
  fields: readonly {
    readonly path: string
    readonly ours: JsonValue
    readonly theirs: JsonValue | undefined
  }[],
  base: ((path: string) => JsonValue | undefined) | undefined,
): Comparison {
  const agreed: string[] = []
  const clean: FieldState[] = []
  const conflicts: FieldState[] = []
  for (const { path, ours, theirs } of fields) {
    const state = { path, ours, theirs, base: base?.(path) }
    if (isSame(ours, theirs)) agreed.push(path)
    else if (base && isSame(state.base, theirs)) clean.push(state)
    else conflicts.push(state)
  }
  return { agreed, clean, conflicts }
}

/**
 * Which conflicting fields are written; undefined when a person must say.
 * @param isOursNewer for `newest_wins`.
 */
export function resolveConflicts(
  conflicts: readonly FieldState[],
  policy: ConflictPolicy,
  isOursNewer: boolean,
  decision: Readonly<Record<string, 'hub' | 'provider'>> | undefined,
): { readonly write: readonly FieldState[]; readonly drop: readonly FieldState[] } | undefined {
  if (conflicts.length === 0) return { write: [], drop: [] }
  if (policy === 'hub_wins') return { write: conflicts, drop: [] }
  if (policy === 'provider_wins') return { write: [], drop: conflicts }
  if (policy === 'newest_wins')
    return isOursNewer ? { write: conflicts, drop: [] } : { write: [], drop: conflicts }
  if (!decision || conflicts.some(({ path }) => decision[path] === undefined)) return undefined
  return {
    write: conflicts.filter(({ path }) => decision[path] === 'hub'),
    drop: conflicts.filter(({ path }) => decision[path] === 'provider'),
  }
}

/** The fields of an object by path, lists as wholes: `{a: {b: 1}, c: []}` → `a.b`, `c`. */
export function leavesOf(
  object: JsonObject,
  before = '',
): { readonly path: string; readonly value: JsonValue }[] {
  return Object.entries(object).flatMap(([key, value]) => {
    const path = before === '' ? key : `${before}.${key}`
    const isBranch =
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
    return isBranch ? leavesOf(value, path) : [{ path, value }]
  })
}

/** The object again, of the chosen paths only. */
export function pickLeaves(object: JsonObject, paths: ReadonlySet<string>, before = ''): JsonObject {
  const picked: JsonObject = {}
  for (const [key, value] of Object.entries(object)) {
    const path = before === '' ? key : `${before}.${key}`
    if (paths.has(path)) picked[key] = value
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const inner = pickLeaves(value, paths, path)
      if (Object.keys(inner).length > 0) picked[key] = inner
    }
  }
  return picked
}

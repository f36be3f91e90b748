/**
 * One kind of object over time: a log in the order in which things happened. The log is what exports page through: an
 * object stands where it last changed. Objects are made when they are asked for, so that an account of a hundred thousand
 * tickets is there at once.
 */
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { firstIds, makeObject, time, type Kind, type Sizes } from './simulator-objects.ts'

export interface Entry {
  readonly id: number
  /** Seconds since 1970. */
  readonly at: number
}

export interface Table {
  readonly kind: Kind
  /** Everything that happened, oldest first. */
  readonly log: readonly Entry[]
  /** True when the entry is the newest of its object: older ones are not shown any more. */
  isCurrent(index: number): boolean
  has(id: number): boolean
  isDeleted(id: number): boolean
  get(id: number): JsonObject | undefined
  /** The object as JSON text; kept, because most objects are asked for often and change rarely. */
  textOf(id: number): string
  /** Ids of living objects, in id order. */
  living(): readonly number[]
  livingCount(): number
  /** Ids of deleted objects, in id order. */
  deleted(): number[]
  /** Ids of living objects that hold this text or number in a field, in id order; upper and lower case are the same. */
  find(field: string, value: string | number): number[]
  /** Puts a new version at the end of the log. */
  put(id: number, object: JsonObject, at: number): void
  remove(id: number, at: number): void
  /** Takes a change again that was recorded before. */
  restore(change: Change): void
  nextId(): number
  /** First index of the log at or after a second. */
  indexFrom(seconds: number): number
}

export interface Change {
  readonly kind: Kind
  readonly id: number
  readonly at: number
  readonly isDeleted: boolean
  readonly object: JsonObject
}

export interface TableOptions {
  readonly kind: Kind
  readonly seed: number
  readonly sizes: Sizes
  /** When the first object was made. */
  readonly from: number
  /** Seconds between groups of objects; a few objects share each second. */
  readonly step: number
  readonly record: (change: Change) => void
}

/** Objects that share a second when the account is made: exports must cope with it. */
const perSecond = 3

export function createTable({ kind, seed, sizes, from, step, record }: TableOptions): Table {
  const size = sizes[kind]
  const first = firstIds[kind]
  const madeAt = (id: number) => from + Math.floor((id - first) / perSecond) * step
  const log: Entry[] = Array.from({ length: size }, (_, index) => ({
    id: first + index,
    at: madeAt(first + index),
  }))
  const newest = new Map<number, number>()
  const changed = new Map<number, JsonObject>()
  const deleted = new Set<number>()
  const texts = new Map<number, string>()
  const indexes = new Map<string, Map<string, Set<number>>>()
  let living: readonly number[] | undefined
  let next = first + size

  const has = (id: number) => changed.has(id) || (Number.isInteger(id) && id >= first && id < first + size)
  const get = (id: number): JsonObject | undefined =>
    changed.get(id) ??
    (id >= first && id < first + size ? makeObject(kind, seed, id - first, madeAt(id), sizes) : undefined)
  const allLiving = (): readonly number[] =>
    (living ??= Array.from({ length: next - first }, (_, index) => first + index).filter(
      (id) => has(id) && !deleted.has(id),
    ))
  const place = ({ id, at, isDeleted, object }: Change) => {
    if (isDeleted !== deleted.has(id) || !has(id)) living = undefined
    if (isDeleted) deleted.add(id)
    changed.set(id, object)
    next = Math.max(next, id + 1)
    newest.set(id, log.length)
    log.push({ id, at })
    texts.delete(id)
    for (const [field, index] of indexes) note(index, object[field], id)
  }
  const apply = (change: Change) => {
    place(change)
    record(change)
  }

  return {
    kind,
    log,
    has,
    get,
    isDeleted: (id) => deleted.has(id),
    isCurrent: (index) => {
      const entry = log[index]
      return entry !== undefined && (newest.get(entry.id) ?? (index < size ? index : -1)) === index
    },
    textOf: (id) => {
      let known = texts.get(id)
      if (known === undefined) {
        known = JSON.stringify(get(id))
        texts.set(id, known)
      }
      return known
    },
    living: allLiving,
    livingCount: () => next - first - deleted.size,
    deleted: () => [...deleted].sort((one, other) => one - other),
    find: (field, value) => {
      let index = indexes.get(field)
      if (!index) {
        index = new Map()
        for (const id of allLiving()) note(index, get(id)?.[field], id)
        indexes.set(field, index)
      }
      const wanted = String(value).toLowerCase()
      // What an object held once stays in the index; only what it holds now counts.
      return [...(index.get(wanted) ?? [])]
        .filter((id) => !deleted.has(id) && keyOf(get(id)?.[field]) === wanted)
        .sort((one, other) => one - other)
    },
    put: (id, object, at) => apply({ kind, id, at, isDeleted: false, object }),
    remove: (id, at) => {
      const object = get(id)
      if (!object || deleted.has(id)) return
      apply({ kind, id, at, isDeleted: true, object: { ...object, ...tombstoneOf(kind, at) } })
    },
    restore: place,
    nextId: () => next,
    indexFrom: (seconds) => {
      let low = 0
      let high = log.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((log[middle]?.at ?? 0) < seconds) low = middle + 1
        else high = middle
      }
      return low
    },
  }
}

const keyOf = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value).toLowerCase() : undefined

function note(index: Map<string, Set<number>>, value: JsonValue | undefined, id: number): void {
  const key = keyOf(value)
  if (key === undefined) return
  const ids = index.get(key) ?? new Set()
  ids.add(id)
  index.set(key, ids)
}

/** How a deletion shows on the object in exports. */
function tombstoneOf(kind: Kind, at: number): JsonObject {
  if (kind === 'tickets') return { status: 'deleted', updated_at: time(at), generated_timestamp: at }
  if (kind === 'users') return { active: false, updated_at: time(at) }
  if (kind === 'organizations') return { deleted_at: time(at), updated_at: time(at) }
  return { updated_at: time(at) }
}

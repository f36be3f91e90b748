/**
 * Change data capture: what changed since a moment, deletions included. It looks back 30 days, answers at most 1,000
 * objects, and knows no upper bound nor pages. Three ways out of that:
 * - An answer that is full: its rows are taken (they are true), and the window is halved towards now until an answer is
 *   whole. What lies before it is read by query, which tells all but deletions; the position says so, and the next run
 *   reads everything (`canResume`).
 * - A position older than the look-back: everything is read, as a full scan (`canResume`).
 * - Moments overlap, since an object may be shown a little after the time that it carries.
 */
import type { Page, Position, ProviderContext, Row } from '../contract.ts'
import { ask, listIn, numberIn, rowsIn, textIn, timeOf } from './answer.ts'
import type { Entity } from './entities.ts'
import { readWhole } from './query.ts'

/** Objects of one answer (CDC page). */
const mostObjects = 1000
const minuteMs = 60_000
/** 30 days, less an hour for clocks that differ. */
const lookBackMs = 30 * 24 * 60 * minuteMs - 60 * minuteMs
const overlapMs = 5 * minuteMs
/** A window that is no longer than this is halved no further. */
const smallestWindowMs = 2 * minuteMs

/** Where the next run begins. `rescan`: deletions may have been missed, so it must read everything. */
const followFrom = (since: string, rescan: boolean): Position => (rescan ? { since, rescan } : { since })

const sinceOf = (position: Position): string | undefined => {
  const { since } = position
  return typeof since === 'string' && !Number.isNaN(Date.parse(since)) ? since : undefined
}

/** False for a position from which CDC cannot tell everything any more: the engine reads everything then. */
export function canResume(position: Position, now: Date): boolean {
  const since = sinceOf(position)
  // A whole read that was broken off goes on where it stood.
  if (since === undefined) return true
  return position['rescan'] !== true && now.getTime() - Date.parse(since) < lookBackMs - overlapMs
}

/** One page of a resource that CDC knows: of a whole read first, of changes afterwards. */
export function readFollowing(context: ProviderContext, entity: Entity, position: Position): Promise<Page> {
  const since = sinceOf(position)
  const rescan = position['rescan'] === true
  if (since === undefined) return readWhole(context, entity, position, (began) => followFrom(began, rescan))
  // A run that was paused beyond the look-back: all that lives is read now, deletions by the next run.
  if (context.now().getTime() - Date.parse(since) >= lookBackMs)
    return readWhole(context, entity, { rescan: true }, (began) => followFrom(began, true))
  return readChanges(context, entity, since, position)
}

export interface Changes {
  readonly rows: Row[]
  readonly deletedIds: string[]
  readonly isWhole: boolean
  readonly time: Date
  readonly readAt: Date
}

/** Times are sent in whole seconds of UTC. */
const secondsText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

async function capture(
  context: ProviderContext,
  names: readonly string[],
  sinceMs: number,
): Promise<Changes> {
  const response = await ask(context, 'changes', '/cdc', {
    query: { entities: names.join(','), changedSince: secondsText(sinceMs) },
    repeatable: true,
  })
  const answers = listIn(response.fields, 'CDCResponse').flatMap((one) => listIn(one, 'QueryResponse'))
  const held = answers.map((part) => ({ part, name: names.find((name) => part[name] !== undefined) }))
  const parts = held.flatMap(({ part, name }) => (name === undefined ? [] : [part]))
  const all = held.flatMap(({ part, name }) => (name === undefined ? [] : rowsIn(part, name)))
  const isDeleted = (row: Row) => textIn(row, 'status')?.toLowerCase() === 'deleted'
  const told = parts.reduce((sum, part) => sum + (numberIn(part, 'totalCount') ?? 0), 0)
  return {
    rows: all.filter((row) => !isDeleted(row)),
    deletedIds: all.filter(isDeleted).flatMap((row) => textIn(row, 'Id') ?? []),
    isWhole: all.length < mostObjects && told <= all.length,
    time: timeOf(response),
    readAt: response.readAt,
  }
}

/**
 * @param position `{since}` of a run's beginning; while windows are halved also `gap`, the moment from which on a query has
 *   to fill in, and `until`, the moment of the first answer.
 */
async function readChanges(
  context: ProviderContext,
  entity: Entity,
  since: string,
  position: Position,
): Promise<Page> {
  const gap = typeof position['gap'] === 'string' ? position['gap'] : undefined
  const sinceMs = Date.parse(since) - (gap === undefined ? overlapMs : 0)
  const changes = await capture(context, [entity.name], sinceMs)
  const { rows, deletedIds, readAt, isWhole } = changes
  const until = typeof position['until'] === 'string' ? position['until'] : changes.time.toISOString()
  const page = { rows, deletedIds, readAt }
  if (isWhole && gap === undefined)
    return { ...page, next: followFrom(until, position['rescan'] === true), done: true }
  const from = gap ?? secondsText(sinceMs)
  const windowMs = changes.time.getTime() - sinceMs
  if (isWhole || windowMs <= smallestWindowMs)
    return { ...page, next: { from, began: until, rescan: true }, done: false }
  const half = secondsText(sinceMs + Math.ceil(windowMs / 2))
  return { ...page, next: { since: half, gap: from, until }, done: false }
}

/** What changed in several kinds since the position of a run's beginning; undefined for a position that is none. */
export async function changesSince(
  context: ProviderContext,
  names: readonly string[],
  position: Position,
): Promise<Changes | undefined> {
  const since = sinceOf(position)
  return since === undefined ? undefined : await capture(context, names, Date.parse(since) - overlapMs)
}

/** The first position: everything, in the order of the last change. */
export const start = (): Position => ({})

/**
 * The search API, used so that neither of its traps is met. It gives at most 10,000 results of one question, and paging
 * by its cursor skips objects that move while pages are read. So no second page is ever asked for: each question begins
 * at the last timestamp of the one before. When more objects share a timestamp than a page holds (imports do that), they
 * are read by id within it (airbytehq/airbyte#43317, #14988).
 */
import type { JsonObject } from '../../model/json.ts'
import type { Position, ProviderContext } from '../contract.ts'
import {
  afterIn,
  ask,
  bodyOf,
  fieldsIn,
  idIn,
  millisecondsIn,
  numberIn,
  protocolError,
  rowsIn,
} from './answer.ts'
import { inOrder } from './association-reads.ts'
import type { ObjectType } from './objects.ts'
import { paths } from './versions.ts'

/** HubSpot allows 200; the objects are read again by id, 100 in a call. */
const pageSize = 100

/** Where a walk stands; small enough to be stored with a page. */
export interface Walk {
  /** Milliseconds: what changed earlier has been read. */
  readonly low: number
  /** Milliseconds: what changes later is for the next walk. */
  readonly until: number
  /** Within the timestamp `low`: ids up to this one have been read. */
  readonly afterId?: string
}

export interface Found {
  readonly ids: readonly string[]
  /** Undefined at the end. */
  readonly next: Walk | undefined
  readonly readAt: Date
}

const bound = (propertyName: string, operator: string, value: number | string): JsonObject => ({
  propertyName,
  operator,
  value: String(value),
})

function questionOf(type: ObjectType, { low, until, afterId }: Walk): JsonObject {
  const isWithin = afterId !== undefined
  const filters = [bound(type.modified, 'GTE', low), bound(type.modified, 'LTE', isWithin ? low : until)]
  if (isWithin) filters.push(bound('hs_object_id', 'GT', afterId))
  return {
    filterGroups: [{ filters }],
    sorts: [{ propertyName: isWithin ? 'hs_object_id' : type.modified, direction: 'ASCENDING' }],
    properties: [type.modified, 'hs_object_id'],
    limit: pageSize,
    after: '0',
  }
}

/** The next objects of a walk through what has changed, oldest first; an object may come twice. */
export async function searchChanged(context: ProviderContext, type: ObjectType, walk: Walk): Promise<Found> {
  const response = await ask(context, paths.search(type.name), questionOf(type, walk), 'search')
  const body = bodyOf(response, `search of ${type.name}`)
  const rows = rowsIn(body, 'results')
  const ids = rows.flatMap((row) => idIn(row, 'id') ?? [])
  const hasMore = afterIn(body) !== undefined
  if (hasMore && ids.length === 0) throw protocolError('a search has more results but gives none')
  const times = rows.flatMap((row) => millisecondsIn(fieldsIn(row, 'properties'), type.modified) ?? [])
  return { ids, next: nextWalk(walk, hasMore, ids, times), readAt: response.readAt }
}

function nextWalk(
  { low, until, afterId }: Walk,
  hasMore: boolean,
  ids: readonly string[],
  times: readonly number[],
): Walk | undefined {
  if (afterId !== undefined) {
    const last = inOrder(ids).at(-1)
    if (hasMore && last !== undefined) return { low, until, afterId: last }
    return low + 1 > until ? undefined : { low: low + 1, until }
  }
  if (!hasMore) return undefined
  const last = Math.max(low, ...times.filter((time) => time <= until))
  return last > low ? { low: last, until } : { low, until, afterId: '0' }
}

/** A walk as part of a position, and back. */
export const walkIn = (position: Position): Walk | undefined => {
  const low = numberIn(position, 'low')
  const until = numberIn(position, 'until')
  const afterId = idIn(position, 'afterId')
  if (low === undefined || until === undefined) return undefined
  return { low, until, ...(afterId === undefined ? {} : { afterId }) }
}

/** How many objects a question has; the limit of 10,000 is on what is given, not on what is counted. */
export async function countObjects(
  context: ProviderContext,
  type: string,
  filters: readonly JsonObject[] = [],
): Promise<number | undefined> {
  const response = await ask(
    context,
    paths.search(type),
    {
      filterGroups: filters.length === 0 ? [] : [{ filters: [...filters] }],
      sorts: [],
      properties: ['hs_object_id'],
      limit: 1,
      after: '0',
    },
    'search',
  )
  return numberIn(bodyOf(response, `count of ${type}`), 'total')
}

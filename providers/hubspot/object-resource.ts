/**
 * The sync of one type of CRM object. A full read lists the living objects by id; an incremental one searches what has
 * changed, then goes through the archived ones. Each begins a while before the last one began: the search index lags by
 * seconds to minutes, so a change that was made during the last read is found by the next (fact sheet §5).
 */
import type { JsonSchema } from '../../model/json.ts'
import type { FieldMapping } from '../../model/mapping.ts'
import type { ModelName } from '../../model/records.ts'
import type { Page, Position, ProviderContext, Resource, Row, Writer } from '../contract.ts'
import {
  afterIn,
  bodyOf,
  fieldsIn,
  get,
  idIn,
  millisecondsIn,
  numberIn,
  rowsIn,
  textIn,
  timeIn,
} from './answer.ts'
import { listObjects, readObjects, type ObjectType } from './objects.ts'
import { describeObject } from './properties.ts'
import { countObjects, searchChanged, walkIn } from './search.ts'
import { paths } from './versions.ts'

/** How far the search index may be behind. */
const overlapMs = 10 * 60_000
/** Archived objects are listed for 90 days; after that a deletion can be missed, and everything is read again. */
const longestPauseMs = 85 * 24 * 3_600_000

/** Where the next incremental read begins. */
const resumeAt = (began: number): Position => ({ since: Math.max(0, began - overlapMs) })

/** Position `{began, after}`. */
async function readListed(context: ProviderContext, type: ObjectType, position: Position): Promise<Page> {
  const began = numberIn(position, 'began') ?? context.now().getTime()
  const { rows, after, readAt } = await listObjects(context, type, textIn(position, 'after'))
  const done = after === undefined
  const next: Position = done ? resumeAt(began) : { began, after }
  return { rows, deletedIds: mergedInto(rows), next, done, readAt }
}

/** Position `{since}` at first, then `{since, low, until, afterId?}`. */
async function readChanged(context: ProviderContext, type: ObjectType, position: Position): Promise<Page> {
  const since = numberIn(position, 'since') ?? 0
  const walk = walkIn(position) ?? { low: since, until: context.now().getTime() }
  const { ids, next, readAt } = await searchChanged(context, type, walk)
  const { rows } = await readObjects(context, type, [...new Set(ids)])
  const onwards: Position = next ? { since, ...next } : { since, began: walk.until, isArchived: true }
  return { rows, deletedIds: mergedInto(rows), next: onwards, done: false, readAt }
}

/** Position `{since, began, isArchived, after}`: a list of deletions in no useful order, of which the newer ones count. */
async function readArchived(context: ProviderContext, type: ObjectType, position: Position): Promise<Page> {
  const since = numberIn(position, 'since') ?? 0
  const began = numberIn(position, 'began') ?? context.now().getTime()
  const response = await get(context, paths.objects(type.name), {
    limit: 100,
    after: textIn(position, 'after'),
    archived: true,
    properties: 'hs_object_id',
  })
  const body = bodyOf(response, `archived ${type.name}`)
  const deletedIds = rowsIn(body, 'results').flatMap((row) => {
    const at = millisecondsIn(row, 'archivedAt')
    return at === undefined || at >= since ? (idIn(row, 'id') ?? []) : []
  })
  const after = afterIn(body)
  const done = after === undefined
  const next: Position = done ? resumeAt(began) : { since, began, isArchived: true, after }
  return { rows: [], deletedIds, next, done, readAt: response.readAt }
}

/** Objects that were merged into these: they are neither listed nor archived any more. */
function mergedInto(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    const merged = textIn(fieldsIn(row, 'properties'), 'hs_merged_object_ids')
    return merged === undefined ? [] : merged.split(';').filter((id) => /^\d+$/.test(id) && id !== row['id'])
  })
}

function readPage(context: ProviderContext, type: ObjectType, position: Position): Promise<Page> {
  if (position['isArchived'] === true) return readArchived(context, type, position)
  return numberIn(position, 'since') === undefined
    ? readListed(context, type, position)
    : readChanged(context, type, position)
}

export interface ObjectResource {
  readonly title: string
  readonly model: ModelName
  readonly after: readonly string[]
  readonly type: ObjectType
  readonly schema: JsonSchema
  readonly mapping: FieldMapping
  readonly write?: Writer
}

export function objectResource({ type, ...of }: ObjectResource): Resource {
  return {
    ...of,
    name: type.name,
    incremental: true,
    // Archived objects are reported; what was erased for good (privacy deletion) only a full scan finds missing.
    deletions: 'scan',
    volatile: ['url', 'objectWriteTraceId', 'warnings'],
    canResume: (position, now) => {
      const since = numberIn(position, 'since')
      return since === undefined || now.getTime() - since <= longestPauseMs
    },
    start: () => ({}),
    readPage: (context, position) => readPage(context, type, position),
    externalId: (row) => idIn(row, 'id') ?? '',
    updatedAt: (row) => timeIn(row, 'updatedAt'),
    isDeleted: (row) => row['archived'] === true,
    getMany: (context, ids) => readObjects(context, type, ids),
    count: (context) => countObjects(context, type.name),
    describe: describeObject(type.name),
  }
}

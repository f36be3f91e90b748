/** Many at once: change data capture and batches. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { entities, isEntity, unused } from './simulator-entities.ts'
import { business, faultBody, malformed, missing, Refused, unsupported } from './simulator-faults.ts'
import { parseQuery } from './simulator-query.ts'
import { runQuery } from './simulator-query-run.ts'
import { deskOf, shownAgain, singlesOf, type Scene } from './simulator-scene.ts'
import { dayMs, isDate, lastUpdated, objectsOf, stamp, textOf } from './simulator-values.ts'
import { annul, create, remove, update } from './simulator-writes.ts'

const lookBackDays = 30

/**
 * `GET /cdc?entities=…&changedSince=…`: everything of these kinds that changed, deletions as what is left of them. A kind with
 * more changes than fit is cut off: its newest are kept, and nothing says that there were more.
 */
export function changes(scene: Scene, asked: URLSearchParams): JsonObject {
  const names = (asked.get('entities') ?? '').split(',').map((name) => name.trim())
  if (names.every((name) => name === '')) throw missing('entities')
  const since = momentOf(asked.get('changedSince'), scene.now())
  return {
    CDCResponse: [{ QueryResponse: names.map((name) => changesOf(scene, name, since)) }],
  }
}

/** Milliseconds; a date is the beginning of the company's day. The error is that of Wish-Org/QuickBooksSharp#19. */
function momentOf(text: string | null, now: Date): number {
  if (text === null || text === '') throw missing('changedSince')
  const zoned = isDate(text) ? `${text}T00:00:00-08:00` : text.replace(/ (\d{2}:\d{2})$/, '+$1')
  const at = Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(zoned) ? zoned : `${zoned}-08:00`)
  if (Number.isNaN(at)) throw malformed('changedSince')
  if (now.getTime() - at > lookBackDays * dayMs)
    throw unsupported(`cdc with changedSince date ${text} which is older than fixed days`)
  return at
}

function changesOf({ books, changes: most }: Scene, name: string, since: number): JsonObject {
  if (!isEntity(name)) {
    if (!unused.includes(name)) throw malformed(name)
    return {}
  }
  if (!entities[name].isTracked) throw unsupported(`cdc for ${name}`)
  const living = books.allShown(name).map((object) => ({ at: lastUpdated(object), object }))
  const gone = books.removed(name).map(({ id, at }) => ({
    at,
    object: {
      domain: 'QBO',
      status: 'Deleted',
      Id: id,
      MetaData: { LastUpdatedTime: stamp(at) },
    },
  }))
  const rows = [...living, ...gone]
    .filter(({ at }) => at >= since)
    .sort((one, other) => one.at - other.at)
    .slice(-most)
  if (rows.length === 0) return {}
  return {
    [name]: rows.map(({ object }) => object),
    startPosition: 1,
    maxResults: rows.length,
    totalCount: rows.length,
  }
}

const largestBatch = 30

/** Each item by itself: one that is refused has its own `Fault`, and the answer is 200 all the same. */
export function batch(scene: Scene, body: unknown): JsonObject {
  if (!isJsonObject(body)) throw missing('BatchItemRequest')
  const items = objectsOf(body['BatchItemRequest'])
  if (items.length === 0) throw missing('BatchItemRequest')
  if (items.length > largestBatch)
    throw business(`The maximum number of batch items is ${largestBatch}; ${items.length} were sent.`)
  return {
    BatchItemResponse: items.map((item) => ({ ...answerItem(scene, item), bId: textOf(item['bId']) })),
  }
}

function answerItem(scene: Scene, item: JsonObject): JsonObject {
  try {
    return doItem(scene, item)
  } catch (error) {
    if (error instanceof Refused) return { Fault: faultBody(error.fault) }
    throw error
  }
}

function doItem(scene: Scene, item: JsonObject): JsonObject {
  const { books, page } = scene
  const { Query: query, operation } = item
  if (typeof query === 'string')
    return { QueryResponse: runQuery(books, parseQuery(query), page, singlesOf(scene)) }
  const entity = Object.keys(item).find(isEntity)
  const body = entity === undefined ? undefined : item[entity]
  if (entity === undefined || !isJsonObject(body)) throw malformed('BatchItemRequest')
  const options = textOf(item['optionsData'])
  const desk = { ...deskOf(scene), mayDuplicate: options === 'allowduplicatedocnum' }
  if (operation === 'create') return { [entity]: shownAgain(books, entity, create(desk, entity, body)) }
  if (operation === 'update') {
    const change = options === 'void' ? annul : update
    return { [entity]: shownAgain(books, entity, change(desk, entity, body)) }
  }
  if (operation === 'delete') return { [entity]: remove(desk, entity, body) }
  throw unsupported(textOf(operation))
}

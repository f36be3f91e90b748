/**
 * Many changes at once. HubSpot answers 207 when some of a batch fail, and 400 or 409 for the whole of it when one input is
 * not well formed: then each goes alone, so that every item has an outcome of its own.
 */
import type { JsonObject } from '../../model/json.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import type { ProviderContext, WriteItem, Written } from '../contract.ts'
import { ask, bodyOf, fieldsIn, idIn, objectsIn, rowsIn, textIn, type Fields } from './answer.ts'
import { patchObject, stageProperty } from './lifecycle.ts'
import { readObjects, type ObjectType } from './objects.ts'
import { ensureKeyProperty, keyProperty } from './unique-key.ts'
import { paths } from './versions.ts'
import { anchorOf, archiveObject, batchFault, upsertObject } from './write-one.ts'
import { valuesOf } from './write-values.ts'

/** What came of an item: the id of the object, an error, or undefined for a deletion. */
type Outcome = string | HubError | undefined

interface Pending {
  readonly place: number
  readonly item: WriteItem
}

/** Faults that are the item's own; any other ends the whole batch, which may be repeated. */
const isOwn = (error: unknown): error is HubError =>
  isHubError(error, 'Invalid') ||
  isHubError(error, 'Conflict') ||
  isHubError(error, 'NotFound') ||
  isHubError(error, 'InvalidInput')

export async function writeBatch(
  context: ProviderContext,
  type: ObjectType,
  items: readonly WriteItem[],
): Promise<readonly (Written | HubError | undefined)[]> {
  const outcomes = new Map<number, Outcome>()
  const pending = items.map((item, place): Pending => ({ place, item }))
  const of = (operation: WriteItem['operation']) => pending.filter(({ item }) => item.operation === operation)
  await inOneCall(context, type, outcomes, of('create'), createAll)
  const updates = of('update')
  // A stage may have to be cleared first, which needs a look at the object.
  const plain = updates.filter(
    ({ item }) => !Object.hasOwn(fieldsIn(item.fields, 'properties'), stageProperty),
  )
  await inOneCall(context, type, outcomes, plain, updateAll)
  await oneByOne(context, type, outcomes, updates)
  await inOneCall(context, type, outcomes, of('delete'), archiveAll)
  return withRows(context, type, items, outcomes)
}

type CallAll = (
  context: ProviderContext,
  type: ObjectType,
  pending: readonly Pending[],
) => Promise<ReadonlyMap<number, Outcome>>

/** All in one call where that is taken; those without an outcome one by one. */
async function inOneCall(
  context: ProviderContext,
  type: ObjectType,
  outcomes: Map<number, Outcome>,
  pending: readonly Pending[],
  call: CallAll,
): Promise<void> {
  if (pending.length > 1)
    try {
      for (const [place, outcome] of await call(context, type, pending)) outcomes.set(place, outcome)
    } catch (error) {
      if (!isOwn(error)) throw error
    }
  await oneByOne(context, type, outcomes, pending)
}

async function oneByOne(
  context: ProviderContext,
  type: ObjectType,
  outcomes: Map<number, Outcome>,
  pending: readonly Pending[],
): Promise<void> {
  for (const { place, item } of pending) {
    if (outcomes.has(place)) continue
    try {
      outcomes.set(place, await writeOne(context, type, item))
    } catch (error) {
      if (!isOwn(error)) throw error
      outcomes.set(place, error)
    }
  }
}

async function writeOne(context: ProviderContext, type: ObjectType, item: WriteItem): Promise<Outcome> {
  if (item.operation === 'delete') {
    await archiveObject(context, type.name, item.externalId)
    return undefined
  }
  if (item.operation === 'create')
    return (await upsertObject(context, type, valuesOf(item.fields), item.idempotencyKey)).id
  await patchObject(context, type.name, item.externalId, valuesOf(item.fields))
  return item.externalId
}

/** `batch/upsert`; two items for one address would be one object, so the later one waits for its own call. */
const createAll: CallAll = async (context, type, pending) => {
  const anchored = pending.map(({ place, item }) => ({
    place,
    anchor: anchorOf(type, valuesOf(item.fields), item.idempotencyKey),
  }))
  const first = anchored.filter(
    ({ anchor }, at) => anchored.findIndex((other) => other.anchor.value === anchor.value) === at,
  )
  if (first.some(({ anchor }) => anchor.property === keyProperty)) await ensureKeyProperty(context, type.name)
  const inputs = first.map(({ place, anchor }) => ({
    idProperty: anchor.property,
    id: anchor.value,
    properties: { ...anchor.values },
    objectWriteTraceId: String(place),
  }))
  const body = await sendBatch(context, paths.batch(type.name, 'upsert'), inputs)
  return outcomesIn(body, (row) => {
    const properties = fieldsIn(row, 'properties')
    return first.find(
      ({ anchor }) => textIn(properties, anchor.property)?.toLowerCase() === anchor.value.toLowerCase(),
    )?.place
  })
}

const updateAll: CallAll = async (context, type, pending) => {
  const inputs = pending.map(({ place, item }) => ({
    id: item.externalId,
    properties: { ...valuesOf(item.fields) },
    objectWriteTraceId: String(place),
  }))
  const body = await sendBatch(context, paths.batch(type.name, 'update'), inputs)
  return outcomesIn(body, (row) => pending.find(({ item }) => item.externalId === idIn(row, 'id'))?.place)
}

const archiveAll: CallAll = async (context, type, pending) => {
  await sendBatch(
    context,
    paths.batch(type.name, 'archive'),
    pending.map(({ item }) => ({ id: item.externalId })),
  )
  return new Map(pending.map(({ place }) => [place, undefined]))
}

async function sendBatch(context: ProviderContext, path: string, inputs: JsonObject[]): Promise<Fields> {
  const response = await ask(context, path, { inputs })
  return response.body === undefined ? {} : bodyOf(response, 'a batch')
}

/** Results and errors by place: by the trace id that was sent along, or by what the object says of itself. */
function outcomesIn(
  body: Fields,
  placeOf: (row: Fields) => number | undefined,
): ReadonlyMap<number, Outcome> {
  const outcomes = new Map<number, Outcome>()
  for (const row of rowsIn(body, 'results')) {
    const place = traced(row['objectWriteTraceId']) ?? placeOf(row)
    const id = idIn(row, 'id')
    if (place !== undefined && id !== undefined) outcomes.set(place, id)
  }
  for (const error of objectsIn(body, 'errors')) {
    const traces = fieldsIn(error, 'context')['objectWriteTraceId']
    const place = traced(Array.isArray(traces) ? traces[0] : traces)
    if (place !== undefined) outcomes.set(place, batchFault(error))
  }
  return outcomes
}

const traced = (trace: unknown): number | undefined =>
  typeof trace === 'string' && /^\d{1,4}$/.test(trace) ? Number(trace) : undefined

/** The objects as a reading gives them, in the order of the items. */
async function withRows(
  context: ProviderContext,
  type: ObjectType,
  items: readonly WriteItem[],
  outcomes: ReadonlyMap<number, Outcome>,
): Promise<readonly (Written | HubError | undefined)[]> {
  const ids = [...outcomes.values()].flatMap((outcome) => (typeof outcome === 'string' ? [outcome] : []))
  const { rows, readAt } = await readObjects(context, type, [...new Set(ids)])
  const byId = new Map(rows.map((row) => [idIn(row, 'id') ?? '', row]))
  return items.map((_item, place) => {
    const outcome = outcomes.get(place)
    if (typeof outcome !== 'string') return outcome
    const row = byId.get(outcome)
    return row
      ? { row, readAt }
      : new HubError('NotFound', 'The object was archived right after it was written')
  })
}

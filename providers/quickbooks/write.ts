/** Writing objects: create, sparse update by version, delete or hide, and batches of up to 30. */
import type { OutwardMapping } from '../../model/mapping.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import type { ProviderContext, Row, Settings, WriteItem, Writer, Written } from '../contract.ts'
import { ask, fieldsIn, listIn, protocolError, textIn } from './answer.ts'
import { createBody, requestIdOf, updateBody, versionOf } from './body.ts'
import type { Entity } from './entities.ts'
import { faultIn } from './errors.ts'
import { queryByIds } from './query.ts'

/** `POST /{entity}`: with an idempotency key, so that the transport may repeat it. */
export async function post(
  context: ProviderContext,
  entity: Entity,
  body: JsonObject,
  requestId: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Written> {
  const response = await ask(context, 'write', `/${entity.path}`, {
    method: 'POST',
    body,
    query: { ...query, requestid: requestId },
    repeatable: true,
  })
  const row = fieldsIn(response.fields, entity.name)
  if (!row) throw protocolError(`"${entity.name}" is missing in the answer to a write`)
  return { row, readAt: response.readAt }
}

/** One object by id. @throws HubError `NotFound`. */
export async function readOne(context: ProviderContext, entity: Entity, id: string): Promise<Row> {
  const { rows } = await queryByIds(context, entity, [id])
  const row = rows.find((one) => textIn(one, 'Id') === id)
  if (!row) throw new HubError('NotFound', `QuickBooks has no ${entity.name} with the id ${id}.`)
  return row
}

/**
 * Deletes a transaction; an object of a list is hidden, since QuickBooks keeps it: it is given back as it is then. One that
 * is gone or hidden already is no error.
 */
export async function removeOne(
  context: ProviderContext,
  entity: Entity,
  current: Row,
  requestId: string,
): Promise<Written | undefined> {
  try {
    if (entity.isList)
      return await post(
        context,
        entity,
        updateBody(entity, { Active: false }, current, context.settings),
        requestId,
      )
    await post(context, entity, versionOf(current), requestId, { operation: 'delete' })
  } catch (error) {
    if (isHubError(error, 'NotFound')) return undefined
    const hidden =
      entity.isList && isHubError(error, 'Conflict') ? await hiddenNow(context, entity, current) : undefined
    if (!hidden) throw error
    return hidden
  }
  return undefined
}

/** The object, if somebody has hidden it meanwhile. */
async function hiddenNow(
  context: ProviderContext,
  entity: Entity,
  current: Row,
): Promise<Written | undefined> {
  const { rows, readAt } = await queryByIds(context, entity, [versionOf(current).Id])
  const row = rows.find((one) => one['Active'] === false)
  return row && { row, readAt }
}

type Dress = (row: Row, settings: Settings) => Row

export function writerFor(
  entity: Entity,
  mapping: OutwardMapping,
  dress: Dress,
  example: Writer['example'],
): Writer {
  const dressed = (written: Written, { settings }: ProviderContext): Written => ({
    ...written,
    row: dress(written.row, settings),
  })
  return {
    mapping,
    ...(example ? { example } : {}),
    async create(context, fields, idempotencyKey) {
      const body = createBody(fields, context.settings)
      return dressed(await post(context, entity, body, requestIdOf(idempotencyKey)), context)
    },
    // The key holds the version: after a conflict the same write is made again on a newer object.
    async update(context, externalId, fields, current, idempotencyKey) {
      const body = { ...updateBody(entity, fields, current, context.settings), Id: externalId }
      const requestId = requestIdOf(idempotencyKey, versionOf(current).SyncToken)
      return dressed(await post(context, entity, body, requestId), context)
    },
    async remove(context, _externalId, current, idempotencyKey) {
      const requestId = requestIdOf(idempotencyKey, versionOf(current).SyncToken)
      const hidden = await removeOne(context, entity, current, requestId)
      return hidden && dressed(hidden, context)
    },
    batch: {
      size: batchSize,
      async write(context, items) {
        const outcomes = await writeBatch(context, entity, items)
        return outcomes.map((one) =>
          one === undefined || one instanceof HubError ? one : dressed(one, context),
        )
      },
    },
  }
}

/** Most items of one batch (Intuit's blog of 2023-07; another page says 50: the smaller one is kept to). */
const batchSize = 30

type Outcome = Written | HubError | undefined

/** The element of a batch; an error when the object to change is gone. */
function itemOf(
  entity: Entity,
  item: WriteItem,
  current: Row | undefined,
  settings: Settings,
): JsonObject | HubError {
  if (item.operation === 'create')
    return { operation: 'create', [entity.name]: createBody(item.fields, settings) }
  if (!current) return new HubError('NotFound', `QuickBooks has no ${entity.name} with this id.`)
  if (item.operation === 'update')
    return { operation: 'update', [entity.name]: updateBody(entity, item.fields, current, settings) }
  return entity.isList
    ? { operation: 'update', [entity.name]: updateBody(entity, { Active: false }, current, settings) }
    : { operation: 'delete', [entity.name]: versionOf(current) }
}

/**
 * Items are independent, and each has an outcome of its own: a fault of one stops no other. The versions of what is changed
 * are read first, by one query. A repetition with the same items is answered as the first time.
 */
async function writeBatch(
  context: ProviderContext,
  entity: Entity,
  items: readonly WriteItem[],
): Promise<Outcome[]> {
  const ids = items.filter(({ operation }) => operation !== 'create').map(({ externalId }) => externalId)
  const { rows } = await queryByIds(context, entity, ids)
  const current = new Map(rows.map((row) => [textIn(row, 'Id'), row]))
  const made = items.map((item) => itemOf(entity, item, current.get(item.externalId), context.settings))
  const sent = made.flatMap((item, index) =>
    item instanceof HubError ? [] : [{ bId: String(index + 1), ...item }],
  )
  const answers = sent.length === 0 ? new Map<string, Answered>() : await send(context, items, sent)
  return made.map((item, index) => {
    const isDeletion = items[index]?.operation === 'delete'
    if (item instanceof HubError) return isDeletion ? undefined : item
    return outcomeOf(entity, answers.get(String(index + 1)), isDeletion)
  })
}

interface Answered {
  readonly body: Readonly<Record<string, unknown>>
  readonly readAt: Date
}

async function send(
  context: ProviderContext,
  items: readonly WriteItem[],
  sent: JsonObject[],
): Promise<Map<string, Answered>> {
  const versions = sent.map((item) => JSON.stringify(item)).join('\n')
  const requestId = requestIdOf(items.map(({ idempotencyKey }) => idempotencyKey).join('\0'), versions)
  const response = await ask(context, 'batch', '/batch', {
    method: 'POST',
    body: { BatchItemRequest: sent },
    query: { requestid: requestId },
    repeatable: true,
  })
  const { readAt } = response
  return new Map(
    listIn(response.fields, 'BatchItemResponse').map((body) => [textIn(body, 'bId') ?? '', { body, readAt }]),
  )
}

function outcomeOf(entity: Entity, answer: Answered | undefined, isDeletion: boolean): Outcome {
  if (!answer)
    return new HubError(
      'Unavailable',
      'QuickBooks left this item of a batch unanswered. Whether it took effect is not known.',
    )
  const fault = faultIn(answer.body, answer.readAt)
  if (fault) return isDeletion && fault.code === 'NotFound' ? undefined : fault
  const row = fieldsIn(answer.body, entity.name)
  if (isDeletion && !entity.isList) return undefined
  return row
    ? { row, readAt: answer.readAt }
    : new HubError('Protocol', 'QuickBooks answered an item of a batch without its object')
}

/** One CRM object at a time: created once, compared, archived. */
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, Row, Written } from '../contract.ts'
import { ask, bodyOf, get, idIn, isFields, objectsIn, protocolError, rowsIn, timeIn } from './answer.ts'
import { faultIn } from './errors.ts'
import { readObjects, type ObjectType } from './objects.ts'
import { ensureKeyProperty, keyProperty, keyText } from './unique-key.ts'
import { paths } from './versions.ts'
import type { Values } from './write-values.ts'

/** By which property an object is created: a contact by its e-mail address, which is unique; others by the hub's own key. */
export interface Anchor {
  readonly property: string
  readonly value: string
  readonly values: Values
}

export function anchorOf(type: ObjectType, values: Values, idempotencyKey: string): Anchor {
  const email = values['email']
  if (type.name === 'contacts' && email !== undefined && email !== '')
    return { property: 'email', value: email.trim().toLowerCase(), values }
  const value = keyText(idempotencyKey)
  return { property: keyProperty, value, values: { ...values, [keyProperty]: value } }
}

/** Creates an object, or finds the one that an earlier attempt made. Answers its id. */
export async function upsertObject(
  context: ProviderContext,
  type: ObjectType,
  values: Values,
  idempotencyKey: string,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const anchor = anchorOf(type, values, idempotencyKey)
  if (anchor.property === keyProperty) await ensureKeyProperty(context, type.name)
  const response = await ask(context, paths.batch(type.name, 'upsert'), {
    inputs: [{ idProperty: anchor.property, id: anchor.value, properties: { ...anchor.values } }],
  })
  const body = bodyOf(response, 'the created object')
  const [created] = rowsIn(body, 'results')
  const id = created && idIn(created, 'id')
  if (created === undefined || id === undefined) throw batchFault(objectsIn(body, 'errors')[0])
  // What carries the hub's key was made by it, now or in an earlier attempt.
  return { id, isNew: anchor.property === keyProperty || created['new'] === true }
}

/** An error among the results of a batch. */
export function batchFault(error: unknown): HubError {
  const fault = isFields(error) ? faultIn(400, error) : undefined
  if (!fault) return protocolError('a batch gives neither the object nor its error')
  return new HubError(fault.code, fault.message, fault.fields ? { fields: fault.fields } : {})
}

/** The object as a reading gives it. @throws HubError `NotFound` when it is gone already. */
export async function writtenObject(
  context: ProviderContext,
  type: ObjectType,
  id: string,
): Promise<Written> {
  const { rows, readAt } = await readObjects(context, type, [id])
  const [row] = rows
  if (!row) throw new HubError('NotFound', 'The object was archived right after it was written')
  return { row, readAt }
}

/** @throws HubError `Conflict` when the object has changed since; `NotFound` when it is gone. */
export async function assertUnchanged(
  context: ProviderContext,
  type: ObjectType,
  id: string,
  current: Row,
): Promise<void> {
  const expected = timeIn(current, 'updatedAt')
  const response = await get(context, paths.object(type.name, id), { properties: 'hs_object_id' })
  const found = timeIn(bodyOf(response, 'the object'), 'updatedAt')
  if (expected === undefined || found === undefined || Date.parse(expected) === Date.parse(found)) return
  throw new HubError('Conflict', 'The object has changed at HubSpot since it was read')
}

/** Archives; an object that is gone already is answered 204 as well. */
export async function archiveObject(context: ProviderContext, type: string, id: string): Promise<void> {
  await context.call({
    method: 'DELETE',
    path: paths.object(type, id),
    group: 'crm',
    repeatable: true,
    accept: [404],
  })
}

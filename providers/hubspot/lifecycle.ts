/**
 * Stages of a lifecycle only move forward: HubSpot ignores a value that lies behind the present one, unless the property is
 * cleared first (fact sheet §4).
 */
import type { ProviderContext } from '../contract.ts'
import { fieldsIn, bodyOf, get, textIn } from './answer.ts'
import { optionOrder } from './properties.ts'
import { paths } from './versions.ts'
import type { Values } from './write-values.ts'

export const stageProperty = 'lifecyclestage'

export async function stageOf(
  context: ProviderContext,
  type: string,
  id: string,
): Promise<string | undefined> {
  const response = await get(context, paths.object(type, id), { properties: stageProperty })
  return textIn(fieldsIn(bodyOf(response, 'the object'), 'properties'), stageProperty)
}

/** True when a move to `to` is only taken after clearing: backwards, or where the order is not known. */
export async function needsClearing(
  context: ProviderContext,
  type: string,
  from: string | undefined,
  to: string,
): Promise<boolean> {
  if (from === undefined || from === to || to === '') return false
  const order = (await optionOrder(context, type, stageProperty)).map(({ value }) => value)
  const [before, after] = [order.indexOf(from), order.indexOf(to)]
  return before < 0 || after < 0 || after < before
}

/** `PATCH`; setting the same values again changes nothing further. */
export async function patchObject(
  context: ProviderContext,
  type: string,
  id: string,
  values: Values,
): Promise<void> {
  const patch = (properties: Values) =>
    context.call({
      method: 'PATCH',
      path: paths.object(type, id),
      body: { properties: { ...properties } },
      group: 'crm',
      repeatable: true,
    })
  const stage = values[stageProperty]
  if (stage !== undefined && stage !== '') {
    const present = await stageOf(context, type, id)
    if (await needsClearing(context, type, present, stage)) await patch({ [stageProperty]: '' })
  }
  await patch(values)
}

/**
 * HubSpot takes no idempotency key, but it keeps the values of a unique property unique: objects that the hub creates carry
 * the key in `tieline_key`, and are written by upsert on it. The property is made when it is first needed.
 */
import { createHash } from 'node:crypto'
import { HubError, isHubError } from '../../platform/errors.ts'
import type { ProviderContext } from '../contract.ts'
import { textIn } from './answer.ts'
import { definitionsOf, forgetDefinitions } from './properties.ts'
import { paths } from './versions.ts'

export const keyProperty = 'tieline_key'

/** The key as a property value: a long one by its hash. */
export const keyText = (idempotencyKey: string): string =>
  idempotencyKey.length <= 100 ? idempotencyKey : createHash('sha256').update(idempotencyKey).digest('hex')

/** Makes the property where it is missing. @throws HubError `Forbidden` when the token may not. */
export async function ensureKeyProperty(context: ProviderContext, type: string): Promise<void> {
  const definitions = await definitionsOf(context, type)
  if (definitions.some((one) => one['name'] === keyProperty)) return
  const named = definitions.find((one) => one['name'] === 'hs_object_id') ?? definitions[0]
  const groupName = (named && textIn(named, 'groupName')) ?? 'other'
  try {
    await context.call({
      method: 'POST',
      path: paths.properties(type),
      group: 'crm',
      // A second one of the same name is refused, so asking again does no harm.
      repeatable: true,
      // 409: somebody else made it meanwhile.
      accept: [409],
      body: {
        name: keyProperty,
        label: 'Tieline key',
        description: 'Written by Tieline, so that nothing is created twice. Please leave it alone.',
        groupName,
        type: 'string',
        fieldType: 'text',
        hasUniqueValue: true,
        hidden: true,
        formField: false,
      },
    })
  } catch (error) {
    if (!isHubError(error, 'Forbidden')) throw error
    throw new HubError(
      'Forbidden',
      `Creating ${type} safely needs the property "${keyProperty}", which the token may not add. Grant crm.schemas write, or add it by hand as a unique single-line text.`,
      { cause: error },
    )
  } finally {
    forgetDefinitions(context, type)
  }
}

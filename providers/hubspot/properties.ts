/** Property definitions of an object type: HubSpot returns of an object only the properties that are asked for by name. */
import type { FieldType } from '../../model/records.ts'
import type { FieldDescription, ProviderContext } from '../contract.ts'
import { bodyOf, fieldsIn, get, objectsIn, rowsIn, textIn, type Fields } from './answer.ts'
import { paths } from './versions.ts'

/** A session is as short as a slice of a run: a property that is made meanwhile comes in with the next slice. */
const known = new WeakMap<ProviderContext, Map<string, Promise<readonly Fields[]>>>()

/** `GET crm/properties/…/{type}`: all that are not archived; cached for the session. */
export function definitionsOf(context: ProviderContext, type: string): Promise<readonly Fields[]> {
  const byType = known.get(context) ?? new Map<string, Promise<readonly Fields[]>>()
  known.set(context, byType)
  const cached = byType.get(type)
  if (cached) return cached
  const reading = get(context, paths.properties(type)).then((response) =>
    rowsIn(bodyOf(response, 'properties'), 'results'),
  )
  byType.set(type, reading)
  // What failed is asked again by whoever comes next.
  reading.catch(() => byType.delete(type))
  return reading
}

/** Forgets what is known of a type, after a property was added. */
export const forgetDefinitions = (context: ProviderContext, type: string): void =>
  void known.get(context)?.delete(type)

/** Names of all properties, in one order. */
export async function propertyNames(context: ProviderContext, type: string): Promise<string[]> {
  const names = (await definitionsOf(context, type)).flatMap((one) => textIn(one, 'name') ?? [])
  return [...new Set(names)].sort()
}

const types: Readonly<Record<string, FieldType>> = {
  bool: 'boolean',
  enumeration: 'text',
  date: 'date',
  datetime: 'time',
  number: 'number',
  string: 'text',
  phone_number: 'text',
  json: 'text',
}

function describe(one: Fields): FieldDescription[] {
  const name = textIn(one, 'name')
  if (name === undefined) return []
  const meta = fieldsIn(one, 'modificationMetadata')
  const options = objectsIn(one, 'options').flatMap((option) => {
    const value = option['value']
    return typeof value === 'string' ? [{ value, label: textIn(option, 'label') ?? value }] : []
  })
  return [
    {
      path: `properties.${name}`,
      title: textIn(one, 'label') ?? name,
      type: types[textIn(one, 'type') ?? ''] ?? 'text',
      isCustom: one['hubspotDefined'] !== true,
      isWritable: meta['readOnlyValue'] !== true && one['calculated'] !== true,
      ...(options.length > 0 ? { options } : {}),
    },
  ]
}

/** Every property with its type, options and whether it may be written. */
export const describeObject =
  (type: string) =>
  async (context: ProviderContext): Promise<readonly FieldDescription[]> =>
    (await definitionsOf(context, type)).flatMap(describe)

/** Values of a choice in the order of its definition: the stages of a lifecycle. */
export async function optionOrder(
  context: ProviderContext,
  type: string,
  property: string,
): Promise<{ readonly value: string; readonly label: string }[]> {
  const definition = (await definitionsOf(context, type)).find((one) => one['name'] === property)
  if (!definition) return []
  return objectsIn(definition, 'options')
    .map((option, index) => ({
      value: textIn(option, 'value'),
      label: textIn(option, 'label'),
      order: typeof option['displayOrder'] === 'number' ? option['displayOrder'] : index,
    }))
    .sort((a, b) => a.order - b.order)
    .flatMap(({ value, label }) => (value === undefined ? [] : [{ value, label: label ?? value }]))
}

/** What is written, as HubSpot takes it: every value is a text, and an empty text clears. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'

function valueText(value: JsonValue): string {
  if (value === null) return ''
  if (Array.isArray(value)) return value.map(valueText).join(';')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export type Values = Readonly<Record<string, string>>

export const asValues = (fields: JsonObject): Values =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, valueText(value)]))

/** `{properties: {…}}` of a write's fields. @throws HubError `InvalidInput` when there is nothing to write. */
export function valuesOf(fields: JsonObject): Values {
  const properties = fields['properties']
  if (isJsonObject(properties) && Object.keys(properties).length > 0) return asValues(properties)
  throw new HubError('InvalidInput', 'There is no property to write', {
    fields: [{ pointer: '/properties', detail: 'is missing or empty' }],
  })
}

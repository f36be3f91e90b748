/** Properties that this project's events and profiles have: those described in the Lexicon, and those of a sample. */
import type { FieldType } from '../../model/fields.ts'
import { isHubError } from '../../platform/errors.ts'
import type { FieldDescription, ProviderContext } from '../contract.ts'
import { fieldsIn, resultsOf, rowsOf, textIn, type Fields } from './answer.ts'
import { callApp, projectId } from './call.ts'

const lexiconTypes: Readonly<Record<string, FieldType>> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  array: 'texts',
  object: 'object',
}

/** What people wrote into the Lexicon (lexicon-schemas.openapi.yaml); nothing where the account may not read it. */
async function lexicon(
  context: ProviderContext,
  entity: 'event' | 'profile',
): Promise<Map<string, FieldType>> {
  const types = new Map<string, FieldType>()
  try {
    const path = `/projects/${projectId(context.settings)}/schemas`
    const response = await callApp(context, { method: 'GET', path, group: 'lexicon' })
    for (const entry of rowsOf(resultsOf(response, 'schemas'), 'schemas')) {
      if (textIn(entry, 'entityType') !== entity) continue
      for (const [name, property] of Object.entries(fieldsIn(fieldsIn(entry, 'schemaJson'), 'properties')))
        types.set(name, lexiconTypes[textIn(property as Fields, 'type') ?? ''] ?? 'text')
    }
  } catch (error) {
    if (!isHubError(error, 'Forbidden') && !isHubError(error, 'NotFound')) throw error
  }
  return types
}

function typeOf(value: unknown): FieldType | undefined {
  if (value === null || value === undefined) return undefined
  if (Array.isArray(value)) return value.some((one) => typeof one === 'object') ? 'objects' : 'texts'
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  return typeof value === 'object' ? 'object' : 'text'
}

/** Types by name; a property that has several is a text. */
function sampled(sample: readonly Fields[]): Map<string, FieldType> {
  const types = new Map<string, FieldType>()
  for (const properties of sample)
    for (const [name, value] of Object.entries(properties)) {
      const type = typeOf(value)
      if (type !== undefined) types.set(name, (types.get(name) ?? type) === type ? type : 'text')
    }
  return types
}

/** Properties with a dot in their name cannot be reached by a path and are left out. */
export async function describeProperties(
  context: ProviderContext,
  entity: 'event' | 'profile',
  prefix: string,
  sample: readonly Fields[],
): Promise<readonly FieldDescription[]> {
  const types = new Map([...(await lexicon(context, entity)), ...sampled(sample)])
  return [...types]
    .filter(([name]) => !name.includes('.'))
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, type]) => ({
      path: `${prefix}.${name}`,
      title: name,
      type,
      isCustom: !name.startsWith('$') && !name.startsWith('mp_'),
      isWritable: entity === 'profile',
    }))
}

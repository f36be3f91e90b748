/** How CRM objects are written. HubSpot has no version tokens: what was read is compared just before it is changed. */
import type { JsonObject } from '../../model/json.ts'
import type { OutwardMapping } from '../../model/mapping.ts'
import type { ProviderContext, Writer, Written } from '../contract.ts'
import { patchObject } from './lifecycle.ts'
import type { ObjectType } from './objects.ts'
import { writeBatch } from './write-batch.ts'
import { archiveObject, assertUnchanged, upsertObject, writtenObject } from './write-one.ts'
import { valuesOf } from './write-values.ts'

export function objectWriter(
  type: ObjectType,
  mapping: OutwardMapping,
  example: NonNullable<Writer['example']>,
): Writer {
  const create = async (context: ProviderContext, fields: JsonObject, key: string): Promise<Written> => {
    const { id } = await upsertObject(context, type, valuesOf(fields), key)
    return writtenObject(context, type, id)
  }
  return {
    create,
    update: async (context, id, fields, current) => {
      const values = valuesOf(fields)
      await assertUnchanged(context, type, id, current)
      await patchObject(context, type.name, id, values)
      return writtenObject(context, type, id)
    },
    async remove(context, id) {
      await archiveObject(context, type.name, id)
      return undefined
    },
    batch: { size: 100, write: (context, items) => writeBatch(context, type, items) },
    mapping,
    example,
  }
}

/** Fields of an account: the mapped ones of a kind, and custom fields as the preferences name them. */
import type { FieldDescription, ProviderContext } from '../contract.ts'
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'
import type { FieldType } from '../../model/records.ts'
import { ask, fieldsIn, listIn, textIn, type Fields } from './answer.ts'

const typeOf: Partial<Record<NonNullable<FieldRule['convert']>, FieldType>> = {
  number: 'number',
  money: 'number',
  boolean: 'boolean',
  time: 'time',
  date: 'date',
}

const titleOf = (path: string): string =>
  path
    .replace(/\.(value|Address|FreeFormNumber)$/, '')
    .replace(/Ref$/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')

/** QuickBooks' own fields of a kind. */
function ownFields(mapping: FieldMapping, written: ReadonlySet<string>): FieldDescription[] {
  return mapping.rules.flatMap((rule) =>
    rule.from === undefined || rule.from.startsWith('derived.')
      ? []
      : [
          {
            path: rule.from,
            title: titleOf(rule.from),
            type: typeOf[rule.convert ?? 'text'] ?? 'text',
            isCustom: false,
            isWritable: written.has(rule.from),
          },
        ],
  )
}

/**
 * Preferences name up to three custom fields of sales forms: `SalesFormsPrefs.CustomField[].CustomField[]`, names under
 * `SalesFormsPrefs.SalesCustomName1`, whether they are used under `SalesFormsPrefs.UseSalesCustom1`.
 */
export function customFieldsOf(
  preferences: Fields | undefined,
): { readonly id: string; readonly name: string }[] {
  const entries = listIn(fieldsIn(preferences, 'SalesFormsPrefs'), 'CustomField').flatMap((group) =>
    listIn(group, 'CustomField'),
  )
  const used = new Set(
    entries.flatMap((one) => {
      const id = /UseSalesCustom(\d+)$/.exec(textIn(one, 'Name') ?? '')?.[1]
      return id !== undefined && one['BooleanValue'] === true ? [id] : []
    }),
  )
  return entries.flatMap((one) => {
    const id = /SalesCustomName(\d+)$/.exec(textIn(one, 'Name') ?? '')?.[1]
    const name = textIn(one, 'StringValue')
    return id !== undefined && name !== undefined && (used.size === 0 || used.has(id)) ? [{ id, name }] : []
  })
}

/** For sales forms also their custom fields, which stand in a list of the row in the order of their ids. */
export const describeFor =
  (mapping: FieldMapping, written: readonly string[], hasCustomFields: boolean) =>
  async (context: ProviderContext): Promise<readonly FieldDescription[]> => {
    const own = ownFields(mapping, new Set(written))
    if (!hasCustomFields) return own
    const answer = await ask(context, 'read', '/preferences')
    const custom = customFieldsOf(fieldsIn(answer.fields, 'Preferences'))
    return [
      ...own,
      ...custom.map(({ name }, index): FieldDescription => ({
        path: `CustomField.${index}.StringValue`,
        title: name,
        type: 'text',
        isCustom: true,
        isWritable: false,
      })),
    ]
  }

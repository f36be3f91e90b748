/** The fields of a way to connect: read from a form, checked, shown again. */
import type { AuthMethod, Secrets, Settings, SetupField } from '../../providers/contract.ts'
import { fieldsOf } from '../resources/setup-values.ts'

export interface Given {
  readonly settings: Settings
  readonly secrets: Secrets
}

export const nothingGiven: Given = { settings: {}, secrets: {} }

/** Name of a field in the form. */
export const inputName = (field: SetupField): string => `field.${field.name}`

export interface Read {
  readonly given: Given
  /** Field → what is wrong with it, in the words of its provider. */
  readonly errors: ReadonlyMap<string, string>
}

/**
 * What a form brought. A secret that is left empty stays what it was: it is never sent back to the page.
 * @param before what an earlier form brought.
 */
export function readFields(method: AuthMethod, form: URLSearchParams, before: Given): Read {
  const settings: Record<string, string> = {}
  const secrets: Record<string, string> = {}
  const errors = new Map<string, string>()
  for (const field of fieldsOf(method)) {
    const entered = (form.get(inputName(field)) ?? '').trim()
    const value = entered === '' && field.secret ? (before.secrets[field.name] ?? '') : entered
    const problem = problemOf(field, value)
    if (problem !== undefined) errors.set(field.name, problem)
    // A secret that does not pass is not kept; anything else is shown again to be mended.
    if (value === '' || (field.secret && problem !== undefined)) continue
    if (field.secret) secrets[field.name] = value
    else settings[field.name] = value.slice(0, longest)
  }
  return { given: { settings, secrets }, errors }
}

const longest = 20_000

function problemOf(field: SetupField, value: string): string | undefined {
  if (value === '') return field.required ? `Enter: ${field.label}.` : undefined
  if (value.length > longest) return `${field.label} is too long.`
  return new RegExp(field.pattern).test(value) ? undefined : hintOf(field)
}

/** What the value should look like, as a sentence. */
export const hintOf = ({ patternHint }: SetupField): string => patternHint.replace(/\.?$/, '.')

/** The values that a field may have where its pattern is a plain choice (`^(production|sandbox)$`). */
export function choicesOf({ pattern }: SetupField): readonly string[] | undefined {
  const [, choices] = /^\^\((?:\?:)?([\w-]+(?:\|[\w-]+)+)\)\$$/.exec(pattern) ?? []
  return choices?.split('|')
}

/** Checks of small inputs that may have been typed into the Temporal UI. A bad one ends the workflow with `InvalidInput`. */
import { isId, type IdKind } from '../model/ids.ts'
import { invalidInput } from './sync-input.ts'

/** The one id that an input holds. Anything else in it is refused: it would be a typing error that goes unnoticed. */
export function checkIdInput(input: unknown, field: string, kind: IdKind): string {
  const example = `{"${field}": "…"}`
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw invalidInput(`The input must be one JSON object: ${example}.`)
  }
  const stranger = Object.keys(input).find((name) => name !== field)
  if (stranger !== undefined) throw invalidInput(`"${stranger}" is not known. The input is ${example}.`)
  const value: unknown = (input as Record<string, unknown>)[field]
  if (value === undefined) throw invalidInput(`"${field}" is missing. The input is ${example}.`)
  if (!isId(kind, value)) throw invalidInput(`"${field}" is not the id of a ${kind}.`)
  return value
}

/** Of workflows that their schedules start: whoever starts one by hand types `{}`. */
export function checkNoInput(input: unknown): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalidInput('The input is {}.')
  const [stranger] = Object.keys(input)
  if (stranger !== undefined) throw invalidInput(`"${stranger}" is not known. The input is {}.`)
}

/** Checks of small inputs that may have been typed into the Temporal UI. A bad one ends the workflow with `InvalidInput`. */
import { ApplicationFailure } from '@temporalio/common'
import { isId, type IdKind } from '../model/ids.ts'

export function invalidInput(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, 'InvalidInput')
}

/** Answers what the value should be, or undefined when it is. */
export type Check = (value: unknown) => string | undefined

export const isWhole = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most

export const whole =
  (least: number, most: number): Check =>
  (value) =>
    isWhole(value, least, most) ? undefined : `a whole number from ${least} to ${most}`

/** @param checks of each field there may be. @throws ApplicationFailure `InvalidInput` that names the field. */
export function checkInput<T>(
  input: unknown,
  example: string,
  checks: Readonly<Record<string, Check>>,
  required: readonly string[],
): T {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw invalidInput(`The input must be one JSON object, for example ${example}.`)
  }
  for (const name of required)
    if (!(name in input)) throw invalidInput(`"${name}" is missing. Example: ${example}.`)
  for (const [name, value] of Object.entries(input)) {
    const rule = checks[name]
    if (!rule)
      throw invalidInput(
        `"${name}" is not known. Known: ${Object.keys(checks)
          .filter((one) => one !== 'continued')
          .join(', ')}.`,
      )
    const wanted = value === undefined ? undefined : rule(value)
    if (wanted !== undefined) throw invalidInput(`"${name}" must be ${wanted}.`)
  }
  return input as T
}

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

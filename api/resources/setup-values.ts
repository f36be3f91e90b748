/** Settings and secrets of a connection, checked against the fields that its provider asks for. */
import { HubError } from '../../platform/errors.ts'
import type { AuthMethod, Provider, SetupField } from '../../providers/contract.ts'
import { invalidInput } from '../problem.ts'
import type { PlacedError } from '../validation.ts'

export type Values = Readonly<Record<string, string>>

export interface GivenValues {
  readonly settings?: Values | undefined
  readonly secrets?: Values | undefined
}

/** Which part of the fields is looked at. */
export type Part = 'settings' | 'secrets'

export const fieldsOf = (method: AuthMethod): readonly SetupField[] =>
  method.setup.flatMap((step) => step.fields)

/** The method that a body names; the first that takes no consent in a browser when it names none. @throws InvalidInput. */
export function givenMethod(provider: Provider, name: string | undefined): AuthMethod {
  const found =
    name === undefined
      ? (provider.auth.find(({ kind }) => kind === 'token') ?? provider.auth[0])
      : provider.auth.find((method) => method.name === name)
  if (found) return found
  const names = provider.auth.map((method) => method.name).join(', ')
  throw invalidInput([{ in: 'body', pointer: '/auth', detail: `should be one of ${names}` }])
}

const partOf = (field: SetupField): Part => (field.secret ? 'secrets' : 'settings')

/** Variables that a connection from the environment needs and that are not set. */
export function missingVariables(
  method: AuthMethod,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const fields = fieldsOf(method).flatMap((field) => {
    if (!field.required) return []
    if (field.env === undefined) return [field.name]
    return isSet(env[field.env]) ? [] : [field.env]
  })
  return [...missingApp(method, env), ...fields]
}

/** Variables of the hub's own app at the provider that are not set; none for a method without an app. */
export function missingApp(method: AuthMethod, env: Readonly<Record<string, string | undefined>>): string[] {
  const app = method.kind === 'oauth2' ? [method.client.idVariable, method.client.secretVariable] : []
  return app.filter((name) => !isSet(env[name]))
}

const isSet = (value: string | undefined): value is string => value !== undefined && value.trim() !== ''

/**
 * What `given` leaves out, from the environment.
 * @throws HubError `NotConfigured` that names the variables that are not set.
 */
export function fromEnvironment(
  provider: Provider,
  method: AuthMethod,
  env: Readonly<Record<string, string | undefined>>,
  given: GivenValues,
): Required<Record<Part, Values>> {
  const values = { settings: { ...given.settings }, secrets: { ...given.secrets } }
  const missing: string[] = []
  for (const field of fieldsOf(method)) {
    const part = values[partOf(field)]
    if (part[field.name] !== undefined) continue
    const value = field.env === undefined ? undefined : env[field.env]
    if (isSet(value)) part[field.name] = value.trim()
    else if (field.required) missing.push(field.env ?? field.name)
  }
  if (missing.length > 0) {
    const text = `${provider.name} is not configured: set ${missing.join(', ')} in the environment of the API.`
    throw new HubError('NotConfigured', text)
  }
  return values
}

/** @throws InvalidInput with each field that is missing, unknown, misplaced or not as its pattern wants it. */
export function checkValues(method: AuthMethod, given: GivenValues, parts: readonly Part[]): void {
  const fields = fieldsOf(method)
  const errors: PlacedError[] = []
  for (const part of parts) {
    const values = given[part] ?? {}
    const say = (name: string, detail: string) =>
      void errors.push({ in: 'body', pointer: `/${part}/${name}`, detail })
    for (const name of Object.keys(values)) {
      const field = fields.find((one) => one.name === name)
      const known = fields.filter((one) => partOf(one) === part).map((one) => one.name)
      if (!field) say(name, `is not known here; known are ${known.join(', ') || 'no fields'}`)
      else if (partOf(field) !== part) say(name, `belongs into ${partOf(field)}`)
    }
    for (const field of fields.filter((one) => partOf(one) === part)) {
      const value = values[field.name]
      if (value === undefined) {
        if (field.required) say(field.name, `is missing: ${field.label}`)
      } else if (!new RegExp(field.pattern).test(value)) say(field.name, `should be: ${field.patternHint}`)
    }
  }
  if (errors.length > 0) throw invalidInput(errors)
}

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

type Say = (name: string, detail: string) => void

/** Secrets of a credential that was got elsewhere and is imported: what a token endpoint gives. */
const tokenNames = ['access_token', 'refresh_token', 'scope'] as const
const tokenTimes = ['expires_at', 'refresh_expires_at', 'refresh_hard_expires_at'] as const

/**
 * The secrets of an OAuth connection are tokens, not fields. A token without `expires_at` counts as expired where there is
 * a refresh token, which is then used at once.
 */
function checkTokens(values: Values, fields: readonly SetupField[], say: Say): void {
  const known: string[] = [...tokenNames, ...tokenTimes, ...fields.map(({ name }) => name)]
  for (const name of Object.keys(values))
    if (!known.includes(name)) say(name, `is not known here; known are ${known.join(', ')}`)
  if (!values['access_token'] && !values['refresh_token'])
    say('access_token', 'is missing: give an access_token, a refresh_token or both')
  for (const name of tokenTimes) {
    const value = values[name]
    if (value !== undefined && !isTime(value)) say(name, 'should be a time: 2026-11-23T10:00:00Z')
  }
}

const isTime = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(text) &&
  !Number.isNaN(Date.parse(text))

/** A setting that the consent finds out (a realm id), given with tokens that are imported. */
const isFinding = (name: string, value: string): boolean =>
  /^[a-z][a-z0-9_]{0,63}$/.test(name) && value.length <= 500

function checkUnknown(
  method: AuthMethod,
  part: Part,
  values: Values,
  fields: readonly SetupField[],
  say: Say,
): void {
  for (const [name, value] of Object.entries(values)) {
    const field = fields.find((one) => one.name === name)
    const known = fields.filter((one) => partOf(one) === part).map((one) => one.name)
    if (field && partOf(field) !== part) say(name, `belongs into ${partOf(field)}`)
    else if (!field && !(method.kind === 'oauth2' && isFinding(name, value)))
      say(name, `is not known here; known are ${known.join(', ') || 'no fields'}`)
  }
}

/** @throws InvalidInput with each field that is missing, unknown, misplaced or not as its pattern wants it. */
export function checkValues(method: AuthMethod, given: GivenValues, parts: readonly Part[]): void {
  const fields = fieldsOf(method)
  const errors: PlacedError[] = []
  for (const part of parts) {
    const values = given[part] ?? {}
    const say: Say = (name, detail) => void errors.push({ in: 'body', pointer: `/${part}/${name}`, detail })
    const ofPart = fields.filter((one) => partOf(one) === part)
    if (method.kind === 'oauth2' && part === 'secrets') checkTokens(values, ofPart, say)
    else checkUnknown(method, part, values, fields, say)
    for (const field of ofPart) {
      const value = values[field.name]
      if (value === undefined) {
        if (field.required) say(field.name, `is missing: ${field.label}`)
      } else if (!new RegExp(field.pattern).test(value)) say(field.name, `should be: ${field.patternHint}`)
    }
  }
  if (errors.length > 0) throw invalidInput(errors)
}

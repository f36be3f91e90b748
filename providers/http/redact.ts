/** Keeps secrets out of what a failed call says: a provider may repeat a token in its error text. */
import { HubError, isHubError } from '../../platform/errors.ts'
import type { AuthMethod, Settings } from '../contract.ts'
import type { CredentialVersion } from './session.ts'

const mask = '[redacted]'
/** Shorter values would mask ordinary words. */
const shortest = 4

/** Every form in which a credential may come back: the secrets, and the headers that carry them, whole and without scheme. */
function formsOf(auth: AuthMethod, settings: Settings, { secrets }: CredentialVersion): string[] {
  const carried = Object.values(headersOf(auth, settings, secrets))
  const values = [
    ...carried,
    ...carried.map((value) => value.replace(/^\S+\s+/, '')),
    ...Object.values(secrets),
  ]
  return [...new Set(values.flatMap((value) => [value, encodeURIComponent(value)]))]
    .filter((value) => value.length >= shortest)
    .sort((a, b) => b.length - a.length)
}

function headersOf(
  auth: AuthMethod,
  settings: Settings,
  secrets: CredentialVersion['secrets'],
): Readonly<Record<string, string>> {
  try {
    return auth.headers(secrets, settings)
  } catch {
    return {}
  }
}

export type Redact = (text: string) => string

/** Masks the credential in a text. Looked for only when called: good answers cost nothing. */
export function createRedact(auth: AuthMethod, settings: Settings, credential: CredentialVersion): Redact {
  let forms: readonly string[] | undefined
  return (text) => {
    forms ??= formsOf(auth, settings, credential)
    return forms.reduce((masked, form) => masked.replaceAll(form, mask), text)
  }
}

/** The same error without the credential; the very same where it holds none. Its cause is dropped: nobody looks into it. */
export function withoutSecrets(error: unknown, redact: Redact): unknown {
  if (!isHubError(error)) return error
  const texts = [error.message, error.internal ?? '', ...error.fields.map(({ detail }) => detail)]
  if (texts.every((text) => redact(text) === text)) return error
  return new HubError(error.code, redact(error.message), {
    ...(error.internal === undefined ? {} : { internal: redact(error.internal) }),
    ...(error.retryAt ? { retryAt: error.retryAt } : {}),
    fields: error.fields.map(({ pointer, detail }) => ({ pointer, detail: redact(detail) })),
  })
}

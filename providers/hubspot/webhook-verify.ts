/** Signatures of the app: v3 over method, URL, body and time; the older ones only where a connection says so. Sources: README, "Webhooks". */
import { createHash } from 'node:crypto'
import type { HookCheck, HookRequest, HookSecrets } from '../contract-webhook.ts'
import { checkAge, checkSignature, digest, isOneOf, onlyHeader } from '../hooks/verify.ts'
import type { Settings } from '../contract-basics.ts'

export const signatureHeader = 'x-hubspot-signature-v3'
export const timeHeader = 'x-hubspot-request-timestamp'
const how = { algorithm: 'sha256', encoding: 'base64' } as const

/** Percent-encodings that HubSpot decodes before it signs (the table of "Validating requests"); all others stay. */
const decoded: Readonly<Record<string, string>> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
}

/** The URL as it is signed: without what follows `#`, some encodings decoded. */
const signedUrl = (url: URL): string =>
  url.href.replace(/#.*$/, '').replace(/%[0-9a-f]{2}/gi, (code) => decoded[code.toUpperCase()] ?? code)

interface Signed {
  readonly method: string
  readonly url: URL
  readonly body: string | Buffer
  /** Milliseconds, as they stand in the header. */
  readonly time: string
}

const partsOf = ({ method, url, body, time }: Signed) => [method, signedUrl(url), body, time]

export const sign = (secret: string, signed: Signed): string => digest(how, secret, partsOf(signed))

function verifyV3(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  const signature = onlyHeader(request, signatureHeader)
  const time = onlyHeader(request, timeHeader)
  if (typeof time !== 'string') {
    const unsigned = { name: 'signature', passed: false, detail: 'it cannot be checked without its time' }
    return [typeof signature === 'string' ? unsigned : signature, { ...time, name: 'timestamp' }]
  }
  const age = checkAge(request, /^\d{1,15}$/.test(time) ? Number(time) : NaN)
  if (typeof signature !== 'string') return [signature, age]
  return [checkSignature(how, signature, secrets['clientSecret'], partsOf({ ...request, time })), age]
}

/** v1: hex SHA-256 of secret and body; v2: of secret, method, URL and body. No time: a replay is told by the events' identity. */
function verifyOlder(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  const version = onlyHeader(request, 'x-hubspot-signature-version')
  const signature = onlyHeader(request, 'x-hubspot-signature')
  if (typeof signature !== 'string') return [signature]
  if (version !== 'v1' && version !== 'v2')
    return [{ name: 'signature', passed: false, detail: 'the version of the signature is neither v1 nor v2' }]
  const known = (secrets['clientSecret'] ?? []).filter((secret) => secret !== '')
  const made = known.map((secret) => {
    const hash = createHash('sha256').update(secret)
    if (version === 'v2') hash.update(request.method).update(request.url.href)
    return hash.update(request.body).digest('hex')
  })
  const passed = isOneOf(signature, made)
  return [
    { name: 'signature', passed, ...(passed ? {} : { detail: `the signature ${version} does not fit` }) },
  ]
}

export function verify(request: HookRequest, secrets: HookSecrets, settings: Settings): HookCheck[] {
  const mayBeOlder = settings['webhook_signatures'] === 'all'
  return mayBeOlder && !request.headers.has(signatureHeader)
    ? verifyOlder(request, secrets)
    : verifyV3(request, secrets)
}

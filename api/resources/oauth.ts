/** Access tokens for API keys (RFC 6749, client credentials), and the keys that check them. */
import { permissionsOfScopes } from '../../model/permissions.ts'
import type { ApiKey } from '../../db/api-keys.ts'
import { readApiKey } from '../../platform/secrets/api-key.ts'
import type { components } from '../../openapi/types.ts'
import { admitted } from '../authenticate.ts'
import type { Client } from '../call.ts'
import type { ApiDeps } from '../deps.ts'
import type { Handler } from '../operation.ts'
import { oauthError, type OAuthErrorCode } from '../oauth-errors.ts'
import { ProblemError } from '../problem.ts'

type Form = components['schemas']['TokenRequest']

/** A refusal in the words of the RFC. */
class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: OAuthErrorCode
  readonly byHeader: boolean

  constructor(code: OAuthErrorCode, text: string, byHeader = false) {
    super(text)
    this.code = code
    this.byHeader = byHeader
  }
}

export const createAccessToken: Handler<'createAccessToken'> = async (deps, { body, client }) => {
  try {
    const key = await clientOf(deps, body, client)
    const scopes = scopesOf(key, body.scope)
    const { token, expiresInSeconds } = await deps.tokens.mint(key, scopes)
    deps.keyUses.note(key.keyId, client.address)
    return {
      status: 200,
      body: {
        access_token: token,
        token_type: 'Bearer',
        expires_in: expiresInSeconds,
        scope: scopes.join(' '),
      },
      headers: { Pragma: 'no-cache' },
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { code, message, byHeader } = error
    const answer = oauthError(code, message)
    if (code !== 'invalid_client') return { status: 400, body: answer }
    const headers = { 'WWW-Authenticate': byHeader ? 'Basic realm="tieline"' : 'Bearer realm="tieline"' }
    return { status: 401, body: answer, headers }
  }
}

/** The key that asks, by the header or by the body, whose id is the client's and which itself is the secret. */
async function clientOf(deps: ApiDeps, form: Form, { address, authorization }: Client): Promise<ApiKey> {
  if (form.grant_type === undefined) throw new Refusal('invalid_request', 'grant_type is missing.')
  if (form.grant_type !== 'client_credentials')
    throw new Refusal('unsupported_grant_type', 'The grant type here is client_credentials.')
  const byHeader = authorization !== ''
  if (byHeader && (form.client_id !== undefined || form.client_secret !== undefined))
    throw new Refusal(
      'invalid_request',
      'Send the client id and secret in the header or in the body, not both.',
    )
  const { id, secret } = byHeader
    ? basicOf(authorization)
    : { id: form.client_id, secret: form.client_secret }
  const refuse = (text: string) => new Refusal('invalid_client', text, byHeader)
  const read = secret === undefined ? undefined : readApiKey(secret)
  if (!read || id === undefined)
    throw refuse('The client id is the id of an API key, the secret the key itself.')
  const known = await deps.callers.keys.get(read.hash.toString('hex'))
  if (known?.key.keyId !== id) throw refuse('There is no such API key.')
  try {
    return admitted(known, address)
  } catch (error) {
    throw error instanceof ProblemError ? refuse(error.message) : error
  }
}

interface Credentials {
  readonly id: string | undefined
  readonly secret: string | undefined
}

/** Each part is form-encoded before they are put together (RFC 6749 §2.3.1). */
function basicOf(authorization: string): Credentials {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization.trim()) ?? []
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8')) ?? []
  try {
    return {
      id: id === undefined ? undefined : decodeURIComponent(id.replaceAll('+', ' ')),
      secret: secret === undefined ? undefined : decodeURIComponent(secret.replaceAll('+', ' ')),
    }
  } catch {
    return { id: undefined, secret: undefined }
  }
}

/** All of the key's when none are asked for. */
function scopesOf(key: ApiKey, asked: string | undefined): string[] {
  const own = permissionsOfScopes(key.scopes)
  const wished = asked === undefined || asked.trim() === '' ? [...own] : asked.trim().split(/ +/)
  const stranger = wished.find((scope) => !(own as ReadonlySet<string>).has(scope))
  if (stranger !== undefined)
    throw new Refusal('invalid_scope', `The key does not have the scope '${stranger.slice(0, 100)}'.`)
  return [...new Set(wished)].sort()
}

/** Verifiers may keep the keys for so long; a key is published at least so long before it signs. */
const keptSeconds = 300

export const listAccessKeys: Handler<'listAccessKeys'> = async ({ tokens }, { header }) => {
  const { keys, etag } = await tokens.keySet()
  const headers = { ETag: etag, 'Cache-Control': `public, max-age=${keptSeconds}` }
  const known = header['If-None-Match']?.split(',').map((one) => one.trim().replace(/^W\//, ''))
  if (known?.some((one) => one === etag || one === '*')) return { status: 304, body: undefined, headers }
  return { status: 200, body: { keys: keys as components['schemas']['AccessKey'][] }, headers }
}

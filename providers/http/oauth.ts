/**
 * The hub as an OAuth 2.0 client: code for tokens, refresh, revocation. The protocol is `oauth4webapi`'s; here is how it
 * reaches the provider (origin map, time-out, size), and what its failures mean. Makes each call once: whether a refresh
 * may be repeated is the credential custodian's to know.
 */
import * as oauth from 'oauth4webapi'
import type { Clock } from '../../platform/clock.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import type { OAuth2Auth, Secrets, Settings } from '../contract.ts'
import { readBody } from './body.ts'
import { tokenAnswer, tokenFault, type Answered, type Grant, type TokenAnswer } from './oauth-answer.ts'
import { targetOf, type OriginMap } from './origin-map.ts'

export type { TokenAnswer } from './oauth-answer.ts'

/** The hub's own app at a provider. */
export interface OAuthApp {
  readonly clientId: string
  readonly clientSecret: string
  /** Asked with when the provider refuses the app itself: while a secret is being replaced, both are known. */
  readonly fallback?: OAuthApp
  /** Called when the provider has refused it and the fallback is used. */
  onRefused?(): void
}

/** What the redirect brought, and what only the hub knows of the consent. */
export interface CodeWish {
  /** Parameters of the redirect. */
  readonly callback: Readonly<Record<string, string>>
  readonly redirectUri: string
  readonly state: string
  /** Undefined where the method does without PKCE. */
  readonly codeVerifier: string | undefined
}

/** Throws `HubError`: see `tokenFault`. No error holds a token or what the provider wrote. */
export interface OAuthClient {
  /** A code can be exchanged once: a failure other than `Unavailable` and `RateLimited` means that it is spent. */
  exchangeCode(method: OAuth2Auth, settings: Settings, app: OAuthApp, wish: CodeWish): Promise<TokenAnswer>
  /** The old refresh token and its last day are kept when none comes back. */
  refresh(method: OAuth2Auth, settings: Settings, app: OAuthApp, secrets: Secrets): Promise<TokenAnswer>
  /** Ends the access; nothing where the provider has no way to. A token that it does not know any more is no failure. */
  revoke(method: OAuth2Auth, settings: Settings, app: OAuthApp, secrets: Secrets): Promise<void>
}

export interface OAuthClientOptions {
  readonly originMap: OriginMap
  readonly clock: Clock
  /** For one call, body included; 20 s when left out. */
  readonly timeoutMs?: number
}

const maxBodyBytes = 1024 * 1024

export function createOAuthClient(options: OAuthClientOptions): OAuthClient {
  return {
    exchangeCode: (method, settings, app, wish) =>
      withFallback(app, (one) => exchangeCode(options, method, settings, one, wish)),
    refresh: (method, settings, app, secrets) =>
      withFallback(app, (one) => refresh(options, method, settings, one, secrets)),
    revoke: (method, settings, app, secrets) =>
      withFallback(app, (one) => revoke(options, method, settings, one, secrets)),
  }
}

/** A provider that refuses the app has looked at neither code nor token (RFC 6749 §3.2.1): they are not spent. */
async function withFallback<T>(app: OAuthApp, ask: (app: OAuthApp) => Promise<T>): Promise<T> {
  try {
    return await ask(app)
  } catch (error) {
    if (!app.fallback || !isHubError(error, 'NotConfigured')) throw error
    app.onRefused?.()
    return await ask(app.fallback)
  }
}

async function exchangeCode(
  options: OAuthClientOptions,
  method: OAuth2Auth,
  settings: Settings,
  app: OAuthApp,
  { callback, redirectUri, state, codeVerifier }: CodeWish,
): Promise<TokenAnswer> {
  const { server, client, authentication } = partiesOf(method, settings, app)
  const returned = returnedBy(server, client, callback, state)
  const { fetch, answered } = carrier(options)
  const verifier = codeVerifier ?? oauth.nopkce
  return await finish(options, method, answered, 'code', {}, async () => {
    const wish = { [oauth.customFetch]: fetch }
    const sent = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      returned,
      redirectUri,
      verifier,
      wish,
    )
    return () => oauth.processAuthorizationCodeResponse(server, client, sent)
  })
}

async function refresh(
  options: OAuthClientOptions,
  method: OAuth2Auth,
  settings: Settings,
  app: OAuthApp,
  secrets: Secrets,
): Promise<TokenAnswer> {
  const token = secrets['refresh_token']
  if (!token)
    throw new HubError(
      'Unauthorized',
      'The access has expired and cannot be renewed. Connect the account again.',
    )
  const { server, client, authentication } = partiesOf(method, settings, app)
  const { fetch, answered } = carrier(options)
  return await finish(options, method, answered, 'refresh', secrets, async () => {
    const wish = { [oauth.customFetch]: fetch }
    const sent = await oauth.refreshTokenGrantRequest(server, client, authentication, token, wish)
    return () => oauth.processRefreshTokenResponse(server, client, sent)
  })
}

async function revoke(
  options: OAuthClientOptions,
  method: OAuth2Auth,
  settings: Settings,
  app: OAuthApp,
  secrets: Secrets,
): Promise<void> {
  const token = secrets['refresh_token'] ?? secrets['access_token']
  const endpoint = method.endpoints(settings).revoke
  if (!token || endpoint === undefined) return
  const { server, client, authentication } = partiesOf(method, settings, app)
  const { fetch, answered } = carrier(options)
  await guarded('revocation', async () => {
    if (method.revokeBody === 'json') {
      const headers = new Headers({ accept: 'application/json' })
      const body = new URLSearchParams({ token })
      await authentication(server, client, body, headers)
      headers.set('content-type', 'application/json')
      await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(Object.fromEntries(body)) })
    } else
      await oauth.revocationRequest(server, client, authentication, token, { [oauth.customFetch]: fetch })
  })
  const fault = tokenFault(answered(), 'revocation', options.clock.now())
  // RFC 7009 answers 200 for a token that is gone; some providers say that they do not know it.
  const isGone = fault?.code === 'Unauthorized' || (fault?.code === 'Protocol' && answered().status === 400)
  if (fault && !isGone) throw fault
}

interface Parties {
  readonly server: oauth.AuthorizationServer
  readonly client: oauth.Client
  readonly authentication: oauth.ClientAuth
}

function partiesOf(method: OAuth2Auth, settings: Settings, { clientId, clientSecret }: OAuthApp): Parties {
  const { authorize, token, revoke: revocation } = method.endpoints(settings)
  return {
    server: {
      issuer: new URL(token).origin,
      authorization_endpoint: authorize,
      token_endpoint: token,
      ...(revocation === undefined ? {} : { revocation_endpoint: revocation }),
    },
    client: { client_id: clientId },
    authentication: withHeaders(
      method.clientAuthentication === 'basic'
        ? plainBasic(clientSecret)
        : oauth.ClientSecretPost(clientSecret),
      method.tokenHeaders ?? {},
    ),
  }
}

const withHeaders =
  (authentication: oauth.ClientAuth, more: Readonly<Record<string, string>>): oauth.ClientAuth =>
  (server, client, body, headers) => {
    for (const [name, value] of Object.entries(more)) headers.set(name, value)
    return authentication(server, client, body, headers)
  }

/**
 * Basic without form-encoding id and secret first: RFC 6749 §2.3.1 asks for that, providers document (and check) the plain
 * pair. The two differ only in signs such as `+`, `%` and `-`.
 */
const plainBasic =
  (secret: string): oauth.ClientAuth =>
  (_server, client, _body, headers) => {
    const pair = Buffer.from(`${client.client_id}:${secret}`, 'utf8').toString('base64')
    headers.set('authorization', `Basic ${pair}`)
  }

/** The redirect's code, once its state is the one that was sent. */
function returnedBy(
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  { code, state: back, error }: Readonly<Record<string, string>>,
  state: string,
): URLSearchParams {
  const told = Object.entries({ code, state: back, error }).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  )
  try {
    return oauth.validateAuthResponse(server, client, new URLSearchParams(told), state)
  } catch (cause) {
    throw new HubError(
      'Unauthorized',
      error === undefined
        ? 'The answer of the provider does not belong to this attempt to connect. Begin again.'
        : 'The access was not approved at the provider.',
      { internal: `consent: ${codeOf(cause)}` },
    )
  }
}

interface Carrier {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** What came back last. */
  readonly answered: () => Answered
}

/** Sends where the origin map says, reads within bounds, and keeps what came for the judgement. */
function carrier({ originMap, timeoutMs = 20_000 }: OAuthClientOptions): Carrier {
  let last: Answered | undefined
  return {
    answered: () => {
      if (!last) throw new HubError('Protocol', 'The request for tokens was not sent.')
      return last
    },
    fetch: async (address, init) => {
      const to = new URL(address)
      const target = targetOf(originMap, to.origin, to.pathname, Object.fromEntries(to.searchParams))
      const headers = new Headers(init.headers)
      headers.set('user-agent', 'Tieline/0.1')
      if (target.redirectedFrom !== undefined) headers.set('x-tieline-origin', target.redirectedFrom)
      const signal = AbortSignal.timeout(timeoutMs)
      const response = await fetch(target.url, { ...init, headers, redirect: 'manual', signal })
      const bytes = await readBody(response, maxBodyBytes)
      last = { status: response.status, headers: response.headers, bytes }
      const isEmpty = bytes.byteLength === 0
      return new Response(isEmpty ? null : new Uint8Array(bytes), {
        status: response.status,
        headers: response.headers,
      })
    },
  }
}

/** Sends; then the provider's refusals, then the library's checks, then the secrets. */
async function finish(
  { clock }: OAuthClientOptions,
  method: OAuth2Auth,
  answered: () => Answered,
  grant: Grant,
  before: Secrets,
  send: () => Promise<() => Promise<unknown>>,
): Promise<TokenAnswer> {
  const check = await guarded(grant, send)
  const fault = tokenFault(answered(), grant, clock.now())
  if (fault) throw fault
  await guarded(grant, check)
  return tokenAnswer(method, answered().bytes, clock.now(), before)
}

/** Nobody was there to take the request. */
const notReached = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]

const unsent = new WeakSet<HubError>()

/** True for a failure before anything was sent: what the request holds is not spent. */
export const isUnsent = (error: HubError): boolean => unsent.has(error)

/** Turns what the network and the library throw into our own: their errors hold requests and answers. */
async function guarded<T>(grant: Grant, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isHubError(error)) throw error
    const code = codeOf(error)
    const internal = `token endpoint, ${grant}: ${code}`
    if (code.startsWith('OAUTH_'))
      throw new HubError('Protocol', 'The provider answered with something else than tokens.', { internal })
    const isReached = !notReached.includes(code)
    const what = isReached
      ? 'The provider broke off, or took too long to give tokens.'
      : 'The provider could not be reached for tokens.'
    const failure = new HubError('Unavailable', what, { internal })
    if (!isReached) unsent.add(failure)
    throw failure
  }
}

/** `OAUTH_INVALID_RESPONSE`, `ECONNRESET`, `TimeoutError`: a word, never a text. */
function codeOf(error: unknown): string {
  const isWord = (word: unknown): word is string => typeof word === 'string' && /^\w+$/.test(word)
  const { code, cause, name } = error as { code?: unknown; cause?: unknown; name?: unknown }
  const inner = (cause ?? {}) as { code?: unknown }
  return [code, inner.code, name].find(isWord) ?? 'unknown'
}

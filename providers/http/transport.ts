/**
 * The one transport: every call to every provider goes through here. It leases, attaches the credential, bounds time and
 * size, repeats what may be repeated, learns limits, maps errors, counts and traces. It knows no provider.
 */
import { HubError, isHubError, messageOf } from '../../platform/errors.ts'
import type { Call, ProviderContext, ProviderRequest, ProviderResponse } from '../contract.ts'
import { parseBody, readBody } from './body.ts'
import { faultOf } from './fault.ts'
import { takeLease, teach } from './lease.ts'
import { shortWaitMs, type TransportOptions } from './options.ts'
import { targetOf } from './origin-map.ts'
import type { CredentialVersion, SessionOptions } from './session.ts'

export interface Transport {
  /** Binds a connection; the context's `call` throws `HubError` of the provider set, or the signal's reason. */
  open(options: SessionOptions): ProviderContext
}

const attempts = 4

export function createTransport(options: TransportOptions): Transport {
  return {
    open: (session) => ({
      settings: session.settings,
      now: () => options.clock.now(),
      call: caller(options, session),
    }),
  }
}

/** One call: attempts until there is an answer, or a failure that another attempt would not mend here and now. */
function caller(transport: TransportOptions, session: SessionOptions): Call {
  return async (request) => {
    let credential = await session.credential.current()
    let renewed = false
    for (let attempt = 1; ; attempt++) {
      session.signal?.throwIfAborted()
      await takeLease(transport, session, request)
      try {
        return await once(transport, session, request, credential, attempt)
      } catch (error) {
        if (session.signal?.aborted) throw session.signal.reason
        if (isHubError(error, 'Unauthorized') && !renewed) {
          const newer = await session.credential.renew(credential.generation)
          if (!newer) throw error
          renewed = true
          credential = newer
          continue
        }
        const waitMs = waitBefore(transport, request, error, attempt)
        if (waitMs === undefined) throw error
        await transport.clock.sleep(waitMs, session.signal)
      }
    }
  }
}

/** Milliseconds to wait before another attempt, or undefined when there must not be one here. */
function waitBefore(
  transport: TransportOptions,
  request: ProviderRequest,
  error: unknown,
  attempt: number,
): number | undefined {
  if (!isHubError(error) || attempt >= attempts) return undefined
  // A refusal by a limit had no effect, whatever the method; anything else may have had one.
  const refused = error.code === 'RateLimited'
  if (!refused && !(isRepeatable(request) && (error.code === 'Unavailable' || error.code === 'Protocol')))
    return undefined
  const asked =
    error.retryAt === undefined ? undefined : error.retryAt.getTime() - transport.clock.now().getTime()
  if (asked !== undefined) return asked <= shortWaitMs ? Math.max(0, asked) + Math.random() * 100 : undefined
  return 200 * 2 ** (attempt - 1) * (0.5 + Math.random())
}

const isRepeatable = (request: ProviderRequest): boolean => request.repeatable ?? request.method === 'GET'

/** One attempt, measured and traced. */
async function once(
  transport: TransportOptions,
  session: SessionOptions,
  request: ProviderRequest,
  credential: CredentialVersion,
  attempt: number,
): Promise<ProviderResponse> {
  const { clock, metrics } = transport
  const at = clock.now()
  const slug = session.provider.slug
  let status: number | undefined
  let bytes = 0
  let outcome = 'ok'
  try {
    const answer = await send(transport, session, request, credential, at)
    status = answer.response.status
    bytes = answer.bytes
    await teach(transport, session, request, answer.response)
    if (status < 200 || (status >= 300 && !request.accept?.includes(status)))
      throw faultOf(session.provider, answer.response, clock.now())
    return mustBeJson(session, answer)
  } catch (error) {
    outcome = isHubError(error) ? error.code : session.signal?.aborted ? 'cancelled' : 'Unavailable'
    throw error
  } finally {
    const durationMs = Math.round(clock.now().getTime() - at.getTime())
    metrics.providerSeconds.observe({ provider: slug, group: request.group, outcome }, durationMs / 1000)
    metrics.providerBytes.inc({ provider: slug, group: request.group }, bytes)
    session.onCall?.({
      at,
      method: request.method,
      path: request.path,
      group: request.group,
      status,
      attempt,
      durationMs,
      bytes,
      outcome,
    })
  }
}

interface Answer {
  readonly response: ProviderResponse
  readonly text: string
  readonly bytes: number
}

/** Sends and reads. `response.body` is undefined for what is not JSON. */
async function send(
  transport: TransportOptions,
  session: SessionOptions,
  request: ProviderRequest,
  credential: CredentialVersion,
  readAt: Date,
): Promise<Answer> {
  const timeout = AbortSignal.timeout(transport.timeoutMs ?? 30_000)
  const signal = session.signal ? AbortSignal.any([session.signal, timeout]) : timeout
  const { url, headers, body } = prepare(transport, session, request, credential)
  try {
    const response = await fetch(url, {
      method: request.method,
      headers,
      redirect: 'manual',
      signal,
      ...(body === undefined ? {} : { body }),
    })
    const { text, bytes } = await readBody(response, transport.maxBodyBytes ?? 32 * 1024 * 1024)
    const answer = {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: leniently(text),
      readAt,
    }
    return { response: answer, text, bytes }
  } catch (error) {
    if (session.signal?.aborted || isHubError(error)) throw error
    throw lost(session, request, error, timeout.aborted)
  }
}

function prepare(
  transport: TransportOptions,
  session: SessionOptions,
  request: ProviderRequest,
  credential: CredentialVersion,
) {
  const { provider, settings } = session
  const { url, redirectedFrom } = targetOf(transport.originMap, provider.baseUrl(settings), request.path)
  for (const [name, value] of Object.entries(request.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, String(value))
  const headers: Record<string, string> = {
    accept: 'application/json',
    'user-agent': 'Tieline/0.1',
    ...request.headers,
    ...provider.auth.headers(credential.secrets, settings),
    ...(redirectedFrom === undefined ? {} : { 'x-tieline-origin': redirectedFrom }),
  }
  if (request.body === undefined) return { url, headers, body: undefined }
  return {
    url,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(request.body),
  }
}

/** No answer. A write that may have arrived must not be taken for one that did not. */
function lost(session: SessionOptions, request: ProviderRequest, error: unknown, late: boolean): HubError {
  const what = late ? 'did not answer in time' : 'could not be reached or broke off'
  const unknown = isRepeatable(request) ? '' : ' Whether the write took effect is not known.'
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return new HubError('Unavailable', `${session.provider.name} ${what}.${unknown}`, {
    internal: `${request.method} ${request.path}: ${messageOf(cause).slice(0, 200)}`,
  })
}

function leniently(text: string): unknown {
  try {
    return parseBody(text)
  } catch {
    return undefined
  }
}

/** A good answer is JSON, or empty. */
function mustBeJson(session: SessionOptions, answer: Answer): ProviderResponse {
  if (answer.response.body !== undefined || answer.text.trim() === '') return answer.response
  const kind = /^\s*</.test(answer.text) ? 'an HTML page' : 'something that is not JSON'
  throw new HubError('Protocol', `${session.provider.name} answered with ${kind} instead of JSON.`)
}

/** One attempt of a call: sent, read within bounds, judged, measured and traced. */
import { HubError, isHubError } from '../../platform/errors.ts'
import { traced } from '../../platform/tracing.ts'
import type { ProviderRequest, ProviderResponse } from '../contract.ts'
import { readBody } from './body.ts'
import { contentOf, contentTypeOf, read } from './content.ts'
import { faultOf } from './fault.ts'
import { hold, learn } from './lease.ts'
import type { TransportOptions } from './options.ts'
import type { Target } from './origin-map.ts'
import { createRedact, withoutSecrets } from './redact.ts'
import { mayPass, unknownOutcome } from './retry.ts'
import type { CredentialVersion, SessionOptions } from './session.ts'

/** What all attempts of one call have in common. */
export interface CallScope {
  readonly transport: TransportOptions
  readonly session: SessionOptions
  readonly request: ProviderRequest
  readonly target: Target
  /** For the limits of the provider, before this attempt. */
  readonly waitedMs: number
}

/** What is known of an attempt, also when it fails half-way. */
interface Seen {
  readonly at: Date
  status: number | undefined
  bytes: number
  providerTime: Date | undefined
}

/** @throws HubError of the provider set; the signal's reason, or what the network made of it, when that is aborted. */
export async function attempt(
  scope: CallScope,
  credential: CredentialVersion,
  number: number,
): Promise<ProviderResponse> {
  const { transport, session, request } = scope
  const redact = createRedact(session.auth, session.settings, credential)
  const seen: Seen = { at: transport.clock.now(), status: undefined, bytes: 0, providerTime: undefined }
  let outcome = 'ok'
  const attributes = {
    'tieline.provider': session.provider.slug,
    'tieline.group': request.group,
    'tieline.attempt': number,
    'http.request.method': request.method,
  }
  try {
    return await traced(`call ${session.provider.slug}`, { kind: 'client', attributes }, async (span) => {
      try {
        const answer = await send(scope, credential, seen)
        await learn(transport, session, request, answer.response)
        return await judged(scope, answer)
      } finally {
        if (seen.status !== undefined) span.set({ 'http.response.status_code': seen.status })
      }
    })
  } catch (error) {
    outcome = isHubError(error) ? error.code : session.signal?.aborted ? 'cancelled' : 'Internal'
    throw withoutSecrets(error, redact)
  } finally {
    const durationMs = transport.clock.now().getTime() - seen.at.getTime()
    const labels = { provider: session.provider.slug, group: request.group }
    transport.metrics.providerSeconds.observe({ ...labels, outcome }, durationMs / 1000)
    transport.metrics.providerBytes.inc(labels, seen.bytes)
    const { method, group } = request
    const path = outcome === 'ok' ? request.path : redact(request.path)
    session.onCall?.({
      ...seen,
      method,
      path,
      group,
      attempt: number,
      durationMs,
      waitedMs: scope.waitedMs,
      outcome,
    })
  }
}

interface Answer {
  readonly response: ProviderResponse
  /** What a body is that is not JSON. */
  readonly garbled: string | undefined
}

/** Sends and reads. `response.body` is undefined for what is not JSON. */
async function send(scope: CallScope, credential: CredentialVersion, seen: Seen): Promise<Answer> {
  const { transport, session, request, target } = scope
  const headers = headersFor(scope, credential)
  const timeout = AbortSignal.timeout(transport.timeoutMs ?? 30_000)
  const signal = session.signal ? AbortSignal.any([session.signal, timeout]) : timeout
  try {
    const { method } = request
    const sent = contentOf(request)
    const response = await fetch(target.url, { method, headers, redirect: 'manual', signal, ...sent })
    seen.status = response.status
    seen.providerTime = timeIn(response.headers.get('date'))
    const bytes = await readBody(response, transport.maxBodyBytes ?? 32 * 1024 * 1024)
    seen.bytes = bytes.byteLength
    const { status } = response
    const { value, garbled } = read(bytes, status < 300 ? (request.answer ?? 'json') : 'error')
    const answered = Object.fromEntries(response.headers)
    return { response: { status, headers: answered, body: value, readAt: seen.at }, garbled }
  } catch (error) {
    if (session.signal?.aborted || isHubError(error)) throw error
    throw lost(scope, error, timeout.aborted)
  }
}

function timeIn(header: string | null): Date | undefined {
  const ms = header === null ? Number.NaN : Date.parse(header)
  return Number.isNaN(ms) ? undefined : new Date(ms)
}

function headersFor({ session, request, target }: CallScope, credential: CredentialVersion): Headers {
  const { provider, settings, auth } = session
  const headers = new Headers({ accept: 'application/json', 'user-agent': 'Tieline/0.1' })
  for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name, value)
  for (const [name, value] of Object.entries(auth.headers(credential.secrets, settings)))
    setSecret(headers, name, value, provider.name)
  if (target.redirectedFrom !== undefined) headers.set('x-tieline-origin', target.redirectedFrom)
  const type = contentTypeOf(request)
  if (type !== undefined) headers.set('content-type', type)
  if (type !== undefined && request.gzip) headers.set('content-encoding', 'gzip')
  return headers
}

/** The platform's own error would show the value. */
function setSecret(headers: Headers, name: string, value: string, provider: string): void {
  try {
    headers.set(name, value)
  } catch {
    throw new HubError(
      'Unauthorized',
      `The credential for ${provider} holds characters that cannot be sent. Enter it again.`,
    )
  }
}

/** No answer, or half of one. */
function lost({ session, request }: CallScope, error: unknown, late: boolean): HubError {
  const what = late ? 'did not answer in time' : 'could not be reached or broke off'
  return new HubError('Unavailable', `${session.provider.name} ${what}.${unknownOutcome(request)}`, {
    internal: `${request.method} ${request.path}: ${codeOf(error)}`,
  })
}

/** `ECONNRESET`, `UND_ERR_SOCKET`, `TimeoutError`: the network's code only, since its text may show a header. */
function codeOf(error: unknown): string {
  const { cause } = error as { cause?: unknown }
  const { code, name } = (cause ?? error) as { code?: unknown; name?: unknown }
  const isWord = (word: unknown): word is string => typeof word === 'string' && /^\w+$/.test(word)
  return [code, name].find(isWord) ?? 'unknown'
}

/** A good answer is 2xx with JSON or nothing, or a status that the request takes for an answer. */
async function judged({ transport, session, request }: CallScope, answer: Answer): Promise<ProviderResponse> {
  const { response, garbled } = answer
  if (request.accept?.includes(response.status)) return response
  if (response.status < 200 || response.status >= 300) {
    const fault = faultOf(session.provider, session.settings, request, response, transport.clock.now())
    await hold(transport, session, request, fault)
    throw fault
  }
  if (garbled === undefined) return response
  const said = `${session.provider.name} answered with ${garbled} instead of JSON.${unknownOutcome(request)}`
  throw mayPass(
    new HubError('Protocol', said, {
      internal: `${request.method} ${request.path}: ${response.headers['content-type'] ?? 'no content type'}`,
    }),
  )
}

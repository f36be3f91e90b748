/**
 * Sends a body to a URL that somebody outside has given. Every connection is checked after the name is resolved and the
 * very address that was checked is connected to; redirects are not followed; the answer is read to a limit.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { Agent, buildConnector, request } from 'undici'
import { messageOf } from '../errors.ts'
import { addressIn, faultOfUrl, isForbidden } from './addresses.ts'

export interface OutboundOptions {
  /** Outside production: this machine may be sent to, also without TLS. */
  readonly allowLoopback: boolean
  /** Resolves names; the system's own when left out. */
  readonly lookup?: (hostname: string) => Promise<readonly LookupAddress[]>
  /** For the whole of an attempt; 20,000 when left out. */
  readonly timeoutMs?: number
}

export interface OutboundAnswer {
  /** Null when none came; `error` says why. */
  readonly status: number | null
  readonly error: string | null
  /** Those that are worth keeping, in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** At most 16 KB. */
  readonly body: string
  readonly isTruncated: boolean
  readonly durationMs: number
}

export interface Outbound {
  post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal?: AbortSignal,
  ): Promise<OutboundAnswer>
  close(): Promise<void>
}

const bodyLimitBytes = 16 * 1024
const connectTimeoutMs = 5_000
const keptHeaders = ['content-type', 'retry-after', 'webhook-delivery', 'location', 'server', 'date'] as const

/** The connection was refused by the hub itself. The text is for partners: it does not tell what a name resolves to. */
class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress'
}
const refusal = () =>
  new ForbiddenAddress('The host leads to a private or reserved address, which nothing is sent to.')

const resolveBySystem = (hostname: string): Promise<readonly LookupAddress[]> =>
  new Promise((resolve, reject) =>
    systemLookup(hostname, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses))),
  )

export function createOutbound(options: OutboundOptions): Outbound {
  const { lookup = resolveBySystem, timeoutMs = 20_000 } = options
  const connect = buildConnector({
    timeout: connectTimeoutMs,
    // Also given for a second family: all addresses were checked together.
    lookup: (hostname, wish, done) => {
      lookup(hostname).then(
        (addresses) => {
          const [first] = addresses
          // One that is forbidden among others is no accident: nothing is sent to the others either.
          if (!first || addresses.some(({ address }) => isForbidden(address, options))) done(refusal(), '', 0)
          else if (wish.all === true) done(null, [...addresses])
          else done(null, first.address, first.family)
        },
        (error: NodeJS.ErrnoException) => done(error, '', 0),
      )
    },
  })
  const dispatcher = new Agent({
    connect: (target, done) => {
      // Node looks up no address that is written in the URL.
      const address = addressIn(target.hostname)
      if (address !== undefined && isForbidden(address, options)) return done(refusal(), null)
      connect(target, done)
    },
    connections: 20,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 10_000,
  })
  return {
    post: (url, headers, body, signal) =>
      post({ dispatcher, timeoutMs, options }, url, headers, body, signal),
    close: () => dispatcher.close(),
  }
}

async function post(
  way: { readonly dispatcher: Agent; readonly timeoutMs: number; readonly options: OutboundOptions },
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal | undefined,
): Promise<OutboundAnswer> {
  const began = performance.now()
  const timeout = AbortSignal.timeout(way.timeoutMs)
  const ended = (answer: Omit<OutboundAnswer, 'durationMs'>): OutboundAnswer => ({
    ...answer,
    durationMs: Math.round(performance.now() - began),
  })
  const none = (error: string) => ended({ status: null, error, headers: {}, body: '', isTruncated: false })
  // What was let in when the endpoint was made may not be let through here: NODE_ENV can change.
  const fault = faultOfUrl(url, way.options)
  if (fault !== undefined) return none(`The URL ${fault}.`)
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: { ...headers },
      body,
      dispatcher: way.dispatcher,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    const read = await readLimited(answer.body)
    return ended({ status: answer.statusCode, error: null, headers: kept(answer.headers), ...read })
  } catch (error) {
    signal?.throwIfAborted()
    return none(timeout.aborted ? `No answer came within ${way.timeoutMs / 1000} s.` : whyNot(error))
  }
}

/** The rest is not waited for: the connection is closed. */
async function readLimited(
  stream: AsyncIterable<Buffer> & { destroy(): unknown },
): Promise<{ body: string; isTruncated: boolean }> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of stream) {
    parts.push(part)
    size += part.length
    if (size > bodyLimitBytes) break
  }
  const whole = Buffer.concat(parts)
  // Postgres has no NUL in a text.
  const body = whole.subarray(0, bodyLimitBytes).toString('utf8').replaceAll('\0', '\ufffd')
  return { body, isTruncated: size > bodyLimitBytes }
}

const kept = (headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> =>
  Object.fromEntries(
    keptHeaders.flatMap((name) => {
      const value = headers[name]
      const one = Array.isArray(value) ? value.join(', ') : value
      return one === undefined ? [] : [[name, one.slice(0, 500)]]
    }),
  )

const told: Readonly<Record<string, string>> = {
  ENOTFOUND: 'The name of the host is not known.',
  EAI_AGAIN: 'The name of the host could not be looked up.',
  ECONNREFUSED: 'The host refused the connection.',
  ECONNRESET: 'The connection was broken.',
  UND_ERR_SOCKET: 'The connection was broken.',
  UND_ERR_CONNECT_TIMEOUT: 'The host could not be connected to in time.',
  UND_ERR_HEADERS_TIMEOUT: 'No answer came in time.',
  UND_ERR_BODY_TIMEOUT: 'The answer did not end in time.',
  UND_ERR_HEADERS_OVERFLOW: 'The headers of the answer are too large.',
}

function whyNot(error: unknown): string {
  if (error instanceof ForbiddenAddress) return error.message
  const { code, errors } = error as { code?: string; errors?: readonly { code?: string }[] }
  const known = told[code ?? errors?.[0]?.code ?? '']
  return known ?? `The attempt failed: ${messageOf(error).slice(0, 200)}`
}

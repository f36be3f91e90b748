/**
 * The hub's API for TypeScript, typed by its description (`openapi/types.ts`):
 *
 *   const hub = createHub({ baseUrl: 'https://hub.example', token: process.env.TIELINE_KEY })
 *   const { data, error } = await hub.GET('/v1/connections')
 *   for await (const ticket of eachItem((cursor) => hub.GET('/v1/tickets', { params: { query: { cursor } } }))) …
 *
 * Requests are repeated where the hub says when (429, 503), and can be: every POST has an `Idempotency-Key`.
 */
import createClient, { type Client, type Middleware } from 'openapi-fetch'
import type { components, paths } from '../openapi/types.ts'
import { patientFetch, type Patience } from './patience.ts'

export type { paths } from '../openapi/types.ts'
export type Schemas = components['schemas']
export type Problem = Schemas['Problem']
export type Hub = Client<paths>

export interface HubOptions extends Partial<Patience> {
  readonly baseUrl: string
  /** An API key, an access token or the admin token; or how to get one, asked before each request. */
  readonly token: string | (() => string | Promise<string>)
  /** Of somebody of the hub: the partner that is acted for under /v1. */
  readonly partnerId?: string
  readonly fetch?: typeof globalThis.fetch
}

/** Calls by method and path, with the parameters, bodies and answers of the description. */
export function createHub({ baseUrl, token, partnerId, fetch, ...patience }: HubOptions): Hub {
  const send = patientFetch(fetch ?? globalThis.fetch, patience)
  const hub = createClient<paths>({ baseUrl, fetch: send })
  const headers: Middleware = {
    async onRequest({ request }) {
      request.headers.set('Authorization', `Bearer ${typeof token === 'string' ? token : await token()}`)
      if (partnerId !== undefined) request.headers.set('Tieline-Partner', partnerId)
      if (request.method === 'POST' && !request.headers.has('Idempotency-Key'))
        request.headers.set('Idempotency-Key', crypto.randomUUID())
    },
  }
  hub.use(headers)
  return hub
}

/** What a call answers: the body, or the problem. */
export interface Answered<T> {
  readonly data?: T
  readonly error?: unknown
  readonly response: Response
}

/** An answer that is a problem (RFC 9457). */
export class HubProblem extends Error {
  override readonly name = 'HubProblem'
  readonly status: number
  readonly problem: Partial<Problem>

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `The hub answered with status ${status}.`)
    this.status = status
    this.problem = problem
  }
}

/** The body of an answer. @throws HubProblem for one that is not 2xx. */
export async function bodyOf<T>(call: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await call
  if (response.ok) return data as T
  throw new HubProblem(response.status, typeof error === 'object' && error !== null ? error : {})
}

interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

/**
 * Every item of a list, page after page. Stops at the end of a list; at the end of a stream (whose last position is always given back)
 * with its first empty page.
 * @param ask for the page at a cursor; the first one has none.
 * @throws HubProblem.
 */
export async function* eachItem<T>(
  ask: (cursor: string | undefined) => Promise<Answered<Page<T>>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined
  do {
    const page = await bodyOf(ask(cursor))
    yield* page.items
    if (page.items.length === 0) return
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

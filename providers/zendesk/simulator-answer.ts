/** The simulated API's front door: host, limits and credential first, as Zendesk does it; then the endpoint. */
import type { SimulatorReply, SimulatorRequest, Window, Windows } from '../../sandbox/kit.ts'
import { adminEmail } from './simulator-objects.ts'
import { json, origin } from './simulator-reads.ts'
import { route, type Scene } from './simulator-routes.ts'

export interface Door {
  readonly windows: Windows
  /** Calls a minute by bucket; `page` makes all pages smaller than asked for. */
  readonly limits: Readonly<Record<string, number>>
  readonly secrets: Readonly<Record<string, string>>
  readonly scene: () => Scene
}

/** Bodies of refusals, also used by the chaos dial. */
export const refusals = {
  429: {
    error: 'APIRateLimitExceeded',
    description: 'Number of allowed API requests per minute exceeded',
  },
  500: { error: 'InternalError', description: 'Something went wrong on our side' },
  503: { error: { title: 'Service unavailable', message: 'The account is in maintenance' } },
}

export function answer(door: Door, original: SimulatorRequest): SimulatorReply {
  const request = { ...original, path: original.path.replace(/\.json$/, '') }
  if (request.origin !== undefined && request.origin !== origin) return noSuchSubdomain()
  const { headers, over } = count(door, request)
  if (over)
    return {
      status: 429,
      headers: { ...headers, 'retry-after': String(over.resetSeconds) },
      body: refusals[429],
    }
  const reply = isAdmin(door, request)
    ? route(door.scene(), withSmallPages(request, door))
    : stranger(request)
  return { ...reply, headers: { ...headers, ...reply.headers } }
}

/** What Zendesk's host answers for a subdomain that nobody has (fact sheet §8). */
const noSuchSubdomain = (): SimulatorReply => ({
  status: 404,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  text: '<!DOCTYPE html><html><head><title>Help Center Closed | Zendesk</title></head><body>Oops</body></html>',
})

/**
 * Counts the call and says so in the headers. Forms: the account's `x-rate-limit` and `ratelimit-*` (best-practices page, read
 * 2026-11-23), an endpoint's `zendesk-ratelimit-<endpoint>` (the same page; the exports' name as accounts in the field see it).
 * Help Center has a budget of its own.
 */
function count({ windows, limits }: Door, { method, path }: SimulatorRequest) {
  const account = /^\/api\/v2\/(help_center|guide)\b/.test(path) ? 'help_center' : 'support'
  const window = windows.take(account, limits[account] ?? 200)
  const headers: Record<string, string> = {
    'x-rate-limit': String(window.limit),
    'x-rate-limit-remaining': String(window.remaining),
    'ratelimit-limit': String(window.limit),
    'ratelimit-remaining': String(window.remaining),
    'ratelimit-reset': String(window.resetSeconds),
    'x-zendesk-request-id': 'sandbox',
  }
  const narrow = narrowWindow({ windows, limits }, method, path)
  if (narrow) {
    const { limit, remaining, resetSeconds } = narrow.window
    headers[`zendesk-ratelimit-${narrow.name}`] =
      `total=${limit}; remaining=${remaining}; resets=${resetSeconds}`
  }
  const over = window.isOver ? window : narrow?.window.isOver ? narrow.window : undefined
  return { headers, over }
}

/** Endpoints with a limit of their own (fact sheet §3): exports, and updates of one ticket by one user. */
function narrowWindow(
  { windows, limits }: Pick<Door, 'windows' | 'limits'>,
  method: string,
  path: string,
): { name: string; window: Window } | undefined {
  if (path.startsWith('/api/v2/incremental/')) {
    const name = path.endsWith('/cursor') ? 'incremental-exports-cursor' : 'incremental-exports'
    return { name, window: windows.take('export', limits['export'] ?? 10) }
  }
  const ticket = /^\/api\/v2\/tickets\/(\d+)$/.exec(path)?.[1]
  if (method !== 'PUT' || ticket === undefined) return undefined
  const window = windows.take(`ticket ${ticket}`, limits['ticket_update'] ?? 30, 600_000)
  return { name: 'ticket-update', window }
}

/** HTTP Basic, `{email}/token` and the token. */
function isAdmin({ secrets }: Door, request: SimulatorRequest): boolean {
  const given = /^Basic (.+)$/.exec(request.headers['authorization'] ?? '')?.[1] ?? ''
  const wanted = `${adminEmail}/token:${secrets['token'] ?? ''}`
  return Buffer.from(given, 'base64').toString('utf8') === wanted
}

/** `users/me` knows an anonymous user, with status 200 (fact sheet §9); all else is refused. */
const stranger = (request: SimulatorRequest): SimulatorReply =>
  request.path === '/api/v2/users/me'
    ? json({
        user: {
          id: null,
          name: 'Anonymous user',
          email: 'invalid@example.com',
          role: 'end-user',
          active: null,
        },
      })
    : json({ error: "Couldn't authenticate you" }, 401)

/** Many pages of a small account: the limit `page` is the most that any page holds. */
function withSmallPages(request: SimulatorRequest, { limits }: Door): SimulatorRequest {
  const { page } = limits
  if (page === undefined) return request
  const query = new URLSearchParams(request.query)
  const shrink = (name: string) => query.set(name, String(Math.min(page, Number(query.get(name) ?? page))))
  shrink('per_page')
  if ([...query.keys()].some((name) => name.startsWith('page['))) shrink('page[size]')
  return { ...request, query }
}

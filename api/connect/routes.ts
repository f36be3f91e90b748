/** The browser's side of a connect session: the hosted page. Not part of the API's description: people come here, not programs. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Middleware } from 'koa'
import type { ApiDeps } from '../deps.ts'
import type { Method } from '../description.ts'
import type { RequestState } from '../request-state.ts'
import { takeAnswer } from './consent.ts'
import { chooseMethod, openLink, showSession, submitSetup, testAgain } from './handlers.ts'
import { pageRoute, type PageHandler } from './page-route.ts'

type Route = readonly [method: Method, path: string, handler: Middleware<RequestState>]

export function connectRoutes(deps: ApiDeps): readonly Route[] {
  const page = (method: Method, path: string, handle: PageHandler): Route => [
    method,
    path,
    pageRoute(deps, path, handle),
  ]
  return [
    asset('connect.css', 'text/css; charset=utf-8'),
    asset('connect.js', 'text/javascript; charset=utf-8'),
    page('get', '/connect/s/:sessionId', showSession),
    page('post', '/connect/s/:sessionId/method', chooseMethod),
    page('post', '/connect/s/:sessionId/setup', submitSetup),
    page('post', '/connect/s/:sessionId/again', testAgain),
    page('get', '/connect/:token', openLink),
    page('get', '/oauth/callback', takeAnswer),
  ]
}

/** A file of the page's own; the same for everybody. */
function asset(name: string, type: string): Route {
  const bytes = readFileSync(new URL(`./assets/${name}`, import.meta.url))
  const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`
  const path = `/connect/assets/${name}`
  return [
    'get',
    path,
    (ctx) => {
      ctx.state.route = path
      ctx.set({ ETag: etag, 'Cache-Control': 'public, max-age=300', 'X-Content-Type-Options': 'nosniff' })
      ctx.status = 200
      ctx.type = type
      if (ctx.fresh) ctx.status = 304
      else ctx.body = bytes
    },
  ]
}

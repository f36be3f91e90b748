/** The Koa app: what every request goes through, and the way to its handler. */
import { createServer, type Server } from 'node:http'
import Router from '@koa/router'
import Koa, { type Middleware } from 'koa'
import { admitEmbeddedUi, codecCors } from './codec.ts'
import { brandRoutes } from './brands/routes.ts'
import { connectRoutes } from './connect/routes.ts'
import type { ApiDeps } from './deps.ts'
import { describedOperations, type Method } from './description.ts'
import { docsScript, docsStyle } from './docs.ts'
import { hookDocs } from './hooks/docs.ts'
import { hookDoor } from './hooks/door.ts'
import { handlers } from './handlers.ts'
import { oidcRoutes } from './oidc.ts'
import { operationMiddleware } from './operation.ts'
import { permissionDocs } from './permission-docs.ts'
import { edgeFailure, problems } from './problem.ts'
import { requestLog } from './request-log.ts'
import type { RequestState } from './request-state.ts'

export type { ApiDeps } from './deps.ts'

export interface Api {
  readonly app: Koa<RequestState>
  /** Listens; rejects when the port is taken. Stop it with `closeServer`. */
  listen(port: number, host: string): Promise<Server>
}

/** @throws when the description and the handlers do not fit: that is a fault of the build. */
export function createApi(deps: ApiDeps): Api {
  const app = new Koa<RequestState>()
  const router = createRouter(deps)
  app.use(requestLog(deps))
  app.use(problems(deps.log))
  app.use(codecCors(deps.config))
  app.use(unless(/^\/hooks\/(?!automations\/)/, router.routes() as Middleware<RequestState>))
  app.use(createHookRouter(deps).routes() as Middleware<RequestState>)
  app.use(noSuchRoute)
  // What is thrown is answered by `problems`; here ends only a connection that broke while it was answered.
  app.on('error', (err: unknown) => deps.log.debug({ err }, 'an answer could not be sent'))
  return { app, listen: (port, host) => listen(app, port, host) }
}

function createRouter(deps: ApiDeps): Router<RequestState> {
  const router = new Router<RequestState>({ strict: true, sensitive: true })
  const admit = admitEmbeddedUi(deps.config)
  for (const operation of describedOperations) {
    const handler = handlers[operation.operationId]
    if (handler === undefined) throw new Error(`the operation ${operation.operationId} has no handler`)
    const path = operation.path.replace(/\{(\w+)\}/g, ':$1')
    register(router, operation.method, path, operationMiddleware(deps, operation, handler, admit))
  }
  register(router, 'get', '/docs/scalar.js', docsScript)
  register(router, 'get', '/docs/permissions', permissionDocs)
  for (const [path, middleware] of oidcRoutes(deps)) register(router, 'get', path, middleware)
  register(router, 'get', '/docs/brand.css', docsStyle)
  for (const [method, path, middleware] of connectRoutes(deps)) register(router, method, path, middleware)
  for (const [method, path, middleware] of brandRoutes(deps)) register(router, method, path, middleware)
  const docs = hookDocs(deps)
  for (const path of ['/docs/webhooks', '/docs/webhooks/:provider']) register(router, 'get', path, docs)
  return router
}

/** The door for webhooks has a table of its own: a burst does not walk through every operation of the API. */
function createHookRouter(deps: ApiDeps): Router<RequestState> {
  const router = new Router<RequestState>({ strict: true, sensitive: true })
  const door = hookDoor(deps)
  for (const path of ['/hooks/:provider', '/hooks/:provider/:connectionId'])
    for (const method of ['get', 'post', 'put'] as const) register(router, method, path, door)
  return router
}

function register(
  router: Router<RequestState>,
  method: Method,
  path: string,
  middleware: Middleware<RequestState>,
): void {
  router[method](path, middleware as Parameters<typeof router.get>[1])
}

const unless =
  (paths: RegExp, middleware: Middleware<RequestState>): Middleware<RequestState> =>
  async (ctx, next) => {
    if (paths.test(ctx.path)) await next()
    else await middleware(ctx, next)
  }

/** Whatever no route has taken: OPTIONS, a method that does not exist here, a path that does not exist. */
const noSuchRoute: Middleware<RequestState> = (ctx) => {
  const matched = (ctx as { matched?: readonly { readonly methods: readonly string[] }[] }).matched ?? []
  const methods = [...new Set(matched.flatMap((layer) => layer.methods))]
  if (methods.length === 0) {
    throw edgeFailure('NoSuchThing', 'There is nothing at this path; see /docs.')
  }
  const allow = [...methods, 'OPTIONS'].join(', ')
  if (ctx.method !== 'OPTIONS') {
    throw edgeFailure('MethodNotAllowed', `${ctx.method} does not exist here. Allowed are ${allow}.`, {
      Allow: allow,
    })
  }
  ctx.set('Allow', allow)
  ctx.status = 204
}

async function listen(app: Koa<RequestState>, port: number, host: string): Promise<Server> {
  const handle = app.callback()
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    void handle(request, response)
  })
  server.keepAliveTimeout = 65_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return server
}

/** Stops listening and lets what is under way end; after `graceMs` it is cut off. */
export async function closeServer(server: Server, graceMs = 10_000): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(cut)
}

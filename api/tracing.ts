/** A span per request, named by its route: no query values, no ids. */
import type { Middleware } from 'koa'
import { traced } from '../platform/tracing.ts'
import type { RequestState } from './request-state.ts'

export const traceRequests: Middleware<RequestState> = async (ctx, next) => {
  const { method } = ctx
  const attributes = { 'http.request.method': method }
  await traced(method, { kind: 'server', attributes, from: ctx.headers }, async (span) => {
    await next()
    const { route } = ctx.state
    if (route !== undefined) span.rename(`${method} ${route}`)
    span.set({
      'http.response.status_code': ctx.status,
      ...(route === undefined ? {} : { 'http.route': route }),
    })
    if (ctx.status >= 500) span.fail()
  })
}

/** One line of log and one observation per request: no query values, no bodies, no ids of people. */
import type { Middleware } from 'koa'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { newId } from '../platform/new-id.ts'
import type { RequestState } from './request-state.ts'

/** An id that a caller gives is taken over, so that its log and ours can be laid side by side. */
const acceptedId = /^[\w.:-]{8,100}$/

/** Health and metrics are asked for every few seconds; an accepted webhook has its row in the inbox. */
const isOften = (route: string, status: number): boolean =>
  route === '/healthz' ||
  route === '/readyz' ||
  route === '/metrics' ||
  (route.startsWith('/hooks/{') && status < 300)

export function requestLog({
  log,
  metrics,
}: {
  readonly log: Log
  readonly metrics: Metrics
}): Middleware<RequestState> {
  return async (ctx, next) => {
    const given = ctx.get('X-Request-Id')
    ctx.state.requestId = acceptedId.test(given) ? given : newId('request')
    ctx.set('X-Request-Id', ctx.state.requestId)
    const from = process.hrtime.bigint()
    ctx.res.once('close', () => {
      const seconds = Number(process.hrtime.bigint() - from) / 1e9
      const { requestId, route = 'unknown', caller, code } = ctx.state
      const { method, status } = ctx
      // How long somebody reads a stream of events is no time to answer.
      if (ctx.response.type !== 'text/event-stream')
        metrics.apiSeconds.observe({ method, route, status: String(status) }, seconds)
      const entry = { requestId, method, route, status, ms: Math.round(seconds * 1e4) / 10 }
      const told = { ...entry, ...(caller ? { caller: caller.name } : {}), ...(code ? { code } : {}) }
      if (isOften(route, status)) log.debug(told, 'request')
      else log.info(told, 'request')
    })
    await next()
  }
}

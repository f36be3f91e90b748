/** `ETag`, `If-None-Match`, `Cache-Control` (RFC 9110 §13, RFC 9111): what has not changed is not sent again. */
import { createHash } from 'node:crypto'
import type { ParameterizedContext } from 'koa'
import type { Operation } from './description.ts'
import type { RequestState } from './request-state.ts'

/**
 * Says how long an answer may be kept. What has no `ETag` of its own and may be kept gets one from its text; who has that already is
 * answered 304.
 */
export function writeCondition(
  ctx: ParameterizedContext<RequestState>,
  { method, cacheSeconds, isPublic }: Operation,
  text: string,
): void {
  if (cacheSeconds !== undefined && ctx.status === 200 && ctx.res.getHeader('ETag') === undefined)
    ctx.set('ETag', `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`)
  const tag = String(ctx.res.getHeader('ETag') ?? '')
  // What the answer itself says of it goes before what follows from its description.
  if (ctx.response.get('Cache-Control') === 'no-store')
    ctx.set('Cache-Control', cacheControl(cacheSeconds, isPublic, tag !== ''))
  if (method !== 'get' || tag === '' || !matches(ctx.get('If-None-Match'), tag)) return
  ctx.body = null
  ctx.status = 304
}

function cacheControl(seconds: number | undefined, isPublic: boolean, hasTag: boolean): string {
  if (seconds !== undefined) return `${isPublic ? 'public' : 'private'}, max-age=${seconds}`
  return hasTag ? 'private, no-cache' : 'no-store'
}

const matches = (header: string, tag: string): boolean =>
  header.split(',').some((one) => ['*', tag].includes(one.trim().replace(/^W\//, '')))

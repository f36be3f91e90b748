/** Errors of the token endpoint as RFC 6749 §5.2 has them: what clients' libraries understand. */
import type { Middleware } from 'koa'
import { failures } from '../model/failures.ts'
import { failureOf } from './problem.ts'
import type { RequestState } from './request-state.ts'

export type OAuthErrorCode =
  'invalid_request' | 'invalid_client' | 'invalid_scope' | 'unauthorized_client' | 'unsupported_grant_type'

/** The characters that the RFC allows there. */
const plain = (text: string): string => text.replaceAll('"', "'").replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, '?')

export const oauthError = (error: OAuthErrorCode, text: string) => ({
  error,
  error_description: plain(text),
})

/** A request that is not valid is answered as the RFC says; what is the hub's fault stays a problem. */
export function withOAuthErrors(answerIt: Middleware<RequestState>): Middleware<RequestState> {
  return async (ctx, next) => {
    try {
      await answerIt(ctx, next)
    } catch (error) {
      const failure = failureOf(error)
      const { status } = failures[failure.code]
      if (status >= 500 || status === 429) throw error
      ctx.state.code = failure.code
      ctx.status = 400
      ctx.set('Cache-Control', 'no-store')
      ctx.body = JSON.stringify(oauthError('invalid_request', failure.message))
      ctx.type = 'application/json'
    }
  }
}

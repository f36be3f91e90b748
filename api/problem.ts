/** The one seat that turns whatever was thrown into a problem (RFC 9457). */
import type { Context, Middleware } from 'koa'
import { isLostDatabase } from '../db/lost-database.ts'
import { failures, type FailureCode } from '../model/failures.ts'
import type { components } from '../openapi/types.ts'
import { HubError, isHubError, messageOf } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import { maskProblem } from './mask-answer.ts'
import type { RequestState } from './request-state.ts'
import type { PlacedError } from './validation.ts'

export type Problem = components['schemas']['Problem']

/** What a problem says besides its code and text. */
interface Extras {
  readonly errors?: readonly PlacedError[]
  /** The run that is in the way. */
  readonly runId?: string
  /** The limit that was met, or the quota that is used up. */
  readonly limit?: Problem['limit']
  readonly quota?: Problem['quota']
  /** Headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A failure with what only HTTP can say of it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly failure: HubError
  readonly extras: Extras

  constructor(failure: HubError, extras: Extras) {
    super(failure.message, { cause: failure })
    this.failure = failure
    this.extras = extras
  }
}

/** A request that is not valid; the text names the first fields. */
export function invalidInput(errors: readonly PlacedError[]): ProblemError {
  const told = errors.slice(0, 3).map(({ in: place, pointer, detail }) => {
    const name = pointer.slice(1).replaceAll('/', '.')
    return name === '' ? `The ${place} ${detail}` : `${name} ${detail}`
  })
  const more = errors.length > 3 ? ` (and ${errors.length - 3} more)` : ''
  return new ProblemError(new HubError('InvalidInput', `${told.join('; ')}${more}.`), { errors })
}

/** Catches what the layers below throw. */
export function problems(log: Log): Middleware<RequestState> {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      answerProblem(ctx, error, log)
    }
  }
}

function answerProblem(ctx: Context & { state: RequestState }, error: unknown, log: Log): void {
  const failure = failureOf(error)
  const extras = error instanceof ProblemError ? error.extras : {}
  const { requestId } = ctx.state
  const whole = problemOf(failure, extras, requestId)
  const problem = ctx.state.caller?.role === 'support' ? maskProblem(whole) : whole
  ctx.state.code = failure.code
  if (problem.status >= 500) {
    const { code, internal, cause } = failure
    log.error({ requestId, code, internal, err: told(cause ?? failure) }, 'a request failed')
  }
  const retryAfter = retryAfterSeconds(failure)
  if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter))
  ctx.set({ ...extras.headers })
  ctx.status = problem.status
  ctx.body = JSON.stringify(problem)
  ctx.type = 'application/problem+json'
}

/** No other fields: those of Postgres' errors quote the values of rows (INV-6). */
function told(error: unknown) {
  return error instanceof Error
    ? { type: error.name, message: error.message, stack: error.stack }
    : String(error)
}

export function problemOf(failure: HubError, extras: Extras, requestId: string): Problem {
  const { status, title } = failures[failure.code]
  const errors = extras.errors ?? failure.fields.map((field) => ({ in: 'body' as const, ...field }))
  return {
    type: `urn:tieline:problem:${kebab(failure.code)}`,
    title,
    status,
    detail: failure.message,
    instance: `urn:tieline:request:${requestId}`,
    code: failure.code,
    requestId,
    ...(errors.length > 0 ? { errors: errors.map((one) => ({ ...one })) } : {}),
    ...(failure.retryAt ? { retryAt: failure.retryAt.toISOString() } : {}),
    ...(extras.runId === undefined ? {} : { runId: extras.runId }),
    ...(extras.limit === undefined ? {} : { limit: extras.limit }),
    ...(extras.quota === undefined ? {} : { quota: extras.quota }),
  }
}

const kebab = (code: string): string =>
  code.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase()

const whenItIsBack = 5

function retryAfterSeconds({ code, retryAt }: HubError): number | undefined {
  if (retryAt) return Math.max(1, Math.ceil((retryAt.getTime() - Date.now()) / 1000))
  return failures[code].status === 503 ? whenItIsBack : undefined
}

/** Whatever was thrown, as one of our failures. What is not known is a fault of the hub and says nothing of itself. */
export function failureOf(error: unknown): HubError {
  if (error instanceof ProblemError) return error.failure
  if (isHubError(error)) return error
  if (isLostDatabase(error)) {
    return new HubError('DatabaseUnavailable', 'The database does not answer. Try again in a moment.', {
      cause: error,
      internal: messageOf(error),
    })
  }
  return new HubError(
    'Internal',
    'Something in the hub is broken. The log of the API has the details, by the request id.',
    { cause: error, internal: messageOf(error) },
  )
}

/** Failures of the edge itself. */
export function edgeFailure(
  code: FailureCode,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): ProblemError {
  return new ProblemError(new HubError(code, text), { headers })
}

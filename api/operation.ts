/** Binds each operation of the description to its handler: who may call it, what it is given, what it may answer. */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Middleware, ParameterizedContext } from 'koa'
import type { Vault } from '../db/vault.ts'
import type { operations } from '../openapi/types.ts'
import { HubError } from '../platform/errors.ts'
import { clientAddress, networksOf } from './address.ts'
import { authenticate, authorizationOf } from './authenticate.ts'
import { authorize } from './authorize.ts'
import { isBodiless, isForm, readForm, readJson } from './body.ts'
import { writeCondition } from './conditional.ts'
import { textOf } from './constants.ts'
import type { AnyAnswer, AnyCall, Client } from './call.ts'
import { requestHost } from './brands/host.ts'
import type { Caller } from './caller.ts'
import type { ApiDeps } from './deps.ts'
import type { Operation, OperationId } from './description.ts'
import { isEventStream, readableOf, type EventStream } from './event-stream.ts'
import { once } from './idempotency.ts'
import { maskAnswer } from './mask-answer.ts'
import { withOAuthErrors } from './oauth-errors.ts'
import { invalidInput } from './problem.ts'
import { admitAddress, admitCaller } from './rate-limit.ts'
import type { RequestState } from './request-state.ts'
import { compileOperation, type Check, type OperationChecks, type Place } from './validation.ts'

type Given<T> = [NonNullable<T>] extends [never] ? Record<never, never> : NonNullable<T>
type JsonBody<T> = NonNullable<T> extends { content: { 'application/json': infer J } } ? J : undefined
type AnswerBody<R> = R extends { content: { 'application/json': infer J } }
  ? J
  : R extends { content: { 'text/plain': infer T } | { 'text/html': infer T } | { 'text/csv': infer T } }
    ? T
    : R extends { content: { 'application/x-ndjson': unknown } }
      ? Readable
      : R extends { content: { 'application/pdf': unknown } }
        ? Uint8Array
        : R extends { content: { 'text/event-stream': string } }
          ? EventStream
          : R extends { content: object }
            ? never
            : undefined

/** What a handler is given: parameters and body have been checked against the description. */
export interface Call<O extends operations[OperationId]> {
  readonly path: Given<O['parameters']['path']>
  readonly query: Given<O['parameters']['query']>
  readonly header: Given<O['parameters']['header']>
  readonly body: O extends { requestBody?: infer B } ? JsonBody<B> : undefined
  readonly caller: Caller
  readonly client: Client
  readonly requestId: string
  /** Of this request; the host is not to be relied on. */
  readonly url: URL
}

/** What a handler may answer: a status that the description names, with its body. */
export type Answer<O extends operations[OperationId]> = {
  [S in keyof O['responses'] & number]: {
    status: S
    body: AnswerBody<O['responses'][S]>
    headers?: Readonly<Record<string, string>>
  }
}[keyof O['responses'] & number]

export type Handler<K extends OperationId> = (
  deps: ApiDeps,
  call: Call<operations[K]>,
) => Promise<Answer<operations[K]>>
export type Handlers = { readonly [K in OperationId]: Handler<K> }

type AnyHandler = (deps: ApiDeps, call: AnyCall) => Promise<AnyAnswer>

/** Lets a request in without a token, or answers undefined. */
export type Admission = (ctx: ParameterizedContext<RequestState>, operation: Operation) => Caller | undefined

type RouteContext = ParameterizedContext<RequestState> & {
  readonly params?: Readonly<Record<string, string>>
}

const nobody: Caller = { kind: 'admin', name: 'anonymous', permissions: new Set(), partnerId: null }

/** The middleware of one operation. */
export function operationMiddleware(
  deps: ApiDeps,
  operation: Operation,
  handler: unknown,
  admit: Admission,
): Middleware<RequestState> {
  const checks = compileOperation(operation)
  const handle = handler as AnyHandler
  const isTrusted = networksOf(deps.config.trustedProxies)
  const answerIt: Middleware<RequestState> = async (ctx) => {
    ctx.state.route = operation.path
    const client = {
      address: clientAddress(ctx.req, isTrusted),
      authorization: operation.isPublic && !operation.hasOAuthErrors ? '' : authorizationOf(ctx.req),
      userAgent: ctx.get('User-Agent').slice(0, 300),
      host: requestHost(ctx.req, isTrusted),
    }
    const caller = operation.isPublic
      ? await unnamed(deps, ctx, operation, client)
      : await callerOf(deps, ctx, operation, admit, client)
    const call = await callOf(ctx, operation, checks, caller, client)
    ctx.state.about = aboutOf(call)
    const own = depsOf(deps, caller)
    const whole = operation.isIdempotent
      ? await once(deps, operation, call, () => handle(own, call))
      : await handle(own, call)
    const answer = caller.role === 'support' ? maskAnswer(operation, whole) : whole
    write(ctx, answer, operation)
    const given = ctx.status === 304 ? { status: 304, body: undefined } : answer
    if (deps.validateAnswers) checkAnswer(operation, checks, given, ctx.response.type)
  }
  return operation.hasOAuthErrors ? withOAuthErrors(answerIt) : answerIt
}

/** Whoever asks for credentials has none yet: the address is limited. */
async function unnamed(
  deps: ApiDeps,
  ctx: ParameterizedContext<RequestState>,
  { rateClass }: Operation,
  { address }: Client,
): Promise<Caller> {
  if (rateClass === 'auth') await admitAddress(deps, ctx, address)
  return nobody
}

/** What usage goes to. */
function aboutOf({ path, query, body }: AnyCall): NonNullable<RequestState['about']> {
  const given = { ...(body as Record<string, unknown> | undefined), ...query, ...path }
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return { connectionId: text(given['connectionId']), accountId: text(given['accountId']) }
}

async function callerOf(
  deps: ApiDeps,
  ctx: ParameterizedContext<RequestState>,
  operation: Operation,
  admit: Admission,
  { address, authorization }: Client,
): Promise<Caller> {
  const caller =
    admit(ctx, operation) ??
    (await authenticate(deps, { authorization, partner: ctx.get('Tieline-Partner'), address }))
  ctx.state.caller = caller
  await admitCaller(deps, ctx, operation, caller)
  authorize(caller, operation)
  return caller
}

/** What a tenant's handler is given has a database that shows that tenant's rows only, whatever it asks (INV-7). */
function depsOf(deps: ApiDeps, { partnerId, mode }: Caller): ApiDeps {
  if (partnerId === null) return deps
  return { ...deps, database: deps.tenants.of({ partnerId, mode }), vault: hubsOwn(deps) }
}

/** Data keys are the hub's, no tenant can read them: they are looked up, and made, beside what the handler does as a tenant. */
function hubsOwn({ vault, hubDatabase: { db } }: ApiDeps): Vault {
  return {
    ...vault,
    seal: (_db, owner, place, plain) => vault.seal(db, owner, place, plain),
    open: (_db, owner, place, sealed) => vault.open(db, owner, place, sealed),
  }
}

async function callOf(
  ctx: RouteContext,
  operation: Operation,
  checks: OperationChecks,
  caller: Caller,
  client: Client,
): Promise<AnyCall> {
  const path = { ...ctx.params }
  const query = { ...ctx.query }
  const header = describedHeaders(operation, ctx.headers)
  const errors = [
    ...placed('path', checks.path, path),
    ...placed('query', checks.query, query),
    ...placed('header', checks.header, header),
  ]
  if (errors.length > 0) throw invalidInput(errors)
  let body: unknown
  if (checks.body) {
    body = await bodyOf(operation, ctx.req)
    const wrong = placed('body', checks.body, body)
    if (wrong.length > 0) throw invalidInput(wrong)
  }
  return {
    path,
    query,
    header,
    body,
    caller,
    client,
    requestId: ctx.state.requestId,
    url: new URL(ctx.originalUrl, base),
  }
}

async function bodyOf(operation: Operation, request: IncomingMessage): Promise<unknown> {
  const { takesForm, isBodyOptional, bodyLimitBytes } = operation
  if (isBodyOptional && isBodiless(request)) return {}
  if (takesForm && isForm(request)) return fieldsOf(await readForm(request, bodyLimitBytes))
  return await readJson(request, bodyLimitBytes)
}

/** A form's fields, each once. @throws InvalidInput for one that comes twice: which of them is meant? */
function fieldsOf(form: URLSearchParams): Record<string, string> {
  const fields = Object.fromEntries(form)
  const twice = Object.keys(fields).find((name) => form.getAll(name).length > 1)
  if (twice !== undefined)
    throw invalidInput([{ in: 'body', pointer: `/${twice}`, detail: 'should be there once' }])
  return fields
}

/** Headers under the names that the description gives them: Node has them in lower case. */
function describedHeaders(
  { parameters }: Operation,
  headers: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const { in: place, name } of parameters) {
    const value = place === 'header' ? headers[name.toLowerCase()] : undefined
    if (value !== undefined) given[name] = value
  }
  return given
}

/** Only path and query of a call's URL are of use. */
const base = 'http://hub.invalid'

const placed = (place: Place, check: Check, value: unknown) =>
  check(value).map((error) => ({ in: place, ...error }))

function write(ctx: ParameterizedContext<RequestState>, answer: AnyAnswer, operation: Operation): void {
  ctx.status = answer.status
  // Nothing is kept by whoever passes it on, unless the answer itself says otherwise.
  if (answer.body !== undefined && typeof answer.body !== 'string') ctx.set('Cache-Control', 'no-store')
  ctx.set({ ...answer.headers })
  if (answer.body === undefined) {
    ctx.body = null
    ctx.status = answer.status
  } else if (isEventStream(answer.body)) {
    // Koa ends it when the reader leaves.
    ctx.body = readableOf(answer.body)
  } else if (typeof answer.body === 'string' || answer.body instanceof Readable) {
    ctx.body = answer.body
  } else if (answer.body instanceof Uint8Array) {
    ctx.body = Buffer.from(answer.body)
  } else {
    const text = textOf(answer.body)
    ctx.body = text
    ctx.type = 'application/json'
    writeCondition(ctx, operation, text)
  }
}

/** @throws HubError `Internal` for an answer that is not as described: a fault of the hub, not of the caller. */
function checkAnswer(operation: Operation, checks: OperationChecks, answer: AnyAnswer, type: string): void {
  const { status, body } = answer
  const say = (what: string): HubError =>
    new HubError('Internal', 'The answer is not as the description says.', {
      internal: `${operation.operationId} ${status}: ${what}`,
    })
  if (operation.answers[status] === undefined) throw say('this status is not described')
  if (body === undefined || body instanceof Readable) return
  const check = checks.answer(status, type)
  if (!check) throw say(`${type} is not described`)
  if (isEventStream(body)) return
  // Of a file its media type is described, and no more.
  const wrong = body instanceof Uint8Array ? [] : check(JSON.parse(JSON.stringify(body)))
  if (wrong.length > 0) throw say(wrong.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; '))
}

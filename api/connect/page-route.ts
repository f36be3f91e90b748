/** Routes that answer people with pages: how a request comes in, how an answer or a failure goes out. */
import type { IncomingMessage } from 'node:http'
import type { Middleware, ParameterizedContext } from 'koa'
import { failures } from '../../model/failures.ts'
import type { HubError } from '../../platform/errors.ts'
import type { ApiDeps } from '../deps.ts'
import { readForm } from '../body.ts'
import { failureOf } from '../problem.ts'
import type { RequestState } from '../request-state.ts'
import { isPreview } from './browser.ts'
import { pageHeaders } from './layout.ts'
import { strangerPage } from './pages.ts'

/** A request as the handlers see it. */
export interface PageCall {
  readonly deps: ApiDeps
  /** What the `:name` of the path stands for; empty where it has none. */
  readonly subject: string
  readonly query: URLSearchParams
  cookie(name: string): string | undefined
  /** The posted form. @throws HubError for one that is too large or no form. */
  form(): Promise<URLSearchParams>
  readonly isPreview: boolean
  /** False when the browser says that another site made the request. */
  readonly isOwnRequest: boolean
}

export type PageAnswer =
  | {
      readonly status: number
      readonly page: string
      readonly formTargets?: readonly string[]
      readonly setCookie?: string
    }
  /** 303: what follows is read, whatever was sent. */
  | { readonly redirect: string; readonly setCookie?: string }

export type PageHandler = (call: PageCall) => Promise<PageAnswer>

type Context = ParameterizedContext<RequestState> & { readonly params?: Readonly<Record<string, string>> }

/** @param route label for logs and metrics: a path may hold the token of a link. */
export const pageRoute =
  (deps: ApiDeps, route: string, handle: PageHandler): Middleware<RequestState> =>
  async (ctx) => {
    ctx.state.route = route
    let answer: PageAnswer
    try {
      answer = await handle(callOf(deps, ctx))
    } catch (error) {
      answer = broken(deps, ctx, failureOf(error))
    }
    if (answer.setCookie !== undefined) ctx.append('Set-Cookie', answer.setCookie)
    if ('redirect' in answer) {
      ctx.set(pageHeaders())
      ctx.status = 303
      ctx.set('Location', answer.redirect)
      ctx.body = ''
      return
    }
    ctx.status = answer.status
    ctx.set(pageHeaders(answer.formTargets))
    ctx.body = answer.page
  }

function callOf(deps: ApiDeps, ctx: Context): PageCall {
  const site = ctx.get('Sec-Fetch-Site')
  return {
    deps,
    subject: Object.values(ctx.params ?? {})[0] ?? '',
    query: new URLSearchParams(ctx.querystring),
    cookie: (name) => cookieIn(ctx.req, name),
    form: () => readForm(ctx.req, 256 * 1024),
    isPreview: isPreview({
      method: ctx.method,
      userAgent: ctx.get('User-Agent'),
      purpose: `${ctx.get('Sec-Purpose')} ${ctx.get('Purpose')} ${ctx.get('X-Purpose')}`,
    }),
    isOwnRequest: site === '' || site === 'same-origin',
  }
}

function cookieIn({ headers }: IncomingMessage, name: string): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const [key = '', value] = part.trim().split('=', 2)
    if (key === name) return value
  }
  return undefined
}

/** The failure in words for a person; details are in the log, by the request id. */
function broken(deps: ApiDeps, ctx: Context, failure: HubError): PageAnswer {
  const { status } = failures[failure.code]
  const { requestId } = ctx.state
  ctx.state.code = failure.code
  if (status >= 500) {
    const { code, internal, cause } = failure
    const err =
      cause instanceof Error ? { type: cause.name, message: cause.message, stack: cause.stack } : cause
    deps.log.error({ requestId, code, internal, err }, 'a page failed')
  }
  const isOutage = status === 503
  if (isOutage) ctx.set('Retry-After', '5')
  const [title, text] = isOutage
    ? ['Please try again in a moment', 'A part of this service does not answer just now. Reload this page.']
    : status >= 500
      ? ['Something is broken', `This is our mistake. Please tell whoever sent you the link: ${requestId}.`]
      : ['That did not work', failure.message]
  return { status, page: strangerPage(title, text) }
}

/** Routes that answer people with pages: how a request comes in, how an answer or a failure goes out. */
import type { IncomingMessage } from 'node:http'
import type { Middleware, ParameterizedContext } from 'koa'
import Negotiator from 'negotiator'
import { textsIn } from '../../model/brand-texts.ts'
import { failures } from '../../model/failures.ts'
import type { HubError } from '../../platform/errors.ts'
import { networksOf } from '../address.ts'
import { lookAt, requestHost } from '../brands/host.ts'
import type { ApiDeps } from '../deps.ts'
import { readForm } from '../body.ts'
import { failureOf } from '../problem.ts'
import type { RequestState } from '../request-state.ts'
import { isPreview } from './browser.ts'
import { dressOf, pageHeaders, plainDress, type Dress } from './layout.ts'
import { strangerPage } from './pages.ts'

/** A request as the handlers see it. */
export interface PageCall {
  readonly deps: ApiDeps
  /** What the `:name` of the path stands for; empty where it has none. */
  readonly subject: string
  readonly query: URLSearchParams
  /** The name that was asked for, in lower case and without a port; empty for what is none. */
  readonly host: string
  cookie(name: string): string | undefined
  /** The posted form. @throws HubError for one that is too large or no form. */
  form(): Promise<URLSearchParams>
  readonly isPreview: boolean
  /** How a page of this partner looks, in the person's language; without one: of the host that was asked for. */
  dress(partnerId?: string): Promise<Dress>
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
  const languages = languagesOf(ctx.req)
  const host = requestHost(ctx.req, networksOf(deps.config.trustedProxies))
  return {
    deps,
    subject: Object.values(ctx.params ?? {})[0] ?? '',
    query: new URLSearchParams(ctx.querystring),
    host,
    cookie: (name) => cookieIn(ctx.req, name),
    form: () => readForm(ctx.req, 256 * 1024),
    dress: async (partnerId) => {
      if (partnerId !== undefined) return dressOf(await deps.brands.of(partnerId), languages)
      return dressOf(await lookAt(deps, host), languages)
    },
    isPreview: isPreview({
      method: ctx.method,
      userAgent: ctx.get('User-Agent'),
      purpose: `${ctx.get('Sec-Purpose')} ${ctx.get('Purpose')} ${ctx.get('X-Purpose')}`,
    }),
    isOwnRequest: site === '' || site === 'same-origin',
  }
}

/** What the person reads, best first; at most a few, whatever a client sends. */
export const languagesOf = (request: IncomingMessage): readonly string[] =>
  new Negotiator(request)
    .languages()
    .filter((tag) => tag !== '*')
    .slice(0, 10)

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
  // What has failed may be what a brand is read from: this page has the hub's own look.
  const { t } = textsIn(languagesOf(ctx.req))
  const [title, text] = isOutage
    ? [t('broken.later'), t('broken.laterText')]
    : status >= 500
      ? [t('broken.ours'), t('broken.oursText', { id: requestId })]
      : [t('broken.other'), failure.message]
  return { status, page: strangerPage(plainDress, title, text) }
}

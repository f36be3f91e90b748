/**
 * The codec server: shows what passes through Temporal in clear to those who may see it. The Temporal CLI calls it with
 * the admin token; the Temporal UI calls it from the browser, across origins.
 */
import { ValueError } from '@temporalio/common'
import type { Middleware, ParameterizedContext } from 'koa'
import { HubError } from '../platform/errors.ts'
import {
  decodePayloads as decode,
  encodePayloads as encode,
  type JsonPayloads,
} from '../platform/temporal/codec.ts'
import { admin } from './authenticate.ts'
import type { Caller } from './caller.ts'
import type { ApiDeps } from './deps.ts'
import type { Operation } from './description.ts'
import type { Handler } from './operation.ts'
import { invalidInput } from './problem.ts'
import type { RequestState } from './request-state.ts'

type Config = ApiDeps['config']

export const encodePayloads: Handler<'encodePayloads'> = async (deps, call) => {
  checkNamespace(deps, call.header['X-Namespace'])
  return { status: 200, body: await opened(() => encode(deps.codec, call.body)) }
}

export const decodePayloads: Handler<'decodePayloads'> = async (deps, call) => {
  checkNamespace(deps, call.header['X-Namespace'])
  return { status: 200, body: await opened(() => decode(deps.codec, call.body)) }
}

/** The UI and the CLI always send it. The namespace is part of what is authenticated, so another one could not be opened. */
function checkNamespace({ config }: ApiDeps, namespace: string | undefined): void {
  const known = config.temporal.namespace
  if (namespace === undefined || namespace === known) return
  const detail = `should be ${known}: the keys of this hub are for its own namespace`
  throw invalidInput([{ in: 'header', pointer: '/X-Namespace', detail }])
}

async function opened(work: () => Promise<JsonPayloads>) {
  try {
    const { payloads } = await work()
    return {
      payloads: payloads.map(({ metadata, data }) => ({ metadata: { ...metadata }, data: data ?? '' })),
    }
  } catch (error) {
    if (error instanceof ValueError) throw new HubError('InvalidInput', error.message)
    throw error
  }
}

/** Origins that the Temporal UI may be opened under: the one that links point to; here also both names of this machine. */
function uiOrigins({ temporalUiUrl }: Config): readonly string[] {
  const { origin, hostname, port } = new URL(temporalUiUrl)
  if (!isLoopbackName(hostname)) return [origin]
  const suffix = port === '' ? '' : `:${port}`
  return [origin, `http://127.0.0.1${suffix}`, `http://localhost${suffix}`]
}

const isLoopbackName = (name: string): boolean => ['127.0.0.1', 'localhost', '[::1]', '::1'].includes(name)

/** CORS for the Temporal UI and nobody else. Preflights are answered here: a browser sends them without the token. */
export function codecCors(config: Config): Middleware<RequestState> {
  const origins = uiOrigins(config)
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/codec/')) {
      await next()
      return
    }
    ctx.vary('Origin')
    const origin = ctx.get('Origin')
    if (origins.includes(origin)) {
      ctx.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' })
      if (ctx.method === 'OPTIONS') {
        ctx.state.route = '/codec'
        ctx.set({
          'Access-Control-Allow-Methods': 'POST, OPTIONS',
          'Access-Control-Allow-Headers': 'content-type, x-namespace, authorization',
          'Access-Control-Max-Age': '3600',
        })
        ctx.status = 204
        return
      }
    }
    await next()
  }
}

/**
 * Admits the UI of the embedded Temporal server without a token. That UI sends an `Authorization` header only when a
 * login is configured for it, which the dev server cannot do; without this, nobody could read a run there. It holds only
 * where all of this is true: not in production; Temporal is the dev server that the hub itself starts on this machine;
 * the request comes from this machine; and the browser says that the page it comes from is that UI (a page cannot choose
 * its own Origin). Another program of the same machine could lie about the Origin; it could as well read the dev server.
 */
export function admitEmbeddedUi(config: Config) {
  const origins = uiOrigins(config)
  const isOpen = config.environment !== 'production' && isEmbedded(config)
  return (ctx: ParameterizedContext<RequestState>, operation: Operation): Caller | undefined => {
    if (!isOpen || operation.permission !== 'codec.use' || ctx.get('Authorization') !== '') return undefined
    const fromHere = ['127.0.0.1', '::1', '::ffff:127.0.0.1'].includes(ctx.req.socket.remoteAddress ?? '')
    return fromHere && origins.includes(ctx.get('Origin')) ? admin : undefined
  }
}

/** The embedded server listens on this machine's TIELINE_TEMPORAL_PORT, and its UI is on this machine too. */
function isEmbedded({ temporal, temporalPort, temporalUiUrl }: Config): boolean {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(temporal.address) ?? []
  const uiIsHere = isLoopbackName(new URL(temporalUiUrl).hostname)
  return isLoopbackName(host) && Number(port) === temporalPort && uiIsHere
}

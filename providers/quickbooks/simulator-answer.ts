/** The simulated service's front door: hosts, tokens, rights and limits first, as Intuit's gateway does it; then the endpoint. */
import { createHash } from 'node:crypto'
import { isJsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest, Windows } from '../../sandbox/kit.ts'
import { faultBody, gatewayBody, malformed, Refused, throttled, unsupported } from './simulator-faults.ts'
import { accountingScope, answerSignIn, bearerOf, type SignIn } from './simulator-oauth.ts'
import { route } from './simulator-routes.ts'
import type { Scene } from './simulator-scene.ts'
import { answerTime } from './simulator-values.ts'
import { xmlOf } from './simulator-xml.ts'

export interface Door {
  readonly windows: Windows
  /** `minute` and `second` calls of a company, `batch` batches a minute, `page` objects of a page. */
  readonly limits: Readonly<Record<string, number>>
  readonly signIn: SignIn
  readonly now: () => Date
  /** The company of a realm. */
  scene(realm: string): Scene | undefined
  /** What was answered to a `requestid` before. */
  answered(key: string): SimulatorReply | undefined
  keepAnswer(key: string, reply: SimulatorReply): void
  /** Counts calls, for ids of answers. */
  count(): number
}

const apiHosts = ['https://quickbooks.api.intuit.com', 'https://sandbox-quickbooks.api.intuit.com']
const signInHosts: Readonly<Record<string, string>> = {
  '/connect/oauth2': 'https://appcenter.intuit.com',
  '/oauth2/v1/tokens/bearer': 'https://oauth.platform.intuit.com',
  '/v2/oauth2/tokens/revoke': 'https://developer.api.intuit.com',
  '/v1/openid_connect/userinfo': 'https://accounts.platform.intuit.com',
}

/** Every answer has an `intuit_tid`. */
export function answer(door: Door, request: SimulatorRequest): SimulatorReply {
  const tid = createHash('sha256').update(`${door.count()} ${request.path}`).digest('hex').slice(0, 32)
  const reply = answerAt(door, request)
  const headers = { intuit_tid: `1-${tid.slice(0, 8)}-${tid.slice(8)}`, ...reply.headers }
  return { ...reply, headers }
}

function answerAt(door: Door, request: SimulatorRequest): SimulatorReply {
  const { path, origin } = request
  const host = signInHosts[path]
  if (host !== undefined && (origin === undefined || origin === host))
    return answerSignIn(door.signIn, request) ?? noSuchPage()
  return inWantedForm(request, answerApi(door, request))
}

/** JSON only for those who accept it; reports, PDFs and pages are what they are. */
function inWantedForm(request: SimulatorRequest, reply: SimulatorReply): SimulatorReply {
  const isPlain = reply.text !== undefined || !isJsonObject(reply.body) || 'Header' in reply.body
  if (isPlain || /\bjson\b/.test(request.headers['accept'] ?? '')) return reply
  const headers = { ...reply.headers, 'content-type': 'application/xml;charset=UTF-8' }
  return { status: reply.status, headers, text: isJsonObject(reply.body) ? xmlOf(reply.body) : '' }
}

function answerApi(door: Door, request: SimulatorRequest): SimulatorReply {
  const { path, origin } = request
  const [, realm, rest] = /^\/v3\/company\/(\d+)(\/.*)$/.exec(path) ?? []
  if (realm === undefined || rest === undefined || (origin !== undefined && !apiHosts.includes(origin)))
    return noSuchPage()
  return guarded(door, request, realm, rest)
}

const noSuchPage = (): SimulatorReply => ({
  status: 404,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  text: '<!DOCTYPE html><html><head><title>Not Found</title></head><body>The requested URL was not found.</body></html>',
})

function guarded(door: Door, request: SimulatorRequest, realm: string, rest: string): SimulatorReply {
  const now = door.now().getTime()
  const token = bearerOf(request)
  const access = door.signIn.state.access(token)
  if (!access) {
    const detail =
      token === '' ? 'Missing bearer token' : 'Token expired, revoked or malformed: AccessToken expired'
    const body = gatewayBody('AUTHENTICATION', 'AuthenticationFailed', '3200', 401, detail, now)
    return {
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="Intuit", error="invalid_token"' },
      body,
    }
  }
  const scene = door.scene(realm)
  if (access.realm !== realm || !scene || !access.scope.split(/\s+/).includes(accountingScope)) {
    const detail = `Application authorization failed for company ${realm}`
    const body = gatewayBody('AUTHORIZATION', 'ApplicationAuthorizationFailed', '3100', 403, detail, now)
    return { status: 403, body }
  }
  if (isOver(door, realm, rest)) return { status: 429, body: throttled(now) }
  return once(door, scene, request, rest)
}

/** Of a company: 500 calls a minute, 10 a second, 40 batches a minute (fact sheet §3). No header tells of them. */
function isOver({ windows, limits }: Door, realm: string, rest: string): boolean {
  const windowsOf = [
    windows.take(`${realm} second`, limits['second'] ?? 10, 1000),
    windows.take(`${realm} minute`, limits['minute'] ?? 500),
    ...(rest === '/batch' ? [windows.take(`${realm} batch`, limits['batch'] ?? 40)] : []),
  ]
  return windowsOf.some((one) => one.isOver)
}

const longestRequestId = 50

/** A write with a `requestid` that was seen before is not done again: its first answer is given (blog, 2015-04-06). */
function once(door: Door, scene: Scene, request: SimulatorRequest, rest: string): SimulatorReply {
  const id = request.query.get('requestid')
  const isWrite = request.method === 'POST' && rest !== '/query'
  if (id === null || !isWrite) return served(scene, request, rest)
  if (id.length > longestRequestId) return refusal(malformed('requestid'), scene)
  const key = `${scene.realm} ${id}`
  const before = door.answered(key)
  if (before) return before
  const reply = served(scene, request, rest)
  if (reply.status === 200) door.keepAnswer(key, reply)
  return reply
}

function served(scene: Scene, request: SimulatorRequest, rest: string): SimulatorReply {
  try {
    const reply = route(scene, request, rest)
    if (!reply) throw unsupported(`${request.method} ${rest}`)
    if (reply.body === undefined || reply.text !== undefined) return reply
    const isReport = rest.startsWith('/reports/')
    const time = answerTime(scene.now().getTime())
    return isReport ? reply : { ...reply, body: { ...(reply.body as object), time } }
  } catch (error) {
    if (error instanceof Refused) return refusal(error, scene)
    throw error
  }
}

const refusal = ({ fault }: Refused, scene: Scene): SimulatorReply => ({
  status: fault.status,
  body: { Fault: faultBody(fault), time: answerTime(scene.now().getTime()) },
})

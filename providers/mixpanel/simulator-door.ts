/** The simulated project's door: which server was asked, who asks, how often one may, and what answers. */
import type { JsonObject } from '../../model/json.ts'
import {
  createRouter,
  type Route,
  type SimulatorReply,
  type SimulatorRequest,
  type Windows,
} from '../../sandbox/kit.ts'
import { answerApp, isMember, mayImport } from './simulator-app.ts'
import {
  addiction,
  eventNames,
  events,
  funnels,
  insights,
  numbers,
  propertyValues,
  retention,
  segmentation,
  topEvents,
  topProperties,
} from './simulator-queries.ts'
import { engage, exportEvents, listCohorts, listFunnels, queryError, type Scene } from './simulator-reads.ts'
import { projectId, projectToken, type Project } from './simulator-world.ts'
import { importEvents, said, track, update } from './simulator-writes.ts'

/** Servers of the project's region; data sent to those of another one are lost. */
export const hosts = ['mixpanel.com', 'api.mixpanel.com', 'data.mixpanel.com']

const hour = 3_600_000

const queries: readonly Route<Scene>[] = [
  ['POST', '/engage', engage],
  ['POST', '/cohorts/list', listCohorts],
  ['GET', '/funnels/list', listFunnels],
  ['GET', '/funnels', funnels],
  ['GET', '/insights', insights],
  ['GET', '/retention', retention],
  ['GET', '/retention/addiction', addiction],
  ['GET', '/segmentation', segmentation],
  ['GET', '/segmentation/numeric', segmentation],
  ['GET', '/segmentation/sum', numbers('sum')],
  ['GET', '/segmentation/average', numbers('average')],
  ['GET', '/events', events],
  ['GET', '/events/names', eventNames],
  ['GET', '/events/top', topEvents],
  ['GET', '/events/properties/top', topProperties],
  ['GET', '/events/properties/values', propertyValues],
]
const ingestion: readonly Route<Scene>[] = [
  ['POST', '/import', importEvents],
  ['POST', '/track', track],
  ['POST', '/engage', update('profiles')],
  ['POST', '/groups', update('groups')],
]
const query = createRouter(queries)
const ingest = createRouter(ingestion)

/** Who came in, and how often one may. */
interface Door {
  readonly scene: Scene
  readonly windows: Windows
  readonly queries: QueryLog
  readonly limits: Readonly<Record<string, number>>
}

export function answer(door: Door, request: SimulatorRequest): SimulatorReply {
  const host = new URL(request.origin ?? 'https://mixpanel.com').hostname
  const isHere = hosts.includes(host)
  const { path } = request
  if (path.startsWith('/api/query')) return answerQuery(door, request, isHere)
  if (path.startsWith('/api/2.0/export')) return answerExport(door, request, isHere)
  if (path.startsWith('/api/app')) return answerAppCall(door, request, isHere)
  return answerIngestion(door, request, isHere)
}

interface Register {
  readonly project: Project
  readonly secret: string
  readonly now: Date
}

/** The service account, when name and secret are right, and it was neither removed nor has it expired. */
export function signedIn(
  { project, secret, now }: Register,
  { headers }: SimulatorRequest,
): JsonObject | undefined {
  const [, encoded = ''] = /^Basic (.+)$/.exec(headers['authorization'] ?? '') ?? []
  const [username = '', password = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  const account = [...project.tables.accounts.values()].find((one) => one['username'] === username)
  if (!account || password !== (account['token'] ?? secret)) return undefined
  const { expires } = account
  return typeof expires === 'string' && Date.parse(expires) <= now.getTime() ? undefined : account
}

const isInProject = ({ scene }: Door, { query }: SimulatorRequest): boolean =>
  query.get('project_id') === projectId && isMember(scene.account)

export interface QueryLog {
  /** Counts one more; how many there are then, it included, when it is refused. */
  take(
    limits: Readonly<Record<string, number>>,
  ): { readonly running: number; readonly inHour: number } | undefined
}

/** The hour slides, and what is refused does not count (unproven: the recorded "61/60" counts itself). */
export function createQueryLog(now: () => Date): QueryLog {
  const began: number[] = []
  return {
    take: ({ query = 60, concurrent = 5, query_ms: lasts = 0 }) => {
      const at = now().getTime()
      while (at - (began[0] ?? at) >= hour) began.shift()
      let running = 0
      while (running < began.length && at - (began.at(-1 - running) ?? 0) < lasts) running++
      if (began.length >= query || running >= concurrent) return { running, inHour: began.length + 1 }
      began.push(at)
      return undefined
    },
  }
}

function answerQuery(door: Door, request: SimulatorRequest, isHere: boolean): SimulatorReply {
  if (!door.scene.account) return queryError(request, 'Invalid credentials', 401)
  if (!isHere || !isInProject(door, request)) {
    const headers = { 'www-authenticate': 'Basic realm="mixpanel-api", Bearer realm="mixpanel-api"' }
    return { ...queryError(request, 'User is not a member of this project', 403), headers }
  }
  const refused = door.queries.take(door.limits)
  if (refused) {
    const { query: mayUse = 60, concurrent = 5 } = door.limits
    const said = `Query rate limit exceeded for project_id: ${projectId}. ${refused.running}/${concurrent} queries running concurrently and ${refused.inHour}/${mayUse} queries running in the last hour. `
    return queryError(request, said, 429)
  }
  return (
    query(door.scene, request, request.path.slice('/api/query'.length).replace(/\/$/, '')) ??
    queryError(request, 'not found', 404)
  )
}

function answerExport(door: Door, request: SimulatorRequest, isHere: boolean): SimulatorReply {
  // Recorded: not 401, not JSON (fact sheet §8).
  const stranger = {
    status: 400,
    headers: { 'content-type': 'text/plain' },
    text: 'Unable to authenticate request',
  }
  if (!isHere || !isInProject(door, request)) return stranger
  const { windows, limits } = door
  if (
    windows.take('export_burst', limits['export_burst'] ?? 3, 1_000).isOver ||
    windows.take('export', limits['export'] ?? 60, hour).isOver
  )
    return { status: 429, body: { error: 'Too many requests: raw export rate limit exceeded' } }
  return exportEvents(door.scene, request)
}

function answerAppCall(door: Door, request: SimulatorRequest, isHere: boolean): SimulatorReply {
  const path = request.path.slice('/api/app'.length)
  if (!door.scene.account)
    return { status: 401, body: { status: 'error', error: 'Invalid service account credentials' } }
  // The account is known everywhere, the project in its own region only (unproven).
  if (!isHere)
    return path === '/me'
      ? {
          status: 200,
          body: {
            status: 'ok',
            results: { user_id: 900001, organizations: {}, workspaces: {}, projects: {} },
          },
        }
      : { status: 403, body: { status: 'error', error: 'You do not have access to this project' } }
  if (door.windows.take('app', door.limits['app'] ?? 60).isOver)
    return { status: 429, body: { status: 'error', error: 'Too many requests' } }
  return answerApp(door.scene, request, path)
}

const noImport = (status: number, error: string, title: string): SimulatorReply => ({
  status,
  body: { code: status, error, status: title },
})

function answerIngestion(door: Door, request: SimulatorRequest, isHere: boolean): SimulatorReply {
  const path = request.path.replace(/\/$/, '')
  if (path === '/import') {
    const [, encoded = ''] = /^Basic (.+)$/.exec(request.headers['authorization'] ?? '') ?? []
    const isToken = Buffer.from(encoded, 'base64').toString('utf8') === `${projectToken}:`
    if (!isHere || (!isToken && !isInProject(door, request)))
      return noImport(401, 'Invalid credentials', 'Unauthorized')
    if (!isToken && !mayImport(door.scene.account))
      return noImport(403, 'Importing takes the role Owner or Admin', 'Forbidden')
  }
  if (door.windows.take('ingest', door.limits['ingest'] ?? 30_000).isOver)
    return noImport(429, 'Project exceeded rate limits', 'Too Many Requests')
  // Nobody tells that these data are lost: neither the token nor the region is looked at before the answer.
  if (!isHere) return said(request, true, '')
  return ingest(door.scene, request, path) ?? { status: 404, body: { error: 'not found' } }
}

/** The App API: who asks, service accounts, annotations, experiments, erasures, the Lexicon. */
import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Handler, Route, SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { createRouter } from '../../sandbox/kit.ts'
import type { Scene } from './simulator-reads.ts'
import { propertiesOf } from './simulator-reads.ts'
import {
  localTime,
  newAnnotation,
  organizationId,
  projectId,
  projectToken,
  wordOf,
  workspaceId,
} from './simulator-world.ts'

const ok = (results: unknown, status = 200): SimulatorReply => ({
  status,
  body: { status: 'ok', results } as JsonObject,
})
const no = (status: number, error: string): SimulatorReply => ({ status, body: { status: 'error', error } })
const bodyOf = ({ body }: SimulatorRequest): JsonObject => (isJsonObject(body) ? body : {})

/** The projects that an account was added to, with its role in each. */
const rolesOf = (account: JsonObject | undefined): JsonObject =>
  isJsonObject(account?.['projects']) ? account['projects'] : {}

/** True where an account is a member of the project. */
export const isMember = (account: JsonObject | undefined): boolean => projectId in rolesOf(account)
/** True where it may import events: "role Owner or Admin" (docs: import-events). */
export const mayImport = (account: JsonObject | undefined): boolean =>
  ['owner', 'admin'].includes(wordOf(rolesOf(account)[projectId]))

const me: Handler<Scene> = ({ account }) =>
  ok({
    user_id: account?.['id'] ?? 0,
    user_email: account?.['username'] ?? '',
    organizations: {
      [organizationId]: {
        id: Number(organizationId),
        name: 'Tieline Sandbox',
        role: account?.['role'] ?? 'consumer',
        permissions: [],
      },
    },
    workspaces: {
      [workspaceId]: { id: Number(workspaceId), name: 'All Project Data', project_id: Number(projectId) },
    },
    projects: isMember(account)
      ? {
          [projectId]: {
            id: Number(projectId),
            name: 'Tieline Sandbox',
            organization_id: Number(organizationId),
            timezone: 'UTC',
          },
        }
      : {},
  })

/** The secret is shown once, when the account is made. */
const shown = (account: JsonObject): JsonObject => {
  const { token: _token, role: _role, projects: _projects, ...rest } = account
  return rest
}

const inOrganization =
  (work: Handler<Scene>): Handler<Scene> =>
  (scene, request, parts) =>
    parts[0] === organizationId && ['owner', 'admin'].includes(wordOf(scene.account?.['role']))
      ? work(scene, request, parts)
      : no(403, 'You do not have access to this organization')

const listAccounts = inOrganization(({ project }) => ok([...project.tables.accounts.values()].map(shown)))

const makeAccount = inOrganization(({ project, now, account: asker }, request) => {
  const { username, role = 'consumer', expires, projects } = bodyOf(request)
  if (typeof username !== 'string' || !/^[\w.-]{1,100}$/.test(username)) return no(400, 'username is invalid')
  if (typeof role !== 'string' || !['owner', 'admin', 'analyst', 'consumer'].includes(role))
    return no(400, 'role is invalid')
  const id = 910_000 + project.changes()
  const ending = createHash('sha256').update(`${username} ${id}`).digest('hex')
  const account: JsonObject = {
    id,
    username: `${username}.${ending.slice(0, 6)}.mp-service-account`,
    token: ending.slice(6, 38),
    role,
    projects: withRoles({}, projects),
    ...(typeof expires === 'string' ? { expires: new Date(expires).toISOString() } : {}),
    created: now().toISOString(),
    creator: asker?.['id'] ?? 0,
  }
  project.put('accounts', String(id), account)
  return ok({ ...shown(account), token: account['token'] }, 201)
})

/** Roles with those of a request's `projects: [{id, role}]`. */
function withRoles(roles: JsonObject, projects: unknown): JsonObject {
  const given = (Array.isArray(projects) ? projects : []).filter(isJsonObject)
  return {
    ...roles,
    ...Object.fromEntries(given.map((one) => [wordOf(one['id']), one['role'] ?? 'consumer'])),
  }
}

const oneAccount = inOrganization(({ project }, _request, [, id = '']) => {
  const account = project.tables.accounts.get(id)
  return account ? ok(shown(account)) : no(404, 'Service account not found')
})

const dropAccount = inOrganization(({ project }, _request, [, id = '']) => {
  if (!project.tables.accounts.has(id)) return no(404, 'Service account not found')
  project.put('accounts', id, null)
  return { status: 200, body: { status: 'ok' } }
})

const idsIn = (value: unknown): string[] => (Array.isArray(value) ? value.map(wordOf) : [])

const addToProjects = inOrganization(({ project }, request) => {
  const { projects, service_account_ids: ids } = bodyOf(request)
  for (const id of idsIn(ids)) {
    const account = project.tables.accounts.get(id)
    if (!account) return no(404, 'Service account not found')
    project.put('accounts', id, { ...account, projects: withRoles(rolesOf(account), projects) })
  }
  return { status: 200, body: { status: 'ok' } }
})

const removeFromProjects = inOrganization(({ project }, request) => {
  const { projects } = bodyOf(request)
  for (const one of (Array.isArray(projects) ? projects : []).filter(isJsonObject))
    for (const id of idsIn(one['service_account_ids'])) {
      const account = project.tables.accounts.get(id)
      if (!account) return no(404, 'Service account not found')
      const { [wordOf(one['id'])]: _left, ...roles } = rolesOf(account)
      project.put('accounts', id, { ...account, projects: roles })
    }
  return { status: 200, body: { status: 'ok' } }
})

const listAnnotations: Handler<Scene> = ({ project }, _request, [id]) =>
  id === projectId
    ? ok([...project.tables.annotations.values()])
    : no(403, 'You do not have access to this project')

const makeAnnotation: Handler<Scene> = ({ project }, request, [project_id]) => {
  const { date, description } = bodyOf(request)
  if (project_id !== projectId) return no(403, 'You do not have access to this project')
  if (typeof date !== 'string' || typeof description !== 'string')
    return no(400, 'date and description are required')
  const id = Math.max(0, ...[...project.tables.annotations.keys()].map(Number)) + 1
  const made = { ...newAnnotation(id, description, Date.parse(`${date.replace(' ', 'T')}Z`)), date }
  project.put('annotations', String(id), made)
  return ok(made, 201)
}

const dropAnnotation: Handler<Scene> = ({ project }, _request, [, id = '']) => {
  const known = project.tables.annotations.get(id)
  if (!known) return no(404, 'Annotation not found')
  project.put('annotations', id, null)
  return ok({ id: Number(id) })
}

const oneAnnotation: Handler<Scene> = ({ project }, _request, [, id = '']) => {
  const known = project.tables.annotations.get(id)
  return known ? ok(known) : no(404, 'Annotation not found')
}

const listExperiments: Handler<Scene> = ({ project }, _request, [id]) =>
  id === workspaceId
    ? ok([...project.tables.experiments.values()])
    : no(403, 'You do not have access to this workspace')

const oneExperiment: Handler<Scene> = ({ project }, _request, [, id = '']) => {
  const known = project.tables.experiments.get(id)
  return known ? ok(known) : no(404, 'Experiment not found')
}

/** `PUT /launch`, `PUT /force_conclude`, `PATCH /decide`: each from the state that allows it. */
const steer =
  (from: string, change: (body: JsonObject, now: string) => JsonObject): Handler<Scene> =>
  ({ project, now }, request, [, id = '']) => {
    const known = project.tables.experiments.get(id)
    if (!known) return no(404, 'Experiment not found')
    // Its file knows this refusal under status 200 only.
    if (known['status'] !== from)
      return {
        status: 200,
        body: { status: 'error', type: 'InvalidState', error: `Experiment must be ${from}` },
      }
    const changed = {
      ...known,
      ...change(bodyOf(request), now().toISOString()),
      modified: now().toISOString(),
    }
    project.put('experiments', id, changed)
    return ok(changed)
  }

const erase: Handler<Scene> = ({ project, now, account }, request) => {
  const { distinct_ids: ids, compliance_type: law } = bodyOf(request)
  if (request.query.get('token') !== projectToken) return no(401, 'Invalid token')
  if (!Array.isArray(ids) || ids.length === 0) return no(400, 'distinct_ids is required')
  const trackingId = String(1_765_000_000_000_000 + project.changes())
  project.put('erasures', trackingId, {
    tracking_id: trackingId,
    status: 'PENDING',
    requesting_user: account?.['username'] ?? '',
    compliance_type: law ?? 'GDPR',
    project_id: Number(projectId),
    distinct_ids: ids,
    date_requested: localTime(now().getTime()),
  })
  return ok({ task_id: trackingId }, 201)
}

/** What was asked for is done by the second look. */
const erasure: Handler<Scene> = ({ project }, request, [id = '']) => {
  if (request.query.get('token') !== projectToken) return no(401, 'Invalid token')
  const known = project.tables.erasures.get(id)
  if (!known) return no(404, 'not found')
  if (known['status'] === 'PENDING') {
    for (const person of Array.isArray(known['distinct_ids']) ? known['distinct_ids'] : [])
      if (typeof person === 'string' && project.tables.profiles.has(person))
        project.put('profiles', person, null)
    project.put('erasures', id, { ...known, status: 'SUCCESS' })
  }
  return ok(known)
}

/** "Cancel a deletion task that is still in progress" (gdpr.openapi.yaml). */
const cancelErasure: Handler<Scene> = ({ project }, request, [id = '']) => {
  if (request.query.get('token') !== projectToken) return no(401, 'Invalid token')
  const known = project.tables.erasures.get(id)
  if (!known) return no(404, 'not found')
  if (known['status'] !== 'PENDING') return no(400, 'the deletion is no longer in progress')
  project.put('erasures', id, { ...known, status: 'REVOKED' })
  return { status: 204 }
}

const retrieve: Handler<Scene> = ({ project }, request) => {
  const { distinct_ids: ids } = bodyOf(request)
  if (request.query.get('token') !== projectToken) return no(401, 'Invalid token')
  if (!Array.isArray(ids) || ids.length === 0) return no(400, 'distinct_ids is required')
  const trackingId = String(1_775_000_000_000_000 + project.changes())
  project.put('retrievals', trackingId, { status: 'PENDING', results: '', distinct_ids: ids })
  return ok({ task_id: trackingId }, 201)
}

/** The file is there by the second look. */
const retrieval: Handler<Scene> = ({ project }, request, [id = '']) => {
  if (request.query.get('token') !== projectToken) return no(401, 'Invalid token')
  const known = project.tables.retrievals.get(id)
  if (!known) return no(404, 'not found')
  const file = `https://storage.example.com/mixpanel/${id}.zip`
  project.put('retrievals', id, { ...known, status: 'SUCCESS', results: file })
  return ok(known)
}

/** Names of properties that were seen, as the Lexicon lists them. */
const schemas: Handler<Scene> = ({ project }, _request, [id]) => {
  if (id !== projectId) return no(403, 'You do not have access to this project')
  const seen = (rows: Iterable<JsonObject>) => {
    const types: Record<string, JsonObject> = {}
    for (const row of rows)
      for (const [name, value] of Object.entries(propertiesOf(row)))
        types[name] = {
          type: typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'string',
        }
    return types
  }
  const profile = {
    entityType: 'profile',
    name: '$user',
    schemaJson: { properties: seen([...project.tables.profiles.values()].slice(0, 50)) },
  }
  const names = new Set([...project.tables.events.values()].map((event) => event['event']))
  const events = [...names].map((name) => ({
    entityType: 'event',
    name: String(name as string),
    schemaJson: {
      properties: seen(
        [...project.tables.events.values()].filter((event) => event['event'] === name).slice(0, 20),
      ),
    },
  }))
  return ok([profile, ...events])
}

const accounts = '/organizations/:organization/service-accounts'
const experiment = '/workspaces/:workspace/experiments'
const routes: readonly Route<Scene>[] = [
  ['GET', '/me', me],
  ['GET', accounts, listAccounts],
  ['POST', accounts, makeAccount],
  ['POST', `${accounts}/add-to-project`, addToProjects],
  ['POST', `${accounts}/remove-from-project`, removeFromProjects],
  ['GET', `${accounts}/:account`, oneAccount],
  ['DELETE', `${accounts}/:account`, dropAccount],
  ['GET', '/projects/:project/annotations', listAnnotations],
  ['POST', '/projects/:project/annotations', makeAnnotation],
  ['GET', '/projects/:project/annotations/:annotation', oneAnnotation],
  ['DELETE', '/projects/:project/annotations/:annotation', dropAnnotation],
  ['GET', experiment, listExperiments],
  ['GET', `${experiment}/:experiment`, oneExperiment],
  [
    'PUT',
    `${experiment}/:experiment/launch`,
    steer('draft', (_body, now) => ({ status: 'active', start_date: now })),
  ],
  [
    'PUT',
    `${experiment}/:experiment/force_conclude`,
    steer('active', (body, now) => ({ status: 'concluded', end_date: body['end_date'] ?? now })),
  ],
  [
    'PATCH',
    `${experiment}/:experiment/decide`,
    steer('concluded', (body) => ({ status: body['success'] === true ? 'success' : 'fail' })),
  ],
  ['POST', '/data-deletions/v3.0', erase],
  ['GET', '/data-deletions/v3.0/:tracking', erasure],
  ['DELETE', '/data-deletions/v3.0/:tracking', cancelErasure],
  ['POST', '/data-retrievals/v3.0', retrieve],
  ['GET', '/data-retrievals/v3.0/:tracking', retrieval],
  ['GET', '/projects/:project/schemas', schemas],
]
const route = createRouter(routes)

export const answerApp = (scene: Scene, request: SimulatorRequest, path: string): SimulatorReply =>
  route(scene, request, path.replace(/\/$/, '')) ?? no(404, 'not found')

/** Connections: made, shown, changed, deleted. Their steering is in `connection-steering.ts`. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import {
  createConnection as insertConnection,
  deleteConnection as eraseConnection,
  getConnection as findConnection,
  listConnections as selectConnections,
  receivesOnly,
  setConnectionState,
  updateConnection as changeConnection,
  type Connection,
} from '../../db/connections.ts'
import { isRevocationLeft, keepForRevocation } from '../../db/credential-revocations.ts'
import { putCredential } from '../../db/credentials.ts'
import { hasHook } from '../../db/hook-settings.ts'
import { isWatched } from '../../db/provider-health.ts'
import type { components } from '../../openapi/types.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { authMethod } from '../../providers/contract.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { findHookSource, type HookSource } from '../../providers/registry.ts'
import { invalidInput } from '../problem.ts'
import { accountOf } from './account.ts'
import { connectionOf, givenProvider, livingConnection, methodOf, providerOf } from './find.ts'
import { isForSandbox } from './sandbox.ts'
import { checkValues, fromEnvironment, givenMethod } from './setup-values.ts'

type ConnectionJson = components['schemas']['Connection']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

export function showConnection(connection: Connection): ConnectionJson {
  const { lastSyncedAt, lastCheckedAt, createdAt, updatedAt, settings, ...rest } = connection
  return {
    ...rest,
    settings: { ...settings },
    lastSyncedAt: time(lastSyncedAt),
    lastCheckedAt: time(lastCheckedAt),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    ...(connection.state === 'needs_attention' ? { reconnect: reconnectHint(connection) } : {}),
  }
}

/** How to get a link for whoever must act. A link is made only when it is asked for: it is good for one browser. */
const reconnectHint = ({ provider, connectionId }: Connection) =>
  ({ method: 'POST', path: '/admin/v1/connect-sessions', body: { provider, connectionId } }) as const

export const listConnections: Handler<'listConnections'> = async (deps, call) => {
  const after = positionOf(call, { connectionId: 'string' })?.connectionId
  const { provider, accountId, state } = call.query
  const rows = await selectConnections(deps.database.db, {
    provider,
    accountId,
    state,
    after,
    limit: rowsFor(call),
  })
  return listAnswer(call, rows, showConnection, ({ connectionId }) => ({ connectionId }))
}

export const getConnection: Handler<'getConnection'> = async (deps, call) => {
  const connection = await connectionOf(deps, call.path.connectionId)
  return { status: 200, body: showConnection(connection), headers: { ETag: etagOf(connection) } }
}

export const createConnection: Handler<'createConnection'> = async (deps, call) => {
  const { body, caller } = call
  const source = findHookSource(body.provider, deps.findProvider)
  if (source && (body.auth === receivesOnly || !deps.findProvider(body.provider)))
    return await createReceiving(deps, call, source)
  const provider = givenProvider(deps, body.provider)
  const method = givenMethod(provider, body.auth)
  const values = body.fromEnvironment ? fromEnvironment(provider, method, deps.env, body) : body
  checkValues(method, values, ['settings', 'secrets'])
  const sandbox = isForSandbox(deps, caller, provider, body.sandbox, values.settings)
  const { partnerId, accountId } = await accountOf(deps, caller, body.accountId)
  const connection = await inTransaction(deps.database.db, async (tx) => {
    const made = await insertConnection(tx, {
      connectionId: newId('connection'),
      partnerId,
      accountId,
      provider: provider.slug,
      auth: method.name,
      externalAccount: body.externalAccount,
      name: body.name ?? provider.name,
      settings: values.settings ?? {},
      syncIntervalSeconds: body.syncIntervalSeconds,
      sandbox,
    })
    await putCredential(tx, deps.vault, made, values.secrets ?? {})
    // Inside the transaction: without Temporal nothing is made. A schedule whose row is then not committed finds no
    // connection when it ticks, and the next start of a worker removes it.
    await deps.temporal.ensureSyncSchedule(made)
    await appendAudit(tx, {
      actor: caller.name,
      action: 'connection.created',
      subject: made.connectionId,
      partnerId,
      details: { provider: provider.slug, accountId, fromEnvironment: body.fromEnvironment ?? false },
    })
    return made
  })
  await watchSoon(deps, provider.slug)
  const headers = { Location: `/admin/v1/connections/${connection.connectionId}`, ETag: etagOf(connection) }
  return { status: 201, body: showConnection(connection), headers }
}

/** The first connection of a provider is looked at at once. It is made, whatever comes of that: the next round is due in minutes. */
async function watchSoon({ hubDatabase, temporal, log }: ApiDeps, provider: string): Promise<void> {
  try {
    if (!(await isWatched(hubDatabase.db, provider))) await temporal.checkHealthSoon(provider)
  } catch (err) {
    log.warn({ err, provider }, 'a provider could not be looked at at once')
  }
}

/** Of which only webhooks are received, because no more is wished or built: no credential, nothing to sync. */
async function createReceiving(
  deps: ApiDeps,
  { body, caller }: Parameters<Handler<'createConnection'>>[1],
  { slug, name }: HookSource,
): ReturnType<Handler<'createConnection'>> {
  const isOther = body.auth !== undefined && body.auth !== receivesOnly
  if (Object.keys(body.secrets ?? {}).length > 0 || body.fromEnvironment || isOther) {
    const detail = `cannot be given: with "${receivesOnly}" the hub receives the webhooks of ${name} and does not sign in there`
    throw invalidInput([{ in: 'body', pointer: isOther ? '/auth' : '/secrets', detail }])
  }
  const { partnerId, accountId } = await accountOf(deps, caller, body.accountId)
  const connection = await inTransaction(deps.database.db, async (tx) => {
    const made = await insertConnection(tx, {
      connectionId: newId('connection'),
      partnerId,
      accountId,
      provider: slug,
      auth: receivesOnly,
      externalAccount: body.externalAccount,
      name: body.name ?? name,
      settings: body.settings ?? {},
      sandbox: isForSandbox(deps, caller, undefined, body.sandbox, undefined),
    })
    await appendAudit(tx, {
      actor: caller.name,
      action: 'connection.created',
      subject: made.connectionId,
      partnerId,
      details: { provider: slug, accountId, receivesOnly: true },
    })
    return made
  })
  const headers = { Location: `/admin/v1/connections/${connection.connectionId}`, ETag: etagOf(connection) }
  return { status: 201, body: showConnection(connection), headers }
}

export const updateConnection: Handler<'updateConnection'> = async (deps, { path, header, body, caller }) => {
  const before = await livingConnection(deps, path.connectionId)
  if (body.settings) checkValues(methodOf(deps, before), { settings: body.settings }, ['settings'])
  const changed = await inTransaction(deps.database.db, async (tx) => {
    const after = await changeConnection(tx, before.connectionId, body, expectedVersion(header['If-Match']))
    if (!after) throw await whyUnchanged(deps, before.connectionId)
    if (after.syncIntervalSeconds !== before.syncIntervalSeconds)
      await deps.temporal.ensureSyncSchedule(after)
    await appendAudit(tx, {
      actor: caller.name,
      action: 'connection.changed',
      subject: before.connectionId,
      partnerId: before.partnerId,
      details: { fields: Object.keys(body).sort() },
    })
    return after
  })
  return { status: 200, body: showConnection(changed), headers: { ETag: etagOf(changed) } }
}

async function whyUnchanged(deps: ApiDeps, connectionId: string): Promise<HubError> {
  const now = await findConnection(deps.database.db, connectionId)
  return !now || now.state === 'deleted'
    ? new HubError('NoSuchThing', `The connection "${connectionId}" has been deleted.`)
    : new HubError(
        'PreconditionFailed',
        `The connection has changed: its ETag is now ${etagOf(now)}. Read it again and decide anew.`,
      )
}

export const replaceCredential: Handler<'replaceCredential'> = async (
  deps,
  { path, header, body, caller },
) => {
  const before = await livingConnection(deps, path.connectionId)
  const provider = providerOf(deps, before)
  const method = methodOf(deps, before)
  const given = { settings: before.settings, secrets: body.secrets }
  const { secrets = {} } = body.fromEnvironment ? fromEnvironment(provider, method, deps.env, given) : given
  checkValues(method, { secrets }, ['secrets'])
  const { connectionId, partnerId } = before
  const generation = await inTransaction(deps.database.db, async (tx) => {
    const after = await changeConnection(tx, connectionId, {}, expectedVersion(header['If-Match']))
    if (!after) throw await whyUnchanged(deps, connectionId)
    if (after.state === 'needs_attention') await setConnectionState(tx, connectionId, 'active', null)
    const made = await putCredential(tx, deps.vault, after, secrets)
    await appendAudit(tx, {
      actor: caller.name,
      action: 'credential.replaced',
      subject: connectionId,
      partnerId,
      details: { generation: made },
    })
    return made
  })
  // Outside of the transaction: the credential counts, and what is amiss with the schedule the next tick or start mends.
  if (before.state === 'needs_attention')
    await deps.temporal.ensureSyncSchedule({ ...before, state: 'active' })
  return { status: 200, body: { connectionId, generation } }
}

/** Whether the provider has a way to end the access of a connection. */
function canRevoke({ findProvider }: ApiDeps, { provider: slug, auth, settings }: Connection): boolean {
  const provider = findProvider(slug)
  const method = provider && authMethod(provider, auth)
  return method?.kind === 'oauth2' && method.endpoints(settings).revoke !== undefined
}

export const rotateCredential: Handler<'rotateCredential'> = async (deps, { path, caller }) => {
  const connection = await livingConnection(deps, path.connectionId)
  const { connectionId, partnerId } = connection
  const provider = deps.findProvider(connection.provider)
  if (!provider || !authMethod(provider, connection.auth)?.rotation) {
    const text = `A credential of this kind cannot be rotated by the hub. Make a new one at ${provider?.name ?? 'the provider'} and put it in.`
    throw new HubError('StateConflict', text)
  }
  const { workflowId } = await deps.temporal.startRotation(connection)
  await inTransaction(deps.database.db, (tx) =>
    appendAudit(tx, {
      actor: caller.name,
      action: 'credential.rotation_asked',
      subject: connectionId,
      partnerId,
    }),
  )
  return {
    status: 202,
    body: { connectionId, workflowId, temporalUrl: deps.temporal.workflowLink(workflowId) },
  }
}

/** The row first: it is the truth. When Temporal does not answer, the same request again removes what is left. */
export const deleteConnection: Handler<'deleteConnection'> = async (deps, { path, caller }) => {
  const connection = await connectionOf(deps, path.connectionId)
  const { connectionId, partnerId } = connection
  await inTransaction(deps.database.db, async (tx) => {
    // Its access is ended, and its webhooks removed, by a workflow.
    if (connection.state !== 'deleted' && (canRevoke(deps, connection) || (await hasHook(tx, connectionId))))
      await keepForRevocation(tx, deps.vault, connection)
    const deleted = await eraseConnection(tx, connectionId)
    if (!deleted) return
    await appendAudit(tx, {
      actor: caller.name,
      action: 'connection.deleted',
      subject: connectionId,
      partnerId,
    })
  })
  await deps.temporal.deleteSyncSchedule(connectionId)
  await deps.temporal.cancel(connectionId).catch(ifRunning)
  if (await isRevocationLeft(deps.database.db, connectionId)) await deps.temporal.startRevocation(connection)
  return { status: 204, body: undefined }
}

/** Steering a run that is not there is no error where the connection is meant. */
export function ifRunning(error: unknown): void {
  if (!isHubError(error, 'NoSuchThing')) throw error
}

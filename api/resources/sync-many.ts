/** Syncs over many connections: the batch is a workflow, its runs are rows. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { activeConnectionIds } from '../../db/connections.ts'
import { getAccount } from '../../db/partners.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { providers } from '../../providers/registry.ts'
import { workflowIds, type ManyState, type SyncManyInput } from '../../workflows/client.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { checkRecordsLeft } from '../limits/records-quota.ts'
import type { Handler } from '../operation.ts'
import { checkResourceNames, givenProvider, livingConnection, providerOf } from './find.ts'

type Wish = components['schemas']['NewSyncMany']

export const startSyncMany: Handler<'startSyncMany'> = async (deps, { body, caller }) => {
  await checkScope(deps, body)
  const now = new Date()
  const scope = body.connectionId ?? body.accountId ?? body.provider ?? 'all'
  const workflowId = workflowIds.syncMany(scope, now.toISOString())
  await note(deps, caller, 'sync_many.requested', workflowId)
  const { provider, accountId, connectionId, mode, dryRun, resources, parallel } = body
  const input: SyncManyInput = {
    startedBy: caller.name,
    ...(provider === undefined ? {} : { provider }),
    ...(accountId === undefined ? {} : { accountId }),
    ...(connectionId === undefined ? {} : { connectionId }),
    ...(mode === undefined ? {} : { mode }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(resources === undefined ? {} : { resources }),
    ...(parallel === undefined ? {} : { parallel }),
  }
  const started = await deps.temporal.startSyncMany(input, now)
  const state = { ...started, state: 'running', result: undefined, failure: undefined } as const
  const headers = { Location: `/admin/v1/sync-many/${encodeURIComponent(started.workflowId)}` }
  return { status: 202, body: show(deps, state), headers }
}

/** @throws InvalidInput, HubError `NoSuchThing` for what is not there, `StateConflict` when there is nothing to sync. */
async function checkScope(deps: ApiDeps, wish: Wish): Promise<void> {
  const { db } = deps.database
  const provider = wish.provider === undefined ? undefined : givenProvider(deps, wish.provider)
  const account = wish.accountId === undefined ? undefined : await getAccount(db, wish.accountId)
  if (wish.accountId !== undefined && !account)
    throw new HubError('NoSuchThing', `There is no account "${wish.accountId}".`)
  const connection =
    wish.connectionId === undefined ? undefined : await livingConnection(deps, wish.connectionId)
  checkResourceNames(
    connection ? [providerOf(deps, connection)] : provider ? [provider] : providers,
    wish.resources,
  )
  const { accountId, connectionId } = wish
  const some = await activeConnectionIds(db, { provider: wish.provider, accountId, connectionId, limit: 1 })
  const partnerId = connection?.partnerId ?? account?.partnerId
  if (some.length > 0 && partnerId !== undefined) await checkRecordsLeft(deps, partnerId)
  if (some.length > 0) return
  throw new HubError(
    'StateConflict',
    'No connection fits that may be synced. Connect one, or resume one that is paused.',
  )
}

const note = ({ database }: ApiDeps, caller: Caller, action: string, subject: string): Promise<void> =>
  inTransaction(database.db, (tx) => appendAudit(tx, { actor: caller.name, action, subject }))

export const getSyncMany: Handler<'getSyncMany'> = async (deps, { path }) => ({
  status: 200,
  body: show(deps, await deps.temporal.describeSyncMany(path.workflowId)),
})

export const cancelSyncMany: Handler<'cancelSyncMany'> = async (deps, { path, caller }) => {
  const { workflowId } = path
  const { state } = await deps.temporal.describeSyncMany(workflowId)
  if (state !== 'running') throw new HubError('StateConflict', `The batch has ended: ${state}.`)
  await note(deps, caller, 'sync_many.cancel_requested', workflowId)
  await deps.temporal.cancelSyncMany(workflowId)
  return { status: 202, body: show(deps, await deps.temporal.describeSyncMany(workflowId)) }
}

function show({ temporal }: ApiDeps, many: ManyState): components['schemas']['SyncMany'] {
  const { workflowId, runId, state, result, failure } = many
  return {
    workflowId,
    workflowRunId: runId,
    state,
    result: result ? { ...result, failures: result.failures.map((one) => ({ ...one })) } : null,
    failure: failure ?? null,
    temporalUrl: temporal.workflowLink(workflowId, runId),
  }
}

/** What is done with a connection as it is: check, pause, resume, its schedule. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { forgetRefreshFailures } from '../../db/credential-refreshes.ts'
import { setConnectionState, type Connection } from '../../db/connections.ts'
import { HubError } from '../../platform/errors.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { checkRecordsLeft } from '../limits/records-quota.ts'
import type { Handler } from '../operation.ts'
import { waitMsOf } from '../prefer.ts'
import { ifRunning, showConnection } from './connections.ts'
import { livingConnection, usableConnection } from './find.ts'

export const testConnection: Handler<'testConnection'> = async (deps, { path, header }) => {
  const connection = await livingConnection(deps, path.connectionId)
  const waitMs = Math.max(1_000, waitMsOf(header.Prefer) ?? 30_000)
  const finding = await deps.temporal.checkConnection(connection, waitMs)
  const { connectionId, ok, proves, facts, failure } = finding
  return {
    status: 200,
    body: {
      connectionId,
      ok,
      ...(proves === undefined ? {} : { proves }),
      ...(facts ? { facts } : {}),
      ...(failure ? { failure } : {}),
    },
  }
}

/** The row first: a schedule that ticks meanwhile sees it. */
export const pauseConnection: Handler<'pauseConnection'> = async (deps, { path, caller }) => {
  const before = await livingConnection(deps, path.connectionId)
  const paused = await changeState(deps, caller, before, 'paused')
  await deps.temporal.ensureSyncSchedule(paused)
  await deps.temporal.pause(paused.connectionId).catch(ifRunning)
  return { status: 200, body: showConnection(paused) }
}

export const resumeConnection: Handler<'resumeConnection'> = async (deps, { path, caller }) => {
  const before = await livingConnection(deps, path.connectionId)
  const active = await changeState(deps, caller, before, 'active')
  await deps.temporal.ensureSyncSchedule(active)
  if (before.state === 'paused') await deps.temporal.resume(active.connectionId).catch(ifRunning)
  // Webhooks that came meanwhile.
  deps.waker.wake(active)
  return { status: 200, body: showConnection(active) }
}

async function changeState(
  { database }: ApiDeps,
  caller: Caller,
  before: Connection,
  state: 'paused' | 'active',
): Promise<Connection> {
  if (before.state === state) return before
  return await inTransaction(database.db, async (tx) => {
    const reason = state === 'paused' ? `Paused by ${caller.name}` : null
    const after = await setConnectionState(tx, before.connectionId, state, reason)
    if (!after) throw new HubError('NoSuchThing', `The connection "${before.connectionId}" has been deleted.`)
    if (state === 'active') await forgetRefreshFailures(tx, before.connectionId)
    await appendAudit(tx, {
      actor: caller.name,
      action: state === 'paused' ? 'connection.paused' : 'connection.resumed',
      subject: before.connectionId,
      partnerId: before.partnerId,
      details: { before: before.state },
    })
    return after
  })
}

export const getSchedule: Handler<'getSchedule'> = async (deps, { path }) => {
  const { connectionId, syncIntervalSeconds } = await livingConnection(deps, path.connectionId)
  const schedule = await deps.temporal.describeSyncSchedule(connectionId)
  return {
    status: 200,
    body: {
      connectionId,
      scheduleId: workflowIds.syncSchedule(connectionId),
      intervalSeconds: schedule.everyMs === undefined ? syncIntervalSeconds : schedule.everyMs / 1000,
      paused: schedule.isPaused,
      nextTicks: schedule.nextTicks.map((at) => at.toISOString()),
      lastTicks: schedule.lastTicks.map((at) => at.toISOString()),
      temporalUrl: deps.temporal.scheduleLink(connectionId),
    },
  }
}

export const triggerSchedule: Handler<'triggerSchedule'> = async (deps, { path, caller }) => {
  const { connectionId, partnerId } = await usableConnection(deps, path.connectionId)
  await checkRecordsLeft(deps, partnerId)
  await inTransaction(deps.database.db, (tx) =>
    appendAudit(tx, { actor: caller.name, action: 'schedule.triggered', subject: connectionId, partnerId }),
  )
  await deps.temporal.triggerSyncSchedule(connectionId)
  return { status: 202, body: { connectionId, scheduleId: workflowIds.syncSchedule(connectionId) } }
}

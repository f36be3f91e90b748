/** Maintenance windows: announced, put off, ended. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { getConnection } from '../../db/connections.ts'
import {
  changeWindow,
  endWindow,
  getWindow,
  insertWindow,
  listWindows,
  type MaintenanceWindow,
} from '../../db/maintenance.ts'
import type { components } from '../../openapi/types.ts'
import { HubError, type FieldError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { ApiDeps } from '../deps.ts'
import { hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { checkPartner } from './alert-channels.ts'

type Schemas = components['schemas']

const showWindow = (one: MaintenanceWindow): Schemas['MaintenanceWindow'] => ({
  ...one,
  startsAt: one.startsAt.toISOString(),
  endsAt: one.endsAt.toISOString(),
  createdAt: one.createdAt.toISOString(),
})

export const listMaintenanceWindows: Handler<'listMaintenanceWindows'> = async (deps, call) => {
  const before = positionOf(call, { windowId: 'string' })?.windowId
  const rows = await listWindows(deps.database.db, { before, all: call.query.all, limit: rowsFor(call) })
  return listAnswer(call, rows, showWindow, ({ windowId }) => ({ windowId }))
}

/** Longer than this is no maintenance but a hub that is blind. */
const mostDays = 31

function faultsOfTimes(startsAt: Date, endsAt: Date, now: Date): FieldError[] {
  const errors: FieldError[] = []
  if (endsAt <= startsAt || endsAt <= now)
    errors.push({ pointer: '/endsAt', detail: 'should be after its beginning, and in the future' })
  if (endsAt.getTime() - startsAt.getTime() > mostDays * 86_400_000)
    errors.push({ pointer: '/endsAt', detail: `should be at most ${mostDays} days after its beginning` })
  return errors
}

export const createMaintenanceWindow: Handler<'createMaintenanceWindow'> = async (deps, { body, caller }) => {
  const { reason, provider = null, partnerId = null, connectionId = null } = body
  const now = new Date()
  const [startsAt, endsAt] = [
    body.startsAt === undefined ? now : new Date(body.startsAt),
    new Date(body.endsAt),
  ]
  const errors = faultsOfTimes(startsAt, endsAt, now)
  if (provider !== null && !deps.findProvider(provider))
    errors.push({ pointer: '/provider', detail: 'is no service that this hub knows' })
  if (connectionId !== null && !(await getConnection(deps.database.db, connectionId)))
    errors.push({ pointer: '/connectionId', detail: 'is not the id of a connection' })
  if (errors.length > 0) throw invalidInput(errors.map((error) => ({ in: 'body' as const, ...error })))
  await checkPartner(deps, partnerId)
  const made = await inTransaction(deps.database.db, async (tx) => {
    const windowId = newId('maintenance')
    const one = await insertWindow(tx, {
      ...{ windowId, partnerId, provider, connectionId, reason, startsAt, endsAt, createdBy: caller.name },
    })
    await audited(tx, caller.name, 'announced', one)
    return one
  })
  const headers = { Location: `/admin/v1/maintenance-windows/${made.windowId}` }
  return { status: 201, body: showWindow(made), headers }
}

const audited = (tx: Db, actor: string, action: string, one: MaintenanceWindow): Promise<void> =>
  appendAudit(tx, {
    ...{ actor, action: `maintenance.${action}`, subject: one.windowId },
    ...(one.partnerId === null ? {} : { partnerId: one.partnerId }),
    details: { provider: one.provider, connectionId: one.connectionId, endsAt: one.endsAt.toISOString() },
  })

async function windowOf({ database }: ApiDeps, windowId: string): Promise<MaintenanceWindow> {
  const window = await getWindow(database.db, windowId)
  if (!window) throw new HubError('NoSuchThing', `There is no maintenance "${windowId}".`)
  return window
}

export const getMaintenanceWindow: Handler<'getMaintenanceWindow'> = async (deps, { path }) => ({
  status: 200,
  body: showWindow(await windowOf(deps, path.windowId)),
})

export const updateMaintenanceWindow: Handler<'updateMaintenanceWindow'> = async (
  deps,
  { path, body, caller },
) => {
  const before = await windowOf(deps, path.windowId)
  const now = new Date()
  if (before.endsAt <= now) throw new HubError('StateConflict', 'This maintenance is over: announce another.')
  const after = {
    reason: body.reason ?? before.reason,
    startsAt: body.startsAt === undefined ? before.startsAt : new Date(body.startsAt),
    endsAt: body.endsAt === undefined ? before.endsAt : new Date(body.endsAt),
  }
  const errors = faultsOfTimes(after.startsAt, after.endsAt, now)
  if (errors.length > 0) throw invalidInput(errors.map((error) => ({ in: 'body' as const, ...error })))
  const changed = await inTransaction(deps.database.db, async (tx) => {
    const one = await changeWindow(tx, before, after, now)
    if (!one) throw hasChanged('The maintenance')
    await audited(tx, caller.name, 'changed', one)
    return one
  })
  return { status: 200, body: showWindow(changed) }
}

export const endMaintenanceWindow: Handler<'endMaintenanceWindow'> = async (
  { database },
  { path, caller },
) => {
  await inTransaction(database.db, async (tx) => {
    const gone = await endWindow(tx, path.windowId, new Date())
    if (!gone) throw new HubError('NoSuchThing', `No maintenance "${path.windowId}" is ahead or under way.`)
    await audited(tx, caller.name, 'ended', gone)
  })
  return { status: 204, body: undefined }
}

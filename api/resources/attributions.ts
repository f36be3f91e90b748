/** Whose customer an account is, and which partner earns from it. */
import { appendAudit } from '../../db/audit.ts'
import {
  createAttribution as insertAttribution,
  endAttribution as closeAttribution,
  getAttribution,
  listAttributions as selectAttributions,
  type Attribution,
} from '../../db/attributions.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { startListening } from '../../db/commission-sources.ts'
import { getConnection } from '../../db/connections.ts'
import { findPartner, getAccount } from '../../db/partners.ts'
import { billingModels } from '../../model/commission-document.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { today } from './commission-plans.ts'

type Schemas = components['schemas']

const show = ({ createdAt, ...attribution }: Attribution): Schemas['Attribution'] => ({
  ...attribution,
  createdAt: createdAt.toISOString(),
})

export const listAttributions: Handler<'listAttributions'> = async (deps, call) => {
  const after = positionOf(call, { attributionId: 'string' })?.attributionId
  const { partnerId, accountId, connectionId } = call.query
  const query = { partnerId, accountId, connectionId, after, limit: rowsFor(call) }
  const rows = await selectAttributions(deps.database.db, query)
  return listAnswer(call, rows, show, ({ attributionId }) => ({ attributionId }))
}

const wrong = (field: string, detail: string) => invalidInput([{ in: 'body', pointer: `/${field}`, detail }])

/** @throws HubError `InvalidInput` for ids that name nothing, and for a connection that nothing is paid through. */
async function checked(deps: ApiDeps, body: Schemas['NewAttribution']): Promise<string> {
  const { db } = deps.database
  const { accountId, connectionId, customerId } = body
  const account = await getAccount(db, accountId)
  if (!account) throw wrong('accountId', 'names no account')
  const partnerId = body.partnerId ?? account.partnerId
  if (!(await findPartner(db, partnerId))) throw wrong('partnerId', 'names no partner')
  if (connectionId === undefined) {
    if (customerId !== undefined) throw wrong('customerId', 'needs the connection that it is a customer of')
    return partnerId
  }
  const connection = await getConnection(db, connectionId)
  if (!connection || connection.state === 'deleted') throw wrong('connectionId', 'names no connection')
  const models: readonly string[] = billingModels
  const resources = deps.findProvider(connection.provider)?.resources ?? []
  if (!resources.some(({ mapping }) => models.includes(mapping.model)))
    throw wrong('connectionId', 'is to a provider that has neither invoices nor payments')
  return partnerId
}

export const createAttribution: Handler<'createAttribution'> = async (deps, { body, caller }) => {
  const partnerId = await checked(deps, body)
  const { accountId, connectionId = null, customerId = null, effectiveFrom = today() } = body
  const made = await inTransaction(deps.database.db, async (tx) => {
    const row = await insertAttribution(tx, {
      attributionId: newId('attribution'),
      partnerId,
      accountId,
      connectionId,
      customerId,
      effectiveFrom,
      createdBy: caller.name,
    })
    if (!row)
      throw new HubError(
        'StateConflict',
        'This is attributed already. End that attribution before you make another.',
      )
    if (connectionId !== null) {
      await startListening(tx)
      await deps.temporal.ensureDispatcher()
    }
    await audit(tx, caller.name, 'attribution.created', row)
    return row
  })
  return {
    status: 201,
    body: show(made),
    headers: { Location: `/admin/v1/attributions/${made.attributionId}` },
  }
}

export const endAttribution: Handler<'endAttribution'> = async (deps, { path, caller }) => {
  const { db } = deps.database
  if (!(await getAttribution(db, path.attributionId)))
    throw new HubError('NoSuchThing', `There is no attribution "${path.attributionId}".`)
  const ended = await inTransaction(db, async (tx) => {
    const row = await closeAttribution(tx, path.attributionId, today())
    if (!row) throw new HubError('StateConflict', 'The attribution has ended already.')
    await audit(tx, caller.name, 'attribution.ended', row)
    return row
  })
  return { status: 200, body: show(ended) }
}

const audit = (tx: Db, actor: string, action: string, row: Attribution): Promise<void> =>
  appendAudit(tx, {
    actor,
    action,
    subject: row.attributionId,
    partnerId: row.partnerId,
    details: { accountId: row.accountId, connectionId: row.connectionId },
  })

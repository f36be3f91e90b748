/** Comparisons of what providers have with what the store has, and the repair of what they find. */
import {
  getVerification as findVerification,
  listFindings as selectFindings,
  listVerifications as selectVerifications,
  listVerifiedResources,
  type FindingRow,
  type Verification,
  type VerifiedResource,
} from '../../db/verifications.ts'
import { integrityPercent, sumOfCounts, type IntegrityCounts } from '../../model/integrity.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { checkResourceNames, providerOf, usableConnection } from './find.ts'

type VerificationJson = components['schemas']['Verification']

const countsOf = (one: IntegrityCounts): IntegrityCounts => sumOfCounts([one])

const showResource = (one: VerifiedResource): components['schemas']['VerifiedResource'] => ({
  resource: one.resource,
  state: one.state,
  counts: countsOf(one),
  providerCount: one.providerCount,
  storeCount: one.storeCount,
  accuracyPercent: integrityPercent(one),
  calls: one.calls,
  note: one.note,
})

async function show({ database }: ApiDeps, one: Verification): Promise<VerificationJson> {
  const resources = await listVerifiedResources(database.db, one.verificationId)
  const counts = sumOfCounts(resources)
  return {
    ...{ verificationId: one.verificationId, connectionId: one.connectionId, provider: one.provider },
    ...{ mode: one.mode, repair: one.repair, state: one.state, jws: one.jws, startedBy: one.startedBy },
    ...{
      repaired: one.repaired,
      notRepaired: one.notRepaired,
      decision: one.decision,
      decidedBy: one.decidedBy,
    },
    accuracyPercent: integrityPercent(counts),
    counts,
    resources: resources.map(showResource),
    drift: one.drift && Object.fromEntries(Object.entries(one.drift).map(([name, n]) => [name, Number(n)])),
    failure: one.failure && { code: one.failure.code, message: one.failure.message },
    startedAt: one.startedAt.toISOString(),
    endedAt: one.endedAt?.toISOString() ?? null,
    workflowId: workflowIds.verifyIntegrity(one.connectionId),
  }
}

async function verificationOf({ database }: ApiDeps, verificationId: string): Promise<Verification> {
  const found = await findVerification(database.db, verificationId)
  if (!found) throw new HubError('NoSuchThing', `There is no verification "${verificationId}".`)
  return found
}

export const listVerifications: Handler<'listVerifications'> = async (deps, call) => {
  const before = positionOf(call, { verificationId: 'string' })?.verificationId
  const { connectionId } = call.query
  const rows = await selectVerifications(deps.database.db, { connectionId, before, limit: rowsFor(call) })
  const shown = await Promise.all(rows.map((row) => show(deps, row)))
  return listAnswer(
    call,
    shown,
    (one) => one,
    ({ verificationId }) => ({ verificationId }),
  )
}

export const getVerification: Handler<'getVerification'> = async (deps, { path }) => ({
  status: 200,
  body: await show(deps, await verificationOf(deps, path.verificationId)),
})

export const startVerification: Handler<'startVerification'> = async (deps, { body, caller }) => {
  const connection = await usableConnection(deps, body.connectionId)
  checkResourceNames([providerOf(deps, connection)], body.resources)
  const { connectionId } = connection
  const { mode = 'full', repair = 'none', resources } = body
  const verificationId = newId('verification')
  const startedBy = caller.name
  const input = { connectionId, verificationId, mode, repair, startedBy, ...(resources ? { resources } : {}) }
  await deps.temporal.startVerification(input, connection)
  const now = new Date()
  const begun: Verification = {
    ...{ verificationId, connectionId, mode, repair, startedBy },
    ...{ partnerId: connection.partnerId, accountId: connection.accountId, provider: connection.provider },
    ...{ state: 'running', wishedResources: resources ?? null, decidedBy: null, decision: null },
    ...{ repaired: 0, notRepaired: 0, drift: null, failure: null, keyId: null, jws: null },
    ...{ startedAt: now, endedAt: null },
  }
  const headers = { Location: `/admin/v1/verifications/${verificationId}` }
  return { status: 202, body: await show(deps, begun), headers }
}

const showFinding = ({
  foundAt,
  settledAt,
  fields,
  ...rest
}: FindingRow): components['schemas']['Finding'] => ({
  ...rest,
  fields: [...fields],
  foundAt: foundAt.toISOString(),
  settledAt: settledAt?.toISOString() ?? null,
})

export const listFindings: Handler<'listFindings'> = async (deps, call) => {
  const after = positionOf(call, { resource: 'string', externalId: 'string', kind: 'string' })
  const { verificationId } = await verificationOf(deps, call.path.verificationId)
  const query = { verificationId, kind: call.query.kind, after, limit: rowsFor(call) }
  const rows = await selectFindings(deps.database.db, query)
  return listAnswer(call, rows, showFinding, ({ resource, externalId, kind }) => ({
    resource,
    externalId,
    kind,
  }))
}

export const decideVerification: Handler<'decideVerification'> = async (deps, { path, body, caller }) => {
  const verification = await verificationOf(deps, path.verificationId)
  if (verification.state !== 'asking')
    throw new HubError('StateConflict', 'This verification does not wait for a decision.')
  await deps.temporal.decideVerification(verification.connectionId, {
    approve: body.approve,
    by: caller.name,
  })
  return { status: 202, body: await show(deps, await verificationOf(deps, path.verificationId)) }
}

/** Alert policies, and their evaluation by hand. */
import { setTimeout as delay } from 'node:timers/promises'
import { listAlerts } from '../../db/alert-deliveries.ts'
import { listChannels } from '../../db/alert-channels.ts'
import {
  erasePolicy,
  escalationChain,
  getPolicy,
  insertPolicy,
  listPolicies,
  listPolicyVersions,
  replacePolicy,
  type StoredPolicy,
} from '../../db/alert-policies.ts'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { restlessIncidents } from '../../db/incident-tracks.ts'
import { incidentsSince } from '../../db/incidents.ts'
import { faultsOfPolicy, type Condition, type PolicyDefinition } from '../../model/alert-policy.ts'
import type { components } from '../../openapi/types.ts'
import { HubError, type FieldError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { checkPartner, showAlert } from './alert-channels.ts'
import { showIncident } from './incidents.ts'

type Schemas = components['schemas']

/** What JSON holds and what the model means are the same; the description has the optional fields otherwise. */
const shownDefinition = (one: PolicyDefinition): Schemas['AlertPolicyDefinition'] => ({
  name: one.name,
  provider: one.provider,
  condition: { ...one.condition },
  severity: one.severity,
  channels: [...one.channels],
  escalationId: one.escalationId,
  quietHours: one.quietHours as Schemas['QuietHours'] | null,
  enabled: one.enabled,
})

const showPolicy = (one: StoredPolicy): Schemas['AlertPolicy'] => ({
  ...shownDefinition(one),
  ...{ policyId: one.policyId, partnerId: one.partnerId, version: one.version, createdBy: one.createdBy },
  createdAt: one.createdAt.toISOString(),
  updatedAt: one.updatedAt.toISOString(),
})

async function policyOf({ database }: ApiDeps, policyId: string): Promise<StoredPolicy> {
  const policy = await getPolicy(database.db, policyId)
  if (!policy) throw new HubError('NoSuchThing', `There is no alert policy "${policyId}".`)
  return policy
}

/** Only the hub as a whole has these. */
const ofHub: readonly string[] = ['quota_forecast']

/** @throws InvalidInput with every field that makes no sense. */
async function check(deps: ApiDeps, partnerId: string | null, wish: PolicyDefinition): Promise<void> {
  const errors: FieldError[] = [...faultsOfPolicy(wish)]
  const { db } = deps.database
  if (wish.provider !== null && !deps.findProvider(wish.provider))
    errors.push({ pointer: '/provider', detail: 'is no service that this hub knows' })
  if (partnerId !== null && ofHub.includes(wish.condition.kind))
    errors.push({ pointer: '/condition/kind', detail: 'is for policies of the hub: quotas are shared' })
  errors.push(...(await faultsOfChannels(db, wish.channels, partnerId, '/channels')))
  if (wish.escalationId !== null) {
    const [first] = await escalationChain(db, wish.escalationId)
    if (!first || (partnerId !== null && first.partnerId !== partnerId))
      errors.push({ pointer: '/escalationId', detail: 'is not the id of an escalation' })
    else if (wish.channels.length > 0)
      errors.push({ pointer: '/channels', detail: 'are those of the escalation: leave them out' })
  }
  if (errors.length > 0) throw invalidInput(errors.map((error) => ({ in: 'body' as const, ...error })))
}

/** Channels that there are not, or that are somebody else's. */
export async function faultsOfChannels(
  db: Db,
  ids: readonly string[],
  partnerId: string | null,
  pointer: string,
): Promise<FieldError[]> {
  if (ids.length === 0) return []
  const found = await listChannels(db, { ids, limit: ids.length })
  const known = new Map(found.map((one) => [one.channelId, one]))
  return ids.flatMap((id, index) => {
    const one = known.get(id)
    const isFine = one && (partnerId === null || one.partnerId === partnerId)
    return isFine ? [] : [{ pointer: `${pointer}/${index}`, detail: 'is not the id of an alert channel' }]
  })
}

const definitionOf = (
  body: Partial<Schemas['AlertPolicyDefinition']>,
  before: PolicyDefinition,
): PolicyDefinition => ({
  name: body.name ?? before.name,
  provider: body.provider === undefined ? before.provider : body.provider,
  condition: (body.condition as Condition | undefined) ?? before.condition,
  severity: body.severity ?? before.severity,
  channels: body.channels ?? before.channels,
  escalationId: body.escalationId === undefined ? before.escalationId : body.escalationId,
  quietHours: body.quietHours === undefined ? before.quietHours : body.quietHours,
  enabled: body.enabled ?? before.enabled,
})

const blank: PolicyDefinition = {
  ...{ name: '', provider: null, condition: { kind: 'incident' }, severity: 'warning', channels: [] },
  ...{ escalationId: null, quietHours: null, enabled: true },
}

const audit = (tx: Db, actor: string, action: string, one: StoredPolicy): Promise<void> =>
  appendAudit(tx, {
    ...{ actor, action: `alert_policy.${action}`, subject: one.policyId },
    ...(one.partnerId === null ? {} : { partnerId: one.partnerId }),
    details: { version: one.version, kind: one.condition.kind, enabled: one.enabled },
  })

export const listAlertPolicies: Handler<'listAlertPolicies'> = async (deps, call) => {
  const after = positionOf(call, { policyId: 'string' })?.policyId
  const { partnerId } = call.query
  const rows = await listPolicies(deps.database.db, { partnerId, after, limit: rowsFor(call) })
  return listAnswer(call, rows, showPolicy, ({ policyId }) => ({ policyId }))
}

export const createAlertPolicy: Handler<'createAlertPolicy'> = async (deps, { body, caller }) => {
  const { partnerId = null, ...wish } = body
  const definition = definitionOf(wish, blank)
  await checkPartner(deps, partnerId)
  await check(deps, partnerId, definition)
  const made = await inTransaction(deps.database.db, async (tx) => {
    const one = await insertPolicy(tx, newId('alertPolicy'), partnerId, definition, caller.name)
    await audit(tx, caller.name, 'created', one)
    return one
  })
  const headers = { Location: `/admin/v1/alert-policies/${made.policyId}`, ETag: etagOf(made) }
  return { status: 201, body: showPolicy(made), headers }
}

export const getAlertPolicy: Handler<'getAlertPolicy'> = async (deps, { path }) => {
  const one = await policyOf(deps, path.policyId)
  return { status: 200, body: showPolicy(one), headers: { ETag: etagOf(one) } }
}

export const updateAlertPolicy: Handler<'updateAlertPolicy'> = async (
  deps,
  { path, header, body, caller },
) => {
  const before = await policyOf(deps, path.policyId)
  const expected = expectedVersion(header['If-Match'])
  if (expected !== undefined && expected !== before.version) throw hasChanged('The policy')
  const definition = definitionOf(body, before)
  await check(deps, before.partnerId, definition)
  const after = await inTransaction(deps.database.db, async (tx) => {
    const one = await replacePolicy(tx, before, definition, caller.name)
    if (!one) throw hasChanged('The policy')
    await audit(tx, caller.name, 'changed', one)
    return one
  })
  return { status: 200, body: showPolicy(after), headers: { ETag: etagOf(after) } }
}

export const deleteAlertPolicy: Handler<'deleteAlertPolicy'> = async (deps, { path, caller }) => {
  const policy = await policyOf(deps, path.policyId)
  await inTransaction(deps.database.db, async (tx) => {
    if (await erasePolicy(tx, policy.policyId)) await audit(tx, caller.name, 'deleted', policy)
  })
  return { status: 204, body: undefined }
}

export const listAlertPolicyVersions: Handler<'listAlertPolicyVersions'> = async (deps, call) => {
  const before = positionOf(call, { version: 'int' })?.version
  const { policyId } = await policyOf(deps, call.path.policyId)
  const rows = await listPolicyVersions(deps.database.db, policyId, { before, limit: rowsFor(call) })
  const show = (one: (typeof rows)[number]): Schemas['AlertPolicyVersion'] => ({
    ...{ version: one.version, definition: shownDefinition(one.definition), changedBy: one.changedBy },
    changedAt: one.changedAt.toISOString(),
  })
  return listAnswer(call, rows, show, ({ version }) => ({ version }))
}

const waitForSendingMs = 10_000
const mostShown = 100

export const evaluateAlerts: Handler<'evaluateAlerts'> = async (deps) => {
  const { db } = deps.database
  const began = new Date(Date.now() - 1_000)
  const { policies, failed, woken } = await deps.temporal.evaluateAlerts()
  const end = Date.now() + (woken === 0 ? 0 : waitForSendingMs)
  for (;;) {
    // Whoever was woken has looked, and what followed from it was tried. In this order: it may look between the two.
    const isLookedAt = (await restlessIncidents(db, new Date(), 1)).length === 0
    const sent = (await listAlerts(db, { since: began, limit: mostShown })).filter(
      ({ incidentId }) => incidentId !== null,
    )
    const isDone = isLookedAt && sent.every(({ state, attempts }) => state !== 'waiting' || attempts > 0)
    if (isDone || Date.now() >= end) {
      const { opened, resolved } = await incidentsSince(db, began, mostShown)
      const body = {
        ...{ policies, failed, sent: sent.map(showAlert) },
        opened: opened.map((one) => showIncident(deps, one)),
        resolved: resolved.map((one) => showIncident(deps, one)),
      }
      return { status: 200, body }
    }
    await delay(200)
  }
}

/** Escalations: who is told next when nobody answers. */
import {
  eraseEscalation,
  escalationChain,
  listEscalations as selectEscalations,
  lockEscalations,
  putEscalation,
  usersOfEscalation,
  type StoredEscalation,
} from '../../db/alert-policies.ts'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { faultsOfEscalation, mostSteps, stepsOf, type EscalationDefinition } from '../../model/escalation.ts'
import { onCall } from '../../model/on-call.ts'
import type { components } from '../../openapi/types.ts'
import { HubError, type FieldError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { checkPartner } from './alert-channels.ts'
import { faultsOfChannels } from './alert-policies.ts'

type Schemas = components['schemas']

function showEscalation(one: StoredEscalation): Schemas['Escalation'] {
  const now = new Date()
  return {
    ...one,
    levels: one.levels.map((level) => ({ ...level })) as unknown as Schemas['Escalation']['levels'],
    // Whoever is on call may be one whom the level tells anyway.
    onCall: one.levels.map(({ channels, rotation }) => [
      ...new Set([...channels, ...(rotation ? onCall(rotation, now) : [])]),
    ]),
    createdAt: one.createdAt.toISOString(),
    updatedAt: one.updatedAt.toISOString(),
  }
}

const definitionOf = (body: Schemas['EscalationDefinition']): EscalationDefinition => ({
  name: body.name,
  levels: body.levels.map(({ channels = [], rotation = null, waitMinutes, repeats = 0 }) => ({
    ...{ channels, rotation, waitMinutes, repeats },
  })),
  rounds: body.rounds ?? 1,
  next: body.next ?? null,
})

async function escalationOf(db: Db, escalationId: string): Promise<StoredEscalation> {
  const [one] = await escalationChain(db, escalationId)
  if (!one) throw new HubError('NoSuchThing', `There is no escalation "${escalationId}".`)
  return one
}

/** @throws InvalidInput with every field that makes no sense. Call it under `lockEscalations`. */
async function check(
  tx: Db,
  escalationId: string,
  partnerId: string | null,
  wish: EscalationDefinition,
): Promise<void> {
  const errors: FieldError[] = [...faultsOfEscalation(wish)]
  for (const [index, { channels, rotation }] of wish.levels.entries()) {
    errors.push(...(await faultsOfChannels(tx, channels, partnerId, `/levels/${index}/channels`)))
    for (const [turn, ids] of (rotation?.turns ?? []).entries())
      errors.push(...(await faultsOfChannels(tx, ids, partnerId, `/levels/${index}/rotation/turns/${turn}`)))
  }
  if (wish.next !== null) errors.push(...(await faultsOfNext(tx, escalationId, partnerId, wish)))
  if (errors.length > 0) throw invalidInput(errors.map((error) => ({ in: 'body' as const, ...error })))
}

async function faultsOfNext(
  tx: Db,
  escalationId: string,
  partnerId: string | null,
  wish: EscalationDefinition,
): Promise<FieldError[]> {
  const fault = (detail: string) => [{ pointer: '/next', detail }]
  const chain = wish.next === null ? [] : await escalationChain(tx, wish.next)
  const [first] = chain
  if (wish.next === escalationId || chain.some((one) => one.escalationId === escalationId))
    return fault('makes a loop: it comes back to this escalation')
  if (!first || (partnerId !== null && first.partnerId !== partnerId))
    return fault('is not the id of an escalation')
  const steps = stepsOf([wish, ...chain]).length
  return steps >= mostSteps ? fault(`makes ${mostSteps} messages or more for one incident`) : []
}

const audit = (tx: Db, actor: string, action: string, one: StoredEscalation): Promise<void> =>
  appendAudit(tx, {
    ...{ actor, action: `escalation.${action}`, subject: one.escalationId },
    ...(one.partnerId === null ? {} : { partnerId: one.partnerId }),
    details: { version: one.version, levels: one.levels.length },
  })

export const listEscalations: Handler<'listEscalations'> = async (deps, call) => {
  const after = positionOf(call, { escalationId: 'string' })?.escalationId
  const rows = await selectEscalations(deps.database.db, { after, limit: rowsFor(call) })
  return listAnswer(call, rows, showEscalation, ({ escalationId }) => ({ escalationId }))
}

export const createEscalation: Handler<'createEscalation'> = async (deps, { body, caller }) => {
  const { partnerId = null, ...wish } = body
  await checkPartner(deps, partnerId)
  const escalationId = newId('escalation')
  const made = await put(deps, escalationId, partnerId, definitionOf(wish), caller.name, 'created')
  const headers = { Location: `/admin/v1/escalations/${escalationId}`, ETag: etagOf(made) }
  return { status: 201, body: showEscalation(made), headers }
}

const put = (
  { database }: ApiDeps,
  escalationId: string,
  partnerId: string | null,
  definition: EscalationDefinition,
  actor: string,
  action: 'created' | 'changed',
  expected?: number,
): Promise<StoredEscalation> =>
  inTransaction(database.db, async (tx) => {
    await lockEscalations(tx)
    if (action === 'changed') {
      const { version } = await escalationOf(tx, escalationId)
      if (expected !== undefined && expected !== version) throw hasChanged('The escalation')
    }
    await check(tx, escalationId, partnerId, definition)
    const one = await putEscalation(tx, escalationId, partnerId, definition, actor)
    await audit(tx, actor, action, one)
    return one
  })

export const getEscalation: Handler<'getEscalation'> = async ({ database }, { path }) => {
  const one = await escalationOf(database.db, path.escalationId)
  return { status: 200, body: showEscalation(one), headers: { ETag: etagOf(one) } }
}

export const replaceEscalation: Handler<'replaceEscalation'> = async (
  deps,
  { path, header, body, caller },
) => {
  const { escalationId, partnerId } = await escalationOf(deps.database.db, path.escalationId)
  const expected = expectedVersion(header['If-Match'])
  const after = await put(deps, escalationId, partnerId, definitionOf(body), caller.name, 'changed', expected)
  return { status: 200, body: showEscalation(after), headers: { ETag: etagOf(after) } }
}

export const deleteEscalation: Handler<'deleteEscalation'> = async ({ database }, { path, caller }) => {
  await inTransaction(database.db, async (tx) => {
    await lockEscalations(tx)
    const one = await escalationOf(tx, path.escalationId)
    const users = await usersOfEscalation(tx, one.escalationId)
    if (users.length > 0)
      throw new HubError('StateConflict', `It is used by ${users.map((name) => `"${name}"`).join(', ')}.`)
    if (await eraseEscalation(tx, one.escalationId)) await audit(tx, caller.name, 'deleted', one)
  })
  return { status: 204, body: undefined }
}

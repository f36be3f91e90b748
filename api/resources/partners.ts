/**
 * The tree of partners. A tenant's database lets nobody write partners that it does not show yet, so changes go through the hub's,
 * in a transaction that holds the shape of the tree still while it checks that the caller may.
 */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { tellEvent } from '../../db/events.ts'
import {
  changePartner,
  depthBelow,
  getPartner as findPartner,
  insertPartner,
  isLoop,
  listPartners as selectPartners,
  lockTree,
  type Partner,
  type PartnerChange,
  type PartnerState,
} from '../../db/partner-tree.ts'
import type { components, operations } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Call, Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'

type PartnerJson = components['schemas']['Partner']

/** What is above the caller is not told. */
function showPartner(partner: Partner, caller: Caller): PartnerJson {
  const { createdAt, updatedAt, parentId, ...rest } = partner
  return {
    ...rest,
    parentId: partner.partnerId === caller.partnerId ? null : parentId,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}

const answerOf = (partner: Partner, caller: Caller) =>
  ({ status: 200, body: showPartner(partner, caller), headers: { ETag: etagOf(partner) } }) as const

const noSuch = (partnerId: string) => new HubError('NoSuchThing', `There is no partner "${partnerId}".`)

export const listPartners: Handler<'listPartners'> = async (deps, call) => {
  const after = positionOf(call, { partnerId: 'string' })?.partnerId
  const { parentId, state } = call.query
  const except = call.caller.partnerId ?? undefined
  const query = { except, parentId, state, after, limit: rowsFor(call) }
  const rows = await selectPartners(deps.database.db, query)
  return listAnswer(
    call,
    rows,
    (row) => showPartner(row, call.caller),
    ({ partnerId }) => ({ partnerId }),
  )
}

export const getPartner: Handler<'getPartner'> = async (deps, { path, caller }) => {
  const partner = await findPartner(deps.database.db, path.partnerId)
  if (!partner) throw noSuch(path.partnerId)
  return answerOf(partner, caller)
}

/** How far below the caller a partner is; whoever runs the hub is above all. */
const depthOf = (tx: Db, { partnerId: own }: Caller, partnerId: string): Promise<number | undefined> =>
  own === null ? Promise.resolve(1) : depthBelow(tx, partnerId, own)

/** A partner that the caller may change, with the tree held still. @throws `NoSuchThing`, `StateConflict` for the caller's own. */
async function changeable(tx: Db, caller: Caller, partnerId: string, isOwnToo: boolean): Promise<Partner> {
  await lockTree(tx)
  const depth = await depthOf(tx, caller, partnerId)
  const partner = depth === undefined ? undefined : await findPartner(tx, partnerId)
  if (!partner) throw noSuch(partnerId)
  if (depth === 0 && !isOwnToo)
    throw new HubError('StateConflict', 'A partner does this to those below it, not to itself.')
  return partner
}

/** @throws InvalidInput for one that the caller does not see, StateConflict for one that is closed. */
async function parentOf(tx: Db, caller: Caller, parentId: string): Promise<Partner> {
  const parent =
    (await depthOf(tx, caller, parentId)) === undefined ? undefined : await findPartner(tx, parentId)
  if (!parent)
    throw invalidInput([
      { in: 'body', pointer: '/parentId', detail: 'is not the id of a partner that you see' },
    ])
  if (parent.state === 'closed')
    throw new HubError('StateConflict', `The partner "${parent.name}" is closed: nothing goes below it.`)
  return parent
}

/** Those above hear of it, and at the top the partner itself: never with the id of who is above whoever hears. */
async function tell(
  tx: Db,
  type: `partner.${'created' | 'changed' | 'moved' | 'suspended' | 'resumed' | 'closed'}`,
  partner: Partner,
  alsoTo: string | null = null,
): Promise<void> {
  const { partnerId, name, state, parentId } = partner
  const told = new Set([parentId ?? partnerId, ...(alsoTo === null ? [] : [alsoTo])])
  for (const to of told) {
    const data = { partnerId, name, state, parentId: to === parentId ? parentId : null }
    await tellEvent(tx, { partnerId: to, type, subject: partnerId, data })
  }
}

export const createPartner: Handler<'createPartner'> = async (deps, { body, caller, url }) => {
  const partner = await inTransaction(deps.hubDatabase.db, async (tx) => {
    await lockTree(tx)
    const parentId = body.parentId ?? caller.partnerId
    if (parentId !== null) await parentOf(tx, caller, parentId)
    const made = await insertPartner(tx, {
      ...{ partnerId: newId('partner'), parentId, name: body.name },
      // Only the hub's own body has one.
      tier: caller.partnerId === null ? body.tier : undefined,
    })
    await tell(tx, 'partner.created', made)
    await appendAudit(tx, {
      ...{ actor: caller.name, action: 'partner.created', subject: made.partnerId },
      ...{ partnerId: made.partnerId, details: { parentId, tier: made.tier } },
    })
    return made
  })
  const headers = { Location: `${url.pathname}/${partner.partnerId}`, ETag: etagOf(partner) }
  return { status: 201, body: showPartner(partner, caller), headers }
}

export const updatePartner: Handler<'updatePartner'> = async (deps, { path, header, body, caller }) => {
  const changed = await inTransaction(deps.hubDatabase.db, async (tx) => {
    const before = await changeable(tx, caller, path.partnerId, true)
    if (before.state === 'closed') throw new HubError('StateConflict', 'This partner is closed.')
    const after = await changePartner(tx, before.partnerId, body, expectedVersion(header['If-Match']))
    if (!after) throw hasChanged('The partner')
    await tell(tx, 'partner.changed', after)
    await appendAudit(tx, {
      ...{ actor: caller.name, action: 'partner.changed', subject: after.partnerId },
      ...{ partnerId: after.partnerId, details: { fields: Object.keys(body).sort() } },
    })
    return after
  })
  return answerOf(changed, caller)
}

export const movePartner: Handler<'movePartner'> = async (deps, { path, header, body, caller }) => {
  const { parentId } = body
  const moved = await inTransaction(deps.hubDatabase.db, async (tx) => {
    const before = await changeable(tx, caller, path.partnerId, false)
    if (parentId === before.partnerId) throw loop()
    if (parentId !== null) await parentOf(tx, caller, parentId)
    const expected = expectedVersion(header['If-Match'])
    const after = await changePartner(tx, before.partnerId, { parentId }, expected)
    if (!after) throw hasChanged('The partner')
    if (after.parentId !== before.parentId) await tell(tx, 'partner.moved', after, before.parentId)
    await appendAudit(tx, {
      ...{ actor: caller.name, action: 'partner.moved', subject: after.partnerId },
      ...{ partnerId: after.partnerId, details: { from: before.parentId, to: parentId } },
    })
    return after
  }).catch((error: unknown) => {
    throw isLoop(error) ? loop() : error
  })
  return answerOf(moved, caller)
}

const loop = () =>
  new HubError('StateConflict', 'A partner cannot be moved below itself: that would make a loop.')

const steps = {
  suspend: { from: ['active'], to: 'suspended', told: 'partner.suspended' },
  resume: { from: ['suspended'], to: 'active', told: 'partner.resumed' },
  close: { from: ['active', 'suspended'], to: 'closed', told: 'partner.closed' },
} as const satisfies Record<
  string,
  { from: readonly PartnerState[]; to: PartnerState; told: `partner.${string}` }
>

/** One that is in that state already is answered as it is. */
const step =
  (name: keyof typeof steps) =>
  async (
    deps: ApiDeps,
    { path, caller }: Pick<Call<operations['suspendPartner']>, 'path' | 'caller'>,
  ): Promise<ReturnType<typeof answerOf>> => {
    const { from, to, told } = steps[name]
    const partner = await inTransaction(deps.hubDatabase.db, async (tx) => {
      const before = await changeable(tx, caller, path.partnerId, false)
      if (before.state === to) return before
      if (!(from as readonly PartnerState[]).includes(before.state))
        throw new HubError('StateConflict', `This partner is ${before.state}.`)
      const change: PartnerChange = { state: to }
      const after = await changePartner(tx, before.partnerId, change, before.version)
      if (!after) throw hasChanged('The partner')
      await tell(tx, told, after)
      await appendAudit(tx, {
        ...{ actor: caller.name, action: told, subject: after.partnerId, partnerId: after.partnerId },
      })
      return after
    })
    return answerOf(partner, caller)
  }

export const suspendPartner: Handler<'suspendPartner'> = step('suspend')
export const resumePartner: Handler<'resumePartner'> = step('resume')
export const closePartner: Handler<'closePartner'> = step('close')

/** Tiers, what partners and keys have otherwise, and what applies to who is calling. */
import { appendAudit } from '../../db/audit.ts'
import { getApiKey } from '../../db/api-keys.ts'
import { inTransaction } from '../../db/client.ts'
import { countConnections, readQuotas } from '../../db/quotas.ts'
import {
  deleteTier as eraseTier,
  findKeyLimits,
  getPartnerLimits as findPartnerLimits,
  getTier as findTier,
  insertTier,
  listTiers as selectTiers,
  replaceTier as putTier,
  setKeyLimits as putKeyLimits,
  setPartnerLimits as putPartnerLimits,
  type PartnerLimits,
  type Tier,
} from '../../db/tiers.ts'
import {
  checkLimits,
  checkRates,
  limitsInForce,
  peopleTier,
  quotaNames,
  rateClasses,
  type Limits,
  type LimitError,
} from '../../model/limits.ts'
import { monthEnd, monthOf } from '../../model/quota.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion } from '../etag.ts'
import { wakeHeldRuns } from '../held-runs.ts'
import type { Plan } from '../limits/plan.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'

type Schemas = components['schemas']

const showTier = ({ createdAt, updatedAt, ...rest }: Tier): Schemas['Tier'] => ({
  ...rest,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})

const etag = (one: { readonly version: number }) => ({ ETag: etagOf(one) })

/** @throws InvalidInput for limits that cannot be meant. */
function refuse(errors: readonly LimitError[], prefix: string): void {
  if (errors.length === 0) return
  throw invalidInput(errors.map(({ pointer, detail }) => ({ in: 'body', pointer: prefix + pointer, detail })))
}

const noTier = (tier: string) => new HubError('NoSuchThing', `There is no tier "${tier}".`)
const noPartner = (id: string) => new HubError('NoSuchThing', `There is no partner "${id}".`)
const noKey = (id: string) => new HubError('NoSuchThing', `There is no API key "${id}".`)
const changedMeanwhile = () =>
  new HubError('PreconditionFailed', 'It has changed since it was read. Read it again and send its new ETag.')

export const listTiers: Handler<'listTiers'> = async (deps, call) => {
  const after = positionOf(call, { tier: 'string' })?.tier
  const rows = await selectTiers(deps.database.db, { after, limit: rowsFor(call) })
  return listAnswer(call, rows, showTier, ({ tier }) => ({ tier }))
}

export const getTier: Handler<'getTier'> = async ({ database }, { path }) => {
  const tier = await findTier(database.db, path.tier)
  if (!tier) throw noTier(path.tier)
  return { status: 200, body: showTier(tier), headers: etag(tier) }
}

export const createTier: Handler<'createTier'> = async ({ database }, { body, caller }) => {
  refuse(checkLimits(body.limits), '/limits')
  const made = await inTransaction(database.db, async (tx) => {
    const tier = await insertTier(tx, body)
    if (!tier) throw new HubError('StateConflict', `There is a tier "${body.tier}" already.`)
    await appendAudit(tx, { actor: caller.name, action: 'tier.created', subject: tier.tier })
    return tier
  })
  const headers = { ...etag(made), Location: `/admin/v1/tiers/${made.tier}` }
  return { status: 201, body: showTier(made), headers }
}

export const replaceTier: Handler<'replaceTier'> = async (deps, { path, header, body, caller }) => {
  refuse(checkLimits(body.limits), '/limits')
  const changed = await inTransaction(deps.database.db, async (tx) => {
    const tier = await putTier(tx, { tier: path.tier, ...body }, expectedVersion(header['If-Match']))
    if (!tier) throw (await findTier(tx, path.tier)) ? changedMeanwhile() : noTier(path.tier)
    const details = { version: tier.version }
    await appendAudit(tx, { actor: caller.name, action: 'tier.changed', subject: tier.tier, details })
    return tier
  })
  void wakeHeldRuns(deps, { tier: path.tier })
  return { status: 200, body: showTier(changed), headers: etag(changed) }
}

export const deleteTier: Handler<'deleteTier'> = async ({ database }, { path, caller }) => {
  await inTransaction(database.db, async (tx) => {
    if (!(await findTier(tx, path.tier))) throw noTier(path.tier)
    const isNeeded = path.tier === peopleTier || path.tier === 'standard'
    if (isNeeded || !(await eraseTier(tx, path.tier))) {
      const why = isNeeded ? 'the hub itself needs it' : 'partners have it; give them another first'
      throw new HubError('StateConflict', `The tier "${path.tier}" cannot be deleted: ${why}.`)
    }
    await appendAudit(tx, { actor: caller.name, action: 'tier.deleted', subject: path.tier })
  })
  return { status: 204, body: undefined }
}

function showPartner(partner: PartnerLimits): Schemas['PartnerLimits'] {
  const { partnerId, tier, overrides, version } = partner
  return { partnerId, tier, overrides, limits: limitsInForce(partner.ofTier, overrides), version }
}

export const getPartnerLimits: Handler<'getPartnerLimits'> = async ({ database }, { path }) => {
  const partner = await findPartnerLimits(database.db, path.partnerId)
  if (!partner) throw noPartner(path.partnerId)
  return { status: 200, body: showPartner(partner), headers: etag(partner) }
}

export const setPartnerLimits: Handler<'setPartnerLimits'> = async (deps, call) => {
  const { path, header, body, caller } = call
  const { database } = deps
  const { partnerId } = path
  const tier = await findTier(database.db, body.tier)
  const changed = await inTransaction(database.db, async (tx) => {
    const before = await findPartnerLimits(tx, partnerId)
    if (!before) throw noPartner(partnerId)
    if (!tier) throw invalidInput([{ in: 'body', pointer: '/tier', detail: 'is not the name of a tier' }])
    refuse(checkLimits(limitsInForce(tier.limits, body.overrides)), '/overrides')
    const after = await putPartnerLimits(tx, partnerId, body, expectedVersion(header['If-Match']))
    if (!after) throw changedMeanwhile()
    const details = { tier: after.tier, before: before.tier, overrides: { ...body.overrides } }
    const entry = {
      actor: caller.name,
      action: 'partner.limits_changed',
      subject: partnerId,
      partnerId,
      details,
    }
    await appendAudit(tx, entry)
    return after
  })
  void wakeHeldRuns(deps, { partnerId })
  return { status: 200, body: showPartner(changed), headers: etag(changed) }
}

export const setKeyLimits: Handler<'setKeyLimits'> = async ({ database }, { path, body, caller }) => {
  const { keyId } = path
  const { overrides } = body
  const found = await inTransaction(database.db, async (tx) => {
    const key = await getApiKey(tx, keyId)
    const partner = key && (await findPartnerLimits(tx, key.partnerId))
    if (!partner) throw noKey(keyId)
    const { perCaller } = limitsInForce(partner.ofTier, partner.overrides, overrides)
    refuse(checkRates(perCaller), '/overrides')
    await putKeyLimits(tx, keyId, overrides)
    const { partnerId } = partner
    const details = { overrides: { ...overrides } }
    await appendAudit(tx, {
      actor: caller.name,
      action: 'api_key.limits_changed',
      subject: keyId,
      partnerId,
      details,
    })
    return await findKeyLimits(tx, keyId)
  })
  if (!found) throw noKey(keyId)
  const { partnerId, limits } = found
  return { status: 200, body: { keyId, partnerId, overrides, limits: limits.perCaller } }
}

export const getOwnLimits: Handler<'getOwnLimits'> = async (deps, { caller }) => {
  const { partnerId, keyId, personId } = caller
  const partner = partnerId === null ? undefined : await findPartnerLimits(deps.database.db, partnerId)
  if (!partner) throw new HubError('NoSuchThing', 'The partner of this caller is gone.')
  const { plans } = deps.limits
  const plan =
    caller.kind === 'admin'
      ? undefined
      : keyId !== undefined
        ? await plans.ofKey(keyId)
        : await plans.ofPerson(personId ?? '')
  const { quotas } = limitsInForce(partner.ofTier, partner.overrides)
  const body = {
    partnerId: partner.partnerId,
    tier: plan?.tier ?? partner.tier,
    limits: plan ? limitStates(deps, plan) : [],
    quotas: await quotaStates(deps, partner.partnerId, quotas),
  }
  return { status: 200, body }
}

function limitStates({ limits: { leases } }: ApiDeps, plan: Plan): Schemas['LimitState'][] {
  return rateClasses.flatMap((name) =>
    plan.ofClass[name].limits.map((one) => {
      const { remaining, wholeInMs } = leases.look(one)
      return {
        name: one.name,
        class: name,
        scope: one.scope === 'partner' ? ('partner' as const) : ('caller' as const),
        limit: one.limit,
        windowSeconds: one.windowSeconds,
        remaining,
        wholeInSeconds: Math.ceil(wholeInMs / 1000),
      }
    }),
  )
}

async function quotaStates(
  { database: { db }, limits }: ApiDeps,
  partnerId: string,
  quotas: Limits['quotas'],
): Promise<Schemas['QuotaState'][]> {
  const now = new Date(limits.now())
  const used = await readQuotas(db, partnerId, monthOf(now))
  const counts = {
    calls: Math.max(used.calls ?? 0, await limits.book.callsUsed(partnerId)),
    records: used.records ?? 0,
    connections: await countConnections(db, partnerId),
  }
  return quotaNames.map((quota) => ({
    quota,
    ...quotas[quota],
    used: counts[quota],
    resetsAt: quota === 'connections' ? null : monthEnd(now).toISOString(),
  }))
}

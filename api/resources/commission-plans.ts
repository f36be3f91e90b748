/** Commission plans in versions, their trial on an amount, and the hub's price lists. */
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import {
  addPlanVersion,
  createPlan,
  getPlan,
  listPlans,
  listPlanVersions,
  listPriceLists as selectPriceLists,
  partnersUpwards,
  putPriceList as insertPriceList,
  type CommissionPlan,
  type NewPlanVersion,
  type PriceList,
} from '../../db/commission-plans.ts'
import type { Db } from '../../db/client.ts'
import { findPartner } from '../../db/partners.ts'
import {
  calculateCommission,
  planProblems,
  shareByWeight,
  weightsFor,
  type PlanDefinition,
} from '../../model/commission.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'

type Schemas = components['schemas']

export const today = (): string => new Date().toISOString().slice(0, 10)

const show = ({ definition, createdAt, ...plan }: CommissionPlan): Schemas['CommissionPlan'] => ({
  ...plan,
  // What is stored has passed the same schema.
  definition: definition as unknown as Schemas['PlanDefinition'],
  createdAt: createdAt.toISOString(),
})

/** @throws HubError `InvalidInput` for what the schema cannot say. */
function checked(definition: Schemas['PlanDefinition']): PlanDefinition {
  const plan = definition as unknown as PlanDefinition
  const problems = planProblems(plan)
  if (problems.length > 0)
    throw invalidInput(
      problems.map(({ pointer, detail }) => ({ in: 'body', pointer: `/definition${pointer}`, detail })),
    )
  return plan
}

function days(body: { readonly effectiveFrom?: string; readonly effectiveTo?: string }) {
  const { effectiveFrom = today(), effectiveTo = null } = body
  if (effectiveTo !== null && effectiveTo <= effectiveFrom)
    throw invalidInput([{ in: 'body', pointer: '/effectiveTo', detail: 'is not after effectiveFrom' }])
  return { effectiveFrom, effectiveTo }
}

const audit = (tx: Db, actor: string, action: string, plan: CommissionPlan): Promise<void> =>
  appendAudit(tx, {
    actor,
    action,
    subject: plan.planId,
    partnerId: plan.partnerId ?? undefined,
    details: {
      version: plan.version,
      tier: plan.tier,
      effectiveFrom: plan.effectiveFrom,
      effectiveTo: plan.effectiveTo,
    },
  })

async function planOf(db: Db, planId: string): Promise<CommissionPlan> {
  const plan = await getPlan(db, planId)
  if (!plan) throw new HubError('NoSuchThing', `There is no commission plan "${planId}".`)
  return plan
}

export const listCommissionPlans: Handler<'listCommissionPlans'> = async (deps, call) => {
  const after = positionOf(call, { planId: 'string' })?.planId
  const rows = await listPlans(deps.database.db, { after, limit: rowsFor(call) })
  return listAnswer(call, rows, show, ({ planId }) => ({ planId }))
}

export const createCommissionPlan: Handler<'createCommissionPlan'> = async (deps, { body, caller }) => {
  const { name, partnerId = null, tier = null } = body
  const definition = checked(body.definition)
  if (partnerId !== null && tier !== null)
    throw invalidInput([{ in: 'body', pointer: '/tier', detail: 'cannot be given together with partnerId' }])
  if (partnerId !== null && !(await findPartner(deps.database.db, partnerId)))
    throw invalidInput([{ in: 'body', pointer: '/partnerId', detail: 'names no partner' }])
  const made = await inTransaction(deps.database.db, async (tx) => {
    const plan = await createPlan(tx, {
      planId: newId('commissionPlan'),
      partnerId,
      tier,
      name,
      definition,
      state: 'active',
      ...days(body),
      createdBy: caller.name,
    })
    if (!plan) {
      const whom = partnerId ?? (tier === null ? 'everybody' : `the tier "${tier}"`)
      throw new HubError('StateConflict', `There is a plan for ${whom} already. Add a version to it.`)
    }
    await audit(tx, caller.name, 'commission_plan.created', plan)
    return plan
  })
  return {
    status: 201,
    body: show(made),
    headers: { Location: `/admin/v1/commission-plans/${made.planId}` },
  }
}

export const getCommissionPlan: Handler<'getCommissionPlan'> = async (deps, { path }) => ({
  status: 200,
  body: show(await planOf(deps.database.db, path.planId)),
})

export const listCommissionPlanVersions: Handler<'listCommissionPlanVersions'> = async (deps, call) => {
  const { db } = deps.database
  const { planId } = call.path
  const before = positionOf(call, { version: 'int' })?.version
  await planOf(db, planId)
  const rows = await listPlanVersions(db, planId, { before, limit: rowsFor(call) })
  return listAnswer(call, rows, show, ({ version }) => ({ version }))
}

async function addVersion(
  tx: Db,
  actor: string,
  before: CommissionPlan,
  change: Partial<NewPlanVersion>,
): Promise<CommissionPlan> {
  const plan = await addPlanVersion(tx, { ...before, ...change, createdBy: actor }, before.version + 1)
  if (!plan)
    throw new HubError('StateConflict', 'The plan has got another version just now. Look at it first.')
  await audit(
    tx,
    actor,
    plan.state === 'retired' ? 'commission_plan.retired' : 'commission_plan.changed',
    plan,
  )
  return plan
}

export const addCommissionPlanVersion: Handler<'addCommissionPlanVersion'> = async (
  deps,
  { path, body, caller },
) => {
  const { db } = deps.database
  const before = await planOf(db, path.planId)
  const change = {
    name: body.name ?? before.name,
    definition: checked(body.definition),
    state: 'active' as const,
    ...days(body),
  }
  const made = await inTransaction(db, (tx) => addVersion(tx, caller.name, before, change))
  return { status: 201, body: show(made) }
}

export const retireCommissionPlan: Handler<'retireCommissionPlan'> = async (deps, { path, caller }) => {
  const { db } = deps.database
  const before = await planOf(db, path.planId)
  if (before.state === 'retired') return { status: 200, body: show(before) }
  const change = { state: 'retired' as const, effectiveFrom: today(), effectiveTo: null }
  const made = await inTransaction(db, (tx) => addVersion(tx, caller.name, before, change))
  return { status: 200, body: show(made) }
}

export const previewCommissionPlan: Handler<'previewCommissionPlan'> = async (deps, { body }) => {
  const definition = checked(body.definition)
  const { amount, product = null, monthsBefore = 0, volumeBeforeMinor = 0, partnerId } = body
  const { currency } = amount
  const parts = [{ product, amountMinor: amount.amountMinor }]
  const { grossMinor, results } = calculateCommission(
    definition,
    { currency, parts, monthsBefore },
    () => volumeBeforeMinor,
  )
  const partners = partnerId === undefined ? undefined : await partnersUpwards(deps.database.db, partnerId)
  if (partners?.length === 0)
    throw invalidInput([
      { in: 'body', pointer: '/partnerId', detail: 'names no partner that earns anything' },
    ])
  const weights = weightsFor(definition.levels, partners?.length ?? definition.levels.length)
  return {
    status: 200,
    body: {
      gross: { amountMinor: grossMinor, currency },
      rules: [...results],
      levels: shareByWeight(grossMinor, weights).map((amountMinor, level) => ({
        level,
        partnerId: partners?.[level] ?? null,
        amount: { amountMinor, currency },
      })),
    },
  }
}

const showPrices = ({ createdAt, ...list }: PriceList): Schemas['PriceList'] => ({
  ...list,
  createdAt: createdAt.toISOString(),
})

export const listPriceLists: Handler<'listPriceLists'> = async (deps, call) => {
  const after = positionOf(call, { tier: 'string' })?.tier
  const rows = await selectPriceLists(deps.database.db, { after, limit: rowsFor(call) })
  return listAnswer(call, rows, showPrices, ({ tier }) => ({ tier }))
}

export const putPriceList: Handler<'putPriceList'> = async (deps, { path, body, caller }) => {
  const { currency, prices, effectiveFrom = today() } = body
  const { tier } = path
  const list = await inTransaction(deps.database.db, async (tx) => {
    const made = await insertPriceList(tx, { tier, currency, prices, effectiveFrom, createdBy: caller.name })
    await appendAudit(tx, {
      actor: caller.name,
      action: 'price_list.changed',
      subject: tier,
      details: { version: made.version, currency, effectiveFrom },
    })
    return made
  })
  return { status: 200, body: showPrices(list) }
}

/** Commission plans and price lists, in versions with their days: of one partner, of a tier, or of all. */
import { sql } from 'kysely'
import type { PlanDefinition } from '../model/commission.ts'
import type { Db } from './client.ts'

export interface CommissionPlan {
  readonly planId: string
  readonly version: number
  readonly partnerId: string | null
  readonly tier: string | null
  readonly name: string
  readonly definition: PlanDefinition
  readonly state: 'active' | 'retired'
  /** Days, UTC: `2026-11-30`. */
  readonly effectiveFrom: string
  readonly effectiveTo: string | null
  readonly createdBy: string
  readonly createdAt: Date
}

const columns = sql`plan_id, version, partner_id, tier, name, definition, state, to_char(effective_from, 'YYYY-MM-DD') as effective_from,
  to_char(effective_to, 'YYYY-MM-DD') as effective_to, created_by, created_at`

export type NewPlanVersion = Omit<CommissionPlan, 'createdAt' | 'version'>

/** Makes a plan. Undefined when there is one for this partner, tier or for all already: that one gets a new version. */
export async function createPlan(tx: Db, plan: NewPlanVersion): Promise<CommissionPlan | undefined> {
  return await insertVersion(tx, plan, 1)
}

/** Adds a version to a plan that the caller holds locked. Undefined when its number is taken. */
export async function addPlanVersion(
  tx: Db,
  plan: NewPlanVersion,
  version: number,
): Promise<CommissionPlan | undefined> {
  return await insertVersion(tx, plan, version)
}

async function insertVersion(
  tx: Db,
  plan: NewPlanVersion,
  version: number,
): Promise<CommissionPlan | undefined> {
  const made = await sql<CommissionPlan>`
    insert into commission_plans (plan_id, version, partner_id, tier, name, definition, state, effective_from, effective_to, created_by)
    values (${plan.planId}, ${version}, ${plan.partnerId}, ${plan.tier}, ${plan.name}, ${JSON.stringify(plan.definition)}::jsonb,
      ${plan.state}, ${plan.effectiveFrom}::date, ${plan.effectiveTo}::date, ${plan.createdBy})
    on conflict do nothing returning ${columns}
  `.execute(tx)
  return made.rows[0]
}

/** A version of a plan, the newest unless one is named. */
export async function getPlan(db: Db, planId: string, version?: number): Promise<CommissionPlan | undefined> {
  const found = await sql<CommissionPlan>`
    select ${columns} from commission_plans where plan_id = ${planId}
      ${version === undefined ? sql`` : sql`and version = ${version}`}
    order by version desc limit 1
  `.execute(db)
  return found.rows[0]
}

/** The newest version of each plan. */
export async function listPlans(
  db: Db,
  query: { readonly after?: string | undefined; readonly limit: number },
): Promise<CommissionPlan[]> {
  const found = await sql<CommissionPlan>`
    select distinct on (plan_id) ${columns} from commission_plans
    ${query.after === undefined ? sql`` : sql`where plan_id > ${query.after}`}
    order by plan_id, version desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Newest first. */
export async function listPlanVersions(
  db: Db,
  planId: string,
  query: { readonly before?: number | undefined; readonly limit: number },
): Promise<CommissionPlan[]> {
  const found = await sql<CommissionPlan>`
    select ${columns} from commission_plans where plan_id = ${planId}
      ${query.before === undefined ? sql`` : sql`and version < ${query.before}`}
    order by version desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** The plan that counts for a partner on a day: its own, else that of its tier, else that of all. */
export async function planInForce(
  db: Db,
  partnerId: string,
  day: string,
): Promise<CommissionPlan | undefined> {
  const found = await sql<CommissionPlan>`
    select * from (
      select distinct on (plan_id) ${columns} from commission_plans
      where effective_from <= ${day}::date and (effective_to is null or effective_to > ${day}::date)
        and (partner_id = ${partnerId} or (partner_id is null
          and (tier is null or tier = (select tier from partners where partner_id = ${partnerId}))))
      order by plan_id, commission_plans.version desc
    ) p where state = 'active' order by partner_id nulls last, tier nulls last limit 1
  `.execute(db)
  return found.rows[0]
}

/** The partner and those above it, nearest first; those that are closed earn nothing. */
export async function partnersUpwards(db: Db, partnerId: string): Promise<string[]> {
  const found = await sql<{ partnerId: string }>`
    select a.ancestor_id as partner_id from partner_ancestry a join partners p on p.partner_id = a.ancestor_id
    where a.partner_id = ${partnerId} and p.state <> 'closed' order by a.depth
  `.execute(db)
  return found.rows.map((row) => row.partnerId)
}

export interface PriceList {
  readonly tier: string
  readonly version: number
  readonly currency: string
  /** Minor units: of a connection for a month, of a thousand changes of records. */
  readonly prices: { readonly connections: number; readonly records: number }
  readonly effectiveFrom: string
  readonly createdBy: string
  readonly createdAt: Date
}

const priceColumns = sql`tier, version, currency, prices, to_char(effective_from, 'YYYY-MM-DD') as effective_from, created_by, created_at`

/** Adds a version to a tier's prices. */
export async function putPriceList(
  tx: Db,
  list: Omit<PriceList, 'version' | 'createdAt'>,
): Promise<PriceList> {
  await sql`select pg_advisory_xact_lock(hashtextextended('price-list/' || ${list.tier}, 0))`.execute(tx)
  const made = await sql<PriceList>`
    insert into price_lists (tier, version, currency, prices, effective_from, created_by)
    select ${list.tier}, coalesce(max(version), 0) + 1, ${list.currency}, ${JSON.stringify(list.prices)}::jsonb, ${list.effectiveFrom}::date,
      ${list.createdBy} from price_lists where tier = ${list.tier}
    returning ${priceColumns}
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('an insert returned no row')
  return row
}

/** The newest version of each tier's prices. */
export async function listPriceLists(
  db: Db,
  query: { readonly after?: string | undefined; readonly limit: number },
): Promise<PriceList[]> {
  const found = await sql<PriceList>`
    select distinct on (tier) ${priceColumns} from price_lists
    ${query.after === undefined ? sql`` : sql`where tier > ${query.after}`}
    order by tier, version desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

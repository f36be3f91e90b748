/** The tree of partners: made, changed, moved. Who sees what of it is row-level security's to say (migration 0013). */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export type PartnerState = 'active' | 'suspended' | 'closed'

export interface Partner {
  readonly partnerId: string
  readonly parentId: string | null
  readonly name: string
  readonly state: PartnerState
  readonly tier: string
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = sql`partner_id, parent_id, name, state, tier, version, created_at, updated_at`

export async function getPartner(db: Db, partnerId: string): Promise<Partner | undefined> {
  const found = await sql<Partner>`select ${columns} from partners where partner_id = ${partnerId}`.execute(
    db,
  )
  return found.rows[0]
}

export interface PartnerQuery {
  /** Left out itself: what is listed are the partners below it. */
  readonly except?: string | undefined
  readonly parentId?: string | undefined
  readonly state?: PartnerState | undefined
  readonly after?: string | undefined
  readonly limit: number
}

/** Oldest first. */
export async function listPartners(db: Db, query: PartnerQuery): Promise<Partner[]> {
  const found = await sql<Partner>`
    select ${columns} from partners where true
      ${query.except === undefined ? sql`` : sql`and partner_id <> ${query.except}`}
      ${query.parentId === undefined ? sql`` : sql`and parent_id = ${query.parentId}`}
      ${query.state === undefined ? sql`` : sql`and state = ${query.state}`}
      ${query.after === undefined ? sql`` : sql`and partner_id > ${query.after}`}
    order by partner_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Until the transaction ends nobody else changes the shape of the tree: what is checked about it stays so. */
export async function lockTree(tx: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock(7465696, 2)`.execute(tx)
}

/** How far a partner is below another: 0 for itself, undefined when it is not. `db` must be the hub's. */
export async function depthBelow(db: Db, partnerId: string, ancestorId: string): Promise<number | undefined> {
  const found = await sql<{ depth: number }>`
    select depth from partner_ancestry where partner_id = ${partnerId} and ancestor_id = ${ancestorId}
  `.execute(db)
  return found.rows[0]?.depth
}

export async function insertPartner(
  tx: Db,
  partner: Pick<Partner, 'partnerId' | 'parentId' | 'name'> & { readonly tier?: string | undefined },
): Promise<Partner> {
  const made = await sql<Partner>`
    insert into partners (partner_id, parent_id, name, tier)
    values (${partner.partnerId}, ${partner.parentId}, ${partner.name}, ${partner.tier ?? 'standard'}) returning ${columns}
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('the partner was not written')
  return row
}

export interface PartnerChange {
  readonly name?: string | undefined
  readonly tier?: string | undefined
  readonly state?: PartnerState | undefined
  /** Null: to the top. */
  readonly parentId?: string | null | undefined
}

/** @returns undefined when it is gone or has another version than expected. */
export async function changePartner(
  tx: Db,
  partnerId: string,
  change: PartnerChange,
  expected: number | undefined,
): Promise<Partner | undefined> {
  const made = await sql<Partner>`
    update partners set
      name = coalesce(${change.name ?? null}, name), tier = coalesce(${change.tier ?? null}, tier),
      state = coalesce(${change.state ?? null}, state),
      parent_id = ${change.parentId === undefined ? sql`parent_id` : sql`${change.parentId}`},
      version = version + 1, updated_at = now()
    where partner_id = ${partnerId} ${expected === undefined ? sql`` : sql`and version = ${expected}`}
    returning ${columns}
  `.execute(tx)
  return made.rows[0]
}

/** True for what the trigger says when a move would make a loop. */
export const isLoop = (error: unknown): boolean =>
  error instanceof Error && 'constraint' in error && error.constraint === 'partners_no_loop'

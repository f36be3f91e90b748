/** Tiers, what partners and keys override of them, and what holds for somebody. */
import { sql } from 'kysely'
import { limitsInForce, type LimitOverrides, type Limits, type RateOverrides } from '../model/limits.ts'
import type { Db } from './client.ts'

export interface Tier {
  readonly tier: string
  readonly title: string
  readonly limits: Limits
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = sql`tier, title, limits, version, created_at, updated_at`

export async function listTiers(
  db: Db,
  query: { readonly after?: string | undefined; readonly limit: number },
): Promise<Tier[]> {
  const found = await sql<Tier>`
    select ${columns} from tiers where tier > ${query.after ?? ''} order by tier limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function getTier(db: Db, tier: string): Promise<Tier | undefined> {
  const found = await sql<Tier>`select ${columns} from tiers where tier = ${tier}`.execute(db)
  return found.rows[0]
}

/** @returns undefined when there is one of this name. */
export async function insertTier(
  tx: Db,
  one: Pick<Tier, 'tier' | 'title' | 'limits'>,
): Promise<Tier | undefined> {
  const made = await sql<Tier>`
    insert into tiers (tier, title, limits) values (${one.tier}, ${one.title}, ${JSON.stringify(one.limits)}::jsonb)
    on conflict do nothing returning ${columns}
  `.execute(tx)
  return made.rows[0]
}

/** @returns undefined when there is none of this name, and this version if one is expected. */
export async function replaceTier(
  tx: Db,
  one: Pick<Tier, 'tier' | 'title' | 'limits'>,
  expectedVersion?: number,
): Promise<Tier | undefined> {
  const changed = await sql<Tier>`
    update tiers set title = ${one.title}, limits = ${JSON.stringify(one.limits)}::jsonb, version = version + 1, updated_at = now()
    where tier = ${one.tier} and version = coalesce(${expectedVersion ?? null}::int, version) returning ${columns}
  `.execute(tx)
  return changed.rows[0]
}

/** @returns false when a partner has it, or there is none. */
export async function deleteTier(tx: Db, tier: string): Promise<boolean> {
  const gone = await sql`
    delete from tiers t where t.tier = ${tier} and not exists (select 1 from partners p where p.tier = t.tier)
  `.execute(tx)
  return gone.numAffectedRows === 1n
}

export interface PartnerLimits {
  readonly partnerId: string
  readonly tier: string
  readonly overrides: LimitOverrides
  /** Of the partner's row. */
  readonly version: number
  readonly ofTier: Limits
}

const ofPartner = sql`p.partner_id, p.tier, p.limits as overrides, p.version, t.limits as of_tier`

export async function getPartnerLimits(db: Db, partnerId: string): Promise<PartnerLimits | undefined> {
  const found = await sql<PartnerLimits>`
    select ${ofPartner} from partners p join tiers t using (tier) where p.partner_id = ${partnerId}
  `.execute(db)
  return found.rows[0]
}

/** @returns undefined when there is no such partner, or none of this version if one is expected. */
export async function setPartnerLimits(
  tx: Db,
  partnerId: string,
  wish: { readonly tier: string; readonly overrides: LimitOverrides },
  expectedVersion?: number,
): Promise<PartnerLimits | undefined> {
  const changed = await sql<PartnerLimits>`
    update partners p set tier = t.tier, limits = ${JSON.stringify(wish.overrides)}::jsonb, version = p.version + 1, updated_at = now()
    from tiers t where p.partner_id = ${partnerId} and t.tier = ${wish.tier}
      and p.version = coalesce(${expectedVersion ?? null}::int, p.version)
    returning ${ofPartner}
  `.execute(tx)
  return changed.rows[0]
}

/** @returns undefined when there is no such key. */
export async function setKeyLimits(
  tx: Db,
  keyId: string,
  limits: RateOverrides,
): Promise<{ readonly keyId: string; readonly partnerId: string } | undefined> {
  const changed = await sql<{ keyId: string; partnerId: string }>`
    update api_keys set limits = ${JSON.stringify(limits)}::jsonb, version = version + 1 where key_id = ${keyId} returning key_id, partner_id
  `.execute(tx)
  return changed.rows[0]
}

export interface LimitsInForce {
  readonly partnerId: string
  readonly tier: string
  readonly limits: Limits
}

/** What holds for a partner. */
export async function findLimits(db: Db, partnerId: string): Promise<LimitsInForce | undefined> {
  const partner = await getPartnerLimits(db, partnerId)
  return (
    partner && { partnerId, tier: partner.tier, limits: limitsInForce(partner.ofTier, partner.overrides) }
  )
}

/** What holds for a key. */
export async function findKeyLimits(db: Db, keyId: string): Promise<LimitsInForce | undefined> {
  const found = await sql<PartnerLimits & { ofKey: RateOverrides }>`
    select ${ofPartner}, k.limits as of_key from api_keys k join partners p using (partner_id) join tiers t using (tier)
    where k.key_id = ${keyId}
  `.execute(db)
  const [row] = found.rows
  if (!row) return undefined
  const { partnerId, tier, ofTier, overrides, ofKey } = row
  return { partnerId, tier, limits: limitsInForce(ofTier, overrides, ofKey) }
}

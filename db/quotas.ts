/** What a month has used of its quotas, and the warnings that go with it: each is told in the transaction that reaches it. */
import { sql } from 'kysely'
import { limitsInForce, type Quota, type QuotaName } from '../model/limits.ts'
import { agreedOf, levelsReached, monthOf } from '../model/quota.ts'
import { HubError } from '../platform/errors.ts'
import type { Db } from './client.ts'
import { tellEvent } from './events.ts'
import { getPartnerLimits } from './tiers.ts'

interface QuotaPlace {
  readonly partnerId: string
  /** Its first day. */
  readonly month: string
  readonly quota: QuotaName
}

/** What was used of the quotas in a month; those that are missing have not been. */
export async function readQuotas(
  db: Db,
  partnerId: string,
  month: string,
): Promise<Partial<Record<QuotaName, number>>> {
  const found = await sql<{ quota: QuotaName; used: number }>`
    select quota, used from quota_usage where partner_id = ${partnerId} and month = ${month}::date
  `.execute(db)
  return Object.fromEntries(found.rows.map(({ quota, used }) => [quota, used]))
}

export interface RecordsUsed {
  /** Changes that came into the store this month, as far as they are counted. */
  readonly used: number
  readonly hard: number
}

/** How far a partner is with its quota of records; undefined where it has no hard limit. */
export async function recordsUsed(db: Db, partnerId: string, now: Date): Promise<RecordsUsed | undefined> {
  const partner = await getPartnerLimits(db, partnerId)
  const hard = partner && limitsInForce(partner.ofTier, partner.overrides).quotas.records.hard
  if (typeof hard !== 'number') return undefined
  const { records = 0 } = await readQuotas(db, partnerId, monthOf(now))
  return { used: records, hard }
}

/**
 * Adds to what was used, and warns when that reaches a level that was not told of this month.
 * @returns what is used now.
 */
export async function addToQuota(
  tx: Db,
  { partnerId, month, quota }: QuotaPlace,
  more: number,
  agreed: Quota,
): Promise<number> {
  const added = await sql<{ used: number; warned: number }>`
    insert into quota_usage as q (partner_id, month, quota, used) values (${partnerId}, ${month}::date, ${quota}, ${more})
    on conflict (partner_id, month, quota) do update set used = q.used + ${more} returning used, warned
  `.execute(tx)
  const { used = more, warned = 0 } = added.rows[0] ?? {}
  await warn(tx, { partnerId, month, quota }, used, agreed, warned)
  return used
}

/** The row is locked by whoever wrote it: no level is told twice. */
async function warn(
  tx: Db,
  { partnerId, month, quota }: QuotaPlace,
  used: number,
  agreed: Quota,
  warned: number,
): Promise<void> {
  const levels = levelsReached(used, agreed, warned)
  for (const percent of levels) {
    const data = { quota, month: month.slice(0, 7), percent, used, soft: agreed.soft, hard: agreed.hard }
    await tellEvent(tx, { partnerId, type: 'quota.warning', subject: partnerId, data })
  }
  const highest = levels.at(-1)
  if (highest === undefined) return
  await sql`
    update quota_usage set warned = ${highest} where partner_id = ${partnerId} and month = ${month}::date and quota = ${quota}
  `.execute(tx)
}

/** Living connections of a partner; what stands in the sandbox costs nothing. */
export async function countConnections(db: Db, partnerId: string): Promise<number> {
  const found = await sql<{ n: number }>`
    select count(*) as n from connections where partner_id = ${partnerId} and state <> 'deleted' and not sandbox
  `.execute(db)
  return found.rows[0]?.n ?? 0
}

/** @throws HubError `StateConflict` when a partner may not have one connection more. */
export async function checkConnectionsLeft(db: Db, partnerId: string): Promise<void> {
  await connectionsLeft(db, partnerId)
}

async function connectionsLeft(
  db: Db,
  partnerId: string,
): Promise<{ readonly used: number; readonly quota: Quota } | undefined> {
  const partner = await getPartnerLimits(db, partnerId)
  if (!partner) return undefined
  const quota = limitsInForce(partner.ofTier, partner.overrides).quotas.connections
  if (agreedOf(quota) === null) return undefined
  const used = await countConnections(db, partnerId)
  if (quota.hard === null || used < quota.hard) return { used, quota }
  throw new HubError(
    'StateConflict',
    `The quota of connections is used up: this partner has ${used} of ${quota.hard}. Delete one, or ask for a larger quota.`,
  )
}

/**
 * Counts a connection that is about to be made, in the transaction that makes it; two of one partner wait for each other here.
 * @throws HubError `StateConflict` when there may be no more.
 */
export async function takeConnection(tx: Db, partnerId: string, now: Date): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('tieline.connections ' || ${partnerId}, 0))`.execute(
    tx,
  )
  const left = await connectionsLeft(tx, partnerId)
  if (!left) return
  const place = { partnerId, month: monthOf(now), quota: 'connections' } as const
  const noted = await sql<{ warned: number }>`
    insert into quota_usage as q (partner_id, month, quota, used) values (${partnerId}, ${place.month}::date, 'connections', ${left.used + 1})
    on conflict (partner_id, month, quota) do update set used = ${left.used + 1} returning warned
  `.execute(tx)
  await warn(tx, place, left.used + 1, left.quota, noted.rows[0]?.warned ?? 0)
}

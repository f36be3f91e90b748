/**
 * What keeps the figures of usage true and bounded, by whichever process comes first: it holds the one row of `usage_feed` meanwhile, and
 * whoever finds that taken leaves.
 */
import { sql } from 'kysely'
import { limitsInForce } from '../model/limits.ts'
import { monthOf } from '../model/quota.ts'
import { inTransaction, type Db } from './client.ts'
import { addToQuota } from './quotas.ts'
import { getPartnerLimits } from './tiers.ts'

/** So many changes are counted in one transaction. */
const changesAtOnce = 20_000

interface Changed {
  readonly day: string
  readonly partnerId: string
  readonly accountId: string
  readonly n: number
  readonly transactionId: string
  readonly seq: number
}

/**
 * Counts what the change feed has brought since the last time, by the day on which it came into the store. Place and counts move in
 * one transaction: each change counts once. A re-mapping is no change of the object.
 * @returns true when there may be more.
 */
export async function countChanges(db: Db): Promise<boolean> {
  return await inTransaction(db, async (tx) => {
    const places = await sql<{ transactionId: string; seq: number }>`
      select transaction_id::text as transaction_id, seq from usage_feed for update skip locked`.execute(tx)
    const [place] = places.rows
    if (!place) return false
    const found = await sql<Changed & { total: number }>`
      with batch as materialized (
        select transaction_id, seq, partner_id, account_id, effect, created_at from changes
        where (transaction_id, seq) > (${place.transactionId}::xid8, ${place.seq}) and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
        order by transaction_id, seq limit ${changesAtOnce}
      ), last as (select transaction_id, seq from batch order by transaction_id desc, seq desc limit 1)
      select to_char(b.created_at at time zone 'UTC', 'YYYY-MM-DD') as day, b.partner_id, b.account_id,
        count(*) filter (where effect <> 'remapped') as n, count(*) as total, last.transaction_id::text as transaction_id, last.seq
      from batch b, last group by 1, 2, 3, last.transaction_id, last.seq order by 2, 1, 3
    `.execute(tx)
    const [first] = found.rows
    if (!first) return false
    await addChanges(tx, found.rows)
    await sql`update usage_feed set transaction_id = ${first.transactionId}::xid8, seq = ${first.seq}, counted_at = now()`.execute(
      tx,
    )
    return found.rows.reduce((sum, { total }) => sum + total, 0) >= changesAtOnce
  })
}

async function addChanges(tx: Db, all: readonly Changed[]): Promise<void> {
  const changed = all.filter(({ n }) => n > 0)
  await sql`
    insert into usage_accounts as u (day, partner_id, account_id, records_changed)
    select "day", "partnerId", "accountId", "n" from json_to_recordset(${JSON.stringify(changed)}::json)
      as g ("day" date, "partnerId" text, "accountId" text, "n" bigint) order by 2, 1, 3
    on conflict (partner_id, day, account_id, whole_month) do update set records_changed = u.records_changed + excluded.records_changed
  `.execute(tx)
  const sums = new Map<string, { partnerId: string; month: string; n: number }>()
  for (const { partnerId, day, n } of changed) {
    const month = monthOf(new Date(day))
    const sum = sums.get(`${partnerId} ${month}`) ?? { partnerId, month, n: 0 }
    sums.set(`${partnerId} ${month}`, { ...sum, n: sum.n + n })
  }
  for (const { partnerId, month, n } of sums.values()) {
    const partner = await getPartnerLimits(tx, partnerId)
    if (!partner) continue
    const { records } = limitsInForce(partner.ofTier, partner.overrides).quotas
    await addToQuota(tx, { partnerId, month, quota: 'records' }, n, records)
  }
}

/** Days are kept for the three months before this one, months for three years. */
const monthsOfDays = 3
const monthsKept = 36

/** Every ten minutes at most: notes what accounts hold, makes months of old days, forgets what is too old. @returns false when it was not due. */
export async function tendUsage(db: Db, now: Date): Promise<boolean> {
  return await inTransaction(db, async (tx) => {
    const due = await sql`
      select 1 from usage_feed where coalesce(tended_at, '-infinity') < ${now}::timestamptz - interval '10 minutes' for update skip locked
    `.execute(tx)
    if (due.rows.length === 0) return false
    await noteHoldings(tx, now)
    await makeMonths(tx, now)
    await sql`delete from usage_daily where day < ${monthBefore(now, monthsKept)}::date`.execute(tx)
    await sql`delete from usage_accounts where day < ${monthBefore(now, monthsKept)}::date`.execute(tx)
    await sql`delete from quota_usage where month < ${monthBefore(now, monthsKept)}::date`.execute(tx)
    await sql`delete from usage_flushes where at < ${now}::timestamptz - interval '35 days'`.execute(tx)
    await sql`update usage_feed set tended_at = ${now}::timestamptz`.execute(tx)
    return true
  })
}

const monthBefore = (now: Date, months: number): string =>
  monthOf(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)))

async function noteHoldings(tx: Db, now: Date): Promise<void> {
  await sql`
    insert into usage_accounts as u (day, partner_id, account_id, records_held, connections)
    select (${now}::timestamptz at time zone 'UTC')::date, c.partner_id, c.account_id, coalesce(sum(r.living), 0), count(*)
    from connections c left join (select connection_id, sum(living) as living from record_counts group by 1) r using (connection_id)
    where c.state <> 'deleted' group by 2, 3 order by 2, 3
    on conflict (partner_id, day, account_id, whole_month) do update set records_held = excluded.records_held, connections = excluded.connections
  `.execute(tx)
}

/** Repeatable: what has become a month is none of the days any more. */
async function makeMonths(tx: Db, now: Date): Promise<void> {
  const before = monthBefore(now, monthsOfDays)
  await sql`
    with old as (delete from usage_daily where day < ${before}::date and not whole_month returning *)
    insert into usage_daily as u (day, partner_id, account_id, key_id, operation, class, whole_month, calls, errors, refused, bytes)
    select date_trunc('month', day)::date, partner_id, account_id, '', operation, class, true, sum(calls), sum(errors), sum(refused), sum(bytes)
    from old group by 1, 2, 3, 5, 6 order by 1, 2, 3, 5, 6
    on conflict (partner_id, day, account_id, key_id, operation, class, whole_month) do update set calls = u.calls + excluded.calls,
      errors = u.errors + excluded.errors, refused = u.refused + excluded.refused, bytes = u.bytes + excluded.bytes
  `.execute(tx)
  await sql`
    with old as (delete from usage_accounts where day < ${before}::date and not whole_month returning *)
    insert into usage_accounts as u (day, partner_id, account_id, whole_month, records_changed, records_held, connections)
    select date_trunc('month', day)::date, partner_id, account_id, true, sum(records_changed), max(records_held), max(connections)
    from old group by 1, 2, 3 order by 1, 2, 3
    on conflict (partner_id, day, account_id, whole_month) do update set records_changed = u.records_changed + excluded.records_changed,
      records_held = greatest(u.records_held, excluded.records_held), connections = greatest(u.connections, excluded.connections)
  `.execute(tx)
}

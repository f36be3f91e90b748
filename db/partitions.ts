/** The monthly parts of tables that grow with time. */
import { sql } from 'kysely'
import { inTransaction, type Db } from './client.ts'

export const monthlyTables = ['record_versions', 'changes', 'pages', 'hub_events', 'health_changes'] as const

const monthOf = (date: Date, ahead: number) =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + ahead, 1))
const day = (date: Date) => date.toISOString().slice(0, 10)

/**
 * Makes the parts of this month and of the months ahead, where they are missing. Safe in several processes at once.
 * A month that already has rows in the default part keeps them there: nothing is moved behind anybody's back.
 */
export async function ensureMonths(db: Db, now: Date, monthsAhead: number): Promise<void> {
  // One transaction per table: a new part locks the default part, and two such locks could cross with a writer's.
  for (const table of monthlyTables) {
    await inTransaction(db, async (tx) => {
      await sql`select pg_advisory_xact_lock(hashtext('tieline.partitions'))`.execute(tx)
      for (let ahead = 0; ahead <= monthsAhead; ahead++) {
        const from = monthOf(now, ahead)
        const to = monthOf(now, ahead + 1)
        const part = `${table}_${day(from).slice(0, 7).replace('-', '_')}`
        const there = await sql<{ there: boolean }>`select to_regclass(${part}) is not null as there`.execute(
          tx,
        )
        const stray = await sql<{ stray: boolean }>`
          select exists (select from ${sql.table(`${table}_default`)} where created_at >= ${from}::timestamptz and created_at < ${to}::timestamptz) as stray
        `.execute(tx)
        if (there.rows[0]?.there || stray.rows[0]?.stray) continue
        await sql`create table ${sql.table(part)} partition of ${sql.table(table)}
          for values from (${sql.lit(day(from))}) to (${sql.lit(day(to))})`.execute(tx)
      }
    })
  }
}

export type MonthlyTable = (typeof monthlyTables)[number]

/** A part that a reader holds is tried again later, instead of everybody queueing behind the one who waits for it. */
const lockPatience = '3s'

/**
 * Drops the parts of a table that end at or before `before`, and deletes a batch of what is that old in its default part. Repeatable.
 * @returns names of dropped parts, and rows deleted; a batch that was full means that there may be more.
 */
export async function dropMonths(
  db: Db,
  table: MonthlyTable,
  before: Date,
  limit: number,
): Promise<{ readonly dropped: readonly string[]; readonly deleted: number }> {
  const parts = await sql<{ name: string; until: Date }>`
    select c.relname as name, (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$TO \\('([^']+)'\\)$$))[1]::timestamptz as until
    from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = ${table}::regclass
      and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' order by 1
  `.execute(db)
  const dropped: string[] = []
  for (const { name, until } of parts.rows) {
    if (until > before) continue
    await inTransaction(db, async (tx) => {
      await sql`set local lock_timeout = ${sql.lit(lockPatience)}`.execute(tx)
      await sql`drop table if exists ${sql.table(name)}`.execute(tx)
    })
    dropped.push(name)
  }
  const gone = await sql<{ n: number }>`
    with gone as (
      delete from ${sql.table(`${table}_default`)} where ctid in (
        select ctid from ${sql.table(`${table}_default`)} where created_at < ${before}::timestamptz limit ${limit})
      returning 1)
    select count(*)::int as n from gone
  `.execute(db)
  return { dropped, deleted: gone.rows[0]?.n ?? 0 }
}

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

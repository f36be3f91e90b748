/**
 * How fast a bucket of the rate limiter is being used: a count of the calls that fades, kept by the same update that takes
 * a token. The tokens alone cannot tell: a bucket that is half full may be filling or running dry.
 */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Both defaults are constants to Postgres: the table is not rewritten.
  await sql`alter table rate_buckets
    add column recent_calls double precision not null default 0,
    add column counted_at timestamptz not null default now()`.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table rate_buckets drop column recent_calls, drop column counted_at`.execute(db)
}

/** Which value of a secret is used, and when last: what tells that an old one may go. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface SecretUse {
  readonly valueId: string
  /** What the secret belongs to: the id of a connection. */
  readonly subject: string
  readonly firstUsedAt: Date
  readonly lastUsedAt: Date
  readonly uses: number
}

/** Adds what was seen since the last time, in one statement. */
export async function noteSecretUses(db: Db, seen: readonly SecretUse[]): Promise<void> {
  if (seen.length === 0) return
  // In one order: two processes that note the same values must not wait for each other crosswise.
  const rows = [...seen].sort((a, b) => (a.valueId < b.valueId ? -1 : 1))
  await sql`
    insert into secret_uses as s (value_id, subject, first_used_at, last_used_at, uses)
    select * from unnest(${rows.map((one) => one.valueId)}::text[], ${rows.map((one) => one.subject)}::text[],
      ${rows.map((one) => one.firstUsedAt.toISOString())}::timestamptz[], ${rows.map((one) => one.lastUsedAt.toISOString())}::timestamptz[],
      ${rows.map((one) => one.uses)}::bigint[])
    on conflict (value_id) do update set last_used_at = greatest(s.last_used_at, excluded.last_used_at), uses = s.uses + excluded.uses
  `.execute(db)
}

export async function secretUses(db: Db, valueIds: readonly string[]): Promise<SecretUse[]> {
  const found = await sql<SecretUse>`
    select value_id, subject, first_used_at, last_used_at, uses from secret_uses where value_id = any (${[...valueIds]}::text[])
  `.execute(db)
  return found.rows
}

/** Forgets the uses of values that a subject has had before these. */
export async function forgetOtherUses(tx: Db, subject: string, valueIds: readonly string[]): Promise<void> {
  await sql`
    delete from secret_uses where subject = ${subject} and value_id <> all (${[...valueIds]}::text[])
  `.execute(tx)
}

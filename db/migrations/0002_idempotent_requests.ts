/**
 * Answers to requests with an idempotency key, kept for a day. The caller is the admin (later a key of a partner), so this
 * is no tenant's table: the role `tieline_tenant` has no right to it.
 */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
create table idempotent_requests (
  caller text not null,
  idempotency_key text not null,
  -- Keyed hash of operation, parameters and body.
  request_hash bytea not null,
  -- Null while the first request is under way.
  status int,
  headers jsonb,
  body jsonb,
  created_at timestamptz not null default now(),
  primary key (caller, idempotency_key)
)`.execute(db)
  await sql`create index idempotent_requests_by_age on idempotent_requests (created_at)`.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table idempotent_requests`.execute(db)
}

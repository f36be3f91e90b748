/**
 * What the partner API adds: a connect session knows whether its connection will be one to the sandbox (a test key sees no other), and the audit
 * chain can be searched by who and what.
 */
import { sql, type Kysely } from 'kysely'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
alter table connect_sessions add column sandbox boolean not null default false;
-- Its connection is not there yet: the session itself says what it will be.
alter policy sandbox on connect_sessions using (
  (select coalesce(current_setting('tieline.mode', true), '')) <> 'test' or sandbox);
create index audit_by_actor on audit (actor, seq);
create index audit_by_action on audit (action, seq);
create index audit_by_time on audit (at, seq);`,
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    `
drop index audit_by_time; drop index audit_by_action; drop index audit_by_actor;
alter policy sandbox on connect_sessions using (
  (select coalesce(current_setting('tieline.mode', true), '')) <> 'test'
  or connection_id is null or connection_id = any ((select sandbox_connections())::text[]));
alter table connect_sessions drop column sandbox;`,
  )
}

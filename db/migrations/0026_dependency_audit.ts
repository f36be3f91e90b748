/** The last report of `npm audit` that somebody has given: what the hub is built from, as the security review shows it. */
import { sql, type Kysely } from 'kysely'

const statements = `
-- Of the hub, not of a partner: no rights for tieline_tenant. What was given before is in the audit chain, by its counts.
create table dependency_audit (
  -- One row.
  is_latest boolean primary key default true check (is_latest),
  given_by text not null,
  given_at timestamptz not null,
  -- How many packages were looked at.
  dependencies int not null check (dependencies >= 0),
  -- Those with known vulnerabilities, worst first.
  packages jsonb not null
);
`

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table dependency_audit`.execute(db)
}

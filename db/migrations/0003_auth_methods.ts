/**
 * How a connection shows itself (a provider may offer several ways), which account of the provider it belongs to, and who
 * must act when it needs attention.
 */
import { sql, type Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Connections made before there was a choice all use an API token.
  await sql`
    alter table connections
      add column auth text not null default 'api_token',
      add column external_account text,
      add column state_who text
  `.execute(db)
  await sql`alter table connections alter column auth drop default`.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table connections drop column auth, drop column external_account, drop column state_who`.execute(
    db,
  )
}

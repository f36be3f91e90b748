/** What the doctor asks the database about itself. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface DatabaseFacts {
  /** 160004 for 16.4. */
  readonly version: number
  readonly now: Date
  /** May become the role that row-level security is for. */
  readonly hasTenantRole: boolean
  /** Tables with a tenant that tenants may read and nothing guards. */
  readonly unguarded: readonly string[]
  readonly connections: number
  readonly connectionsAtMost: number
  readonly bytes: number
}

export async function databaseFacts(db: Db): Promise<DatabaseFacts> {
  const found = await sql<DatabaseFacts>`
    select current_setting('server_version_num')::int as version, clock_timestamp() as now,
      exists (select from pg_roles where rolname = 'tieline_tenant' and pg_has_role(current_user, oid, 'member')) as has_tenant_role,
      coalesce((select array_agg(c.relname::text order by c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'partner_id' and not a.attisdropped
        where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition and not c.relrowsecurity
          and has_table_privilege((select oid from pg_roles where rolname = 'tieline_tenant'), c.oid, 'select')), '{}') as unguarded,
      (select count(*)::int from pg_stat_activity) as connections, current_setting('max_connections')::int as connections_at_most,
      pg_database_size(current_database())::bigint as bytes
  `.execute(db)
  const [facts] = found.rows
  if (!facts) throw new Error('the database answered nothing')
  return facts
}

/** Keys of the ring that something in the store is wrapped by. */
export async function ringKeysInUse(db: Db): Promise<string[]> {
  const found = await sql<{ ringKeyId: string }>`
    select distinct ring_key_id from data_keys order by 1`.execute(db)
  return found.rows.map(({ ringKeyId }) => ringKeyId)
}

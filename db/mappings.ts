/** Field mappings that a connection has of its own, versioned. Without one the provider's default holds. */
import { sql } from 'kysely'
import type { FieldMapping } from '../model/mapping.ts'
import type { Db } from './client.ts'

/** The newest mapping of a connection's resource, or undefined where the default holds. */
export async function getMapping(
  db: Db,
  connectionId: string,
  resource: string,
): Promise<FieldMapping | undefined> {
  const found = await sql<{ mapping: FieldMapping }>`
    select mapping from mappings where connection_id = ${connectionId} and resource = ${resource} order by version desc limit 1
  `.execute(db)
  return found.rows[0]?.mapping
}

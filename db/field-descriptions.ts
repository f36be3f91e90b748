/** Fields that objects of a resource have in an account, as the provider described them when it was last asked. */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

export interface StoredFields {
  readonly fields: readonly JsonObject[]
  readonly describedAt: Date
}

export async function putFields(
  tx: Db,
  place: { readonly connectionId: string; readonly resource: string; readonly partnerId: string },
  fields: readonly JsonObject[],
): Promise<void> {
  await sql`
    insert into field_descriptions (connection_id, resource, partner_id, fields)
    values (${place.connectionId}, ${place.resource}, ${place.partnerId}, ${JSON.stringify(fields)}::jsonb)
    on conflict (connection_id, resource) do update set fields = excluded.fields, described_at = now()
  `.execute(tx)
}

export async function getFields(
  db: Db,
  place: { readonly connectionId: string; readonly resource: string },
): Promise<StoredFields | undefined> {
  const found = await sql<StoredFields>`
    select fields, described_at from field_descriptions
    where connection_id = ${place.connectionId} and resource = ${place.resource}
  `.execute(db)
  return found.rows[0]
}

/** What a partner was told, in order. */
import { sql } from 'kysely'
import type { JsonObject } from '../../model/json.ts'
import type { TestApi } from './api.ts'

export interface Told {
  readonly type: string
  readonly subject: string
  readonly data: JsonObject
}

export async function listEventsOf(api: TestApi, partnerId: string): Promise<Told[]> {
  const found = await sql<Told>`
    select type, subject, data from hub_events where partner_id = ${partnerId} order by transaction_id, seq
  `.execute(api.database.database.db)
  return found.rows
}

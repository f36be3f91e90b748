/** Comparing the store with the provider's own truth. */
import { sql } from 'kysely'
import { canonicalJson } from '../../model/json.ts'
import type { Engine } from './engine.ts'

export const followed = ['organizations', 'users', 'tickets', 'satisfaction_ratings', 'sections']
/** Articles leave without a trace: only a full scan sees that. */
export const scanned = [...followed, 'articles']

/** The store equals the provider: the same living ids with the same content, each row once, each change counted once. */
export async function expectEqual(engine: Engine, resources: readonly string[] = scanned): Promise<void> {
  const { connectionId } = engine.connection
  const { db } = engine.test.database
  for (const resource of resources) {
    const stored = await sql<{ externalId: string; raw: Record<string, unknown> }>`
      select external_id, raw from records where connection_id = ${connectionId} and resource = ${resource} and deleted_at is null
    `.execute(db)
    const truth = engine.sandbox.control.state(engine.connection.provider, resource)
    expect([resource, stored.rows.map((row) => row.externalId).sort()]).toEqual([
      resource,
      Object.keys(truth).sort(),
    ])
    for (const row of stored.rows) expect(canonicalJson(row.raw)).toBe(canonicalJson(truth[row.externalId]))
  }
  const counts = await sql<{ resource: string }>`
    select c.resource from record_counts c where c.living <> (select count(*) from records r where r.connection_id = c.connection_id
      and r.resource = c.resource and r.deleted_at is null)`.execute(db)
  expect(counts.rows).toEqual([])
  const feed = await sql<{ externalId: string }>`
    select external_id from changes group by connection_id, resource, external_id, version having count(*) > 1`.execute(
    db,
  )
  expect(feed.rows).toEqual([])
}

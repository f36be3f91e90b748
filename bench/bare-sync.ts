/** The store of the bare loop: one multi-row upsert per page into a table of the shape of `records`. */
import type pg from 'pg'
import type { BareLoop, BareRow } from './bare-loops.ts'

/** The same columns, parts and indexes. */
export function createBareTable(pool: pg.Pool) {
  return {
    reset: async (): Promise<void> => {
      await pool.query('drop table if exists bare_records')
      await pool.query(
        'create table bare_records (like records including defaults including constraints) partition by hash (connection_id)',
      )
      await pool.query('alter table bare_records add primary key (connection_id, resource, external_id)')
      await pool.query('create index on bare_records (connection_id, resource, changed_at, external_id)')
      await pool.query(
        'create index on bare_records (partner_id, model, changed_at, connection_id, external_id)',
      )
      for (let part = 0; part < 32; part++) {
        await pool.query(
          `create table bare_records_p${part} partition of bare_records for values with (modulus 32, remainder ${part})`,
        )
      }
    },
  }
}

/** Reads to the end from a place, or everything. */
export async function syncBare(
  pool: pg.Pool,
  sandboxUrl: string,
  loop: BareLoop,
  from?: string,
): Promise<{ readonly seconds: number; readonly rows: number; readonly last: string | undefined }> {
  const began = performance.now()
  let place = from
  let rows = 0
  for (;;) {
    const page = await loop.page(`${sandboxUrl}/${loop.slug}`, place)
    if (page.rows.length > 0) await upsert(pool, page.rows)
    rows += page.rows.length
    if (page.next === undefined) return { seconds: (performance.now() - began) / 1000, rows, last: page.last }
    place = page.next
  }
}

async function upsert(pool: pg.Pool, rows: readonly BareRow[]): Promise<void> {
  const unique = [...new Map(rows.map((row) => [row.id, row])).values()]
  await pool.query(
    `insert into bare_records as r (connection_id, resource, external_id, partner_id, account_id, model, raw, mapped, fingerprint, source_updated_at, read_at)
     select 'con_bare', 'things', t.external_id, 'par_bare', 'acc_bare', 'thing', t.raw, '{}', '', t.updated_at, now()
     from rows from (unnest($1::text[]), unnest($2::timestamptz[]), jsonb_array_elements($3::jsonb)) as t (external_id, updated_at, raw)
     on conflict (connection_id, resource, external_id) do update set raw = excluded.raw, source_updated_at = excluded.source_updated_at, changed_at = now(), version = r.version + 1
     where r.raw is distinct from excluded.raw`,
    [
      unique.map(({ id }) => id),
      unique.map(({ updatedAt }) => updatedAt),
      JSON.stringify(unique.map(({ raw }) => raw)),
    ],
  )
}

/** The bare loop: page, parse, one multi-row upsert. No checks, mapping, hashes, versions, feed, proof; no crash safety between pages. */
import type pg from 'pg'
import { zendeskSimulator } from '../providers/zendesk/simulator.ts'

/** A table of the shape of `records`: the same columns, parts and indexes. */
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

interface ExportPage {
  readonly tickets: readonly { readonly id: number; readonly updated_at: string }[]
  readonly after_cursor: string
  readonly end_of_stream: boolean
}

/** Reads to the end of the stream from a cursor, or everything. */
export async function syncBare(
  pool: pg.Pool,
  url: string,
  from: string | undefined,
): Promise<{ seconds: number; rows: number; cursor: string }> {
  const { settings, secrets } = zendeskSimulator.sample
  const authorization = `Basic ${Buffer.from(`${settings['email'] ?? ''}/token:${secrets['token'] ?? ''}`).toString('base64')}`
  const began = performance.now()
  let cursor = from
  let rows = 0
  for (;;) {
    const query = cursor === undefined ? 'start_time=0' : `cursor=${encodeURIComponent(cursor)}`
    const answer = await fetch(`${url}/zendesk/api/v2/incremental/tickets/cursor?${query}&per_page=1000`, {
      headers: { authorization },
    })
    const page = (await answer.json()) as ExportPage
    if (page.tickets.length > 0) await upsert(pool, page)
    rows += page.tickets.length
    cursor = page.after_cursor
    if (page.end_of_stream) return { seconds: (performance.now() - began) / 1000, rows, cursor }
  }
}

async function upsert(pool: pg.Pool, page: ExportPage): Promise<void> {
  await pool.query(
    `insert into bare_records as r (connection_id, resource, external_id, partner_id, account_id, model, raw, mapped, fingerprint, source_updated_at, read_at)
     select 'con_bare', 'tickets', t.external_id, 'par_bare', 'acc_bare', 'ticket', t.raw, '{}', '', t.updated_at, now()
     from rows from (unnest($1::text[]), unnest($2::timestamptz[]), jsonb_array_elements($3::jsonb)) as t (external_id, updated_at, raw)
     on conflict (connection_id, resource, external_id) do update set raw = excluded.raw, source_updated_at = excluded.source_updated_at, changed_at = now(), version = r.version + 1
     where r.raw is distinct from excluded.raw`,
    [
      page.tickets.map((ticket) => String(ticket.id)),
      page.tickets.map((ticket) => ticket.updated_at),
      JSON.stringify(page.tickets),
    ],
  )
}

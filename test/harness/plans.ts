/** Shows which plan Postgres chooses for the statements that a store really sends. */
import { sql, type KyselyPlugin, type RawNode } from 'kysely'
import type { Db } from '../../db/client.ts'

export interface Plan {
  /** Tables that are read from one end to the other, although they hold rows. */
  readonly scanned: readonly string[]
  /** Indexes by the name of the whole table's index, where the table is partitioned. */
  readonly indexes: readonly string[]
  /** How many rows are sorted at most before the first one comes out, as the planner expects; 0 in index order. */
  readonly sortedRows: number
  readonly text: string
}

/**
 * Runs `work` with a `db` whose statements are explained in place of being run: each finds no rows.
 * @returns the plans of all statements that it sent, in one.
 */
export async function planOf(db: Db, work: (db: Db) => Promise<unknown>): Promise<Plan> {
  const lines: string[] = []
  const explain: KyselyPlugin = {
    transformQuery: ({ node }) => {
      if (node.kind !== 'RawNode') throw new Error(`cannot explain a ${node.kind}`)
      const [first = '', ...rest] = node.sqlFragments
      const explained: RawNode = { ...node, sqlFragments: [`explain ${first}`, ...rest] }
      return explained
    },
    transformResult: async ({ result }) => {
      for (const row of result.rows) lines.push(String(Object.values(row)[0]))
      return { ...result, rows: [] }
    },
  }
  await work(db.withPlugin(explain))
  const text = lines.join('\n')
  const names = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''))]
  const [wholes, filled] = [await wholeIndexes(db), await filledTables(db)]
  return {
    text,
    scanned: names(/Seq Scan on (\w+)/g).filter((name) => filled.has(name)),
    indexes: [
      ...new Set(
        names(/(?:Index (?:Only )?Scan (?:Backward )?using|Bitmap Index Scan on) (\w+)/g).map(
          (name) => wholes.get(name) ?? name,
        ),
      ),
    ],
    sortedRows: Math.max(0, ...names(/^[ >-]*Sort +\(cost.* rows=(\d+)/gm).map(Number)),
  }
}

/** A part's index by name: the index of the whole table that it is a part of. */
async function wholeIndexes(db: Db): Promise<Map<string, string>> {
  const found = await sql<{ part: string; whole: string }>`
    select p.relname as part, w.relname as whole from pg_inherits i
    join pg_class p on p.oid = i.inhrelid and p.relkind = 'i' join pg_class w on w.oid = i.inhparent`.execute(
    db,
  )
  return new Map(found.rows.map((row) => [row.part, row.whole]))
}

async function filledTables(db: Db): Promise<Set<string>> {
  const found = await sql<{
    name: string
  }>`select relname as name from pg_class where relkind = 'r' and reltuples > 0`.execute(db)
  return new Set(found.rows.map((row) => row.name))
}

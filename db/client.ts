/** The pool and the three ways to talk through it: as the hub, in a transaction, as a tenant. */
import { CamelCasePlugin, Kysely, PostgresDialect, sql, type PostgresPool } from 'kysely'
import pg from 'pg'
import type { Log } from '../platform/log.ts'
import type { DB } from './types.ts'

export type Db = Kysely<DB>

export interface Database {
  readonly db: Db
  readonly pool: pg.Pool
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly url: string
  /** Connections at most; 10 when left out. */
  readonly poolSize?: number
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly log?: Log
}

/** PostgreSQL's type number of int8 (pg_type). */
const int8 = 20
const int8List = 1016

type Parse = (text: string) => unknown
const asPgReads = (oid: number, format: 'text' | 'binary' = 'text') =>
  pg.types.getTypeParser(oid, format) as Parse

/** int8 as number, alone and in lists: no count or sequence of the hub comes near 2^53. Everything else as pg reads it. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): Parse => {
    const parse = asPgReads(oid, format)
    if (format === 'binary') return parse
    if (oid === int8) return Number
    if (oid === int8List)
      return (text) => (parse(text) as (string | null)[]).map((one) => (one === null ? null : Number(one)))
    return parse
  },
}

/** Opens a pool. Nothing is connected before the first query; a lost idle connection is logged and replaced. */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = openPool(options)
  const db = kyselyOver(pool)
  return { db, pool, close: () => db.destroy() }
}

function openPool(options: DatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize ?? 10,
    application_name: options.applicationName,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 60_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    types,
  })
  // A client that is in use when its server dies emits `error` besides failing its query; unheard, it would end the process.
  pool.on('connect', (client) =>
    client.on('error', (err) => options.log?.debug({ err }, 'a database connection was lost in use')),
  )
  pool.on('error', (err) => options.log?.warn({ err }, 'an idle database connection was lost'))
  return pool
}

const kyselyOver = (pool: PostgresPool): Db =>
  new Kysely<DB>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })

/** Whom a tenant's database shows: a partner with what is below it; with a test key only what belongs to the sandbox. */
export interface TenantView {
  readonly partnerId: string
  readonly mode?: 'live' | 'test' | undefined
}

export interface TenantDatabases {
  /** The database as this tenant sees it, whatever statement is sent there (INV-7). Costs nothing to make; never close it. */
  of(view: TenantView): Database
  close(): Promise<void>
}

/**
 * A pool of its own whose connections work as `tieline_tenant` for ever; whoever takes one sets whose rows it shows first, unless it
 * shows them already. So nothing that is done through `of(…)` can forget to.
 */
export function openTenantDatabases(options: DatabaseOptions): TenantDatabases {
  const pool = openPool(options)
  const shown = new WeakMap<pg.PoolClient, string>()
  const take = async (partnerId: string, mode: string): Promise<pg.PoolClient> => {
    const client = await pool.connect()
    const wanted = `${mode} ${partnerId}`
    if (shown.get(client) === wanted) return client
    shown.delete(client)
    try {
      await client.query(become, [partnerId, mode])
    } catch (error) {
      client.release(true)
      throw error
    }
    shown.set(client, wanted)
    return client
  }
  const of: TenantDatabases['of'] = ({ partnerId, mode = 'live' }) => {
    const db = kyselyOver({ connect: () => take(partnerId, mode), end: () => Promise.resolve() })
    return { db, pool, close: () => Promise.resolve() }
  }
  return { of, close: () => pool.end() }
}

const become = `select set_config('role', 'tieline_tenant', false), set_config('tieline.partners', $1, false),
  set_config('tieline.mode', $2, false)`

/** Runs `work` in a transaction, or in the one that `db` is already. */
export function inTransaction<T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : db.transaction().execute(work)
}

/**
 * Runs `work` in a transaction that sees only the rows of the given partners (INV-7): it takes the role `tieline_tenant`,
 * whose row-level security reads the setting `tieline.partners`, for as long as the transaction lasts.
 */
export function asTenant<T>(
  db: Db,
  partnerIds: string | readonly string[],
  work: (tx: Db) => Promise<T>,
): Promise<T> {
  const partners = typeof partnerIds === 'string' ? partnerIds : partnerIds.join(',')
  return db.transaction().execute(async (tx) => {
    await sql`select set_config('role', 'tieline_tenant', true), set_config('tieline.partners', ${partners}, true)`.execute(
      tx,
    )
    return await work(tx)
  })
}

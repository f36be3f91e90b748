/** Budgets of calls: what the rate limiter has counted, beside what the providers allow. */
import { readBuckets, type BucketReading } from '../../db/budgets.ts'
import { getConnection, listConnections, type Connection } from '../../db/connections.ts'
import { forecastBudget } from '../../model/budget.ts'
import type { components } from '../../openapi/types.ts'
import { bucketOf, type NamedBucket } from '../../providers/contract-limits.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { livingConnection } from './find.ts'

type BudgetJson = components['schemas']['Budget']

interface Place {
  readonly connectionId: string
  readonly budget: string
}

interface Row extends Place {
  readonly connection: Connection
  readonly groups: readonly string[]
  readonly bucket: NamedBucket
}

export const listBudgets: Handler<'listBudgets'> = async (deps, call) => {
  const after = positionOf(call, { connectionId: 'string', budget: 'string' })
  const { connectionId } = call.query
  const count = rowsFor(call)
  const rows =
    connectionId === undefined
      ? await rowsAfter(deps, after, count)
      : rowsOf(deps, await livingConnection(deps, connectionId)).filter((row) => isBeyond(row, after))
  const shown = await show(deps, rows.slice(0, count))
  return listAnswer(
    call,
    shown,
    (budget) => budget,
    ({ connectionId: id, budget }) => ({ connectionId: id, budget }),
  )
}

const isBeyond = (row: Place, after: Place | undefined): boolean =>
  after === undefined ||
  row.connectionId > after.connectionId ||
  (row.connectionId === after.connectionId && row.budget > after.budget)

/** Reads connections until there are rows enough: some have no budgets. */
async function rowsAfter(deps: ApiDeps, after: Place | undefined, count: number): Promise<Row[]> {
  const { db } = deps.database
  // The connection of the last row may have more.
  const last = after && (await getConnection(db, after.connectionId))
  const rows =
    last && last.state !== 'deleted' ? rowsOf(deps, last).filter((row) => isBeyond(row, after)) : []
  for (let from = after?.connectionId; rows.length < count;) {
    const connections = await listConnections(db, { after: from, limit: count })
    rows.push(...connections.flatMap((connection) => rowsOf(deps, connection)))
    from = connections.at(-1)?.connectionId
    if (connections.length < count) break
  }
  return rows
}

/** By name. None for a provider that this build does not have. */
function rowsOf({ findProvider }: ApiDeps, connection: Connection): Row[] {
  const provider = findProvider(connection.provider)
  if (!provider) return []
  const { buckets, groups } = provider.limits
  return Object.keys(buckets)
    .sort()
    .map((budget) => ({
      connectionId: connection.connectionId,
      budget,
      connection,
      groups: Object.keys(groups).filter((group) => groups[group]?.includes(budget)),
      bucket: bucketOf(provider, connection, budget),
    }))
}

async function show(deps: ApiDeps, rows: readonly Row[]): Promise<BudgetJson[]> {
  const now = new Date()
  const keys = [...new Set(rows.map(({ bucket }) => bucket.key))]
  const readings = await readBuckets(deps.database.db, keys, now)
  return rows.map((row) => showBudget(row, readings.get(row.bucket.key), now))
}

/** A bucket that nobody has used yet is whole. */
function showBudget(row: Row, reading: BucketReading | undefined, now: Date): BudgetJson {
  const { limit: documented } = row.bucket
  const limit = reading?.capacity ?? documented.limit
  const windowMs = reading?.windowMs ?? documented.windowMs
  const callsPerSecond = reading?.callsPerSecond ?? 0
  const blockedUntil = reading?.blockedUntil ?? null
  const state = { limit, windowMs, tokens: reading?.tokens ?? limit, blockedUntil, callsPerSecond }
  const { remaining, used, resetsAt, exhaustedAt } = forecastBudget(state, now)
  return {
    connectionId: row.connectionId,
    provider: row.connection.provider,
    name: row.connection.name,
    budget: row.budget,
    groups: [...row.groups],
    scope: documented.scope,
    limit,
    windowSeconds: windowMs / 1000,
    used,
    remaining,
    resetsAt: resetsAt?.toISOString() ?? null,
    blockedUntil: blockedUntil?.toISOString() ?? null,
    callsPerHour: Math.round(callsPerSecond * 36_000) / 10,
    exhaustedAt: exhaustedAt?.toISOString() ?? null,
  }
}

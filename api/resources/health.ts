/** How providers and connections are. */
import { readBuckets } from '../../db/budgets.ts'
import { groupStats, type GroupStats } from '../../db/call-stats.ts'
import { listConnections } from '../../db/connections.ts'
import {
  getConnectionHealth as findHealth,
  listConnectionHealth as selectHealth,
  listHealthChanges as selectChanges,
  secondsDown,
  unwellConnections,
  type ChangeRow,
  type ConnectionHealth,
} from '../../db/health.ts'
import {
  countStates,
  freshnessOf,
  listProviderHealth,
  type ProviderHealth,
} from '../../db/provider-health.ts'
import { listIncidents } from '../../db/incidents.ts'
import { advice } from '../../model/culprit.ts'
import { defaultFreshnessSeconds, severityOf } from '../../model/health.ts'
import type { JsonObject } from '../../model/json.ts'
import { addLatency, noLatency, percentile } from '../../model/latency.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { bucketOf } from '../../providers/contract-limits.ts'
import { providerSlugs } from '../../providers/registry.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { connectionOf } from './find.ts'

type Schemas = components['schemas']
type ProviderJson = Schemas['ProviderHealth']

const daySeconds = 86_400
/** 99.9 % of 30 days. */
const budgetSeconds = 30 * daySeconds * 0.001

export const getHealthOverview: Handler<'getHealthOverview'> = async (deps) => {
  const known = await standing(deps)
  const items: ProviderJson[] = []
  for (const slug of providerSlugs) items.push(await describe(deps, slug, known.get(slug)))
  const configured = items.filter(({ state }) => state !== 'not_configured')
  const worst = [...configured].sort((a, b) => severityOf[b.state] - severityOf[a.state])[0]
  return { status: 200, body: { state: worst?.state ?? 'not_configured', items } }
}

const standing = async ({ database }: ApiDeps): Promise<ReadonlyMap<string, ProviderHealth>> =>
  new Map((await listProviderHealth(database.db)).map((one) => [one.provider, one]))

async function describe(
  deps: ApiDeps,
  slug: string,
  health: ProviderHealth | undefined,
): Promise<ProviderJson> {
  const { db } = deps.database
  const now = new Date()
  const since = new Date(now.getTime() - daySeconds * 1000)
  const [groups, connections, freshness, uptime, incidents, quota] = await Promise.all([
    groupStats(db, { provider: slug, from: since }),
    countStates(db, slug),
    freshnessOf(db, slug),
    uptimeOf(deps, `provider:${slug}`, now),
    listIncidents(db, { provider: slug, limit: 1 }),
    scarcest(deps, slug, now),
  ])
  const { state = 'unknown', culprit = null } = health ?? {}
  const [last] = incidents
  return {
    provider: slug,
    name: deps.findProvider(slug)?.name ?? slug,
    state: stateShown(state, connections),
    culprit,
    reason: health?.reason ?? null,
    advice: culprit === null ? null : advice[culprit],
    since: health?.since.toISOString() ?? null,
    checkedAt: health?.checkedAt?.toISOString() ?? null,
    paused: health?.paused ?? false,
    nextProbeAt: health?.nextProbeAt?.toISOString() ?? null,
    connections,
    uptime,
    calls: figuresOf(sumOf(groups)),
    freshness,
    quota,
    lastIncident: last
      ? {
          incidentId: last.incidentId,
          title: last.title,
          state: last.state,
          severity: last.severity,
          openedAt: last.openedAt.toISOString(),
          resolvedAt: last.resolvedAt?.toISOString() ?? null,
        }
      : null,
  }
}

/** What was connected or deleted since the last round is seen at once. */
function stateShown(
  state: ProviderJson['state'],
  connections: ProviderJson['connections'],
): ProviderJson['state'] {
  if (Object.keys(connections).length === 0) return 'not_configured'
  return state === 'not_configured' ? 'unknown' : state
}

async function uptimeOf({ database }: ApiDeps, subject: string, now: Date): Promise<Schemas['Uptime']> {
  const down = (days: number) =>
    secondsDown(database.db, subject, new Date(now.getTime() - days * daySeconds * 1000), now)
  const [day, week, month] = await Promise.all([down(1), down(7), down(30)])
  const percent = (seconds: number, days: number) =>
    Math.round((1 - seconds / (days * daySeconds)) * 1e6) / 1e4
  return {
    dayPercent: percent(day, 1),
    weekPercent: percent(week, 7),
    monthPercent: percent(month, 30),
    budgetLeftSeconds: Math.round(budgetSeconds - month),
  }
}

type Sums = Omit<GroupStats, 'group'>

function sumOf(groups: readonly GroupStats[]): Sums {
  const zero: Sums = { calls: 0, failed: 0, retries: 0, bytes: 0, errors: {}, latency: noLatency() }
  return groups.reduce(
    (sum, one) => ({
      calls: sum.calls + one.calls,
      failed: sum.failed + one.failed,
      retries: sum.retries + one.retries,
      bytes: sum.bytes + one.bytes,
      errors: addErrors(sum.errors, one.errors),
      latency: addLatency(sum.latency, one.latency),
    }),
    zero,
  )
}

function addErrors(a: JsonObject, b: JsonObject): JsonObject {
  const sum = { ...a }
  for (const [code, count] of Object.entries(b)) sum[code] = Number(sum[code] ?? 0) + Number(count)
  return sum
}

const figuresOf = ({ calls, failed, retries, bytes, errors, latency }: Sums): Schemas['CallFigures'] => ({
  ...{ calls, failed, retries, bytes },
  errorPercent: calls === 0 ? 0 : Math.round((failed / calls) * 1e4) / 100,
  latency: {
    p50Ms: percentile(latency, 0.5),
    p95Ms: percentile(latency, 0.95),
    p99Ms: percentile(latency, 0.99),
  },
  errors: Object.fromEntries(Object.entries(errors).map(([code, count]) => [code, Number(count)])),
})

/** Of the first connections only: a look at all budgets of thousands is `GET /admin/v1/budgets`. */
const connectionsLookedAt = 100

async function scarcest(deps: ApiDeps, slug: string, now: Date): Promise<ProviderJson['quota']> {
  const provider = deps.findProvider(slug)
  if (!provider) return null
  const connections = await listConnections(deps.database.db, {
    provider: slug,
    state: 'active',
    limit: connectionsLookedAt,
  })
  const places = connections.flatMap((connection) =>
    Object.keys(provider.limits.buckets).map((budget) => ({
      connectionId: connection.connectionId,
      budget,
      key: bucketOf(provider, connection, budget).key,
    })),
  )
  const buckets = await readBuckets(
    deps.database.db,
    places.map(({ key }) => key),
    now,
  )
  const left = places.flatMap(({ connectionId, budget, key }) => {
    const bucket = buckets.get(key)
    const tokens = bucket?.blockedUntil ? 0 : bucket?.tokens
    return bucket && tokens !== undefined
      ? [
          {
            connectionId,
            budget,
            leftPercent: Math.round((Math.max(0, tokens) / bucket.capacity) * 1000) / 10,
          },
        ]
      : []
  })
  return left.sort((a, b) => a.leftPercent - b.leftPercent)[0] ?? null
}

const shownTroubled = 20

export const getProviderHealth: Handler<'getProviderHealth'> = async (deps, { path }) => {
  checkSlug(deps, path.provider)
  const { db } = deps.database
  const from = new Date(Date.now() - daySeconds * 1000)
  const [known, groups, troubled, changes] = await Promise.all([
    standing(deps),
    groupStats(db, { provider: path.provider, from }),
    unwellConnections(db, path.provider, shownTroubled),
    selectChanges(db, { subject: `provider:${path.provider}`, limit: shownTroubled }),
  ])
  const health = await describe(deps, path.provider, known.get(path.provider))
  return {
    status: 200,
    body: {
      health,
      groups: groups.map(({ group, ...sums }) => ({ group, figures: figuresOf(sums) })),
      troubled: troubled.map(showHealth),
      changes: changes.map(showChange),
    },
  }
}

function checkSlug({ findProvider }: ApiDeps, slug: string): void {
  if (!findProvider(slug)) throw new HubError('NoSuchThing', `This hub does not sync "${slug}".`)
}

export const startHealthRound: Handler<'startHealthRound'> = async (deps, { path }) => {
  checkSlug(deps, path.provider)
  const { workflowId, runId } = await deps.temporal.startHealthRound(path.provider)
  return { status: 202, body: { workflowId, link: deps.temporal.workflowLink(workflowId, runId) } }
}

const time = (at: Date | null): string | null => at?.toISOString() ?? null

function showHealth(one: ConnectionHealth): Schemas['ConnectionHealth'] {
  const { partnerId: _partner, syncIntervalSeconds, failure: _failure, findings, ...rest } = one
  return {
    ...rest,
    advice: one.culprit === null ? null : advice[one.culprit],
    since: one.since.toISOString(),
    checkedAt: time(one.checkedAt),
    lastOkAt: time(one.lastOkAt),
    lastSyncedAt: time(one.lastSyncedAt),
    freshnessObjectiveSeconds: one.freshnessObjectiveSeconds ?? defaultFreshnessSeconds(syncIntervalSeconds),
    findings: { ...findings },
  }
}

const showChange = ({
  changeId,
  createdAt,
  was,
  state,
  culprit,
  reason,
}: ChangeRow): Schemas['HealthChange'] => ({
  ...{ changeId, at: createdAt.toISOString(), was, state, culprit, reason },
})

export const listConnectionHealth: Handler<'listConnectionHealth'> = async (deps, call) => {
  const after = positionOf(call, { connectionId: 'string' })?.connectionId
  const { provider, state } = call.query
  const rows = await selectHealth(deps.database.db, { provider, state, after, limit: rowsFor(call) })
  return listAnswer(call, rows, showHealth, ({ connectionId }) => ({ connectionId }))
}

export const getConnectionHealth: Handler<'getConnectionHealth'> = async (deps, { path }) => {
  const health = await findHealth(deps.database.db, path.connectionId)
  if (!health)
    throw new HubError('NoSuchThing', `The connection "${path.connectionId}" has not been looked at.`)
  return { status: 200, body: showHealth(health) }
}

export const listHealthChanges: Handler<'listHealthChanges'> = async (deps, call) => {
  const before = positionOf(call, { changeId: 'bigint' })?.changeId
  const { connectionId } = await connectionOf(deps, call.path.connectionId)
  const subject = `connection:${connectionId}`
  const rows = await selectChanges(deps.database.db, { subject, before, limit: rowsFor(call) })
  return listAnswer(call, rows, showChange, ({ changeId }) => ({ changeId }))
}

/** What the conditions of alert policies find, one statement each. A finding is about a provider, a connection, or the hub. */
import { sql, type RawBuilder } from 'kysely'
import { complete, type Condition, type ConditionKind, type Policy } from '../model/alert-policy.ts'
import { duration } from '../model/health.ts'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'
import { receivesOnly } from './connections.ts'
import { fadingMs, recentCalls, refilled } from './limits.ts'

export interface Finding {
  /** What it is about, for the key: the same problem found again has the same. */
  readonly subject: string
  readonly title: string
  readonly summary: string
  readonly provider: string | null
  readonly partnerId: string | null
  readonly connectionId: string | null
  /** Figures; `connections` is how many are concerned. */
  readonly details: JsonObject
}

type Find = (db: Db, policy: Policy, condition: Condition, now: Date) => Promise<Finding[]>

/** More than these of one policy at once are one problem, not many. */
const mostFound = 200

const figure = (condition: Condition, name: string): number => Number(condition[name])

/** Whose rows a policy looks at. */
function scope({ partnerId, provider }: Policy, alias: string): RawBuilder<unknown> {
  const column = (name: string) => sql.ref(`${alias}.${name}`)
  const ofPartner =
    partnerId === null
      ? sql``
      : sql`and ${column('partner_id')} in (select a.partner_id from partner_ancestry a where a.ancestor_id = ${partnerId})`
  return sql`${ofPartner} ${provider === null ? sql`` : sql`and ${column('provider')} = ${provider}`}`
}

const ofProvider = (
  policy: Policy,
  provider: string | null,
  found: Pick<Finding, 'title' | 'summary' | 'details'>,
): Finding => ({
  subject: provider ?? 'hub',
  ...{ provider, partnerId: policy.partnerId, connectionId: null },
  ...found,
})

const state: Find = (db, policy, condition, now) =>
  condition['subject'] === 'connection'
    ? stateOfConnections(db, policy, condition, now)
    : stateOfProviders(db, policy, condition, now)

async function stateOfProviders(db: Db, policy: Policy, condition: Condition, now: Date): Promise<Finding[]> {
  const minutes = figure(condition, 'minutes')
  const found = await sql<{ provider: string; state: string; reason: string | null; since: Date }>`
    select h.provider, h.state, h.reason, h.since from provider_health h where h.state = any (${condition['states']}::text[])
      and h.since <= ${now}::timestamptz - make_interval(mins => ${minutes}) ${policy.provider === null ? sql`` : sql`and h.provider = ${policy.provider}`}
      ${policy.partnerId === null ? sql`` : sql`and exists (select from connections c where c.provider = h.provider and c.state <> 'deleted' ${scope({ ...policy, provider: null }, 'c')})`}
    order by h.provider limit ${mostFound}
  `.execute(db)
  return found.rows.map(({ provider, state, reason, since }) =>
    ofProvider(policy, provider, {
      title: `${provider} is ${state.replace('_', ' ')}`,
      summary: `For more than ${duration(minutes * 60)}. ${reason ?? ''}`.trim(),
      details: { state, since: since.toISOString() },
    }),
  )
}

async function stateOfConnections(
  db: Db,
  policy: Policy,
  condition: Condition,
  now: Date,
): Promise<Finding[]> {
  const minutes = figure(condition, 'minutes')
  const found = await sql<{
    connectionId: string
    partnerId: string
    provider: string
    state: string
    since: Date
  }>`
    select h.connection_id, h.partner_id, h.provider, h.state, h.since from connection_health h join connections c using (connection_id)
    where c.state not in ('deleted', 'paused') and h.state = any (${condition['states']}::text[])
      and h.since <= ${now}::timestamptz - make_interval(mins => ${minutes}) ${scope(policy, 'h')}
      and not exists (select from provider_health p where p.provider = h.provider and p.paused)
    order by h.connection_id limit ${mostFound}
  `.execute(db)
  return found.rows.map(({ connectionId, partnerId, provider, state, since }) => ({
    subject: connectionId,
    title: `A connection to ${provider} is ${state.replace('_', ' ')}`,
    summary: `${connectionId}, for more than ${duration(minutes * 60)}.`,
    ...{ provider, partnerId, connectionId },
    details: { state, since: since.toISOString(), connections: 1 },
  }))
}

const since = (now: Date, hours: number): RawBuilder<unknown> =>
  sql`date_trunc('hour', ${now}::timestamptz - make_interval(hours => ${hours}::int))`

const errorRate: Find = async (db, policy, condition, now) => {
  const hours = figure(condition, 'hours')
  const found = await sql<{ provider: string; calls: number; failed: number; connections: number }>`
    select s.provider, sum(s.calls)::int8 as calls, sum(s.failed)::int8 as failed,
      count(distinct s.connection_id) filter (where s.failed > 0)::int as connections
    from call_stats s where s.hour >= ${since(now, hours)} ${scope(policy, 's')} group by s.provider
    having sum(s.calls) >= ${figure(condition, 'minimumCalls')} and sum(s.failed) * 100 >= sum(s.calls) * ${figure(condition, 'percent')}::float8
    order by s.provider
  `.execute(db)
  return found.rows.map(({ provider, calls, failed, connections }) => {
    const percent = Math.round((failed / calls) * 1e4) / 100
    return ofProvider(policy, provider, {
      title: `${percent} % of the calls to ${provider} fail`,
      summary: `${failed} of ${calls} calls of the last ${duration(hours * 3600)} failed.`,
      details: { calls, failed, percent, connections },
    })
  })
}

/** Both windows burn too fast: the long one shows that it matters, the short one that it still goes on. */
const burnRate: Find = async (db, policy, condition, now) => {
  const [shortHours, longHours] = [figure(condition, 'shortHours'), figure(condition, 'longHours')]
  const allowed = 1 - figure(condition, 'objectivePercent') / 100
  const recent = sql`s.hour >= ${since(now, shortHours)}`
  const found = await sql<{ provider: string; long: number; short: number; failed: number; calls: number }>`
    select * from (
      select s.provider, sum(s.calls)::int8 as calls, sum(s.failed)::int8 as failed,
        (sum(s.failed) / sum(s.calls) / ${allowed}::float8)::float8 as long,
        coalesce(sum(s.failed) filter (where ${recent}) / nullif(sum(s.calls) filter (where ${recent}), 0) / ${allowed}::float8, 0)::float8 as short
      from call_stats s where s.hour >= ${since(now, longHours)} ${scope(policy, 's')} group by s.provider
      having sum(s.calls) >= ${figure(condition, 'minimumCalls')}) b
    where b.long >= ${figure(condition, 'longFactor')}::float8 and b.short >= ${figure(condition, 'shortFactor')}::float8 order by b.provider
  `.execute(db)
  return found.rows.map(({ provider, long, short, failed, calls }) =>
    ofProvider(policy, provider, {
      title: `The error budget of ${provider} burns ${Math.round(short)} times too fast`,
      summary: `${failed} of ${calls} calls failed within ${duration(longHours * 3600)}; ${String(condition['objectivePercent'])} % are to succeed.`,
      details: {
        calls,
        failed,
        shortBurn: Math.round(short * 10) / 10,
        longBurn: Math.round(long * 10) / 10,
      },
    }),
  )
}

/** Those that fail anyway, or rest because their provider is out, are told of by health. */
const freshness: Find = async (db, policy, condition, now) => {
  const found = await sql<{ provider: string; connections: number; seconds: number; first: string }>`
    select c.provider, count(*)::int as connections, min(c.connection_id) as first,
      max(extract(epoch from ${now}::timestamptz - coalesce(c.last_synced_at, c.created_at)))::int as seconds
    from connections c left join connection_health h using (connection_id)
    where c.state = 'active' and c.auth <> ${receivesOnly} ${scope(policy, 'c')}
      and coalesce(h.state, 'unknown') not in ('down', 'needs_attention', 'paused')
      and not exists (select from provider_health p where p.provider = c.provider and p.paused)
      and coalesce(c.last_synced_at, c.created_at) < ${now}::timestamptz - make_interval(mins => ${figure(condition, 'minutes')})
        - make_interval(secs => coalesce(c.freshness_objective_seconds, 2 * c.sync_interval_seconds + 300))
    group by c.provider order by c.provider
  `.execute(db)
  return found.rows.map(({ provider, connections, seconds, first }) =>
    ofProvider(policy, provider, {
      title: `Data of ${provider} is too old`,
      summary: `${connections} connection${connections === 1 ? ` (${first})` : 's'}; the oldest data is ${duration(seconds)} old.`,
      details: { connections, oldestSeconds: seconds },
    }),
  )
}

const deadLetters: Find = async (db, policy, condition, now) => {
  const minutes = figure(condition, 'minutes')
  const after = sql`${now}::timestamptz - make_interval(mins => ${minutes})`
  const found = await sql<{ provider: string | null; n: number }>`
    select provider, count(*)::int as n from (
      select e.provider from inbox_events e where e.state = 'dead' and e.processed_at > ${after} ${scope(policy, 'e')}
      ${policy.provider === null ? sql`union all select null from deliveries d where d.state = 'failed' and d.ended_at > ${after} ${scope(policy, 'd')}` : sql``}) t
    group by provider having count(*) >= ${figure(condition, 'atLeast')} order by provider
  `.execute(db)
  return found.rows.map(({ provider, n }) =>
    ofProvider(policy, provider, {
      title: provider === null ? 'Events to endpoints are given up' : `Webhooks of ${provider} are given up`,
      summary: `${n} within ${duration(minutes * 60)}. Look at them: \`tieline ${provider === null ? 'deliveries list --state failed' : 'webhooks list --state dead'}\`.`,
      details: { deadLetters: n, minutes },
    }),
  )
}

/** A last day that nothing moves; of those that are moved by use, the ones that nobody has moved although it was time. */
const credentialExpiry: Find = async (db, policy, condition, now) => {
  const days = figure(condition, 'days')
  const soon = (count: number) => sql`${now}::timestamptz + make_interval(days => ${count}::int)`
  const found = await sql<{ provider: string; connections: number; first: string; endsAt: Date }>`
    select c.provider, count(*)::int as connections, min(c.connection_id) as first,
      min(least(k.refresh_hard_expires_at, k.refresh_expires_at)) as ends_at
    from credentials k join connections c on c.connection_id = k.connection_id
    where k.retired_at is null and c.state not in ('deleted', 'paused') ${scope(policy, 'c')}
      and (k.refresh_hard_expires_at < ${soon(days)} or k.refresh_expires_at < ${soon(Math.min(days, 2))})
    group by c.provider order by c.provider
  `.execute(db)
  return found.rows.map(({ provider, connections, first, endsAt }) =>
    ofProvider(policy, provider, {
      title: `Access to ${provider} ends soon`,
      summary: `${connections} connection${connections === 1 ? ` (${first})` : 's'}, the first on ${endsAt.toISOString().slice(0, 10)}: somebody has to approve again, \`tieline connect ${provider} --reconnect ${first}\`.`,
      details: { connections, endsAt: endsAt.toISOString() },
    }),
  )
}

/** Of quotas that are counted by the hour or longer; shorter ones are the limiter's daily bread. */
const quotaForecast: Find = async (db, policy, condition, now) => {
  const found = await sql<{ provider: string; buckets: number; seconds: number }>`
    select provider, count(*)::int as buckets, min(seconds)::int as seconds from (
      select split_part(b.bucket_key, ':', 1) as provider,
        case when b.blocked_until > w.now or ${refilled} < 1 then 0
          else ${refilled} / nullif(greatest(0, ${recentCalls} / ${fadingMs} * 1000 - b.capacity * 1000 / b.window_ms), 0) end as seconds
      from rate_buckets b, (select ${now}::timestamptz as now) w where b.window_ms >= 3600000) f
    where seconds <= ${figure(condition, 'minutes') * 60} ${policy.provider === null ? sql`` : sql`and provider = ${policy.provider}`}
    group by provider order by provider
  `.execute(db)
  return found.rows.map(({ provider, buckets, seconds }) =>
    ofProvider(policy, provider, {
      title: seconds === 0 ? `A quota of ${provider} is used up` : `A quota of ${provider} will be used up`,
      summary: `${buckets} quota${buckets === 1 ? '' : 's'}${seconds === 0 ? '' : `, the first in ${duration(seconds)} at this rate`}. Look: \`tieline budgets\`.`,
      details: { quotas: buckets, seconds },
    }),
  )
}

const none: Find = () => Promise.resolve([])

const finders: Readonly<Record<ConditionKind, Find>> = {
  ...{ incident: none, integrity: none },
  state,
  error_rate: errorRate,
  burn_rate: burnRate,
  freshness,
  dead_letters: deadLetters,
  credential_expiry: credentialExpiry,
  quota_forecast: quotaForecast,
}

/** What a policy finds now. Those that route what others find (`incident`, `integrity`) find nothing themselves. */
export function findProblems(db: Db, policy: Policy, now: Date): Promise<Finding[]> {
  const condition = complete(policy.condition)
  return finders[condition.kind](db, policy, condition, now)
}

/** Keys of the open incidents that policies have opened. */
export async function openPolicyProblems(db: Db): Promise<string[]> {
  const found = await sql<{ dedupeKey: string }>`
    select dedupe_key from incidents where state <> 'resolved' and dedupe_key like 'policy:%' order by incident_id
  `.execute(db)
  return found.rows.map(({ dedupeKey }) => dedupeKey)
}

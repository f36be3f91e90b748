/** How providers are as a whole: what the last round over their connections came to. */
import { sql } from 'kysely'
import type { Culprit, HealthState } from '../model/health.ts'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'
import { receivesOnly } from './connections.ts'

export interface ProviderHealth {
  readonly provider: string
  readonly state: 'healthy' | 'degraded' | 'down' | 'not_configured' | 'unknown'
  readonly culprit: Culprit | null
  readonly reason: string | null
  readonly since: Date
  readonly checkedAt: Date | null
  readonly paused: boolean
  readonly nextProbeAt: Date | null
  readonly badInRow: number
  readonly goodInRow: number
  readonly counts: JsonObject
}

const providerColumns = sql`provider, state, culprit, reason, since, checked_at, paused, next_probe_at, bad_in_row, good_in_row, counts`

export async function listProviderHealth(db: Db): Promise<ProviderHealth[]> {
  const found =
    await sql<ProviderHealth>`select ${providerColumns} from provider_health order by provider`.execute(db)
  return found.rows
}

/** As it was last judged; locked until the transaction ends when `lock` says so. */
export async function getProviderHealth(
  db: Db,
  provider: string,
  lock = false,
): Promise<ProviderHealth | undefined> {
  const found = await sql<ProviderHealth>`
    select ${providerColumns} from provider_health where provider = ${provider} ${lock ? sql`for update` : sql``}
  `.execute(db)
  return found.rows[0]
}

/** Whether the provider had a connection when it was last looked at. */
export async function isWatched(db: Db, provider: string): Promise<boolean> {
  const health = await getProviderHealth(db, provider)
  return health !== undefined && health.state !== 'not_configured'
}

export async function putProviderHealth(
  tx: Db,
  health: Omit<ProviderHealth, 'since' | 'checkedAt'>,
): Promise<void> {
  const { provider, state, culprit, reason, paused, nextProbeAt, badInRow, goodInRow, counts } = health
  await sql`
    insert into provider_health as p (provider, state, culprit, reason, checked_at, paused, next_probe_at, bad_in_row, good_in_row, counts)
    values (${provider}, ${state}, ${culprit}, ${reason}, now(), ${paused}, ${nextProbeAt}::timestamptz, ${badInRow}, ${goodInRow},
      ${JSON.stringify(counts)}::jsonb)
    on conflict (provider) do update set state = excluded.state, culprit = excluded.culprit, reason = excluded.reason,
      since = case when p.state = excluded.state then p.since else now() end, checked_at = now(), paused = excluded.paused,
      next_probe_at = excluded.next_probe_at, bad_in_row = excluded.bad_in_row, good_in_row = excluded.good_in_row, counts = excluded.counts
  `.execute(tx)
}

/** Counts of states of a provider's living connections. */
export async function countStates(db: Db, provider: string): Promise<Partial<Record<HealthState, number>>> {
  const found = await sql<{ state: HealthState; n: number }>`
    select coalesce(h.state, 'unknown') as state, count(*)::int as n from connections c left join connection_health h using (connection_id)
    where c.provider = ${provider} and c.state <> 'deleted' group by 1
  `.execute(db)
  return Object.fromEntries(found.rows.map(({ state, n }) => [state, n]))
}

/** Providers that nobody but canaries calls now, and when they are asked next. */
export async function pausedProviders(db: Db): Promise<ReadonlyMap<string, Date | null>> {
  const found = await sql<{ provider: string; nextProbeAt: Date | null }>`
    select provider, next_probe_at from provider_health where paused
  `.execute(db)
  return new Map(found.rows.map(({ provider, nextProbeAt }) => [provider, nextProbeAt]))
}

/** The connection that asks whether a provider is back: the one that it answered last. */
export async function canaryOf(db: Db, provider: string): Promise<string | undefined> {
  const found = await sql<{ connectionId: string }>`
    select c.connection_id from connections c left join connection_health h using (connection_id)
    where c.provider = ${provider} and c.state = 'active' order by h.last_ok_at desc nulls last, c.connection_id limit 1
  `.execute(db)
  return found.rows[0]?.connectionId
}

export interface Freshness {
  readonly oldestSeconds: number | null
  readonly stale: number
}

/** How old the data of a provider's active connections is. */
export async function freshnessOf(db: Db, provider: string): Promise<Freshness> {
  const found = await sql<Freshness>`
    select max(extract(epoch from now() - c.last_synced_at))::int as oldest_seconds,
      count(*) filter (where h.findings ? 'freshness')::int as stale
    from connections c left join connection_health h using (connection_id)
    where c.provider = ${provider} and c.state = 'active' and c.auth <> ${receivesOnly}
  `.execute(db)
  return found.rows[0] ?? { oldestSeconds: null, stale: 0 }
}

/** What the live status shows: bounded by the number of providers and of open incidents, read in two queries. */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

export interface LiveStatus {
  readonly providers: readonly {
    readonly provider: string
    readonly state: string
    readonly culprit: string | null
    readonly reason: string | null
    readonly paused: boolean
    readonly since: Date
    readonly connections: JsonObject
  }[]
  readonly incidents: readonly {
    readonly incidentId: string
    readonly kind: string
    readonly severity: string
    readonly state: string
    readonly title: string
    readonly provider: string | null
    readonly connectionId: string | null
    readonly openedAt: Date
  }[]
}

const incidentsAtMost = 200

export async function liveStatus(db: Db): Promise<LiveStatus> {
  const providers = await sql<LiveStatus['providers'][number]>`
    select p.provider, p.state, p.culprit, p.reason, p.paused, p.since, coalesce(n.counts, '{}') as connections
    from provider_health p left join (
      select provider, jsonb_object_agg(state, n) as counts from (
        select h.provider, h.state, count(*) as n from connection_health h join connections c using (connection_id)
        where c.state <> 'deleted' group by 1, 2) s group by 1) n using (provider)
    order by p.provider
  `.execute(db)
  const incidents = await sql<LiveStatus['incidents'][number]>`
    select incident_id, kind, severity, state, title, provider, connection_id, opened_at from incidents
    where state <> 'resolved' order by incident_id desc limit ${incidentsAtMost}
  `.execute(db)
  return { providers: providers.rows, incidents: incidents.rows }
}

/** Incidents: what is open, what has happened, and what people do about it. A partner sees and answers its own. */
import { listChannels } from '../../db/alert-channels.ts'
import { listAlerts } from '../../db/alert-deliveries.ts'
import { actOnIncident, type IncidentAct } from '../../db/incident-acts.ts'
import { affectedConnections, membersOf } from '../../db/incident-tracks.ts'
import {
  getIncident as findIncident,
  listIncidentEntries,
  listIncidents as selectIncidents,
  type Incident,
} from '../../db/incidents.ts'
import { incidentReport, type ReportEntry } from '../../model/incident-report.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { showAlert } from './alert-channels.ts'

type Schemas = components['schemas']

const time = (at: Date | null): string | null => at?.toISOString() ?? null
const mostShown = 200

export function showIncident({ temporal }: ApiDeps, one: Incident): Schemas['Incident'] {
  const { dedupeKey: _key, details, ...rest } = one
  const leader = one.leaderId ?? one.incidentId
  return {
    ...rest,
    details: { ...details },
    openedAt: one.openedAt.toISOString(),
    lastSeenAt: one.lastSeenAt.toISOString(),
    acknowledgedAt: time(one.acknowledgedAt),
    snoozedUntil: time(one.snoozedUntil),
    resolvedAt: time(one.resolvedAt),
    temporalUrl: temporal.workflowLink(temporal.incidentWorkflowId({ incidentId: leader })),
  }
}

async function incidentOf({ database }: ApiDeps, incidentId: string): Promise<Incident> {
  const incident = await findIncident(database.db, incidentId)
  if (!incident) throw new HubError('NoSuchThing', `There is no incident "${incidentId}".`)
  return incident
}

export const listIncidents: Handler<'listIncidents'> = async (deps, call) => {
  const before = positionOf(call, { incidentId: 'string' })?.incidentId
  const { state, provider, partnerId } = call.query
  const query = { state, provider, partnerId, before, limit: rowsFor(call) }
  const rows = await selectIncidents(deps.database.db, query)
  return listAnswer(
    call,
    rows,
    (row) => showIncident(deps, row),
    ({ incidentId }) => ({ incidentId }),
  )
}

const showEntry = ({ entryId, at, kind, actor, text }: ReportEntry & { readonly entryId: number }) => ({
  ...{ entryId, at: at.toISOString(), kind, actor, text },
})

export const getIncident: Handler<'getIncident'> = async (deps, { path }) => {
  const { db } = deps.database
  const incident = await incidentOf(deps, path.incidentId)
  const leaderId = incident.leaderId ?? incident.incidentId
  const [timeline, group, alerts, connections] = await Promise.all([
    listIncidentEntries(db, incident.incidentId),
    membersOf(db, leaderId),
    listAlerts(db, { incidentId: leaderId, limit: mostShown }),
    affectedConnections(db, incident),
  ])
  const body = {
    incident: showIncident(deps, incident),
    connections,
    group: group.map(({ incidentId }) => incidentId),
    timeline: timeline.map(showEntry),
    deliveries: alerts.map(showAlert),
  }
  return { status: 200, body, headers: { ETag: etagOf(incident) } }
}

export const getIncidentTimeline: Handler<'getIncidentTimeline'> = async (deps, { path }) => {
  const { db } = deps.database
  const incident = await incidentOf(deps, path.incidentId)
  const leaderId = incident.leaderId ?? incident.incidentId
  const [timeline, alerts, connections] = await Promise.all([
    listIncidentEntries(db, incident.incidentId),
    listAlerts(db, { incidentId: leaderId, state: 'delivered', limit: mostShown }),
    affectedConnections(db, incident),
  ])
  const channels = await listChannels(db, { ids: alerts.map(({ channelId }) => channelId), limit: mostShown })
  const told = channels.map(({ name }) => name)
  const report = incidentReport(incident, { timeline, told, connections, now: new Date() })
  return { status: 200, body: { ...report, told: [...report.told], timeline: timeline.map(showEntry) } }
}

/** Does it in the rows that the caller sees, then tells the workflow; should Temporal be away, the next sweep does. */
async function answered(
  deps: ApiDeps,
  wish: {
    readonly incidentId: string
    readonly act: IncidentAct
    readonly caller: Caller
    readonly header: { readonly 'If-Match'?: string }
  },
) {
  const { incidentId, act, caller, header } = wish
  const { incident } = await actOnIncident(deps.database.db, {
    ...{ incidentId, act, actor: caller.name, expectedVersion: expectedVersion(header['If-Match']) },
  })
  if (act.kind !== 'note') await wakeIncident(deps, incident)
  return { status: 200 as const, body: showIncident(deps, incident), headers: { ETag: etagOf(incident) } }
}

/** Only one that is told of has a workflow; the rest is found by the next sweep. */
export async function wakeIncident(deps: ApiDeps, { leaderId, ...facts }: Incident): Promise<void> {
  if (leaderId === null) return
  await deps.temporal
    .wakeIncident({ ...facts, incidentId: leaderId })
    .catch((err: unknown) => deps.log.warn({ err, incidentId: leaderId }, 'woken later'))
}

export const acknowledgeIncident: Handler<'acknowledgeIncident'> = (deps, { path, body, caller, header }) =>
  answered(deps, { ...path, act: { kind: 'acknowledge', note: body.note }, caller, header })

export const resolveIncident: Handler<'resolveIncident'> = (deps, { path, body, caller, header }) =>
  answered(deps, { ...path, act: { kind: 'resolve', note: body.note }, caller, header })

export const addIncidentNote: Handler<'addIncidentNote'> = (deps, { path, body, caller, header }) =>
  answered(deps, { ...path, act: { kind: 'note', note: body.note }, caller, header })

const weekMs = 7 * 86_400_000

export const snoozeIncident: Handler<'snoozeIncident'> = async (deps, { path, body, caller, header }) => {
  const { until, minutes, note } = body
  const refuse = (pointer: string, detail: string) => invalidInput([{ in: 'body', pointer, detail }])
  if ((until === undefined) === (minutes === undefined))
    throw refuse('/until', 'or minutes is needed, one of the two')
  const now = Date.now()
  const end = new Date(until === undefined ? now + (minutes ?? 0) * 60_000 : until)
  if (end.getTime() <= now || end.getTime() > now + weekMs)
    throw refuse('/until', 'should be in the future, and within a week')
  return await answered(deps, { ...path, act: { kind: 'snooze', until: end, note }, caller, header })
}

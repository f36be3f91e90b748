/** Alerts: what policies find, who is told of an incident and when, the messages, and what people do about it. */
import { actOnIncident } from '../db/incident-acts.ts'
import { evaluateAlerts } from './alert-evaluate.ts'
import { sendAlerts } from './alert-send.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { planAlerts } from './incident-plan.ts'
import { whileBeating } from './steady.ts'

export interface IncidentActInput {
  readonly incidentId: string
  readonly kind: 'acknowledge' | 'snooze' | 'resolve'
  /** Of a snooze. */
  readonly minutes?: number
  readonly by: string
  readonly note?: string
}

export interface IncidentActResult {
  readonly state: 'open' | 'acknowledged' | 'snoozed' | 'resolved'
  readonly changed: boolean
}

async function act(
  deps: ActivityDeps,
  { incidentId, kind, minutes = 60, by, note }: IncidentActInput,
): Promise<IncidentActResult> {
  const until = new Date(deps.clock.now().getTime() + minutes * 60_000)
  const { incident, changed } = await actOnIncident(deps.database.db, {
    ...{ incidentId, actor: by },
    act: kind === 'snooze' ? { kind, until, note } : { kind, note },
  })
  return { state: incident.state, changed }
}

export function createAlertActivities(deps: ActivityDeps) {
  return {
    evaluateAlerts: failing((_input: Record<never, never>) => whileBeating(() => evaluateAlerts(deps))),
    planAlerts: failing((input: { readonly incidentId: string }) => planAlerts(deps, input)),
    sendAlerts: failing((input: { readonly incidentId: string | null }) =>
      whileBeating(() => sendAlerts(deps, input)),
    ),
    actOnIncident: failing((input: IncidentActInput) => act(deps, input)),
  }
}

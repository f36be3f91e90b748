/**
 * Looks what the alert policies find, opens and resolves incidents for it, and sees to it that every open incident is told to whom it
 * concerns. Repeatable: what was found, followed or woken already stays as it is.
 */
import { asyncLocalStorage } from '@temporalio/activity'
import { findProblems, openPolicyProblems, type Finding } from '../db/alert-conditions.ts'
import { listPolicies } from '../db/alert-policies.ts'
import { nextAlertAt } from '../db/alert-deliveries.ts'
import { inTransaction, type Db } from '../db/client.ts'
import {
  findLeader,
  lockSweep,
  restlessIncidents,
  setLeader,
  startTrack,
  unfollowedIncidents,
  type Unfollowed,
} from '../db/incident-tracks.ts'
import { openIncident, resolveProblem } from '../db/incidents.ts'
import { tellsOf, type Policy } from '../model/alert-policy.ts'
import { messageOf } from '../platform/errors.ts'
import { findConsequences } from './alert-consequences.ts'
import type { ActivityDeps } from './deps.ts'

const actor = 'evaluateAlerts'
const mostPolicies = 2_000
const mostIncidents = 500
/** Incidents of one cause that open within this time are told of together. */
const groupSeconds = 60

export interface Evaluation {
  readonly policies: number
  /** Incidents that are new or have come back. */
  readonly opened: number
  readonly resolved: number
  /** Incidents that somebody is going to be told of from now on. */
  readonly followed: number
  readonly woken: number
  /** Messages that belong to no incident wait. */
  readonly hasOthers: boolean
  /** Policies that could not be evaluated. */
  readonly failed: number
}

export async function evaluateAlerts(deps: ActivityDeps): Promise<Evaluation> {
  const { db } = deps.database
  await deps.callStats.flush()
  const now = deps.clock.now()
  const policies = await listPolicies(db, { limit: mostPolicies })
  const evaluated = await evaluate(deps, policies, now)
  const followed = await follow(db, policies, now)
  const woken = await wake(deps, now)
  const hasOthers = (await nextAlertAt(db, null)) !== null
  return { policies: policies.length, ...evaluated, followed, woken, hasOthers }
}

async function evaluate(
  { database: { db }, log }: ActivityDeps,
  policies: readonly Policy[],
  now: Date,
): Promise<Pick<Evaluation, 'opened' | 'resolved' | 'failed'>> {
  const before = new Set(await openPolicyProblems(db))
  const isConsequence = await findConsequences(db, policies, now)
  const known = new Set<string>()
  const broken = new Set<string>()
  let opened = 0
  for (const policy of policies.filter(({ enabled }) => enabled)) {
    try {
      for (const finding of await findProblems(db, policy, now)) {
        const dedupeKey = keyOf(policy, finding)
        if (!before.has(dedupeKey) && isConsequence(policy, finding)) continue
        known.add(dedupeKey)
        const { was } = await openIncident(db, actor, problemOf(policy, dedupeKey, finding))
        if (was !== 'known') opened++
      }
    } catch (err) {
      // One that breaks must not silence the others.
      broken.add(`policy:${policy.policyId}:`)
      log.warn(
        { err, policyId: policy.policyId },
        `an alert policy could not be evaluated: ${messageOf(err)}`,
      )
    }
  }
  let resolved = 0
  for (const dedupeKey of before) {
    const isUnknown = [...broken].some((prefix) => dedupeKey.startsWith(prefix))
    if (known.has(dedupeKey) || isUnknown) continue
    const resolution = 'The condition does not hold any more.'
    if (await resolveProblem(db, dedupeKey, { actor, resolution })) resolved++
  }
  return { opened, resolved, failed: broken.size }
}

const keyOf = ({ policyId }: Policy, { subject }: Finding): string => `policy:${policyId}:${subject}`

function problemOf(policy: Policy, dedupeKey: string, found: Finding) {
  const { title, summary, provider, partnerId, connectionId, details } = found
  return {
    ...{ dedupeKey, kind: policy.condition.kind, severity: policy.severity, title, summary },
    provider: provider ?? undefined,
    partnerId: partnerId ?? undefined,
    connectionId: connectionId ?? undefined,
    details: { ...details, policyId: policy.policyId, policy: policy.name },
  }
}

/** Decides of each open incident that nobody follows yet which policies tell of it, and whether it is told of with others. */
function follow(db: Db, policies: readonly Policy[], now: Date): Promise<number> {
  return inTransaction(db, async (tx) => {
    await lockSweep(tx)
    let followed = 0
    for (const incident of await unfollowedIncidents(tx, mostIncidents)) {
      const own = policies.filter((policy) => tellsOf(policy, incident))
      if (own.length > 0) followed++
      await followOne(tx, incident, own, now)
    }
    return followed
  })
}

async function followOne(
  tx: Db,
  incident: Unfollowed,
  policies: readonly Policy[],
  now: Date,
): Promise<void> {
  const { incidentId, leaderId } = incident
  const leader =
    policies.length === 0 || leaderId !== null ? undefined : await findLeader(tx, incident, groupSeconds)
  if (leader !== undefined) {
    await setLeader(tx, incidentId, leader)
    return
  }
  // One that came back after the group it belonged to was over is told of by itself.
  if (leaderId !== incidentId) await setLeader(tx, incidentId, incidentId)
  for (const { policyId } of policies) await startTrack(tx, incident, policyId, now)
}

async function wake(deps: ActivityDeps, now: Date): Promise<number> {
  const activity = asyncLocalStorage.getStore()
  if (!activity) return 0
  const restless = await restlessIncidents(deps.database.db, now, mostIncidents)
  for (const incident of restless) await deps.wakeIncident(activity.client, incident)
  return restless.length
}

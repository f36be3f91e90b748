/**
 * Plans what is to be told of an incident next. The plan of every policy that tells of it is made in one transaction with the messages
 * that follow from it: whoever dies in between finds either both or none.
 */
import {
  addAlert,
  channelsTold,
  listAlerts,
  nextAlertAt,
  type AlertDelivery,
  type AlertKind,
} from '../db/alert-deliveries.ts'
import { listChannels, type AlertChannel } from '../db/alert-channels.ts'
import { escalationChain, getPolicy, type StoredPolicy } from '../db/alert-policies.ts'
import { maintenanceUntil } from '../db/maintenance.ts'
import { inTransaction, type Db } from '../db/client.ts'
import { endSnoozes } from '../db/incident-acts.ts'
import { lockTracks, membersOf, noteTrackRest, saveTrack, type StoredTrack } from '../db/incident-tracks.ts'
import { addIncidentEntry, type Incident } from '../db/incidents.ts'
import { decide, describeStep, stepsOf, type Decision, type Step } from '../model/escalation.ts'
import { onCall } from '../model/on-call.ts'
import { quietUntil } from '../model/quiet-hours.ts'
import type { ActivityDeps } from './deps.ts'

const actor = 'escalateIncident'
const minuteMs = 60_000
/** Without a channel it is looked again after this: somebody may have set one up. */
const noChannelMs = 5 * minuteMs
const mostChannels = 100

/** What a policy without an escalation does: tell, and tell again twice, half an hour apart. */
const standard = { waitMinutes: 30, repeats: 2 } as const

export interface AlertPlan {
  readonly incidentId: string
  readonly title: string
  readonly provider: string | null
  readonly partnerId: string | null
  readonly state: Incident['state']
  /** Everybody who had to be told that it is over has been. */
  readonly ended: boolean
  /** Messages wait, some of them for now. */
  readonly hasDue: boolean
  /** A span and not a time: clocks of workers and of Temporal may differ. Null: until something happens. */
  readonly waitMs: number | null
  /** Markdown. */
  readonly details: string
}

/** Null: there is no such incident. */
export function planAlerts(
  deps: ActivityDeps,
  { incidentId }: { readonly incidentId: string },
): Promise<AlertPlan | null> {
  return inTransaction(deps.database.db, async (tx) => {
    const tracks = await lockTracks(tx, incidentId)
    const now = deps.clock.now()
    const before = await membersOf(tx, incidentId)
    const leader = before.find((one) => one.incidentId === incidentId)
    if (!leader) return null
    const wereSnoozed = await endSnoozes(tx, incidentId, now)
    const members = await membersOf(tx, incidentId)
    const isOpen = members.some(({ state }) => state === 'open')
    const isOver = members.every(({ state }) => state === 'resolved')
    const plans: Planned[] = []
    for (const track of tracks) {
      if (track.endedAt !== null) continue
      // Somebody had taken it on, or put it off: now it begins anew.
      const isAnew = isOpen && (track.passedOn || wereSnoozed)
      const begun = isAnew ? { ...track, step: 0, passedOn: false, nextAt: now, plannedAt: now } : track
      const own = { ...begun, overAt: isOver ? (track.overAt ?? now) : null }
      if (own.overAt !== track.overAt) await saveTrack(tx, own)
      plans.push(await planTrack(tx, leader, members, own, now))
    }
    return await summed(
      tx,
      members.find((one) => one.incidentId === incidentId) ?? leader,
      members,
      plans,
      now,
    )
  })
}

interface Planned {
  readonly name: string
  readonly decision: Decision
  readonly next: Step | undefined
}

async function planTrack(
  tx: Db,
  leader: Incident,
  members: readonly Incident[],
  track: StoredTrack,
  now: Date,
): Promise<Planned> {
  const policy = await getPolicy(tx, track.policyId)
  if (!policy?.enabled) {
    await saveTrack(tx, { ...track, endedAt: now })
    return { name: policy?.name ?? track.policyId, decision: { kind: 'close', tell: false }, next: undefined }
  }
  const steps = await stepsFor(tx, policy)
  const heldUntil = await holdOf(tx, policy, leader, members, now)
  const decision = decide({ track, members, steps, now, heldUntil })
  const after = await carryOut(tx, { policy, leader, members, track, steps, now }, decision)
  return { name: policy.name, decision: after, next: steps[nextStep(track, decision)] }
}

const nextStep = ({ step }: StoredTrack, decision: Decision): number =>
  decision.kind === 'tell' ? decision.step + 1 : step

async function stepsFor(tx: Db, policy: StoredPolicy): Promise<Step[]> {
  const chain = policy.escalationId === null ? [] : await escalationChain(tx, policy.escalationId)
  if (chain.length > 0) return stepsOf(chain)
  const level = { channels: policy.channels, ...standard }
  return stepsOf([{ name: policy.name, levels: [level], rounds: 1, next: null }])
}

/** Maintenance holds everything; quiet hours let critical alerts through unless they say otherwise. */
async function holdOf(
  tx: Db,
  { quietHours }: StoredPolicy,
  leader: Incident,
  members: readonly Incident[],
  now: Date,
): Promise<Date | null> {
  const maintained = await maintenanceUntil(tx, leader, now)
  const isCritical = members.some(({ severity, state }) => severity === 'critical' && state !== 'resolved')
  const isHeld = quietHours !== null && (quietHours.holdCritical === true || !isCritical)
  const quiet = isHeld ? quietUntil(quietHours, now) : null
  return maintained === null || (quiet !== null && quiet > maintained) ? quiet : maintained
}

interface Situation {
  readonly policy: StoredPolicy
  readonly leader: Incident
  readonly members: readonly Incident[]
  readonly track: StoredTrack
  readonly steps: readonly Step[]
  readonly now: Date
}

async function carryOut(tx: Db, situation: Situation, decision: Decision): Promise<Decision> {
  const { track, now } = situation
  if (decision.kind === 'tell') return await tell(tx, situation, decision.step)
  if (decision.kind === 'close') {
    if (decision.tell) await tellAgain(tx, situation, 'resolved')
    await saveTrack(tx, { ...track, endedAt: now })
    return decision
  }
  if (decision.kind === 'wait' && decision.why === 'acknowledged' && track.told && !track.passedOn) {
    await tellAgain(tx, situation, 'acknowledged')
    await saveTrack(tx, { ...track, passedOn: true })
    return decision
  }
  // Set anew where a clock was put back, so that the rest of the wait is the rest.
  if (
    decision.kind === 'wait' &&
    decision.why === 'escalation' &&
    decision.until !== null &&
    track.plannedAt > now
  )
    await saveTrack(tx, { ...track, nextAt: decision.until, plannedAt: now })
  return decision
}

async function tell(tx: Db, situation: Situation, index: number): Promise<Decision> {
  const { policy, leader, track, steps, now } = situation
  const step = steps[index]
  const channels = step ? await channelsOf(tx, policy, step, leader, now) : []
  if (!step || channels.length === 0) return await tellNobody(tx, situation)
  for (const { channelId } of channels)
    await addAlert(
      tx,
      {
        ...{
          channelId,
          partnerId: leader.partnerId,
          incidentId: leader.incidentId,
          policyId: policy.policyId,
        },
        ...{ kind: kindOf(track, step, index), step: describeStep(step) },
      },
      now,
    )
  if (index > 0)
    await addIncidentEntry(tx, leader, {
      ...{ kind: 'escalated', actor },
      text: `${track.hurry ? 'Nobody could be reached' : 'Nobody has answered'}. ${describeStep(step)}.`,
    })
  const until = new Date(now.getTime() + step.waitMinutes * minuteMs)
  await saveTrack(tx, {
    ...track,
    ...{
      step: index + 1,
      told: true,
      hurry: false,
      passedOn: false,
      notTold: null,
      nextAt: until,
      plannedAt: now,
    },
  })
  return { kind: 'wait', until: index + 1 < steps.length ? until : null, why: 'escalation' }
}

const kindOf = (track: StoredTrack, step: Step, index: number): AlertKind =>
  !track.told ? 'opened' : index === 0 || step.repeat > 0 ? 'repeated' : 'escalated'

/** Active ones that are named, and whoever is on call; a channel is not told of itself. */
async function channelsOf(
  tx: Db,
  policy: StoredPolicy,
  step: Step,
  leader: Incident,
  now: Date,
): Promise<AlertChannel[]> {
  const ids = [...step.channels, ...(step.rotation ? onCall(step.rotation, now) : [])]
  const isAnybody = ids.length === 0 && step.rotation === null
  const found = await listChannels(tx, {
    ...(isAnybody ? { partnerId: policy.partnerId } : { ids: [...new Set(ids)] }),
    limit: mostChannels,
  })
  return found.filter(
    ({ state, channelId }) => state === 'active' && channelId !== leader.details['channelId'],
  )
}

/** It is kept and shown; and told as soon as there is a way. */
async function tellNobody(tx: Db, { leader, track, now }: Situation): Promise<Decision> {
  const notTold = 'No active channel is set up: `tieline alerts channels create`.'
  if (track.notTold !== notTold)
    await addIncidentEntry(tx, leader, { kind: 'not_told', actor, text: notTold })
  const until = new Date(now.getTime() + noChannelMs)
  await saveTrack(tx, { ...track, notTold, hurry: false, nextAt: until, plannedAt: now })
  return { kind: 'wait', until, why: 'escalation' }
}

/** Whoever was told of it is told what has become of it; an acknowledgement is for those that keep a state of their own. */
async function tellAgain(
  tx: Db,
  { leader, track, now }: Situation,
  kind: 'acknowledged' | 'resolved',
): Promise<void> {
  const { incidentId, partnerId } = leader
  const ids = await channelsTold(tx, incidentId, track.policyId, track.startedAt)
  const channels = ids.length === 0 ? [] : await listChannels(tx, { ids, limit: mostChannels })
  for (const { channelId, kind: way, state } of channels)
    if (state === 'active' && (kind === 'resolved' || way === 'pagerduty' || way === 'webhook'))
      await addAlert(
        tx,
        { channelId, partnerId, incidentId, policyId: track.policyId, kind, step: null },
        now,
      )
}

async function summed(
  tx: Db,
  leader: Incident,
  members: readonly Incident[],
  plans: readonly Planned[],
  now: Date,
): Promise<AlertPlan> {
  const { incidentId, title, provider, partnerId, state } = leader
  const alerts = await listAlerts(tx, { incidentId, limit: 20 })
  const nextMessage = soonest(await nextAlertAt(tx, incidentId), now)
  const untils = plans.flatMap(({ decision }) => {
    if (decision.kind === 'wake') return [now]
    return decision.kind === 'wait' && decision.until !== null ? [decision.until] : []
  })
  const times = [...untils, ...(nextMessage === null ? [] : [nextMessage])].map((at) => at.getTime())
  const wakeAt = times.length === 0 ? null : new Date(Math.min(...times))
  // Of what was looked at: what has changed meanwhile is news.
  const seenVersion = members.reduce((sum, { version }) => sum + version, 0)
  await noteTrackRest(tx, incidentId, { wakeAt, seenVersion })
  const isLive = plans.some(({ decision }) => decision.kind !== 'close')
  const channels = await listChannels(tx, {
    ids: alerts.map(({ channelId }) => channelId),
    limit: mostChannels,
  })
  return {
    ...{ incidentId, title, provider, partnerId, state },
    ended: !isLive && nextMessage === null,
    hasDue: alerts.some((one) => one.state === 'waiting'),
    waitMs: wakeAt === null ? null : Math.max(0, wakeAt.getTime() - now.getTime()),
    details: detailsOf(leader, members, plans, alerts, channels),
  }
}

/** No pause is longer: what lies farther ahead was planned by a clock that was put back since. */
const longestPauseMs = 20 * minuteMs

const soonest = (at: Date | null, now: Date): Date | null =>
  at !== null && at.getTime() - now.getTime() > longestPauseMs ? now : at

const words: Readonly<Record<string, string>> = {
  held: 'quiet hours or maintenance',
  acknowledged: 'somebody has taken it on',
  snoozed: 'snoozed',
  exhausted: 'everybody has been told; nothing more is sent',
  settling: 'over; told when it stays so',
}

/** Who was told when, what comes next, and how to answer: for the Temporal UI. */
function detailsOf(
  leader: Incident,
  members: readonly Incident[],
  plans: readonly Planned[],
  alerts: readonly AlertDelivery[],
  channels: readonly AlertChannel[],
): string {
  const names = new Map(channels.map(({ channelId, name }) => [channelId, name]))
  const rows = alerts.map(
    ({ createdAt, endedAt, channelId, kind, state, lastError }) =>
      `| ${(endedAt ?? createdAt).toISOString().slice(0, 19)} | ${names.get(channelId) ?? channelId} | ${kind} | ${state}${lastError === null ? '' : `: ${lastError}`} |`,
  )
  const open = members.filter(({ state }) => state !== 'resolved').length
  const next = plans.map(({ name, decision, next }) => `- **${name}**: ${sentence(decision, next)}`)
  const isOver = leader.state === 'resolved'
  return [
    `**${leader.title}** (${leader.severity}, ${leader.state}${members.length > 1 ? `; ${open} of ${members.length} open` : ''})`,
    leader.summary,
    ...(rows.length === 0
      ? ['Nobody has been told.']
      : [['| when | channel | what | how |', '| --- | --- | --- | --- |', ...rows].join('\n')]),
    ...(next.length === 0 ? [] : [next.join('\n')]),
    ...(isOver ? [] : [`Take it on: \`tieline incidents acknowledge ${leader.incidentId}\``]),
  ].join('\n\n')
}

function sentence(decision: Decision, next: Step | undefined): string {
  if (decision.kind !== 'wait') return decision.kind === 'close' ? 'over' : 'now'
  const until = decision.until === null ? '' : ` until ${decision.until.toISOString().slice(0, 19)}`
  if (decision.why === 'escalation' && next) return `if nobody answers${until}, then ${describeStep(next)}`
  return `${words[decision.why] ?? 'everybody has been told'}${until}`
}

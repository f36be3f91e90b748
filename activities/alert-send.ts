/**
 * Sends the messages of an incident that are due. Each is claimed before it is sent and tried for hours, with pauses that grow; how it went
 * is in the timeline. A channel that takes nothing is called down: an incident of its own, and the next level is told at once.
 */
import { appendAudit } from '../db/audit.ts'
import {
  getChannel,
  noteChannel,
  noteChannelError,
  openChannel,
  type AlertChannel,
} from '../db/alert-channels.ts'
import { claimAlerts, listAlerts, settleAlert, type AlertDelivery } from '../db/alert-deliveries.ts'
import { inTransaction, type Db } from '../db/client.ts'
import { affectedConnections, hurryTracks, membersOf } from '../db/incident-tracks.ts'
import { addIncidentEntry, hasEntryOf, openIncident, resolveProblem, type Incident } from '../db/incidents.ts'
import { kindNow, type AlertFacts } from '../model/alert-message.ts'
import { linkActions } from '../platform/secrets/incident-link.ts'
import { sendBy, type SendAnswer } from './alert-channel.ts'
import type { ActivityDeps } from './deps.ts'

const actor = 'escalateIncident'
/** Longer than an attempt can last. */
const leaseMs = 90_000
const atOnce = 20
/** After so many attempts in a row a channel counts as down. */
const downAfter = 3
/** Pauses after each attempt; the last one goes on. About twelve hours altogether. */
const pausesSeconds = [5, 15, 30, 60, 120, 300, 600, 900] as const
const mostAttempts = 55
const linkDays = 7
const titlesShown = 10

export interface Sent {
  readonly sent: number
  readonly failed: number
}

/** @param incidentId null: what belongs to no incident. */
export async function sendAlerts(
  deps: ActivityDeps,
  { incidentId }: { readonly incidentId: string | null },
): Promise<Sent> {
  const { db } = deps.database
  const now = deps.clock.now()
  const claimed = await claimAlerts(db, incidentId, { now, leaseMs, limit: atOnce })
  const outcomes = await Promise.all(claimed.map((alert) => sendOne(deps, alert)))
  return { sent: outcomes.filter(Boolean).length, failed: outcomes.filter((ok) => !ok).length }
}

async function sendOne(deps: ActivityDeps, alert: AlertDelivery): Promise<boolean> {
  const { db } = deps.database
  const channel = await getChannel(db, alert.channelId)
  if (!channel || (channel.state !== 'active' && alert.kind !== 'test')) {
    const now = deps.clock.now()
    await settleAlert(db, alert, {
      state: 'discarded',
      error: 'The channel is switched off.',
      nextAt: now,
      now,
    })
    return false
  }
  const members = alert.incidentId === null ? [] : await membersOf(db, alert.incidentId)
  const leader = members.find((one) => one.incidentId === alert.incidentId)
  const facts = leader ? await factsOf(deps, alert, channel, leader, members) : testFacts(deps, alert)
  const secrets = await openChannel(db, deps.vault, channel.channelId)
  const answer = await sendBy(deps, channel, secrets, alert, facts)
  await inTransaction(db, (tx) => settle(deps, tx, alert, channel, leader, answer))
  return answer.error === null
}

const pauseOf = (attempts: number): number =>
  (pausesSeconds[Math.min(attempts, pausesSeconds.length - 1)] ?? 900) * 1000

async function settle(
  deps: ActivityDeps,
  tx: Db,
  alert: AlertDelivery,
  channel: AlertChannel,
  leader: Incident | undefined,
  { error, isRefused }: SendAnswer,
): Promise<void> {
  const now = deps.clock.now()
  const attempt = alert.attempts + 1
  const isLast = alert.kind === 'test' || attempt >= mostAttempts
  const state = error === null ? 'delivered' : isLast ? 'failed' : 'waiting'
  const nextAt = new Date(now.getTime() + pauseOf(alert.attempts))
  await settleAlert(tx, alert, { state, error, nextAt, now })
  if (error === null) await noteReached(tx, alert, channel, leader, now)
  else {
    await noteChannelError(tx, channel.channelId, error)
    const isDown = isRefused || attempt >= downAfter || channel.downSince !== null
    if (alert.kind !== 'test' && isDown) await noteDown(tx, alert, channel, leader, error, now)
    if (state === 'failed' && leader)
      await addIncidentEntry(tx, leader, {
        ...{
          kind: 'not_told',
          actor,
          text: `"${channel.name}" was given up after ${attempt} attempts: ${error}`,
        },
        details: { channelId: channel.channelId },
      })
  }
}

async function noteReached(
  tx: Db,
  alert: AlertDelivery,
  channel: AlertChannel,
  leader: Incident | undefined,
  now: Date,
): Promise<void> {
  const { channelId, name } = channel
  if (leader)
    await addIncidentEntry(tx, leader, {
      ...{ kind: 'told', actor, text: `"${name}" (${channel.kind}) was told: ${alert.step ?? alert.kind}.` },
      details: { channelId, deliveryId: alert.deliveryId, kind: alert.kind },
    })
  const isBack = await noteChannel(tx, channelId, { ok: true, now })
  await resolveProblem(tx, `channel:${channelId}`, { actor, resolution: `"${name}" takes messages again.` })
  if (isBack)
    await appendAudit(tx, { actor, action: 'alert_channel.up', subject: channelId, ...ownerOf(channel) })
}

const ownerOf = ({ partnerId }: AlertChannel) => (partnerId === null ? {} : { partnerId })

async function noteDown(
  tx: Db,
  alert: AlertDelivery,
  channel: AlertChannel,
  leader: Incident | undefined,
  error: string,
  now: Date,
): Promise<void> {
  const { channelId, name } = channel
  const isNews = await noteChannel(tx, channelId, { ok: false, error, now })
  if (leader && !(await hasEntryOf(tx, leader.incidentId, 'not_told', alert.deliveryId))) {
    await addIncidentEntry(tx, leader, {
      ...{ kind: 'not_told', actor, text: `"${name}" could not be reached: ${error} It is tried on.` },
      details: { channelId, deliveryId: alert.deliveryId },
    })
    await hurryTracks(tx, leader.incidentId)
  }
  await openIncident(tx, actor, {
    ...{ dedupeKey: `channel:${channelId}`, kind: 'channel', severity: 'warning', culprit: 'hub' },
    title: `The alert channel "${name}" takes nothing`,
    summary: `${error} Mend it, then try it: \`tieline alerts test ${channelId}\`.`,
    partnerId: channel.partnerId ?? undefined,
    details: { channelId, connections: 0 },
  })
  if (isNews)
    await appendAudit(tx, {
      ...{ actor, action: 'alert_channel.down', subject: channelId, ...ownerOf(channel) },
      details: { deliveryId: alert.deliveryId },
    })
}

async function factsOf(
  deps: ActivityDeps,
  alert: AlertDelivery,
  { channelId }: AlertChannel,
  leader: Incident,
  members: readonly Incident[],
): Promise<AlertFacts> {
  const { db } = deps.database
  const now = deps.clock.now()
  const unresolved = members.filter(({ state }) => state !== 'resolved')
  const state = unresolved.length === 0 ? 'resolved' : stateOf(leader, unresolved)
  const kind = kindNow({ kind: alert.kind, state })
  const affected = await Promise.all(members.map((one) => affectedConnections(db, one)))
  return {
    ...{ kind, state, now, step: alert.step, hub: deps.config.publicUrl },
    ...{ incidentId: leader.incidentId, title: leader.title, summary: leader.summary },
    ...{
      severity: leader.severity,
      culprit: leader.culprit,
      openedAt: leader.openedAt,
      reopened: leader.reopened,
    },
    ...{ resolvedAt: state === 'resolved' ? leader.resolvedAt : null, acknowledgedBy: leader.acknowledgedBy },
    provider: leader.provider === null ? null : (deps.findProvider(leader.provider)?.name ?? leader.provider),
    connections: affected.reduce((sum, n) => sum + n, 0),
    group: members.length,
    titles: members.slice(0, titlesShown).map(({ title }) => title),
    unreached: await unreachedBy(db, leader.incidentId, channelId),
    links: state === 'resolved' ? [] : await linksOf(deps, leader, channelId, now),
  }
}

const stateOf = (leader: Incident, unresolved: readonly Incident[]): Incident['state'] =>
  leader.state === 'resolved' ? (unresolved[0]?.state ?? 'open') : leader.state

/** Names of the other channels whose messages about it do not get through. */
async function unreachedBy(db: Db, incidentId: string, channelId: string): Promise<string[]> {
  const waiting = await listAlerts(db, { incidentId, state: 'waiting', limit: 20 })
  const others = waiting.filter((one) => one.channelId !== channelId && one.attempts > 0)
  const channels = await Promise.all(others.map((one) => getChannel(db, one.channelId)))
  return channels.flatMap((one) => (one ? [one.name] : []))
}

const labels = { acknowledge: 'Take it on', snooze: 'Snooze for an hour', resolve: 'It is over' } as const

async function linksOf(
  { incidentLinks, config }: ActivityDeps,
  { incidentId, reopened }: Incident,
  channelId: string,
  now: Date,
): Promise<AlertFacts['links']> {
  const expiresAt = new Date(Math.max(now.getTime(), Date.now()) + linkDays * 86_400_000)
  return await Promise.all(
    linkActions.map(async (action) => ({
      label: labels[action],
      url: `${config.publicUrl}/incidents/act/${await incidentLinks.sign({ incidentId, action, reopened, channelId }, expiresAt)}`,
    })),
  )
}

function testFacts(deps: ActivityDeps, alert: AlertDelivery): AlertFacts {
  const now = deps.clock.now()
  return {
    ...{ kind: 'test', incidentId: alert.deliveryId, severity: 'info', state: 'open', openedAt: now, now },
    ...{ title: 'This is a test', summary: 'The channel works: alerts of the hub will come this way.' },
    ...{ provider: null, culprit: null, resolvedAt: null, acknowledgedBy: null, reopened: 0, connections: 0 },
    ...{ group: 1, titles: [], step: null, unreached: [], links: [], hub: deps.config.publicUrl },
  }
}

/** Incidents, policies and channels, with a clock that a test sets. */
import { MockActivityEnvironment } from '@temporalio/testing'
import { evaluateAlerts, type Evaluation } from '../../activities/alert-evaluate.ts'
import { sendAlerts } from '../../activities/alert-send.ts'
import type { ActivityDeps } from '../../activities/deps.ts'
import { planAlerts, type AlertPlan } from '../../activities/incident-plan.ts'
import { insertChannel, sealChannel, type ChannelKind, type ChannelSecrets } from '../../db/alert-channels.ts'
import { insertPolicy, putEscalation, type StoredPolicy } from '../../db/alert-policies.ts'
import { openIncident, type FoundProblem } from '../../db/incidents.ts'
import type { PolicyDefinition } from '../../model/alert-policy.ts'
import type { Level } from '../../model/escalation.ts'
import type { Clock } from '../../platform/clock.ts'
import { newId } from '../../platform/new-id.ts'
import { createTestDatabase } from './postgres.ts'
import { createTestHub } from './worker.ts'

export async function makeChannel(
  { database: { db }, vault }: ActivityDeps,
  name: string,
  kind: ChannelKind,
  secrets: ChannelSecrets,
): Promise<string> {
  const channelId = newId('alertChannel')
  const sealed = await sealChannel(db, vault, channelId, secrets)
  await insertChannel(db, {
    channelId,
    partnerId: null,
    name,
    kind,
    target: 'test',
    createdBy: 'test',
    sealed,
  })
  return channelId
}

export async function makeEscalation(
  { database: { db } }: ActivityDeps,
  levels: readonly Level[],
): Promise<string> {
  const escalationId = newId('escalation')
  await putEscalation(db, escalationId, null, { name: 'Ladder', levels, rounds: 1, next: null }, 'test')
  return escalationId
}

export function makePolicy(
  { database: { db } }: ActivityDeps,
  wish: Partial<PolicyDefinition>,
): Promise<StoredPolicy> {
  const definition: PolicyDefinition = {
    ...{
      name: 'A policy',
      provider: null,
      condition: { kind: 'incident' },
      severity: 'warning',
      channels: [],
    },
    ...{ escalationId: null, quietHours: null, enabled: true },
    ...wish,
  }
  return insertPolicy(db, newId('alertPolicy'), null, definition, 'test')
}

/** A problem of a provider that no other test has. */
export async function happens(
  { database: { db } }: ActivityDeps,
  provider: string,
  more: Partial<FoundProblem> = {},
): Promise<string> {
  const { incident } = await openIncident(db, 'test', {
    ...{ dedupeKey: `outage:${provider}`, kind: 'outage', severity: 'critical', provider },
    ...{ title: `${provider} is down`, summary: 'It does not answer.' },
    ...more,
  })
  return incident.incidentId
}

/** Without workflows: what they would do, a step at a time. */
export async function startAlertBench() {
  const database = await createTestDatabase()
  const hub = await createTestHub({ database: database.database, providers: [], startWorkers: false })
  let ahead = 0
  const clock: Clock = { now: () => new Date(Date.now() + ahead), sleep: () => Promise.resolve() }
  const woken: string[] = []
  const deps: ActivityDeps = {
    ...hub.deps,
    clock,
    wakeIncident: (_client, { incidentId }) => {
      woken.push(incidentId)
      return Promise.resolve()
    },
  }
  const environment = new MockActivityEnvironment({}, { client: hub.temporal.client })
  return {
    deps,
    db: database.database.db,
    advance: (ms: number): void => void (ahead += ms),
    evaluate: async (): Promise<{ result: Evaluation; woken: string[] }> => {
      woken.length = 0
      const result = await environment.run<[], Evaluation, () => Promise<Evaluation>>(() =>
        evaluateAlerts(deps),
      )
      return { result, woken: [...woken] }
    },
    /** Plans and sends until it rests. */
    turn: async (incidentId: string): Promise<AlertPlan> => {
      for (let n = 0; n < 20; n++) {
        const plan = await planAlerts(deps, { incidentId })
        if (!plan) throw new Error('there is no such incident')
        if (!plan.hasDue || plan.waitMs !== 0) return plan
        const { sent, failed } = await sendAlerts(deps, { incidentId })
        if (sent + failed === 0) return plan
      }
      throw new Error('it does not come to rest')
    },
    close: async (): Promise<void> => {
      await hub.close()
      await database.drop()
    },
  }
}

/**
 * The schedules of what the hub does for itself. This list is the only place that they come from: a worker makes them at its
 * start, the doctor looks whether they are there. Those of connections and automations follow their rows.
 */
import { ScheduleNotFoundError, type ScheduleOptions, type ScheduleSpec } from '@temporalio/client'
import type { Duration } from '@temporalio/common'
import type { ReviewWorkflow } from '../model/reviews.ts'
import { isMadeNow, reaching } from './client-errors.ts'
import type { HubClientOptions } from './client-options.ts'
import type * as Workflows from './index.ts'
import { workflowIds } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'

export interface HubScheduleSettings {
  /** Slugs whose connections are checked. */
  readonly providers: readonly string[]
  readonly healthEverySeconds: number
  /** 0: signing keys are replaced by hand only. */
  readonly signingKeyDays: number
}

interface HubSchedule {
  readonly workflow: keyof typeof Workflows
  readonly id: string
  readonly spec: ScheduleSpec
  readonly catchUp: Duration
  readonly args?: readonly unknown[]
  readonly provider?: string
  /** A tick that comes while the last run goes on is not left out: it starts when that ends. */
  readonly waits?: true
  /** Its times are a setting: one that is there is brought in line. The others may be changed by hand, and stay so. */
  readonly followsSettings?: true
}

const dayMs = 86_400_000

/** Times are UTC: in the night of most, and not all at the same minute. */
function hubSchedules(taskQueue: string, settings: HubScheduleSettings): HubSchedule[] {
  const { keepCredentialsAlive, enforceKeyAge, evaluateAlerts, sweepInbox, keepSubscriptions } = workflowIds
  return [
    {
      ...{ workflow: 'keepCredentialsAlive', id: keepCredentialsAlive(taskQueue), args: [{}] },
      ...{ spec: { calendars: [{ hour: 3, minute: 20 }], jitter: '30 minutes' }, catchUp: '12 hours' },
    },
    {
      ...{ workflow: 'enforceKeyAge', id: enforceKeyAge(taskQueue), args: [{}] },
      ...{ spec: { intervals: [{ every: '1 hour' }], jitter: '5 minutes' }, catchUp: '1 hour' },
    },
    {
      ...{ workflow: 'evaluateAlerts', id: evaluateAlerts(taskQueue) },
      ...{ spec: { intervals: [{ every: '1 minute' }] }, catchUp: '1 minute' },
    },
    {
      ...{ workflow: 'sweepInbox', id: sweepInbox(taskQueue) },
      ...{ spec: { intervals: [{ every: '1 minute' }] }, catchUp: '1 minute' },
    },
    {
      ...{ workflow: 'keepSubscriptions', id: keepSubscriptions(taskQueue) },
      ...{ spec: { intervals: [{ every: '15 minutes' }] }, catchUp: '1 minute' },
    },
    {
      ...{ workflow: 'verifyMany', id: workflowIds.verifyMany(taskQueue), args: [{}] },
      ...{ spec: { calendars: [{ hour: 3 }], jitter: '30 minutes' }, catchUp: '1 hour' },
    },
    ...ofBooks(taskQueue),
    ...ofReviews(taskQueue),
    ...ofSettings(taskQueue, settings),
  ]
}

const ofBooks = (taskQueue: string): HubSchedule[] => [
  {
    ...{ workflow: 'closeStatements', id: workflowIds.closeStatements(taskQueue) },
    ...{ spec: { calendars: [{ dayOfMonth: 3, hour: 4, minute: 10 }] }, catchUp: '7 days' },
  },
  {
    ...{ workflow: 'checkLedgers', id: workflowIds.checkLedgers(taskQueue) },
    ...{ spec: { calendars: [{ hour: 2, minute: 40 }] }, catchUp: '7 days' },
  },
]

const reviewTimes = {
  enforceRetention: { hour: 2, minute: 17 },
  dailyHealthReport: { hour: 5, minute: 3 },
  weeklyReview: { hour: 5, minute: 23, dayOfWeek: 'MONDAY' },
  securityAudit: { hour: 5, minute: 43, dayOfMonth: 1 },
} as const satisfies Record<ReviewWorkflow, object>

const ofReviews = (taskQueue: string): HubSchedule[] =>
  (Object.keys(reviewTimes) as ReviewWorkflow[]).map((workflow) => ({
    ...{ workflow, id: workflowIds.review(taskQueue, workflow), args: [{}] },
    ...{ spec: { calendars: [reviewTimes[workflow]], jitter: '2 minutes' }, catchUp: '1 day' },
  }))

const ofSettings = (
  taskQueue: string,
  { providers, healthEverySeconds: everySeconds, signingKeyDays }: HubScheduleSettings,
): HubSchedule[] => [
  ...providers.map((provider): HubSchedule => ({
    ...{ workflow: 'checkHealth', id: workflowIds.checkHealth(taskQueue, provider), provider },
    // A run of an outage lasts until the next is due, which then goes on with its canary.
    ...{ args: [{ provider, everySeconds }], followsSettings: true, waits: true },
    // Providers are not asked all in the same moment.
    ...{ spec: { intervals: [{ every: everySeconds * 1000 }], jitter: everySeconds * 100 } },
    catchUp: '1 minute',
  })),
  ...(signingKeyDays === 0 ? [] : [rotationOfSigningKeys(taskQueue, signingKeyDays)]),
]

const rotationOfSigningKeys = (taskQueue: string, days: number): HubSchedule => ({
  ...{ workflow: 'rotateSigningKeys', id: workflowIds.rotateSigningKeys(taskQueue), followsSettings: true },
  args: [taskQueue === 'tieline' ? {} : { hub: taskQueue }],
  ...{ spec: { intervals: [{ every: days * dayMs }], jitter: '1 hour' }, catchUp: '1 day' },
})

const optionsOf = (one: HubSchedule, taskQueue: string): ScheduleOptions => ({
  scheduleId: one.id,
  spec: one.spec,
  policies: { overlap: one.waits ? 'BUFFER_ONE' : 'SKIP', catchupWindow: one.catchUp },
  action: {
    type: 'startWorkflow',
    workflowType: one.workflow,
    workflowId: one.id,
    taskQueue,
    args: [...(one.args ?? [])],
    ...(one.provider === undefined
      ? {}
      : { typedSearchAttributes: searchAttributes({ provider: one.provider }) }),
  },
})

export function createHubScheduleClient({ client, taskQueue }: HubClientOptions) {
  const ensure = async (one: HubSchedule): Promise<void> => {
    const options = optionsOf(one, taskQueue)
    if ((await isMadeNow(() => client.schedule.create(options))) || !one.followsSettings) return
    const { spec, action, policies } = options
    await client.schedule
      .getHandle(one.id)
      .update((before) => ({ ...before, spec, action, ...(policies ? { policies } : {}) }))
  }
  const removeRotation = async (): Promise<void> => {
    try {
      await client.schedule.getHandle(workflowIds.rotateSigningKeys(taskQueue)).delete()
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error
    }
  }
  return {
    /** Makes the schedules of the hub itself. Repeatable. */
    ensureHubSchedules: (settings: HubScheduleSettings): Promise<void> =>
      reaching(async () => {
        for (const one of hubSchedules(taskQueue, settings)) await ensure(one)
        if (settings.signingKeyDays === 0) await removeRotation()
      }),

    /** Which of them are not there, and which somebody has paused. */
    lookAtSchedules: (
      settings: HubScheduleSettings,
    ): Promise<{
      readonly expected: readonly string[]
      readonly missing: readonly string[]
      readonly paused: readonly string[]
    }> =>
      reaching(async () => {
        const expected = hubSchedules(taskQueue, settings).map(({ id }) => id)
        const missing: string[] = []
        const paused: string[] = []
        for (const id of expected) {
          try {
            if ((await client.schedule.getHandle(id).describe()).state.paused) paused.push(id)
          } catch (error) {
            if (!(error instanceof ScheduleNotFoundError)) throw error
            missing.push(id)
          }
        }
        return { expected, missing, paused }
      }),
  }
}

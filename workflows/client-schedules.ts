/** Each connection's schedule: made, changed, paused and deleted with the connection, whose row is the truth. */
import {
  ScheduleNotFoundError,
  type Client,
  type ScheduleClient,
  type ScheduleSummary,
} from '@temporalio/client'
import { HubError } from '../platform/errors.ts'
import { isMadeNow, reaching } from './client-errors.ts'
import { workflowIds } from './messages.ts'
import type { startScheduledSync } from './scheduled-sync.ts'
import { searchAttributes } from './search-attributes.ts'

/** What a schedule must know of its connection. A `Connection` of the store fits. */
export interface ScheduledConnection {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly name: string
  readonly state: string
  readonly syncIntervalSeconds: number
}

/** What `list` tells of a schedule, enough to see whether it needs a change. */
export interface KnownSchedule {
  readonly connectionId: string
  readonly everyMs: number | undefined
  readonly isPaused: boolean
}

const prefix = workflowIds.syncSchedule('')
const pausedNote = 'Paused with its connection. Mend or resume the connection, not the schedule.'
const runningNote = 'Follows its connection.'

/** A schedule as Temporal holds it. */
export interface SyncSchedule extends KnownSchedule {
  readonly nextTicks: readonly Date[]
  readonly lastTicks: readonly Date[]
}

export interface ScheduleClientOptions {
  readonly client: Client
  readonly taskQueue: string
}

type SyncScheduleOptions = Parameters<typeof ScheduleClient.prototype.create<typeof startScheduledSync>>[0]

export function createScheduleClient({ client, taskQueue }: ScheduleClientOptions) {
  const handle = (connectionId: string) => client.schedule.getHandle(workflowIds.syncSchedule(connectionId))
  const missing = (connectionId: string) => (error: unknown) => {
    if (!(error instanceof ScheduleNotFoundError)) throw error
    throw new HubError('NoSuchThing', `The connection "${connectionId}" has no schedule.`, { cause: error })
  }

  return {
    /** Makes the connection's schedule, or brings it in line with the connection's interval and state. Repeatable. */
    ensureSyncSchedule: (connection: ScheduledConnection): Promise<void> =>
      reaching(async () => {
        const options = optionsOf(connection, taskQueue)
        if (await isMadeNow(() => client.schedule.create(options))) return
        const { spec, action, policies, state, typedSearchAttributes } = options
        const change = { spec, action, state: state ?? {}, ...(policies ? { policies } : {}) }
        await handle(connection.connectionId).update(() => ({
          ...change,
          ...(typedSearchAttributes ? { typedSearchAttributes } : {}),
        }))
      }),

    /** @throws HubError `NoSuchThing` where there is no schedule. */
    describeSyncSchedule: (connectionId: string): Promise<SyncSchedule> =>
      reaching(async () => {
        const { spec, state, info } = await handle(connectionId).describe().catch(missing(connectionId))
        return {
          connectionId,
          everyMs: spec.intervals?.[0]?.every,
          isPaused: state.paused,
          nextTicks: info.nextActionTimes,
          lastTicks: info.recentActions.map(({ takenAt }) => takenAt),
        }
      }),

    /** @throws HubError `NoSuchThing` where there is no schedule. */
    pauseSyncSchedule: (connectionId: string): Promise<void> =>
      reaching(() => handle(connectionId).pause(pausedNote).catch(missing(connectionId))),

    resumeSyncSchedule: (connectionId: string): Promise<void> =>
      reaching(() => handle(connectionId).unpause(runningNote).catch(missing(connectionId))),

    /** Starts a scheduled sync now, as "Trigger" in the Temporal UI does. */
    triggerSyncSchedule: (connectionId: string): Promise<void> =>
      reaching(() => handle(connectionId).trigger('SKIP').catch(missing(connectionId))),

    /** Repeatable: a schedule that is gone already is no error. */
    deleteSyncSchedule: (connectionId: string): Promise<void> =>
      reaching(async () => {
        await handle(connectionId)
          .delete()
          .catch((error: unknown) => {
            if (!(error instanceof ScheduleNotFoundError)) throw error
          })
      }),

    /** All sync schedules of the namespace, those of other hubs included. May lag behind the last changes by moments. */
    listSyncSchedules: (): Promise<KnownSchedule[]> =>
      reaching(async () => {
        const known: KnownSchedule[] = []
        for await (const one of client.schedule.list({ pageSize: 1000 })) {
          if (one.scheduleId.startsWith(prefix)) known.push(knownOf(one))
        }
        return known
      }),

    /** True when the schedule starts work on this hub's queue: several hubs may share a namespace. */
    isOurSyncSchedule: async (connectionId: string): Promise<boolean> => {
      try {
        const { action } = await handle(connectionId).describe()
        return action.taskQueue === taskQueue
      } catch {
        // Gone meanwhile, or sealed with another hub's keys.
        return false
      }
    },
  }
}

/** A connection that waits for a person has nothing to be woken for. */
export const isPausedIn = (state: string): boolean => state === 'paused' || state === 'needs_attention'

function optionsOf(connection: ScheduledConnection, taskQueue: string): SyncScheduleOptions {
  const { connectionId, syncIntervalSeconds } = connection
  const paused = isPausedIn(connection.state)
  const everyMs = syncIntervalSeconds * 1000
  return {
    scheduleId: workflowIds.syncSchedule(connectionId),
    // Jitter spreads the connections of a hub that was started all at once.
    spec: {
      intervals: [{ every: everyMs, offset: offsetOf(connectionId, everyMs) }],
      jitter: Math.round(everyMs / 10),
    },
    policies: { overlap: 'SKIP', catchupWindow: '1 minute' },
    state: { paused, note: paused ? pausedNote : runningNote },
    typedSearchAttributes: searchAttributes(connection),
    action: {
      type: 'startWorkflow',
      workflowType: 'startScheduledSync',
      workflowId: workflowIds.scheduledSync(connectionId),
      taskQueue,
      args: [{ connectionId }],
    },
  }
}

/** Intervals count from the epoch: without an offset all connections of one interval would tick together. */
function offsetOf(connectionId: string, everyMs: number): number {
  let hash = 0
  for (const character of connectionId) hash = (hash * 31 + character.charCodeAt(0)) >>> 0
  return (hash % Math.floor(everyMs / 1000)) * 1000
}

function knownOf({ scheduleId, spec, state }: ScheduleSummary): KnownSchedule {
  return {
    connectionId: scheduleId.slice(prefix.length),
    everyMs: spec?.intervals?.[0]?.every,
    isPaused: state.paused,
  }
}

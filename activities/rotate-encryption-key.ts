/**
 * Taking a key of the ring out of use: every data key that it wraps is wrapped by the current one instead, batch by batch, each with its
 * progress in one transaction. What has not been done is what the old key still wraps: a crash costs nothing and needs no cursor.
 */
import { Context } from '@temporalio/activity'
import { ScheduleNotFoundError, type Client } from '@temporalio/client'
import { inTransaction } from '../db/client.ts'
import { ringHolders, ringKeyFacts } from '../db/ring-keys.ts'
import { changeRotation, lockRotation, openRotationOf } from '../db/rotations.ts'
import { HubError } from '../platform/errors.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { factsOf, type RotationFacts, type RotationKey } from './rotations.ts'

const batch = 200
/** An activity ends after so long, so that a stop of the worker, or a cancellation, is soon felt. */
const sliceMs = 10_000

interface Wish {
  readonly ringKeyId: string
  readonly startedBy?: string
}

export interface RingFacts extends RotationFacts {
  readonly currentKeyId: string
}

async function begin(deps: ActivityDeps, { ringKeyId, startedBy }: Wish): Promise<RingFacts> {
  const { database, vault } = deps
  const { currentId, ids } = vault.ring
  if (ringKeyId === currentId)
    throw new HubError(
      'InvalidInput',
      `The key "${ringKeyId}" is the current one. Put a new one in front of TIELINE_ENCRYPTION_KEYS first ("tieline secrets rotate-ring" does it on the embedded hub).`,
    )
  if (!ids.includes(ringKeyId))
    throw new HubError('InvalidInput', `TIELINE_ENCRYPTION_KEYS holds no key "${ringKeyId}".`)
  const { rotation } = await openRotationOf(database.db, {
    ...{ kind: 'encryption_key', subject: ringKeyId, partnerId: null, facts: { currentKeyId: currentId } },
    ...{ graceSeconds: null, mostGraceSeconds: null, startedBy: startedBy ?? 'temporal' },
  })
  return { ...factsOf(rotation), currentKeyId: currentId }
}

/**
 * Processes that do not seal with the current key yet. Until they do nothing is wrapped by it: they could not read it, or would go on
 * wrapping new data keys by the old one.
 */
async function whoLags(deps: ActivityDeps): Promise<readonly string[]> {
  const { currentId } = deps.vault.ring
  const holders = await ringHolders(deps.database.db)
  return holders.flatMap(({ process, currentKeyId }) => (currentKeyId === currentId ? [] : [process]))
}

export interface Rewrapped {
  readonly done: number
  readonly left: number
}

async function slice(deps: ActivityDeps, { rotationId }: RotationKey): Promise<Rewrapped> {
  const { database, vault } = deps
  const until = Date.now() + sliceMs
  for (;;) {
    const { count, done, left } = await inTransaction(database.db, async (tx) => {
      const rotation = await lockRotation(tx, rotationId)
      const count = await vault.rewrap(tx, rotation.subject, batch)
      const facts = await ringKeyFacts(tx)
      const left = facts.find(({ keyId }) => keyId === rotation.subject)?.dataKeys ?? 0
      const done = rotation.done + count
      await changeRotation(tx, rotationId, { state: 'working', done, total: done + left })
      return { count, done, left }
    })
    Context.current().heartbeat()
    if (left === 0 || count === 0 || Date.now() > until) return { done, left }
    Context.current().cancellationSignal.throwIfAborted()
  }
}

/**
 * Inputs of schedules lie in Temporal as they were encrypted when they were made, for years: each is read and written once, which
 * encrypts it with the current key. Answers how many are this hub's. Repeatable.
 */
async function renewSchedules(deps: ActivityDeps, client: Client): Promise<number> {
  let renewed = 0
  for await (const { scheduleId } of client.schedule.list({ pageSize: 500 })) {
    Context.current().heartbeat()
    try {
      const handle = client.schedule.getHandle(scheduleId)
      if ((await handle.describe()).action.taskQueue !== deps.config.taskQueue) continue
      await handle.update((before) => before)
      renewed++
    } catch (error) {
      // Gone meanwhile, or sealed with another hub's keys, who shares the namespace.
      if (error instanceof ScheduleNotFoundError || (error instanceof Error && error.name === 'ValueError'))
        continue
      throw error
    }
  }
  return renewed
}

export function createRingRotationActivities(deps: ActivityDeps) {
  return {
    beginRingRotation: failing((input: Wish) => begin(deps, input)),
    listLaggingProcesses: failing((_none: object) => whoLags(deps)),
    rewrapDataKeys: failing((input: RotationKey) => slice(deps, input)),
    renewScheduleInputs: failing((_none: object) => renewSchedules(deps, Context.current().client)),
  }
}

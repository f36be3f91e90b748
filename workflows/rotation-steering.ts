/** How a person steers a rotation: updates that wait for what comes of them. Handlers are there before the first await of the workflow. */
import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { RotationFacts } from '../activities/rotations.ts'
import { failureNote } from './failure-note.ts'
import { retry } from './retry.ts'
import {
  confirmUpdate,
  endOldUpdate,
  extendUpdate,
  lookAgainSignal,
  takeBackUpdate,
  type ExtendRotation,
  type RotationResult,
} from './rotation-messages.ts'
import { invalidInput } from './validate.ts'

/** The short steps of a rotation in the store. @param summary as Temporal's UI shows it. */
export const steps = (summary: string) =>
  proxyActivities<Activities>({ startToCloseTimeout: '30 seconds', retry: retry.database, summary })

const { noteRotation } = proxyActivities<Activities>({
  startToCloseTimeout: '30 seconds',
  retry: retry.database,
})

export type Wish = 'revoke' | 'cancel'

/** What handlers and the workflow tell each other. */
export interface Steering {
  facts?: RotationFacts
  wish?: Wish
  isConfirmed: boolean
  /** Looked at, and set back, by who waits. */
  isWoken: boolean
  /** RFC 3339; null: nothing ends by the clock. */
  deadline: string | null
  result?: RotationResult
  failure?: ApplicationFailure
}

export interface SteeringRules {
  /** Why this wish cannot be met now; undefined when it can. */
  refuse(wish: Wish | 'confirm' | 'extend'): string | undefined | Promise<string | undefined>
}

const stateConflict = (text: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(text, 'StateConflict')

export function createSteering(rules: SteeringRules): Steering {
  const steering: Steering = { isConfirmed: false, isWoken: false, deadline: null }
  /** What comes early waits until the rotation has begun. */
  const begun = async (what: Wish | 'confirm' | 'extend'): Promise<RotationFacts> => {
    await condition(() => steering.facts !== undefined || steering.failure !== undefined)
    if (!steering.facts) throw steering.failure ?? stateConflict('The rotation could not begin.')
    if (steering.result || steering.failure || steering.wish)
      throw stateConflict('This rotation is ending already.')
    const refusal = await told(async () => rules.refuse(what))
    if (steering.result || steering.failure || steering.wish)
      throw stateConflict('This rotation is ending already.')
    if (refusal !== undefined) throw stateConflict(refusal)
    return steering.facts
  }
  const end = async (wish: Wish): Promise<RotationResult> => {
    await begun(wish)
    steering.wish = wish
    await condition(() => steering.result !== undefined || steering.failure !== undefined)
    if (steering.result) return steering.result
    throw steering.failure ?? stateConflict('The rotation could not end.')
  }
  setHandler(lookAgainSignal, () => void (steering.isWoken = true))
  setHandler(endOldUpdate, () => end('revoke'))
  setHandler(takeBackUpdate, () => end('cancel'))
  setHandler(confirmUpdate, async () => {
    const { rotationId } = await begun('confirm')
    await told(() => noteRotation({ rotationId, inPlace: true, state: 'overlap', action: 'confirmed' }))
    steering.isConfirmed = true
    steering.isWoken = true
  })
  setHandler(extendUpdate, async (wish: ExtendRotation) => {
    const facts = await begun('extend')
    const deadline = extendedTo(steering, facts, wish)
    await told(() => noteRotation({ rotationId: facts.rotationId, deadline, action: 'extended' }))
    steering.deadline = deadline
    steering.isWoken = true
    return { deadline }
  })
  return steering
}

/** An activity's failure under its own code, as whoever waits for an update is told it. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asFailure(error)
  }
}

export function asFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error
  const note = error instanceof ActivityFailure ? failureNote(error) : undefined
  return ApplicationFailure.nonRetryable(note?.message ?? 'The rotation broke.', note?.code ?? 'Internal')
}

function extendedTo(steering: Steering, { maxDeadline }: RotationFacts, wish: unknown): string {
  const { deadline } = steering
  if (deadline === null || maxDeadline === null)
    throw stateConflict('Nothing of this rotation ends by the clock.')
  const seconds = typeof wish === 'object' && wish !== null && 'seconds' in wish ? wish.seconds : undefined
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 1)
    throw invalidInput('"seconds" is a whole number of at least 1.')
  const after = Math.max(Date.now(), Date.parse(deadline)) + seconds * 1000
  if (after > Date.parse(maxDeadline))
    throw invalidInput(`Both are valid until ${maxDeadline} at most: that is as far as it can be put off.`)
  return new Date(after).toISOString()
}

/** Waits until somebody steers, something was noted, or so many milliseconds are over. */
export async function pause(steering: Steering, ms: number, summary: string): Promise<void> {
  await condition(() => steering.isWoken || steering.wish !== undefined, Math.max(100, ms), { summary })
  steering.isWoken = false
}

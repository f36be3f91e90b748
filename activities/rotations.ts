/** What all rotations share: their row, what people are told, how they end. Each step finds in the row what was done before it. */
import { inTransaction } from '../db/client.ts'
import {
  askPerson,
  auditRotation,
  changeRotation,
  endRotationOf,
  getRotationById,
  lockRotation,
  type Rotation,
  type RotationChange,
} from '../db/rotations.ts'
import type { FailureNote } from '../model/failures.ts'
import type { RotationKind, RotationState } from '../model/rotation.ts'
import { HubError } from '../platform/errors.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'

export interface RotationKey {
  readonly rotationId: string
}

/** What a workflow must know of its rotation. No secrets. */
export interface RotationFacts {
  readonly rotationId: string
  readonly kind: RotationKind
  readonly subject: string
  readonly partnerId: string | null
  readonly state: RotationState
  /** RFC 3339; null: nothing ends by the clock. */
  readonly deadline: string | null
  readonly maxDeadline: string | null
}

export const factsOf = (rotation: Rotation): RotationFacts => ({
  rotationId: rotation.rotationId,
  kind: rotation.kind,
  subject: rotation.subject,
  partnerId: rotation.partnerId,
  state: rotation.state,
  deadline: rotation.deadlineAt?.toISOString() ?? null,
  maxDeadline: rotation.maxDeadlineAt?.toISOString() ?? null,
})

/** @throws HubError `Superseded` for one that has ended. */
export async function livingRotation(
  { database }: ActivityDeps,
  { rotationId }: RotationKey,
): Promise<Rotation> {
  const rotation = await getRotationById(database.db, rotationId)
  if (!rotation || rotation.endedAt) throw new HubError('Superseded', 'This rotation has ended.')
  return rotation
}

interface Asked extends RotationKey {
  readonly steps: readonly string[]
  /** Nothing is asked once the new one is in place. */
  readonly unlessInPlace?: boolean
}

interface Noted extends RotationKey {
  readonly state?: RotationState
  readonly steps?: readonly string[]
  /** RFC 3339. */
  readonly deadline?: string
  readonly inPlace?: boolean
  /** Of what was done; with it the change has an audit entry. */
  readonly action?: string
}

interface Ended extends RotationKey {
  readonly state: 'done' | 'failed' | 'cancelled'
  readonly steps: readonly string[]
  readonly failure?: FailureNote
}

async function note({ database, clock }: ActivityDeps, noted: Noted): Promise<void> {
  const { rotationId, state, steps, deadline, inPlace, action } = noted
  const change: RotationChange = {
    ...(state ? { state } : {}),
    ...(steps ? { steps } : {}),
    ...(deadline === undefined ? {} : { deadlineAt: new Date(deadline) }),
    ...(inPlace ? { inPlaceAt: clock.now() } : {}),
  }
  await inTransaction(database.db, async (tx) => {
    const before = await lockRotation(tx, rotationId)
    const after = await changeRotation(tx, rotationId, change)
    const changed = action ?? (before.state === after.state ? undefined : 'state')
    if (changed !== undefined)
      await auditRotation(tx, after.kind, `rotation.${changed}`, after, { state: after.state })
  })
}

export function createRotationStepActivities(deps: ActivityDeps) {
  const { db } = deps.database
  return {
    /** A person must act. Told once. */
    askForSteps: failing(async ({ rotationId, steps, unlessInPlace = false }: Asked) =>
      inTransaction(db, async (tx) => {
        const rotation = await lockRotation(tx, rotationId)
        if (!unlessInPlace || !rotation.inPlaceAt) await askPerson(tx, rotation, steps, rotation.kind)
      }),
    ),
    noteRotation: failing((input: Noted) => note(deps, input)),
    endRotation: failing(async ({ rotationId, ...end }: Ended) =>
      inTransaction(db, (tx) => endRotationOf(tx, rotationId, { ...end, actor: 'rotation' })),
    ),
  }
}

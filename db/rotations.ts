/**
 * Rotations of secrets. One at a time per kind and subject; whoever begins one while it is under way joins it. Every change of state is
 * a compare-and-swap on a rotation that has not ended, with its audit entry; what concerns a partner is told in its stream of events.
 */
import { sql } from 'kysely'
import type { FailureNote } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import type { RotationKind, RotationState } from '../model/rotation.ts'
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import { appendAudit } from './audit.ts'
import { inTransaction, type Db } from './client.ts'
import { tellEvent } from './events.ts'

export interface Rotation {
  readonly rotationId: string
  readonly kind: RotationKind
  readonly subject: string
  readonly name: string | null
  readonly partnerId: string | null
  readonly state: RotationState
  readonly steps: readonly string[]
  readonly facts: JsonObject
  readonly done: number
  readonly total: number | null
  readonly deadlineAt: Date | null
  readonly maxDeadlineAt: Date | null
  readonly inPlaceAt: Date | null
  readonly shownAt: Date | null
  readonly failure: FailureNote | null
  readonly startedBy: string
  readonly startedAt: Date
  readonly updatedAt: Date
  readonly endedAt: Date | null
}

const columns = sql`rotation_id, kind, subject, name, partner_id, state, steps, facts, done, total, deadline_at, max_deadline_at, in_place_at,
  shown_at, failure, started_by, started_at, updated_at, ended_at`

export interface NewRotation {
  readonly kind: RotationKind
  readonly subject: string
  readonly name?: string | undefined
  readonly partnerId: string | null
  readonly facts: JsonObject
  /** From now on; null: nothing ends by the clock. */
  readonly graceSeconds: number | null
  readonly mostGraceSeconds: number | null
  readonly startedBy: string
}

/** Begins one, or answers the one that is under way. */
export async function openRotationOf(
  db: Db,
  made: NewRotation,
): Promise<{ readonly rotation: Rotation; readonly isNew: boolean }> {
  const { kind, subject, partnerId, startedBy } = made
  return await inTransaction(db, async (tx) => {
    const inserted = await sql<Rotation>`
      insert into rotations (rotation_id, kind, subject, name, partner_id, facts, started_by, deadline_at, max_deadline_at)
      values (${newId('rotation')}, ${kind}, ${subject}, ${made.name ?? null}, ${partnerId}, ${JSON.stringify(made.facts)}::jsonb, ${startedBy},
        now() + make_interval(secs => ${made.graceSeconds}::float8), now() + make_interval(secs => ${made.mostGraceSeconds}::float8))
      on conflict (kind, subject) where ended_at is null do nothing returning ${columns}
    `.execute(tx)
    const [row] = inserted.rows
    if (!row) {
      const rotation = await rotationUnderWay(tx, kind, subject)
      if (!rotation) throw new HubError('StateConflict', 'A rotation ended at this moment. Try again.')
      return { rotation, isNew: false }
    }
    if (partnerId !== null)
      await tellEvent(tx, { partnerId, type: 'rotation.started', subject, data: told(row) })
    await audit(tx, startedBy, 'rotation.started', row)
    return { rotation: row, isNew: true }
  })
}

const told = ({ rotationId, kind, subject, state, steps, deadlineAt, failure }: Rotation): JsonObject => ({
  rotationId,
  kind,
  subject,
  state,
  steps: [...steps],
  deadlineAt: deadlineAt?.toISOString() ?? null,
  failure,
})

const audit = (
  tx: Db,
  actor: string,
  action: string,
  { rotationId, kind, subject, partnerId }: Rotation,
  details: JsonObject = {},
): Promise<void> =>
  appendAudit(tx, {
    ...{ actor, action, subject, partnerId: partnerId ?? undefined },
    details: { rotationId, kind, ...details },
  })

export async function getRotationById(db: Db, rotationId: string): Promise<Rotation | undefined> {
  const found = await sql<Rotation>`
    select ${columns} from rotations where rotation_id = ${rotationId}
  `.execute(db)
  return found.rows[0]
}

export async function rotationUnderWay(
  db: Db,
  kind: RotationKind,
  subject: string,
): Promise<Rotation | undefined> {
  const found = await sql<Rotation>`
    select ${columns} from rotations where kind = ${kind} and subject = ${subject} and ended_at is null
  `.execute(db)
  return found.rows[0]
}

/** Newest first. */
export async function listRotations(
  db: Db,
  query: {
    readonly kind?: RotationKind | undefined
    readonly subject?: string | undefined
    readonly partnerId?: string | undefined
    readonly underWay?: boolean | undefined
    readonly before?: string | undefined
    readonly limit: number
  },
): Promise<Rotation[]> {
  const { kind, subject, partnerId, underWay, before } = query
  const found = await sql<Rotation>`
    select ${columns} from rotations where true
      ${kind === undefined ? sql`` : sql`and kind = ${kind}`}
      ${subject === undefined ? sql`` : sql`and subject = ${subject}`}
      ${partnerId === undefined ? sql`` : sql`and partner_id = ${partnerId}`}
      ${underWay === undefined ? sql`` : underWay ? sql`and ended_at is null` : sql`and ended_at is not null`}
      ${before === undefined ? sql`` : sql`and rotation_id < ${before}`}
    order by rotation_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Locks a rotation that has not ended. @throws HubError `Superseded` for one that has. */
export async function lockRotation(tx: Db, rotationId: string): Promise<Rotation> {
  const found = await sql<Rotation>`
    select ${columns} from rotations where rotation_id = ${rotationId} and ended_at is null for update
  `.execute(tx)
  const [row] = found.rows
  if (!row) throw new HubError('Superseded', 'This rotation has ended.')
  return row
}

export interface RotationChange {
  readonly state?: RotationState
  readonly steps?: readonly string[]
  /** Added to what is known. */
  readonly facts?: JsonObject
  readonly done?: number
  readonly total?: number
  readonly deadlineAt?: Date
  /** Stays as it is when it is set already. */
  readonly inPlaceAt?: Date
  readonly shownAt?: Date
}

/** Changes a rotation that has not ended; what is left out stays. @throws HubError `Superseded` for one that has. */
export async function changeRotation(tx: Db, rotationId: string, change: RotationChange): Promise<Rotation> {
  const steps = change.steps === undefined ? null : [...change.steps]
  const found = await sql<Rotation>`
    update rotations set state = coalesce(${change.state ?? null}, state), steps = coalesce(${steps}::text[], steps),
      facts = facts || ${JSON.stringify(change.facts ?? {})}::jsonb, done = coalesce(${change.done ?? null}::bigint, done),
      total = coalesce(${change.total ?? null}::bigint, total), deadline_at = coalesce(${change.deadlineAt ?? null}::timestamptz, deadline_at),
      in_place_at = coalesce(in_place_at, ${change.inPlaceAt ?? null}::timestamptz),
      shown_at = coalesce(shown_at, ${change.shownAt ?? null}::timestamptz), updated_at = now()
    where rotation_id = ${rotationId} and ended_at is null returning ${columns}
  `.execute(tx)
  const [row] = found.rows
  if (!row) throw new HubError('Superseded', 'This rotation has ended.')
  return row
}

/** A person must do something: kept, told to its partner, and in the audit chain. Repeatable: the same steps are told once. */
export async function askPerson(
  tx: Db,
  { rotationId, state, steps }: Pick<Rotation, 'rotationId' | 'state' | 'steps'>,
  asked: readonly string[],
  actor: string,
): Promise<void> {
  if (state === 'waiting_for_person' && JSON.stringify(steps) === JSON.stringify(asked)) return
  const row = await changeRotation(tx, rotationId, { state: 'waiting_for_person', steps: asked })
  const { partnerId, subject } = row
  if (partnerId !== null)
    await tellEvent(tx, { partnerId, type: 'rotation.waits_for_person', subject, data: told(row) })
  await audit(tx, actor, 'rotation.waits_for_person', row)
}

/** The end. Repeatable: one that has ended stays as it ended. Call it last in its transaction. */
export async function endRotationOf(
  tx: Db,
  rotationId: string,
  end: {
    readonly state: 'done' | 'failed' | 'cancelled'
    readonly steps: readonly string[]
    readonly failure?: FailureNote
    readonly actor: string
    readonly details?: JsonObject
  },
): Promise<void> {
  const failure = end.failure === undefined ? null : JSON.stringify(end.failure)
  const found = await sql<Rotation>`
    update rotations set state = ${end.state}, steps = ${[...end.steps]}::text[], failure = ${failure}::jsonb, ended_at = now(), updated_at = now()
    where rotation_id = ${rotationId} and ended_at is null returning ${columns}
  `.execute(tx)
  const [row] = found.rows
  if (!row) return
  const { partnerId, subject } = row
  if (partnerId !== null) await tellEvent(tx, { partnerId, type: 'rotation.ended', subject, data: told(row) })
  await audit(tx, end.actor, `rotation.${end.state}`, row, {
    ...end.details,
    ...(end.failure ? { code: end.failure.code } : {}),
  })
}

/** An audit entry about a rotation, by somebody who steers it. */
export const auditRotation = audit

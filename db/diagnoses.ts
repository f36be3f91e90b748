/** Tests of connections, step by step. The newest one of a connection is what people are shown. */
import { sql } from 'kysely'
import {
  diagnosisSteps,
  type DiagnosisState,
  type DiagnosisStep,
  type DiagnosisStepName,
} from '../model/diagnosis.ts'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

/** An object that a test has made at the provider. A type, so that it is JSON. */
export type LeftObject = {
  readonly resource: string
  /** Null: it is being made, and whether it is there is not known. */
  readonly externalId: string | null
}

export interface Diagnosis {
  readonly diagnosisId: string
  readonly partnerId: string
  readonly connectionId: string
  readonly workflowId: string
  readonly workflowRunId: string
  readonly startedBy: string
  readonly writes: boolean
  readonly state: DiagnosisState
  readonly steps: Readonly<Partial<Record<DiagnosisStepName, DiagnosisStep>>>
  readonly leftObject: LeftObject | null
  readonly startedAt: Date
  readonly endedAt: Date | null
}

const columns = sql`diagnosis_id, partner_id, connection_id, workflow_id, workflow_run_id, started_by, writes, state, steps, left_object,
  started_at, ended_at`

/** Steps in the order in which people are shown them; those that are not through yet are missing. */
export const stepsOf = ({ steps }: Pick<Diagnosis, 'steps'>): readonly DiagnosisStep[] =>
  diagnosisSteps.flatMap((name) => steps[name] ?? [])

const keptPerConnection = 20

export type NewDiagnosis = Pick<
  Diagnosis,
  'diagnosisId' | 'partnerId' | 'connectionId' | 'workflowId' | 'workflowRunId' | 'startedBy' | 'writes'
>

/**
 * In a transaction. Repeatable: an execution of the workflow has one row. One that was left running by an execution that was
 * killed is closed; the oldest ones go.
 * @returns undefined when the id is another execution's.
 */
export async function openDiagnosis(
  tx: Db,
  wish: NewDiagnosis,
): Promise<{ readonly diagnosis: Diagnosis; readonly isNew: boolean } | undefined> {
  const { connectionId } = wish
  const made = await sql<Diagnosis>`
    insert into diagnoses (diagnosis_id, partner_id, connection_id, workflow_id, workflow_run_id, started_by, writes)
    values (${wish.diagnosisId}, ${wish.partnerId}, ${connectionId}, ${wish.workflowId}, ${wish.workflowRunId}, ${wish.startedBy}, ${wish.writes})
    on conflict do nothing returning ${columns}
  `.execute(tx)
  const [diagnosis] = made.rows
  if (!diagnosis) {
    const found = await sql<Diagnosis>`
      select ${columns} from diagnoses where connection_id = ${connectionId} and workflow_run_id = ${wish.workflowRunId}
    `.execute(tx)
    return found.rows[0] && { diagnosis: found.rows[0], isNew: false }
  }
  await sql`
    update diagnoses set state = 'cancelled', ended_at = now()
    where connection_id = ${connectionId} and state = 'running' and diagnosis_id <> ${diagnosis.diagnosisId}
      and workflow_id = ${wish.workflowId}
  `.execute(tx)
  // What still says of an object that it was left behind stays.
  await sql`
    delete from diagnoses where left_object is null and state <> 'running' and diagnosis_id in (
      select diagnosis_id from diagnoses where connection_id = ${connectionId} order by diagnosis_id desc offset ${keptPerConnection})
  `.execute(tx)
  return { diagnosis, isNew: true }
}

export async function getDiagnosis(db: Db, diagnosisId: string): Promise<Diagnosis | undefined> {
  const found = await sql<Diagnosis>`
    select ${columns} from diagnoses where diagnosis_id = ${diagnosisId}
  `.execute(db)
  return found.rows[0]
}

export async function lastDiagnosis(db: Db, connectionId: string): Promise<Diagnosis | undefined> {
  const found = await sql<Diagnosis>`
    select ${columns} from diagnoses where connection_id = ${connectionId} order by diagnosis_id desc limit 1
  `.execute(db)
  return found.rows[0]
}

/** Keeps what a step found while the test goes on. Repeatable. */
export async function noteStep(db: Db, diagnosisId: string, step: DiagnosisStep): Promise<void> {
  await sql`
    update diagnoses set steps = steps || ${JSON.stringify({ [step.name]: step })}::jsonb
    where diagnosis_id = ${diagnosisId} and state = 'running'
  `.execute(db)
}

/** The object that is at the provider because of the test; null when it is gone again. */
export async function noteLeftObject(db: Db, diagnosisId: string, left: LeftObject | null): Promise<void> {
  await sql`
    update diagnoses set left_object = ${left === null ? null : JSON.stringify(left)}::jsonb where diagnosis_id = ${diagnosisId}
  `.execute(db)
}

/** In a transaction. False when it had ended already. */
export async function closeDiagnosis(
  tx: Db,
  diagnosisId: string,
  end: { readonly state: Exclude<DiagnosisState, 'running'>; readonly steps: readonly DiagnosisStep[] },
): Promise<boolean> {
  const steps = Object.fromEntries(end.steps.map((step) => [step.name, step]))
  const changed = await sql<JsonObject>`
    update diagnoses set state = ${end.state}, steps = ${JSON.stringify(steps)}::jsonb, ended_at = now()
    where diagnosis_id = ${diagnosisId} and state = 'running' returning diagnosis_id
  `.execute(tx)
  return changed.rows.length > 0
}

/** Features that are off because the last consent did not grant them; empty where nobody consented in a browser. */
export async function featuresWithout(db: Db, connectionId: string): Promise<readonly string[]> {
  const found = await sql<{ without: readonly string[] | null }>`
    select finding -> 'without' as without from connect_sessions
    where connection_id = ${connectionId} and state = 'done' order by session_id desc limit 1
  `.execute(db)
  return found.rows[0]?.without ?? []
}

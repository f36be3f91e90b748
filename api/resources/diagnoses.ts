/** Tests of connections, step by step: started, watched, the last one shown. */
import { getDiagnosis as findDiagnosis, lastDiagnosis, stepsOf, type Diagnosis } from '../../db/diagnoses.ts'
import type { Connection } from '../../db/connections.ts'
import { stepTitles } from '../../model/diagnosis.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import type { Handler } from '../operation.ts'
import { waitMsOf } from '../prefer.ts'
import { connectionOf, livingConnection, providerOf } from './find.ts'

type DiagnosisJson = components['schemas']['Diagnosis']

interface Started {
  readonly diagnosis: DiagnosisJson
  readonly runId: string
}

const show = (diagnosis: Diagnosis): DiagnosisJson => ({
  diagnosisId: diagnosis.diagnosisId,
  connectionId: diagnosis.connectionId,
  state: diagnosis.state,
  writes: diagnosis.writes,
  startedBy: diagnosis.startedBy,
  startedAt: diagnosis.startedAt.toISOString(),
  endedAt: diagnosis.endedAt?.toISOString() ?? null,
  steps: stepsOf(diagnosis).map((step) => ({ ...step, title: stepTitles[step.name] })),
  leftObject: diagnosis.leftObject ? { ...diagnosis.leftObject } : null,
})

/** @throws HubError `AlreadyRunning` when one is under way, `NotPermitted` for a write by somebody who may not write. */
async function start(
  deps: ApiDeps,
  connection: Connection,
  caller: Caller,
  write: boolean,
): Promise<Started> {
  if (write && !caller.permissions.has('writes.write'))
    throw new HubError('NotPermitted', 'To write one object this needs the permission "writes.write" too.')
  // Without a provider there are no steps.
  providerOf(deps, connection)
  const diagnosisId = newId('diagnosis')
  const wish = { diagnosisId, write, startedBy: caller.name }
  const { runId } = await deps.temporal.startTest(connection, wish)
  const { connectionId } = connection
  const startedAt = new Date().toISOString()
  const empty = { steps: [], leftObject: null, endedAt: null, writes: write, startedBy: caller.name }
  return { runId, diagnosis: { diagnosisId, connectionId, state: 'running', startedAt, ...empty } }
}

/** What is there once the test has ended, or after `waitMs`. */
async function outcomeOf(deps: ApiDeps, { diagnosis }: Started, waitMs: number): Promise<DiagnosisJson> {
  const { connectionId, diagnosisId } = diagnosis
  if (waitMs > 0)
    await deps.temporal.waitForOperation({ workflowId: workflowIds.testConnection(connectionId) }, waitMs)
  const now = await findDiagnosis(deps.database.db, diagnosisId)
  return now ? show(now) : diagnosis
}

async function lastOf(deps: ApiDeps, connectionId: string): Promise<Diagnosis> {
  const connection = await connectionOf(deps, connectionId)
  const last = await lastDiagnosis(deps.database.db, connection.connectionId)
  if (last) return last
  throw new HubError(
    'NoSuchThing',
    `The connection "${connection.name}" has not been tested step by step yet.`,
  )
}

const statusOf = ({ state }: DiagnosisJson): 200 | 202 => (state === 'running' ? 202 : 200)

export const diagnoseConnection: Handler<'diagnoseConnection'> = async (
  deps,
  { path, header, body, caller },
) => {
  const connection = await livingConnection(deps, path.connectionId)
  const started = await start(deps, connection, caller, body.write ?? false)
  const found = await outcomeOf(deps, started, waitMsOf(header.Prefer) ?? 0)
  const workflowId = workflowIds.testConnection(connection.connectionId)
  const temporalUrl = deps.temporal.workflowLink(workflowId, started.runId)
  return { status: statusOf(found), body: { ...found, workflowId, temporalUrl } }
}

export const getDiagnosis: Handler<'getDiagnosis'> = async (deps, { path }) => {
  const last = await lastOf(deps, path.connectionId)
  const { workflowId, workflowRunId } = last
  const temporalUrl = deps.temporal.workflowLink(workflowId, workflowRunId)
  return { status: 200, body: { ...show(last), workflowId, temporalUrl } }
}

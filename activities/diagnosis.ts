/** The test of a connection as activities: opened, one step after the other, closed with its verdict and an audit entry. */
import { Context } from '@temporalio/activity'
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { getConnection, receivesOnly, type Connection } from '../db/connections.ts'
import {
  closeDiagnosis,
  getDiagnosis,
  noteStep,
  openDiagnosis,
  type Diagnosis,
  type LeftObject,
} from '../db/diagnoses.ts'
import {
  verdictOf,
  type DiagnosisStep,
  type DiagnosisStepName,
  type StepFinding,
} from '../model/diagnosis.ts'
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import type { ActivityDeps } from './deps.ts'
import { lookAtScopes, readOneEach, tryCredential } from './diagnosis-access.ts'
import { lookAtTls, lookUpName } from './diagnosis-network.ts'
import { findingOf, type StepScene } from './diagnosis-step.ts'
import { tryWebhook } from './diagnosis-webhook.ts'
import { leftBehind, removeLeftObject, writeAndDeleteOne } from './diagnosis-write.ts'
import { failing } from './failure.ts'
import { whileBeating } from './steady.ts'

export interface DiagnosisWish {
  readonly connectionId: string
  readonly diagnosisId?: string
  readonly write: boolean
  readonly startedBy: string
}

export interface OpenedDiagnosis {
  readonly diagnosisId: string
  /** The hub only receives its webhooks: there is nothing to sign in to. */
  readonly receivesOnly: boolean
}

/** @throws HubError `InvalidInput` for a connection that is not there, or an id that another test has. */
async function open(deps: ActivityDeps, wish: DiagnosisWish): Promise<OpenedDiagnosis> {
  const connection = await livingConnection(deps, wish.connectionId)
  const { connectionId, partnerId } = connection
  const { workflowId, runId } = Context.current().info.workflowExecution ?? { workflowId: '', runId: '' }
  return await asTenant(deps.database.db, partnerId, async (tx) => {
    const opened = await openDiagnosis(tx, {
      diagnosisId: wish.diagnosisId ?? newId('diagnosis'),
      partnerId,
      connectionId,
      workflowId,
      workflowRunId: runId,
      startedBy: wish.startedBy,
      writes: wish.write,
    })
    if (!opened) throw new HubError('InvalidInput', `"diagnosisId" is the id of another test.`)
    const { diagnosisId } = opened.diagnosis
    if (opened.isNew)
      await appendAudit(tx, {
        actor: wish.startedBy,
        action: 'connection.test_started',
        subject: connectionId,
        partnerId,
        details: { diagnosisId, write: wish.write },
      })
    return { diagnosisId, receivesOnly: connection.auth === receivesOnly }
  })
}

async function livingConnection(deps: ActivityDeps, connectionId: string): Promise<Connection> {
  const connection = await getConnection(deps.database.db, connectionId)
  if (!connection || connection.state === 'deleted')
    throw new HubError('InvalidInput', `There is no connection "${connectionId}", or it has been deleted.`)
  return connection
}

interface StepKey {
  readonly diagnosisId: string
  readonly step: DiagnosisStepName
}

const steps: Readonly<Record<DiagnosisStepName, (scene: StepScene) => Promise<StepFinding>>> = {
  dns: lookUpName,
  tls: lookAtTls,
  auth: tryCredential,
  read: readOneEach,
  scopes: lookAtScopes,
  write: writeAndDeleteOne,
  webhook: tryWebhook,
}

async function sceneOf(deps: ActivityDeps, diagnosisId: string, signal: AbortSignal): Promise<StepScene> {
  const diagnosis = await known(deps, diagnosisId)
  const connection = await livingConnection(deps, diagnosis.connectionId)
  const provider = deps.findProvider(connection.provider)
  if (!provider)
    throw new HubError('NotConfigured', `This hub does not know the provider "${connection.provider}".`)
  return { deps, diagnosis, connection, provider, signal }
}

async function known(deps: ActivityDeps, diagnosisId: string): Promise<Diagnosis> {
  const diagnosis = await getDiagnosis(deps.database.db, diagnosisId)
  if (!diagnosis) throw new HubError('InvalidInput', `There is no test "${diagnosisId}".`)
  return diagnosis
}

/** What the step finds is kept at once: people watch the test go on. A refusal by the provider is a finding. */
async function runStep(deps: ActivityDeps, { diagnosisId, step }: StepKey): Promise<DiagnosisStep> {
  return await whileBeating(async (signal) => {
    const scene = await sceneOf(deps, diagnosisId, signal)
    const began = performance.now()
    const finding = await steps[step](scene).catch((error: unknown) => findingOf(step, error, signal))
    const result = { name: step, ...finding, durationMs: Math.round(performance.now() - began) }
    await noteStep(deps.database.db, diagnosisId, result)
    return result
  })
}

async function removeTestObject(
  deps: ActivityDeps,
  { diagnosisId }: { readonly diagnosisId: string },
): Promise<LeftObject | null> {
  return await whileBeating(async (signal) => removeLeftObject(await sceneOf(deps, diagnosisId, signal)))
}

export interface DiagnosisEnd {
  readonly diagnosisId: string
  readonly steps: readonly DiagnosisStep[]
  readonly isCancelled: boolean
  /** Why the object of the test could not be deleted; null when there is none left. */
  readonly leftBecause: string | null
}

export interface ClosedDiagnosis {
  readonly state: Diagnosis['state']
  readonly steps: readonly DiagnosisStep[]
}

/** Repeatable: the verdict and its audit entry are written once. */
async function close(deps: ActivityDeps, end: DiagnosisEnd): Promise<ClosedDiagnosis> {
  const diagnosis = await known(deps, end.diagnosisId)
  const { connectionId, partnerId, startedBy, leftObject } = diagnosis
  const connection = await getConnection(deps.database.db, connectionId)
  const provider = deps.findProvider(connection?.provider ?? '')?.name ?? 'the provider'
  const left = leftObject && leftBehind(leftObject, provider, end.leftBecause ?? 'the test was cancelled.')
  const all = end.steps.map((step) => (left && step.name === 'write' ? { ...step, ...left } : step))
  const state = end.isCancelled ? 'cancelled' : verdictOf(all)
  await asTenant(deps.database.db, partnerId, async (tx) => {
    if (!(await closeDiagnosis(tx, end.diagnosisId, { state, steps: all }))) return
    await appendAudit(tx, {
      actor: startedBy,
      action: 'connection.tested',
      subject: connectionId,
      partnerId,
      details: {
        diagnosisId: end.diagnosisId,
        state,
        steps: Object.fromEntries(all.map((step) => [step.name, step.state])),
        ...(leftObject ? { left: { ...leftObject } } : {}),
      },
    })
  })
  return { state, steps: all }
}

export function createDiagnosisActivities(deps: ActivityDeps) {
  return {
    openDiagnosis: failing((input: DiagnosisWish) => open(deps, input)),
    runDiagnosisStep: failing((input: StepKey) => runStep(deps, input)),
    removeTestObject: failing((input: { readonly diagnosisId: string }) => removeTestObject(deps, input)),
    closeDiagnosis: failing((input: DiagnosisEnd) => close(deps, input)),
  }
}

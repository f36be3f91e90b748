/** What the steps of a connection's test share: what they know, and how an error becomes a finding. */
import type { Connection } from '../db/connections.ts'
import type { Diagnosis } from '../db/diagnoses.ts'
import { adviceFor } from '../model/diagnosis-advice.ts'
import { failed, type DiagnosisStepName, type StepFinding } from '../model/diagnosis.ts'
import type { FailureCode } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import { isHubError } from '../platform/errors.ts'
import type { Provider, ProviderContext } from '../providers/contract.ts'
import type { ActivityDeps } from './deps.ts'
import { openSession } from './session.ts'

export interface StepScene {
  readonly deps: ActivityDeps
  readonly diagnosis: Diagnosis
  readonly connection: Connection
  readonly provider: Provider
  readonly signal: AbortSignal
}

/** Past the gate: a test is wanted most of all while the provider's lanes are paused. */
export async function sessionOf({ deps, connection, signal }: StepScene): Promise<ProviderContext> {
  const wish = { priority: 'interactive', isCanary: true, signal } as const
  return (await openSession(deps, connection.connectionId, wish)).context
}

export const failedWith = (
  step: DiagnosisStepName,
  code: FailureCode,
  message: string,
  facts: JsonObject = {},
): StepFinding => failed({ code, message }, adviceFor(step, code), facts)

/** What says nothing of the connection: the hub's own faults. They are thrown, and the step is tried again. */
const ofHub: readonly FailureCode[] = ['DatabaseUnavailable', 'TemporalUnavailable', 'Internal']

/** @throws `error` when it is a cancellation, or a fault of the hub's own. */
export function findingOf(step: DiagnosisStepName, error: unknown, signal: AbortSignal): StepFinding {
  if (signal.aborted || !isHubError(error) || ofHub.includes(error.code)) throw error
  const { code, message, fields } = error
  const told = fields.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ')
  return failedWith(step, code, told === '' || message.includes(told) ? message : `${message} (${told})`)
}

/** What an activity's failure says, as a code and a public sentence. Branch on the code, never on the text. */
import { ActivityFailure, ApplicationFailure } from '@temporalio/common'
import type { FailureNote } from '../model/failures.ts'

/** Undefined for what is not an activity's failure (a cancellation, a bug): let that pass. */
export function failureNote(error: unknown): FailureNote | undefined {
  if (!(error instanceof ActivityFailure)) return undefined
  const { cause } = error
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'Internal', message: cause.message }
  // The server gave the activity up: no worker was heard from in time.
  return { code: 'Unavailable', message: 'No worker answered in time.' }
}

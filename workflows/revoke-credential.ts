/** Ends the access of a deleted connection at its provider: tried for hours, then given up; the secrets are erased either way. */
import { CancellationScope, isCancellation, proxyActivities, workflowInfo } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { FailureNote } from '../model/failures.ts'
import { failureNote } from './failure-note.ts'
import type { RevokeCredentialInput, RevokeCredentialResult } from './messages.ts'
import { retry, times } from './retry.ts'
import { checkIdInput } from './validate.ts'

const { describeConnection, endRevocation } = proxyActivities<Activities>({
  startToCloseTimeout: '30 seconds',
  retry: retry.database,
})

export async function revokeCredential(input: RevokeCredentialInput): Promise<RevokeCredentialResult> {
  const connectionId = checkIdInput(input, 'connectionId', 'connection')
  const { provider, providerName } = await describeConnection({ connectionId })
  const { revokeAtProvider } = proxyActivities<Activities>({
    ...times.persistent,
    taskQueue: `${workflowInfo().taskQueue}-${provider}`,
    retry: retry.persistent,
    summary: `End the access at ${providerName}`,
  })
  let failure: FailureNote | null = null
  let cancellation: unknown
  try {
    await revokeAtProvider({ connectionId })
  } catch (error) {
    if (isCancellation(error)) cancellation = error
    failure = isCancellation(error)
      ? { code: 'Superseded', message: 'Cancelled.' }
      : (failureNote(error) ?? { code: 'Internal', message: 'It broke.' })
  }
  await CancellationScope.nonCancellable(() => endRevocation({ connectionId, failure }))
  if (cancellation) throw cancellation as Error
  return { connectionId, revoked: failure === null }
}

/**
 * A webhook that the hub has sent to itself (`activities/diagnosis-webhook.ts`): it comes in by the public address, is checked and
 * split like any other, and ends there. Nothing is stored, nobody is woken, no refusal is counted.
 */
import type { TrialMarks } from '../../platform/secrets/trial-mark.ts'
import { trialHeader } from '../../platform/secrets/trial-mark.ts'
import type { HookAnswer, HookCheck, HookRequest, Webhooks } from '../../providers/contract-webhook.ts'

/** True only for what this hub has marked, for this connection, within the last minute. */
export async function isTrial(
  marks: TrialMarks,
  { headers }: HookRequest,
  connectionId: string | undefined,
): Promise<boolean> {
  const [mark, ...more] = headers.get(trialHeader) ?? []
  if (mark === undefined || more.length > 0 || connectionId === undefined) return false
  return await marks.isFor(connectionId, mark)
}

/** What the door would have done, for the hub alone: a provider is never told which check failed. */
export function trialAnswer(
  webhooks: Webhooks,
  request: HookRequest,
  checks: readonly HookCheck[],
): HookAnswer {
  const failedChecks =
    checks.length === 0 ? ['nothing_checked'] : checks.filter(({ passed }) => !passed).map(({ name }) => name)
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ trial: true, failedChecks, events: countEvents(webhooks, request) }),
  }
}

function countEvents(webhooks: Webhooks, request: HookRequest): number {
  try {
    return webhooks.split(request).length
  } catch {
    return 0
  }
}

/** The month's quota of records, where something is about to be begun that brings records into the store. */
import { recordsUsed } from '../../db/quotas.ts'
import type { RateClass } from '../../model/limits.ts'
import { monthEnd } from '../../model/quota.ts'
import { HubError } from '../../platform/errors.ts'
import type { ApiDeps } from '../deps.ts'
import { ProblemError } from '../problem.ts'

type Deps = Pick<ApiDeps, 'limits' | 'hubDatabase'>

/**
 * Of the partner whose quota it counts by: that of the connection, whoever asks.
 * @throws ProblemError `TooManyRequests` (429) with `quota` when the hard limit is used up.
 */
export async function checkRecordsLeft(
  { limits, hubDatabase }: Deps,
  partnerId: string,
  rateClass: RateClass = 'writes',
): Promise<void> {
  const now = new Date(limits.now())
  const records = await recordsUsed(hubDatabase.db, partnerId, now)
  if (!records || records.used < records.hard) return
  limits.metrics.apiRefusals.inc({ class: rateClass, scope: 'partner', limit: 'quota' })
  throw quotaUsedUp('records', records.hard, records.used, now)
}

export function quotaUsedUp(quota: 'calls' | 'records', hard: number, used: number, now: Date): ProblemError {
  const resets = monthEnd(now)
  const what = quota === 'calls' ? 'calls' : 'changes of records'
  const text = `The quota of ${what} is used up: ${used} of ${hard} in this month. There are new ones at ${resets.toISOString()}; a larger quota holds at once.`
  // By the clock of the answer, which in tests may not be that of the quota.
  const retryAt = new Date(Date.now() + resets.getTime() - now.getTime())
  const failure = new HubError('TooManyRequests', text, { retryAt })
  return new ProblemError(failure, { quota: { quota, hard, used, resetsAt: resets.toISOString() } })
}

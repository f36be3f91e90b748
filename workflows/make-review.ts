/** Periodic looks at the hub: yesterday's health, last week's performance, last month's security. Each leaves a review to be read. */
import {
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { ReviewKind } from '../model/reviews.ts'
import type { MakeReviewResult } from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'
import { checkNoInput } from './validate.ts'

const { makeReview } = proxyActivities<Activities>({
  startToCloseTimeout: '3 minutes',
  retry: retry.check,
})

async function review(
  kind: Exclude<ReviewKind, 'retention'>,
  input: Record<never, never>,
): Promise<MakeReviewResult> {
  checkNoInput(input)
  const made = await makeReview({ kind, now: workflowInfo().startTime.toISOString() })
  setCurrentDetails(`**${made.summary}**\n\n\`tieline reviews show ${made.reviewId}\` shows all of it.`)
  upsertSearchAttributes(searchAttributes({ outcome: 'succeeded' }))
  return made
}

/** Started by their schedules; `{}` by hand does the same. */
export const dailyHealthReport = (input: Record<never, never> = {}): Promise<MakeReviewResult> =>
  review('health', input)
export const weeklyReview = (input: Record<never, never> = {}): Promise<MakeReviewResult> =>
  review('performance', input)
export const securityAudit = (input: Record<never, never> = {}): Promise<MakeReviewResult> =>
  review('security', input)

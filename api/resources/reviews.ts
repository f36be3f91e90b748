/** What the hub's periodic looks at itself have found. */
import { getReview as findReview, listReviews as selectReviews, type Review } from '../../db/reviews.ts'
import { reviewWorkflows } from '../../model/reviews.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'

const brief = (one: Review): components['schemas']['ReviewBrief'] => ({
  reviewId: one.reviewId,
  kind: one.kind,
  verdict: one.verdict,
  summary: one.summary,
  coversFrom: one.coversFrom.toISOString(),
  coversTo: one.coversTo.toISOString(),
  madeAt: one.madeAt.toISOString(),
})

export const listReviews: Handler<'listReviews'> = async (deps, call) => {
  const before = positionOf(call, { reviewId: 'string' })?.reviewId
  const { kind } = call.query
  const rows = await selectReviews(deps.database.db, { kind, before, limit: rowsFor(call) })
  return listAnswer(call, rows, brief, ({ reviewId }) => ({ reviewId }))
}

export const getReview: Handler<'getReview'> = async (deps, { path }) => {
  const review = await findReview(deps.database.db, path.reviewId)
  if (!review) throw new HubError('NoSuchThing', `There is no review "${path.reviewId}".`)
  return { status: 200, body: { ...brief(review), result: { ...review.result }, markdown: review.markdown } }
}

export const startReview: Handler<'startReview'> = async (deps, { body }) => {
  const { workflowId, runId } = await deps.temporal.startUpkeep(reviewWorkflows[body.kind])
  return { status: 202, body: { workflowId, link: deps.temporal.workflowLink(workflowId, runId) } }
}

/** Reviews: what a periodic look at the hub found, kept to be read. */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { ReviewKind, ReviewVerdict } from '../model/reviews.ts'
import { newId } from '../platform/new-id.ts'
import type { Db } from './client.ts'

export interface NewReview {
  readonly kind: ReviewKind
  readonly coversFrom: Date
  readonly coversTo: Date
  readonly verdict: ReviewVerdict
  readonly summary: string
  /** Ids, counts, figures; no secrets, no personal data. */
  readonly result: JsonObject
  readonly markdown: string
  readonly madeBy: string
  /** Temporal's run; one review per run. */
  readonly workflowRunId: string | null
}

export interface Review extends NewReview {
  readonly reviewId: string
  readonly madeAt: Date
}

const columns = sql`review_id, kind, covers_from, covers_to, verdict, summary, result, markdown, made_by, workflow_run_id, made_at`

/** Keeps a review; a step that is done again finds the one that it has made. */
export async function keepReview(
  tx: Db,
  review: NewReview,
): Promise<{ readonly reviewId: string; readonly isNew: boolean }> {
  const { kind, coversFrom, coversTo, verdict, summary, result, markdown, madeBy, workflowRunId } = review
  const made = await sql<{ reviewId: string }>`
    insert into reviews (review_id, kind, covers_from, covers_to, verdict, summary, result, markdown, made_by, workflow_run_id)
    values (${newId('review')}, ${kind}, ${coversFrom}, ${coversTo}, ${verdict}, ${summary}, ${JSON.stringify(result)}::jsonb, ${markdown},
      ${madeBy}, ${workflowRunId})
    on conflict (workflow_run_id) do nothing returning review_id
  `.execute(tx)
  const [row] = made.rows
  if (row) return { ...row, isNew: true }
  const known = await sql<{ reviewId: string }>`
    select review_id from reviews where workflow_run_id = ${workflowRunId}`.execute(tx)
  return { reviewId: known.rows[0]?.reviewId ?? '', isNew: false }
}

/** Newest first. */
export async function listReviews(
  db: Db,
  query: {
    readonly kind?: ReviewKind | undefined
    readonly before?: string | undefined
    readonly limit: number
  },
): Promise<Review[]> {
  const filter = [
    sql`true`,
    ...(query.kind === undefined ? [] : [sql`kind = ${query.kind}`]),
    ...(query.before === undefined ? [] : [sql`review_id < ${query.before}`]),
  ]
  const found = await sql<Review>`
    select ${columns} from reviews where ${sql.join(filter, sql` and `)} order by review_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function getReview(db: Db, reviewId: string): Promise<Review | undefined> {
  const found = await sql<Review>`select ${columns} from reviews where review_id = ${reviewId}`.execute(db)
  return found.rows[0]
}

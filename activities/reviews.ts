/** Looks back over a period and keeps what was found. */
import { Context } from '@temporalio/activity'
import { appendAudit } from '../db/audit.ts'
import { inTransaction, type Db } from '../db/client.ts'
import { secondsDown } from '../db/health.ts'
import { callFacts, growthFacts, healthFacts, securityFacts, tenantFacts } from '../db/review-facts.ts'
import { keepReview } from '../db/reviews.ts'
import type { JsonObject } from '../model/json.ts'
import { slowest, writePerformance } from '../model/review-performance.ts'
import { writeSecurity } from '../model/review-security.ts'
import { writeHealth, type ReviewKind, type ReviewVerdict, type Written } from '../model/reviews.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'

export interface MakeReviewInput {
  readonly kind: Exclude<ReviewKind, 'retention'>
  /** End of the period; the same on every try. RFC 3339. */
  readonly now: string
}

export interface MadeReview {
  readonly reviewId: string
  readonly verdict: ReviewVerdict
  readonly summary: string
}

const dayMs = 86_400_000
const days = { health: 1, performance: 7, security: 30 } as const

type Looked = Written & { readonly result: JsonObject }

const looks: Readonly<Record<MakeReviewInput['kind'], (db: Db, from: Date, to: Date) => Promise<Looked>>> = {
  health: async (db, from, to) => {
    const facts = []
    for (const one of await healthFacts(db, from, to))
      facts.push({ ...one, downSeconds: await secondsDown(db, `provider:${one.provider}`, from, to) })
    return { ...writeHealth(facts), result: { providers: facts } }
  },
  performance: async (db, from, to) => {
    const before = new Date(from.getTime() - (to.getTime() - from.getTime()))
    const now = await callFacts(db, from, to)
    const facts = {
      now,
      before: await callFacts(db, before, from),
      tenants: await tenantFacts(db, from, to),
      growth: await growthFacts(db, from, to),
    }
    const shown = slowest(now).map(({ latency: _latency, ...one }) => one)
    return {
      ...writePerformance(facts),
      result: {
        slowest: shown,
        tenants: facts.tenants.map((one) => ({ ...one })),
        growth: facts.growth.map((one) => ({ ...one })),
      },
    }
  },
  security: async (db, from, to) => {
    const facts = await securityFacts(db, from, to)
    return { ...writeSecurity(facts, to), result: JSON.parse(JSON.stringify(facts)) as JsonObject }
  },
}

async function makeReview({ database }: ActivityDeps, { kind, now }: MakeReviewInput): Promise<MadeReview> {
  const to = new Date(now)
  const from = new Date(to.getTime() - days[kind] * dayMs)
  const { verdict, summary, markdown, findings, result } = await looks[kind](database.db, from, to)
  return await inTransaction(database.db, async (tx) => {
    const { reviewId, isNew } = await keepReview(tx, {
      ...{ kind, coversFrom: from, coversTo: to, verdict, summary, markdown, madeBy: 'workflow' },
      result: { ...result, findings: findings.map((one) => ({ ...one })) },
      workflowRunId: Context.current().info.workflowExecution?.runId ?? null,
    })
    if (isNew)
      await appendAudit(tx, {
        actor: 'workflow',
        action: 'review.made',
        subject: reviewId,
        details: { kind, verdict },
      })
    return { reviewId, verdict, summary }
  })
}

export function createReviewActivities(deps: ActivityDeps) {
  return { makeReview: failing((input: MakeReviewInput) => makeReview(deps, input)) }
}

/** Takes away what is older than its period: a step at a time, in slices, so that whoever is stopped goes on where it was. */
import { Context } from '@temporalio/activity'
import { appendAudit } from '../db/audit.ts'
import { inTransaction, type Db } from '../db/client.ts'
import { dropMonths, type MonthlyTable } from '../db/partitions.ts'
import {
  removeCallDays,
  removeConnectSessions,
  removeDeletedData,
  removeDeliveries,
  removeInbox,
  removeReviews,
  removeRunCalls,
  removeRuns,
  rollUpCalls,
} from '../db/retention.ts'
import { keepReview } from '../db/reviews.ts'
import type { RetentionKind, RetentionPeriods, RetentionStep } from '../model/retention.ts'
import { retentionMarkdown, type RetentionCounts } from '../model/reviews.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { whileBeating } from './steady.ts'

const dayMs = 86_400_000
const sliceMs = 20_000
/** Rows of one transaction. */
const batch = 5_000

const months: readonly (readonly [table: MonthlyTable, kind: RetentionKind])[] = [
  ['health_changes', 'healthChanges'],
  ['hub_events', 'hubEvents'],
  ['changes', 'changes'],
  ['record_versions', 'recordVersions'],
  ['pages', 'pages'],
]

export interface RetentionSlice {
  readonly done: boolean
  readonly removed: RetentionCounts
}

type Before = (kind: RetentionKind) => Date

const before =
  (periods: RetentionPeriods, now: Date): Before =>
  (kind) =>
    new Date(now.getTime() - periods[kind] * dayMs)

/** One batch of a step: how many rows it took. */
const batches: Readonly<Record<Exclude<RetentionStep, 'months'>, (db: Db, at: Before) => Promise<number>>> = {
  callHours: (db, at) => rollUpCalls(db, at('callHours'), batch),
  callDays: (db, at) => removeCallDays(db, at('callDays'), batch),
  inbox: (db, at) => removeInbox(db, { settled: at('inbox'), dead: at('deadLetters') }, 1_000),
  deliveries: (db, at) => removeDeliveries(db, at('deliveries'), batch),
  runCalls: (db, at) => removeRunCalls(db, at('runCalls'), batch),
  runs: (db, at) => removeRuns(db, at('runs'), 500),
  connectSessions: (db, at) => removeConnectSessions(db, at('connectSessions'), batch),
  deletedConnections: (db, at) => removeDeletedData(db, at('deletedConnections'), batch),
  reviews: (db, at) => removeReviews(db, at('reviews'), batch),
}

async function removeSlice(
  deps: ActivityDeps,
  step: RetentionStep,
  signal: AbortSignal,
): Promise<RetentionSlice> {
  const { db } = deps.database
  const began = deps.clock.now()
  const at = before(deps.config.retention, began)
  if (step === 'months') return await removeMonths(db, at, signal)
  for (let removed = 0; ;) {
    signal.throwIfAborted()
    const rows = await batches[step](db, at)
    removed += rows
    if (rows === 0) return { done: true, removed: { [step]: removed } }
    if (deps.clock.now().getTime() - began.getTime() >= sliceMs)
      return { done: false, removed: { [step]: removed } }
  }
}

async function removeMonths(db: Db, at: Before, signal: AbortSignal): Promise<RetentionSlice> {
  const removed: Record<string, number> = {}
  let done = true
  for (const [table, kind] of months) {
    signal.throwIfAborted()
    const { dropped, deleted } = await dropMonths(db, table, at(kind), batch)
    removed[`${kind}Months`] = dropped.length
    removed[kind] = deleted
    if (deleted === batch) done = false
  }
  return { done, removed }
}

/** What was removed: a review to read and an entry in the audit chain, in one transaction; once per run of the workflow. */
async function noteRetention(
  { database, clock, config }: ActivityDeps,
  { removed, startedAt }: { readonly removed: RetentionCounts; readonly startedAt: string },
): Promise<{ readonly reviewId: string }> {
  const { workflowExecution } = Context.current().info
  const total = Object.values(removed).reduce((sum, n) => sum + n, 0)
  return await inTransaction(database.db, async (tx) => {
    const { reviewId, isNew } = await keepReview(tx, {
      kind: 'retention',
      coversFrom: new Date(startedAt),
      coversTo: clock.now(),
      verdict: 'good',
      summary: total === 0 ? 'Nothing was old enough to go.' : `${total} rows and parts went.`,
      result: { removed, periods: { ...config.retention } },
      markdown: retentionMarkdown(removed, config.retention),
      madeBy: 'workflow',
      workflowRunId: workflowExecution?.runId ?? null,
    })
    if (isNew)
      await appendAudit(tx, {
        actor: 'workflow',
        action: 'retention.enforced',
        subject: reviewId,
        details: { removed },
      })
    return { reviewId }
  })
}

export function createRetentionActivities(deps: ActivityDeps) {
  return {
    removeOld: failing(({ step }: { readonly step: RetentionStep }) =>
      whileBeating((signal) => removeSlice(deps, step, signal)),
    ),
    noteRetention: failing((input: { readonly removed: RetentionCounts; readonly startedAt: string }) =>
      noteRetention(deps, input),
    ),
  }
}

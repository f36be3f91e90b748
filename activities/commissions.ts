/** Activities of commissions: post a source, release it, bill a month's usage, look after the ledger. */
import { appendAudit } from '../db/audit.ts'
import { billableUsage, type BillableUsage } from '../db/billable-usage.ts'
import { inTransaction } from '../db/client.ts'
import { releaseLines } from '../db/commission-lines.ts'
import {
  addSource,
  getSource,
  lockSource,
  noteReleased,
  retryFailedSources,
  settleSource,
  type CommissionSource,
} from '../db/commission-sources.ts'
import { tellEvent } from '../db/events.ts'
import { checkLedger, movement, postLedger, type LedgerReport } from '../db/ledger.ts'
import { defaultTenant } from '../db/partners.ts'
import { isPeriod, periodEnd, periodOf, previousPeriod, proportion } from '../model/commission.ts'
import type { Worth } from '../model/commission-document.ts'
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import { postSource } from './commission-post.ts'
import type { ActivityDeps } from './deps.ts'
import { asFailure } from './failure.ts'
import { createStatementActivities } from './statements.ts'

export interface PostedSource {
  readonly sourceId: string
  readonly state: 'posted' | 'nothing' | 'failed' | 'pending'
  readonly kind: string
  readonly partnerId: string
  readonly accountId: string
  /** Where it comes from, as ids. */
  readonly document: string
  readonly reason: string | null
  /** Until when it is held (RFC 3339); null: there is nothing to wait for. */
  readonly releaseAt: string | null
}

export interface RatedPage {
  readonly sources: readonly string[]
  /** Account to go on after; null at the end. */
  readonly next: string | null
}

const accountsAtOnce = 100

export function createCommissionActivities(deps: ActivityDeps) {
  const failing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw asFailure(error, deps.clock.now())
    }
  }
  return {
    ...createStatementActivities(deps),
    /** Posts what a source has earned or takes back. Repeatable. */
    postCommissionSource: ({ sourceId }: { readonly sourceId: string }): Promise<PostedSource> =>
      failing(async () => shown(await postSource(deps, sourceId))),
    /** A source that could not be posted is put aside, with the reason; it is tried again every night. */
    failCommissionSource: (failed: { readonly sourceId: string; readonly reason: string }): Promise<void> =>
      failing(() => fail(deps, failed.sourceId, failed.reason)),
    /** What a source holds becomes due. Repeatable. */
    releaseCommissionSource: ({ sourceId }: { readonly sourceId: string }): Promise<{ lines: number }> =>
      failing(() => release(deps, sourceId)),
    /** Writes down what accounts have used of the hub in a month, a page at a time. Repeatable. */
    rateUsage: (page: { readonly period: string; readonly after: string | null }): Promise<RatedPage> =>
      failing(() => rate(deps, page.period, page.after)),
    /** Checks the period to be closed, the one before this month when none is named. */
    periodToClose: ({ period }: { readonly period: string | null }): Promise<string> =>
      failing(async () => closable(period ?? previousPeriod(deps.clock.now()), deps.clock.now())),
    /** Checks the whole ledger and tells of what must not be. */
    checkLedger: (
      _: Readonly<Record<never, never>>,
    ): Promise<Pick<LedgerReport, 'ok' | 'lines' | 'transactions'> & { violations: number }> =>
      failing(() => check(deps)),
  }
}

const shown = (source: CommissionSource): PostedSource => ({
  sourceId: source.sourceId,
  state: source.state,
  kind: source.kind,
  partnerId: source.partnerId,
  accountId: source.accountId,
  document: source.documentKey,
  reason: source.reason,
  releaseAt: source.releasedAt === null ? (source.releaseAt?.toISOString() ?? null) : null,
})

async function fail(deps: ActivityDeps, sourceId: string, reason: string): Promise<void> {
  await inTransaction(deps.database.db, async (tx) => {
    const source = await lockSource(tx, sourceId)
    if (source?.state !== 'pending') return
    await settleSource(tx, sourceId, { state: 'failed', reason })
    deps.metrics.commissionSources.inc({ kind: source.kind, outcome: 'failed' })
    await appendAudit(tx, {
      actor: `workflow:commission:${sourceId}`,
      action: 'commission.failed',
      subject: sourceId,
      partnerId: source.partnerId,
      details: { reason },
    })
  })
}

async function release(deps: ActivityDeps, sourceId: string): Promise<{ lines: number }> {
  const { db } = deps.database
  const source = await getSource(db, sourceId)
  if (!source)
    throw new HubError('NoSuchThing', `There is no source of commission with the id "${sourceId}".`)
  return await inTransaction(db, async (tx) => {
    if (!(await noteReleased(tx, sourceId))) return { lines: 0 }
    const lines = await releaseLines(tx, sourceId)
    for (const currency of new Set(lines.map((line) => line.currency)))
      await postLedger(tx, {
        kind: 'release',
        subject: sourceId,
        part: 'window',
        currency,
        entries: movement(
          lines.filter((line) => line.currency === currency),
          'held',
          'due',
        ),
      })
    await appendAudit(tx, {
      actor: `workflow:commission:${sourceId}`,
      action: 'commission.released',
      subject: sourceId,
      partnerId: source.partnerId,
      details: { lines: lines.length },
    })
    return { lines: lines.length }
  })
}

/** @throws HubError `InvalidInput` for what is no month, `StateConflict` for one that is not over. */
export function closable(period: string, now: Date): string {
  if (!isPeriod(period))
    throw new HubError('InvalidInput', `"${String(period)}" is not a month. Write it as 2026-11.`)
  if (periodEnd(period) > now)
    throw new HubError(
      'StateConflict',
      `The month ${period} is not over: ${periodOf(now)} is the current one.`,
    )
  return period
}

async function rate(deps: ActivityDeps, period: string, after: string | null): Promise<RatedPage> {
  const { db } = deps.database
  closable(period, deps.clock.now())
  const page = await billableUsage(db, { period, after, limit: accountsAtOnce })
  const sources: string[] = []
  await inTransaction(db, async (tx) => {
    for (const usage of page) {
      const worth = usageWorth(usage)
      if (!worth) continue
      const sourceId = newId('commissionSource')
      const key = `usage/${usage.accountId}/${period}`
      const isNew = await addSource(tx, {
        sourceId,
        sourceKey: key,
        kind: 'usage',
        partnerId: usage.partnerId,
        accountId: usage.accountId,
        documentKey: key,
        connectionId: null,
        resource: null,
        externalId: null,
        recordVersion: null,
        customerId: null,
        period,
        // The last moment of the month.
        occurredAt: new Date(periodEnd(period).getTime() - 1),
        facts: {
          model: 'usage',
          connections: usage.connections,
          records: usage.records,
          worth: JSON.parse(JSON.stringify(worth)) as Record<string, string>,
        },
      })
      if (isNew) sources.push(sourceId)
    }
  })
  return { sources, next: page.length < accountsAtOnce ? null : (page.at(-1)?.accountId ?? null) }
}

/** What the usage of a month is worth at its prices; undefined for nothing. */
function usageWorth(usage: BillableUsage): Worth | undefined {
  const { currency, connectionMinor, recordsMinor } = usage
  if (currency === null) return undefined
  const parts = [
    { product: 'connections', amountMinor: usage.connections * (connectionMinor ?? 0) },
    { product: 'records', amountMinor: proportion(usage.records, recordsMinor ?? 0, 1000) },
  ].filter(({ amountMinor }) => amountMinor > 0)
  const baseMinor = parts.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
  return baseMinor === 0 ? undefined : { currency, baseMinor, totalMinor: baseMinor, parts }
}

async function check(deps: ActivityDeps) {
  const { db } = deps.database
  await retryFailedSources(db)
  const { ok, lines, transactions, violations } = await checkLedger(db)
  deps.metrics.ledgerViolations.set(violations.length)
  const [first] = violations
  if (first) {
    deps.log.error({ violations }, 'the commission ledger is broken')
    const details = { violations: violations.length, ...first }
    await inTransaction(db, async (tx) => {
      await tellEvent(tx, {
        partnerId: defaultTenant.partnerId,
        type: 'ledger.broken',
        subject: first.subject,
        data: details,
      })
      await appendAudit(tx, {
        actor: 'workflow:check-ledgers',
        action: 'ledger.broken',
        subject: first.subject,
        details,
      })
    })
  }
  return { ok, lines, transactions, violations: violations.length }
}

/**
 * Posting one source of commission: what its document is worth now, compared with what was posted for it, and the difference posted. So a
 * repeated, late or crossing event changes nothing that is right already. One transaction, under the lock of the customer.
 */
import { appendAudit } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import {
  addDocument,
  addVolume,
  firstEarnedAt,
  getDocument,
  lockCustomer,
  type CommissionDocument,
} from '../db/commission-documents.ts'
import { partnersUpwards, planInForce, type CommissionPlan } from '../db/commission-plans.ts'
import { lockSource, settleSource, type CommissionSource } from '../db/commission-sources.ts'
import { getRecord, type RecordRow } from '../db/records.ts'
import { calculateCommission, monthsBetween, weightsFor } from '../model/commission.ts'
import { documentFacts, invoiceWorth, paymentWorth, type Worth } from '../model/commission-document.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import { postCredit } from './commission-credit.ts'
import { postEarning } from './commission-levels.ts'
import { nothing, retake, wakeCredits, type SourceOutcome } from './commission-retake.ts'
import type { ActivityDeps } from './deps.ts'

const dayMs = 86_400_000

/** Posts a source; one that was posted before stays as it is. */
export async function postSource(deps: ActivityDeps, sourceId: string): Promise<CommissionSource> {
  const { db } = deps.database
  const now = deps.clock.now()
  return await db.transaction().execute(async (tx) => {
    const source = await lockSource(tx, sourceId)
    if (!source)
      throw new HubError('NoSuchThing', `There is no source of commission with the id "${sourceId}".`)
    if (source.state !== 'pending') return source
    await lockCustomer(tx, source)
    const outcome = await postingOf(tx, source, now)
    await settleSource(tx, sourceId, outcome)
    deps.metrics.commissionSources.inc({ kind: source.kind, outcome: outcome.state })
    if (outcome.state === 'posted')
      await appendAudit(tx, {
        actor: `workflow:commission:${sourceId}`,
        action: 'commission.posted',
        subject: sourceId,
        partnerId: source.partnerId,
        details: { kind: source.kind, document: source.documentKey },
      })
    return { ...source, ...outcome, releaseAt: outcome.releaseAt ?? null }
  })
}

async function postingOf(tx: Db, source: CommissionSource, now: Date): Promise<SourceOutcome> {
  const record = await recordOf(tx, source)
  if (source.kind === 'credit') return await postCredit(tx, source, record, now)
  const worth = worthOf(source, record)
  const facts = record ? documentFacts(record.model, record.mapped) : {}
  const document = await getDocument(tx, source.documentKey)
  if (document) return { ...(await change(tx, source, document, worth, now)), facts }
  if (!worth) return nothing('It is not paid, or worth nothing.', facts)
  return await earn(tx, source, worth, facts, now)
}

const recordOf = async (
  tx: Db,
  { connectionId, resource, externalId }: CommissionSource,
): Promise<RecordRow | undefined> =>
  connectionId === null || resource === null || externalId === null
    ? undefined
    : await getRecord(tx, { connectionId, resource, externalId })

function worthOf(source: CommissionSource, record: RecordRow | undefined): Worth | undefined {
  if (source.kind === 'usage') return source.facts['worth'] as unknown as Worth
  if (!record || record.deletedAt) return undefined
  return source.kind === 'invoice' ? invoiceWorth(record.mapped) : paymentWorth(record.mapped)
}

/** What it has lost by itself (it is not paid any longer, or less) and what credits have taken are taken back together, at most all of it. */
async function change(
  tx: Db,
  source: CommissionSource,
  document: CommissionDocument,
  worth: Worth | undefined,
  now: Date,
): Promise<SourceOutcome> {
  const isSame = worth?.currency === document.currency
  const lostMinor = isSame ? Math.max(0, document.totalMinor - worth.totalMinor) : document.totalMinor
  return await retake(tx, source, document, lostMinor, now)
}

async function earn(
  tx: Db,
  source: CommissionSource,
  worth: Worth,
  facts: JsonObject,
  now: Date,
): Promise<SourceOutcome> {
  const day = source.occurredAt.toISOString().slice(0, 10)
  const plan = await planInForce(tx, source.partnerId, day)
  if (!plan) return nothing(`No commission plan is in force for its partner on ${day}.`, facts)
  const { basis, refundDays } = plan.definition
  if (source.kind !== 'usage' && basis !== `${source.kind}s`)
    return nothing(`The plan "${plan.name}" goes by ${basis}.`, facts)
  const { grossMinor, results } = await calculated(tx, source, plan, worth)
  if (results.length === 0) return nothing(`No rule of the plan "${plan.name}" fits.`, facts)
  const partners = await partnersUpwards(tx, source.partnerId)
  const weights = weightsFor(plan.definition.levels, partners.length)
  if (weights.length === 0) return nothing('Its partner and those above it are closed.', facts)
  await addDocument(tx, {
    documentKey: source.documentKey,
    sourceId: source.sourceId,
    partnerId: source.partnerId,
    accountId: source.accountId,
    connectionId: source.connectionId,
    customerId: source.customerId,
    currency: worth.currency,
    baseMinor: worth.baseMinor,
    totalMinor: worth.totalMinor,
    grossMinor,
  })
  const releaseAt = await postEarning(
    tx,
    source,
    {
      partners,
      weights,
      grossMinor,
      currency: worth.currency,
      planId: plan.planId,
      planVersion: plan.version,
      calculation: { plan: plan.name, baseMinor: worth.baseMinor, rules: ruleDetails(plan, results) },
      heldUntil: new Date(source.occurredAt.getTime() + refundDays * dayMs),
    },
    now,
  )
  await wakeCredits(tx, source)
  return { state: 'posted', reason: null, facts, releaseAt }
}

const ruleDetails = (
  plan: CommissionPlan,
  results: readonly (JsonObject & { rule: number })[],
): JsonObject[] =>
  results.map((result) => {
    const rule: unknown = JSON.parse(JSON.stringify(plan.definition.rules[result.rule] ?? {}))
    return { ...result, definition: isJsonObject(rule) ? rule : {} }
  })

async function calculated(tx: Db, source: CommissionSource, plan: CommissionPlan, worth: Worth) {
  const first = await firstEarnedAt(tx, source.accountId)
  const monthsBefore =
    first === undefined ? 0 : monthsBetween(first.toISOString(), source.occurredAt.toISOString())
  const key = (rule: number) => ({
    partnerId: source.partnerId,
    planId: plan.planId,
    planVersion: plan.version,
    rule,
    period: source.period,
    currency: worth.currency,
  })
  const volumes = new Map<number, number>()
  for (const [index, rule] of plan.definition.rules.entries())
    if (rule.kind === 'tiered' && rule.currency === worth.currency)
      volumes.set(index, await addVolume(tx, key(index), 0))
  const { currency, parts } = worth
  const found = calculateCommission(
    plan.definition,
    { currency, parts, monthsBefore },
    (rule) => volumes.get(rule) ?? 0,
  )
  for (const { rule, kind, baseMinor } of found.results)
    if (kind === 'tiered') await addVolume(tx, key(rule), baseMinor)
  return found
}

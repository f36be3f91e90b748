/**
 * From the change feed to sources of commission: the hub has one place in the feed for them; what may earn something or take it back is
 * written down in the transaction that moves it on, so that no event is lost and none counts twice.
 */
import { attributionOf } from '../db/attributions.ts'
import type { Change, ChangeCursor } from '../db/changes.ts'
import { inTransaction, type Db } from '../db/client.ts'
import { hasDocument } from '../db/commission-documents.ts'
import { planInForce } from '../db/commission-plans.ts'
import { addSource, feedPlace, moveFeedPlace, scanBilling, type NewSource } from '../db/commission-sources.ts'
import { getRecord, type RecordRow } from '../db/records.ts'
import { firstLoads } from '../db/run-resources.ts'
import { periodOf } from '../model/commission.ts'
import { billingModels, creditWorth } from '../model/commission-document.ts'
import { newId } from '../platform/new-id.ts'
import type { ActivityDeps } from './deps.ts'

/** Reads on. False when there was nothing, or nobody is attributed to anything. */
export async function followCommissions(deps: ActivityDeps): Promise<boolean> {
  const { db } = deps.database
  const from = await feedPlace(db)
  if (!from) return false
  const { changes, position } = await scanBilling(db, from, billingModels)
  if (!position) return false
  await keep(db, from, position, await sourcesOf(deps, changes))
  return true
}

async function keep(
  db: Db,
  from: ChangeCursor,
  to: ChangeCursor,
  sources: readonly NewSource[],
): Promise<void> {
  await inTransaction(db, async (tx) => {
    // Another dispatcher has read the same: what it has written down is enough.
    if (!(await moveFeedPlace(tx, from, to))) return
    for (const source of sources) await addSource(tx, source)
  })
}

async function sourcesOf(deps: ActivityDeps, changes: readonly Change[]): Promise<NewSource[]> {
  const first = await firstLoads(
    deps.database.db,
    changes.flatMap(({ runId, resource, effect }) =>
      runId === null || effect !== 'created' ? [] : [{ runId, resource }],
    ),
  )
  const sources: NewSource[] = []
  for (const change of changes) {
    // What a first load brings was there before: it has not just happened.
    if (change.effect === 'created' && first.has(`${change.runId}/${change.resource}`)) continue
    const source = await sourceOf(deps, change)
    if (source) sources.push(source)
  }
  return sources
}

async function sourceOf(deps: ActivityDeps, change: Change): Promise<NewSource | undefined> {
  const { db } = deps.database
  const { connectionId, resource, externalId, model, version } = change
  const record = await getRecord(db, { connectionId, resource, externalId })
  if (!record) return undefined
  const occurredAt = momentOf(record, change, deps.clock.now())
  const { customerId: given } = record.mapped
  const customerId = typeof given === 'string' ? given : null
  const day = occurredAt.toISOString().slice(0, 10)
  const attribution = await attributionOf(db, { connectionId, customerId }, day)
  const documentKey = `${connectionId}/${resource}/${externalId}`
  if (!attribution) return undefined
  const { partnerId, accountId } = attribution
  const kind = await kindOf(db, { model, record, documentKey, partnerId, day })
  if (kind === undefined) return undefined
  return {
    sourceId: newId('commissionSource'),
    sourceKey: `${documentKey}@${version}`,
    kind,
    partnerId,
    accountId,
    documentKey,
    connectionId,
    resource,
    externalId,
    recordVersion: version,
    customerId,
    period: periodOf(occurredAt),
    occurredAt,
    facts: {},
  }
}

interface Question {
  readonly model: string
  readonly record: RecordRow
  readonly documentKey: string
  readonly partnerId: string
  readonly day: string
}

/** What a change may be for commissions; undefined for one that cannot be anything. */
async function kindOf(
  db: Db,
  { model, record, documentKey, partnerId, day }: Question,
): Promise<NewSource['kind'] | undefined> {
  if (model === 'creditNote') return 'credit'
  const isKnown = await hasDocument(db, documentKey)
  if (model === 'invoice') return isKnown || record.mapped['status'] === 'paid' ? 'invoice' : undefined
  if (isKnown) return 'payment'
  if (creditWorth(model, record.mapped)) return 'credit'
  const plan = await planInForce(db, partnerId, day)
  return plan?.definition.basis === 'payments' ? 'payment' : undefined
}

/** When it happened at the provider, as far as that tells; never in the future: a clock that is ahead would hold money too long. */
function momentOf(record: RecordRow, change: Change, now: Date): Date {
  const { paidOn } = record.mapped
  const told =
    change.effect === 'deleted'
      ? undefined
      : change.model === 'payment' && typeof paidOn === 'string'
        ? new Date(paidOn)
        : (record.sourceUpdatedAt ?? undefined)
  const at = told && !Number.isNaN(told.getTime()) ? told : change.createdAt
  return at > now ? now : at
}

/**
 * Credit notes and refunds: each takes back once what it amounts to. From the invoices that it is applied to, once these have earned;
 * what is applied to none, from what the customer has paid last. What finds nothing waits for what the customer pays next.
 */
import type { Db } from '../db/client.ts'
import {
  creditShares,
  getDocument,
  listCustomerDocuments,
  setCreditShare,
  type CommissionDocument,
} from '../db/commission-documents.ts'
import type { CommissionSource } from '../db/commission-sources.ts'
import type { RecordRow } from '../db/records.ts'
import { creditWorth, documentFacts, type CreditWorth } from '../model/commission-document.ts'
import { shareCredit } from '../model/commission-credit.ts'
import { nothing, retake, type SourceOutcome } from './commission-retake.ts'

export async function postCredit(
  tx: Db,
  source: CommissionSource,
  record: RecordRow | undefined,
  now: Date,
): Promise<SourceOutcome> {
  const { documentKey: creditKey, connectionId } = source
  if (!record || connectionId === null) return nothing('The document is gone.')
  const facts = documentFacts(record.model, record.mapped)
  const worth = record.deletedAt ? undefined : creditWorth(record.model, record.mapped)
  const before = await creditShares(tx, creditKey)
  const after = worth ? await wanted(tx, source, connectionId, worth, before) : new Map<string, number>()
  const outcomes: SourceOutcome[] = []
  for (const documentKey of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const amountMinor = after.get(documentKey) ?? 0
    if (amountMinor === (before.get(documentKey) ?? 0)) continue
    const document = await getDocument(tx, documentKey)
    if (!document) continue
    await setCreditShare(tx, { creditKey, documentKey, partnerId: document.partnerId, amountMinor })
    outcomes.push(await retake(tx, source, document, document.lostMinor, now))
  }
  const taken = [...after.values()].reduce((sum, amount) => sum + amount, 0)
  return { ...together(outcomes), facts, awaitsDocuments: (worth?.totalMinor ?? 0) > taken }
}

async function wanted(
  tx: Db,
  { customerId }: CommissionSource,
  connectionId: string,
  worth: CreditWorth,
  before: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const { currency } = worth
  const documents = await listCustomerDocuments(tx, { connectionId, customerId, currency })
  return shareCredit(worth, before, documents.map(asTarget))
}

const asTarget = (one: CommissionDocument & { readonly externalId: string | null }) => ({
  documentKey: one.documentKey,
  externalId: one.externalId,
  roomMinor: one.totalMinor - one.takenMinor,
})

function together(outcomes: readonly SourceOutcome[]): SourceOutcome {
  const posted = outcomes.filter(({ state }) => state === 'posted')
  if (posted.length === 0) return nothing('There is nothing that it takes back.')
  const held = posted.flatMap(({ releaseAt }) => (releaseAt ? [releaseAt.getTime()] : []))
  return {
    state: 'posted',
    reason: null,
    releaseAt: held.length === 0 ? null : new Date(Math.max(...held)),
  }
}

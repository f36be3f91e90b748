/** What became of a source of commission, and the one way in which something that was posted is taken back or given back. */
import type { Db } from '../db/client.ts'
import { creditedOf, setTaken, type CommissionDocument } from '../db/commission-documents.ts'
import { addSource, takeWaitingCredits, type CommissionSource } from '../db/commission-sources.ts'
import type { JsonObject } from '../model/json.ts'
import { newId } from '../platform/new-id.ts'
import { postChange } from './commission-levels.ts'

export interface SourceOutcome {
  readonly state: 'posted' | 'nothing'
  readonly reason: string | null
  readonly facts?: JsonObject
  readonly releaseAt?: Date | null
  readonly awaitsDocuments?: boolean
}

export const nothing = (reason: string, facts?: JsonObject): SourceOutcome => ({
  state: 'nothing',
  reason,
  ...(facts ? { facts } : {}),
})

/**
 * Compares what is taken back of a document with what should be, and posts the difference: what it has lost by itself and what credits
 * have taken, together at most all of it. Where less is taken than before, there is room for what other credits could not take.
 */
export async function retake(
  tx: Db,
  source: CommissionSource,
  document: CommissionDocument,
  lostMinor: number,
  now: Date,
): Promise<SourceOutcome> {
  const credited = await creditedOf(tx, document.documentKey)
  const takenMinor = Math.min(document.totalMinor, lostMinor + credited)
  const { lines, heldUntil } = await postChange(tx, source, document, takenMinor, now)
  await setTaken(tx, document.documentKey, { takenMinor, lostMinor })
  if (takenMinor < document.takenMinor) await wakeCredits(tx, source)
  return lines === 0
    ? nothing('What was posted for it is right already.')
    : { state: 'posted', reason: null, releaseAt: heldUntil }
}

/** Credits of the customer that found too little to take from are looked at again: each as an event of its own. */
export async function wakeCredits(
  tx: Db,
  { connectionId, customerId, sourceId }: CommissionSource,
): Promise<void> {
  if (connectionId === null) return
  const waiting = await takeWaitingCredits(tx, { connectionId, customerId })
  // A credit that has changed may wait by several of its sources.
  const credits = new Map(waiting.map((credit) => [credit.documentKey, credit]))
  for (const credit of credits.values())
    await addSource(tx, {
      ...credit,
      sourceId: newId('commissionSource'),
      sourceKey: `${credit.sourceId}+${sourceId}`,
      facts: {},
    })
}

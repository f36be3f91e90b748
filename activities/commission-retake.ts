/** What became of a source of commission, and the one way in which something that was posted is taken back or given back. */
import type { Db } from '../db/client.ts'
import { creditedOf, setTaken, type CommissionDocument } from '../db/commission-documents.ts'
import type { CommissionSource } from '../db/commission-sources.ts'
import type { JsonObject } from '../model/json.ts'
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
 * have taken, together at most all of it.
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
  return lines === 0
    ? nothing('What was posted for it is right already.')
    : { state: 'posted', reason: null, releaseAt: heldUntil }
}

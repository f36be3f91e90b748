/** From which documents a credit is taken, and how much from each. */
import type { CreditWorth } from './commission-document.ts'

export interface CreditTarget {
  readonly documentKey: string
  readonly externalId: string | null
  /** What can still be taken from it, beside what this credit has taken. */
  readonly roomMinor: number
}

/**
 * Shares a credit. What it has taken already stays where it is; a credit that has become smaller gives back, last document first.
 * @param before by document: what it has taken. @param targets of the customer, newest first.
 */
export function shareCredit(
  { totalMinor, applied }: Pick<CreditWorth, 'totalMinor' | 'applied'>,
  before: ReadonlyMap<string, number>,
  targets: readonly CreditTarget[],
): Map<string, number> {
  const shares = new Map(before)
  const sum = () => [...shares.values()].reduce((total, one) => total + one, 0)
  for (const [key, share] of [...before].reverse()) {
    const excess = sum() - totalMinor
    if (excess > 0) shares.set(key, share - Math.min(share, excess))
  }
  const room = new Map(targets.map(({ documentKey, roomMinor }) => [documentKey, roomMinor]))
  const take = (key: string, most: number): void => {
    const amount = Math.min(most, room.get(key) ?? 0, totalMinor - sum())
    if (amount <= 0) return
    shares.set(key, (shares.get(key) ?? 0) + amount)
    room.set(key, (room.get(key) ?? 0) - amount)
  }
  // What is applied to an invoice that has not earned yet is kept for it.
  let keptMinor = 0
  for (const { externalId, amountMinor } of applied) {
    const target = targets.find((one) => one.externalId === externalId)
    if (target) take(target.documentKey, amountMinor - (shares.get(target.documentKey) ?? 0))
    else keptMinor += amountMinor
  }
  for (const { documentKey } of targets) take(documentKey, totalMinor - sum() - keptMinor)
  return shares
}

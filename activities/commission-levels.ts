/** Lines and ledger of one posting: the levels share it, are accrued and held, or are due at once where nothing is to be waited for. */
import type { CommissionDocument } from '../db/commission-documents.ts'
import { addLines, lockEarnings, type CommissionLine, type NewLine } from '../db/commission-lines.ts'
import type { CommissionSource } from '../db/commission-sources.ts'
import type { Db } from '../db/client.ts'
import { movement, postLedger } from '../db/ledger.ts'
import { shareByWeight, shareChange, takenBack } from '../model/commission.ts'
import type { JsonObject } from '../model/json.ts'
import { newId } from '../platform/new-id.ts'

export interface Earning {
  readonly partners: readonly string[]
  readonly weights: readonly number[]
  readonly grossMinor: number
  readonly currency: string
  readonly planId: string
  readonly planVersion: number
  readonly calculation: JsonObject
  readonly heldUntil: Date
}

/** Posts what a document earns. Answers until when its lines are held; null when none is. */
export async function postEarning(
  tx: Db,
  source: CommissionSource,
  earning: Earning,
  now: Date,
): Promise<Date | null> {
  const { partners, weights, grossMinor } = earning
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const shares = shareByWeight(grossMinor, weights)
  const isHeld = earning.heldUntil > now
  const lines = shares.flatMap((amountMinor, level): NewLine[] => {
    const partnerId = partners[level]
    if (amountMinor === 0 || partnerId === undefined) return []
    return [
      {
        ...commonTo(source),
        lineId: newId('commissionLine'),
        documentKey: source.documentKey,
        partnerId,
        level,
        kind: 'earning',
        originalLineId: null,
        currency: earning.currency,
        grossMinor,
        weight: weights[level] ?? 0,
        weights: total,
        amountMinor,
        state: isHeld ? 'held' : 'due',
        heldUntil: earning.heldUntil,
        dueAt: isHeld ? null : earning.heldUntil,
        planId: earning.planId,
        planVersion: earning.planVersion,
        calculation: earning.calculation,
      },
    ]
  })
  return await post(tx, source, lines)
}

const commonTo = ({ sourceId, accountId, period, occurredAt }: CommissionSource) => ({
  sourceId,
  accountId,
  period,
  occurredAt,
})

/**
 * Brings the lines of a document in line with how much of it is taken back: reversals for more, restorations for less. A reversal of what is
 * held is held as long; of anything later it is due at once, and so part of the next statement.
 */
export async function postChange(
  tx: Db,
  source: CommissionSource,
  document: CommissionDocument,
  takenMinor: number,
  now: Date,
): Promise<{ readonly lines: number; readonly heldUntil: Date | null }> {
  const { grossMinor, totalMinor } = document
  const change =
    takenBack(grossMinor, document.takenMinor, totalMinor) - takenBack(grossMinor, takenMinor, totalMinor)
  if (change === 0) return { lines: 0, heldUntil: null }
  const originals = await lockEarnings(tx, document.documentKey)
  const shares = shareChange(
    change,
    originals.map(({ amountMinor }) => amountMinor),
    originals.map(({ leftMinor }) => leftMinor),
  )
  const lines = originals.flatMap((original, index): NewLine[] => {
    const amountMinor = shares[index] ?? 0
    return amountMinor === 0
      ? []
      : [changeOf(original, source, { amountMinor, change, takenMinor, document, now })]
  })
  return { lines: lines.length, heldUntil: await post(tx, source, lines, document.documentKey) }
}

function changeOf(
  original: CommissionLine,
  source: CommissionSource,
  of: {
    readonly amountMinor: number
    readonly change: number
    readonly takenMinor: number
    readonly document: CommissionDocument
    readonly now: Date
  },
): NewLine {
  const isHeld = original.state === 'held'
  const { documentKey, partnerId, level, currency, weight, weights, planId, planVersion } = original
  return {
    ...commonTo(source),
    accountId: original.accountId,
    lineId: newId('commissionLine'),
    documentKey,
    partnerId,
    level,
    kind: of.change < 0 ? 'reversal' : 'restoration',
    originalLineId: original.lineId,
    currency,
    grossMinor: of.change,
    weight,
    weights,
    amountMinor: of.amountMinor,
    state: isHeld ? 'held' : 'due',
    heldUntil: isHeld ? original.heldUntil : of.now,
    dueAt: isHeld ? null : of.now,
    planId,
    planVersion,
    calculation: {
      takenMinor: of.takenMinor,
      takenBeforeMinor: of.document.takenMinor,
      totalMinor: of.document.totalMinor,
      grossMinor: of.document.grossMinor,
    },
  }
}

/** Lines go through every account on their way, so that the ledger tells the whole story of each. */
async function post(
  tx: Db,
  source: CommissionSource,
  lines: readonly NewLine[],
  part = '',
): Promise<Date | null> {
  const [first] = lines
  if (!first) return null
  await addLines(tx, lines)
  const { currency } = first
  const { sourceId: subject } = source
  await postLedger(tx, {
    kind: 'accrue',
    subject,
    part,
    currency,
    entries: movement(lines, 'expense', 'accrued'),
  })
  await postLedger(tx, { kind: 'hold', subject, part, currency, entries: movement(lines, 'accrued', 'held') })
  const due = lines.filter(({ state }) => state === 'due')
  if (due.length > 0) {
    const kept = part === '' ? 'at once' : part
    await postLedger(tx, {
      kind: 'release',
      subject,
      part: kept,
      currency,
      entries: movement(due, 'held', 'due'),
    })
  }
  const held = lines.filter(({ state }) => state === 'held').map(({ heldUntil }) => heldUntil.getTime())
  return held.length === 0 ? null : new Date(Math.max(...held))
}

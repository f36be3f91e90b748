/** Which transactions settle which: payments invoices, credits and bills, deposits payments. Both sides tell of the other. */
import type { JsonObject } from '../../model/json.ts'
import type { Books } from './simulator-books.ts'
import type { EntityName } from './simulator-entities.ts'
import { business, deposited, malformed, missing, notFound } from './simulator-faults.ts'
import { appliedCents } from './simulator-rules.ts'
import {
  amountOf,
  centsOf,
  lastUpdated,
  objectOf,
  objectsOf,
  refId,
  stamp,
  textOf,
} from './simulator-values.ts'

type Target = 'Invoice' | 'CreditMemo' | 'Bill' | 'Payment'

interface Link {
  readonly type: Target
  readonly id: string
  readonly cents: number
}

/** What may be settled by what, and how the settled one names the settling one. */
const settles: Partial<Record<EntityName, { targets: readonly Target[]; label: string }>> = {
  Payment: { targets: ['Invoice', 'CreditMemo'], label: 'Payment' },
  BillPayment: { targets: ['Bill'], label: 'BillPaymentCheck' },
  Deposit: { targets: ['Payment'], label: 'Deposit' },
}

const sources: Readonly<Record<string, EntityName>> = {
  Payment: 'Payment',
  BillPaymentCheck: 'BillPayment',
  Deposit: 'Deposit',
}

/** The object with the next SyncToken and the time of its change. */
export function touched(object: JsonObject, at: number): JsonObject {
  const times = objectOf(object['MetaData'])
  return {
    ...object,
    SyncToken: String(Number(object['SyncToken'] ?? 0) + 1),
    MetaData: { ...times, LastUpdatedTime: stamp(Math.max(at, lastUpdated(object))) },
  }
}

function linksOf(entity: EntityName, object: JsonObject | undefined): Link[] {
  const targets = settles[entity]?.targets ?? []
  return objectsOf(object?.['Line']).flatMap((line) =>
    objectsOf(line['LinkedTxn']).flatMap(({ TxnId, TxnType }) => {
      const type = targets.find((one) => one === TxnType)
      return type ? [{ type, id: textOf(TxnId), cents: centsOf(line['Amount']) }] : []
    }),
  )
}

/** Links name a transaction of a kind that this one settles. */
function checkLinks(entity: EntityName, object: JsonObject): void {
  const targets: readonly string[] | undefined = settles[entity]?.targets
  if (!targets) return
  for (const line of objectsOf(object['Line']))
    for (const { TxnId, TxnType } of objectsOf(line['LinkedTxn'])) {
      if (textOf(TxnId) === '') throw missing('TxnId')
      if (!targets.includes(textOf(TxnType))) throw malformed('TxnType')
    }
}

const sumFor = (links: readonly Link[], type: Target, id: string): number =>
  links.filter((link) => link.type === type && link.id === id).reduce((sum, { cents }) => sum + cents, 0)

/** Changes that the other sides need when `before` becomes `after`; nothing is written yet. @throws Refused */
export function relink(
  books: Books,
  entity: EntityName,
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  at: number,
): (() => void)[] {
  if (after) checkLinks(entity, after)
  const [old, wanted] = [linksOf(entity, before), linksOf(entity, after)]
  const id = textOf((after ?? before)?.['Id'])
  const keys = new Map([...old, ...wanted].map((link) => [`${link.type}/${link.id}`, link]))
  return [...keys.values()].flatMap(({ type, id: targetId }) => {
    const target = books.get(type, targetId)
    if (!target) throw notFound()
    const isLinked = wanted.some((link) => link.type === type && link.id === targetId)
    const delta = sumFor(wanted, type, targetId) - sumFor(old, type, targetId)
    const wasLinked = old.some((link) => link.type === type && link.id === targetId)
    if (after) check(entity, type, target, after, id)
    if (delta === 0 && isLinked === wasLinked) return []
    const settled = settledBy(type, target, delta, { id, label: settles[entity]?.label ?? '', isLinked })
    return [() => books.put(type, touched(settled, at))]
  })
}

function check(entity: EntityName, type: Target, target: JsonObject, source: JsonObject, id: string): void {
  const party = entity === 'BillPayment' ? 'VendorRef' : 'CustomerRef'
  if (entity !== 'Deposit' && refId(target, party) !== refId(source, party))
    throw business('The transaction to be settled belongs to another name.')
  const isElsewhere = objectsOf(target['LinkedTxn']).some(
    ({ TxnType, TxnId }) => TxnType === 'Deposit' && TxnId !== id,
  )
  if (entity === 'Deposit' && type === 'Payment' && isElsewhere)
    throw business('The payment is part of another deposit.')
}

/** The target with its new balance and its list of settling transactions. */
function settledBy(
  type: Target,
  target: JsonObject,
  delta: number,
  by: { readonly id: string; readonly label: string; readonly isLinked: boolean },
): JsonObject {
  const others = objectsOf(target['LinkedTxn']).filter(
    ({ TxnId, TxnType }) => TxnId !== by.id || TxnType !== by.label,
  )
  const LinkedTxn = by.isLinked ? [...others, { TxnId: by.id, TxnType: by.label }] : others
  if (type === 'Payment') return { ...target, LinkedTxn }
  const open = centsOf(target['Balance']) - delta
  if (open < 0)
    throw business(
      `The amount applied exceeds the balance of ${type} ${textOf(target['Id'])}: ${amountOf(centsOf(target['Balance']))} is open.`,
    )
  const rate = Number(target['ExchangeRate'] ?? 1)
  return {
    ...target,
    LinkedTxn,
    Balance: amountOf(open),
    ...(type === 'CreditMemo' ? { RemainingCredit: amountOf(open) } : {}),
    ...(target['HomeBalance'] === undefined ? {} : { HomeBalance: amountOf(Math.round(open * rate)) }),
  }
}

/** Takes what settled a transaction off it, before it is voided or deleted. @throws Refused when it lies in a deposit. */
export function release(books: Books, entity: EntityName, object: JsonObject, at: number): void {
  const id = textOf(object['Id'])
  const links = objectsOf(object['LinkedTxn'])
  if (entity === 'Payment' && links.some(({ TxnType }) => TxnType === 'Deposit')) throw deposited()
  for (const { TxnId, TxnType } of links) {
    const source = sources[textOf(TxnType)]
    const settling = source && books.get(source, textOf(TxnId))
    if (!source || !settling) continue
    const Line = objectsOf(settling['Line']).filter(
      (line) =>
        !objectsOf(line['LinkedTxn']).some((link) => link['TxnId'] === id && link['TxnType'] === entity),
    )
    const rest = { ...settling, Line }
    // A payment whose credit memo is gone pays less: what the credit covered is taken off its invoices.
    const short = centsOf(settling['TotalAmt']) - appliedCents(rest)
    const whole = source === 'Payment' && short < 0 ? { ...rest, Line: reduced(Line, -short) } : rest
    const unapplied = centsOf(settling['TotalAmt']) - appliedCents(whole)
    const changed = source === 'Payment' ? { ...whole, UnappliedAmt: amountOf(unapplied) } : whole
    const effects = relink(books, source, settling, changed, at)
    for (const effect of effects) effect()
    books.put(source, touched(changed, at))
  }
}

/** Lines that apply so many cents less. */
function reduced(lines: readonly JsonObject[], cents: number): JsonObject[] {
  let rest = cents
  return lines.flatMap((line) => {
    const isInvoice = objectsOf(line['LinkedTxn']).some(({ TxnType }) => TxnType === 'Invoice')
    const take = isInvoice ? Math.min(rest, centsOf(line['Amount'])) : 0
    rest -= take
    const left = centsOf(line['Amount']) - take
    return left > 0 ? [{ ...line, Amount: amountOf(left) }] : []
  })
}

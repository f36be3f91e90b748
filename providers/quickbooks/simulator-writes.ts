/** Creating, updating, voiding, deleting, sending: the operations that change the books. @throws Refused */
import type { JsonObject } from '../../model/json.ts'
import type { Books } from './simulator-books.ts'
import { entities, type EntityName } from './simulator-entities.ts'
import {
  business,
  deposited,
  duplicateNumber,
  malformed,
  missing,
  notFound,
  stale,
  unsupported,
} from './simulator-faults.ts'
import { relink, release, touched } from './simulator-links.ts'
import { complete } from './simulator-rules.ts'
import {
  amountOf,
  centsOf,
  localDate,
  objectOf,
  objectsOf,
  refId,
  stamp,
  textOf,
} from './simulator-values.ts'

export interface Desk {
  readonly books: Books
  /** When the operation happens, in milliseconds; each is stamped with its second. */
  readonly at: number
  /** Whether a number that another one has is taken all the same (`include=allowduplicatedocnum`). */
  readonly mayDuplicate?: boolean
}

/** Fields that only QuickBooks writes. */
const systemFields = [
  'Id',
  'SyncToken',
  'MetaData',
  'LinkedTxn',
  'Balance',
  'UnappliedAmt',
  'RemainingCredit',
]
const ownTotals: readonly EntityName[] = ['Payment', 'BillPayment']

/** Transactions that others settle: their totals may not fall below that. */
const settled: readonly EntityName[] = ['Invoice', 'CreditMemo', 'Bill']

/** Transactions that QuickBooks numbers itself when they come without a number. */
const numbered: readonly EntityName[] = ['Invoice', 'CreditMemo', 'SalesReceipt']

export function create({ books, at, mayDuplicate }: Desk, entity: EntityName, body: JsonObject): JsonObject {
  if (entities[entity].kind === 'fixed' || entity === 'TaxCode' || entity === 'TaxRate')
    throw unsupported(`create ${entity}`)
  const wanted = without(body, entity)
  const object = complete({ books, today: localDate(at) }, entity, wanted)
  const number = textOf(object['DocNumber'])
  if (number.length > 21) throw malformed('DocNumber')
  const taken = number === '' ? undefined : books.numbered(entity, number)
  if (taken !== undefined && entity === 'Invoice' && mayDuplicate !== true)
    throw duplicateNumber(number, entity, taken)
  const id = books.nextId(entity)
  const made: JsonObject = {
    ...object,
    ...(number === '' && numbered.includes(entity) ? { DocNumber: books.nextDocNumber(entity) } : {}),
    Id: id,
    SyncToken: '0',
    MetaData: { CreateTime: stamp(at), LastUpdatedTime: stamp(at) },
    domain: 'QBO',
    sparse: false,
  }
  const effects = relink(books, entity, undefined, made, at)
  books.put(entity, made)
  for (const effect of effects) effect()
  return made
}

/** What a caller may send, without what it may not and without what is null. */
function without(body: JsonObject, entity: EntityName): JsonObject {
  const isSystem = (name: string) =>
    systemFields.includes(name) ||
    ['sparse', 'domain', 'time', 'status'].includes(name) ||
    (name === 'TotalAmt' && !ownTotals.includes(entity))
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => !isSystem(name) && value !== null && value !== ''),
  )
}

/** The living object that a body with Id and SyncToken means. */
function current(books: Books, entity: EntityName, body: JsonObject): JsonObject {
  const id = textOf(body['Id'])
  if (id === '') throw missing('Id')
  const object = books.get(entity, id)
  if (!object) throw notFound()
  const token = textOf(body['SyncToken'])
  if (token === '') throw missing('SyncToken')
  if (token !== textOf(object['SyncToken'])) throw stale()
  return object
}

/** Full update: what is not sent is emptied. Sparse update: only what is sent changes. */
export function update({ books, at, mayDuplicate }: Desk, entity: EntityName, body: JsonObject): JsonObject {
  const before = current(books, entity, body)
  if (entity === 'TaxCode' || entity === 'TaxRate') throw unsupported(`update ${entity}`)
  const isSparse = body['sparse'] === true || body['sparse'] === 'true'
  const emptied = new Set(
    Object.keys(body).filter(
      (name) =>
        (body[name] === null || body[name] === '') && !systemFields.includes(name) && name !== 'domain',
    ),
  )
  const base = isSparse
    ? Object.fromEntries(Object.entries(before).filter(([name]) => !emptied.has(name)))
    : kept(before)
  const applied = centsOf(before['TotalAmt']) - centsOf(before['Balance'])
  const draft = {
    ...base,
    ...without(body, entity),
    ...(settled.includes(entity) ? { AppliedSoFar: amountOf(applied) } : {}),
  }
  const completed = complete({ books, today: localDate(at) }, entity, draft)
  guardDeposited(entity, before, completed)
  const after = touched({ ...renamed(entity, before, completed), sparse: false }, at)
  const number = textOf(after['DocNumber'])
  const holder = number === '' ? undefined : books.numbered(entity, number)
  if (holder !== undefined && holder !== after['Id'] && entity === 'Invoice' && mayDuplicate !== true)
    throw duplicateNumber(number, entity, holder)
  const effects = relink(books, entity, before, after, at)
  books.put(entity, after)
  for (const effect of effects) effect()
  return after
}

/** What lies in a deposit keeps its amount and its account. */
function guardDeposited(entity: EntityName, before: JsonObject, after: JsonObject): void {
  const isDeposited = objectsOf(before['LinkedTxn']).some(({ TxnType }) => TxnType === 'Deposit')
  const account = (object: JsonObject) => refId(object, 'DepositToAccountRef')
  if (entity !== 'Payment' || !isDeposited) return
  if (before['TotalAmt'] !== after['TotalAmt'] || account(before) !== account(after)) throw deposited()
}

const suffix = ' (deleted)'

/** A name that is made inactive is shown with a suffix, and without it when it is active again. */
function renamed(entity: EntityName, before: JsonObject, after: JsonObject): JsonObject {
  if (entities[entity].kind !== 'name' || before['Active'] === after['Active']) return after
  const isGone = after['Active'] === false
  const fields = ['DisplayName', 'Name', 'FullyQualifiedName'].flatMap((field): [string, string][] => {
    const name = after[field]
    if (typeof name !== 'string') return []
    const plain = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name
    return [[field, isGone ? plain + suffix : plain]]
  })
  return { ...after, ...Object.fromEntries(fields) }
}

/** What a full update leaves as it is. */
const kept = (before: JsonObject): JsonObject =>
  Object.fromEntries(
    [...systemFields, 'DocNumber', 'CurrencyRef', 'domain', 'Active', 'TxnDate'].flatMap((name) =>
      before[name] === undefined ? [] : [[name, before[name]]],
    ),
  )

/** Deletes a transaction; a name is only ever made inactive. */
export function remove({ books, at }: Desk, entity: EntityName, body: JsonObject): JsonObject {
  const object = current(books, entity, body)
  if (entities[entity].kind !== 'transaction') throw unsupported(`delete ${entity}`)
  release(books, entity, object, at)
  const effects = relink(books, entity, object, undefined, at)
  for (const effect of effects) effect()
  const id = textOf(object['Id'])
  books.remove(entity, { id, at })
  return { status: 'Deleted', domain: 'QBO', Id: id }
}

const voidable: readonly EntityName[] = ['Invoice', 'Payment', 'SalesReceipt', 'BillPayment']

/** Voids: the transaction stays, with amounts of nothing and a note. */
export function annul({ books, at }: Desk, entity: EntityName, body: JsonObject): JsonObject {
  const object = current(books, entity, body)
  if (!voidable.includes(entity)) throw unsupported(`void ${entity}`)
  release(books, entity, object, at)
  const now = books.get(entity, textOf(object['Id'])) ?? object
  const isSettling = entity === 'Payment' || entity === 'BillPayment'
  const empty: JsonObject = {
    ...now,
    Line: isSettling ? [] : objectsOf(now['Line']).map(emptied),
    TotalAmt: 0,
    ...(now['HomeTotalAmt'] === undefined ? {} : { HomeTotalAmt: 0, HomeBalance: 0 }),
    ...(isSettling ? {} : { Balance: 0, TxnTaxDetail: { TotalTax: 0 }, LinkedTxn: [] }),
    ...(entity === 'Payment' ? { UnappliedAmt: 0 } : {}),
    PrivateNote: 'Voided',
  }
  const effects = relink(books, entity, now, empty, at)
  const after = touched(empty, at)
  books.put(entity, after)
  for (const effect of effects) effect()
  return after
}

function emptied(line: JsonObject): JsonObject {
  const detail = objectOf(line['SalesItemLineDetail'])
  return {
    ...line,
    Amount: 0,
    ...(line['SalesItemLineDetail'] === undefined
      ? {}
      : { SalesItemLineDetail: { ...detail, Qty: 0, UnitPrice: 0 } }),
  }
}

/** E-mails a sales form: to the given address, or to the one that it has. */
export function send({ books, at }: Desk, entity: EntityName, id: string, sendTo: string | null): JsonObject {
  const object = books.get(entity, id)
  if (!object) throw notFound()
  if (!['Invoice', 'Payment', 'SalesReceipt', 'CreditMemo'].includes(entity))
    throw unsupported(`send ${entity}`)
  const customer = books.get('Customer', textOf(objectOf(object['CustomerRef'])['value'])) ?? {}
  const address =
    sendTo ??
    (textOf(objectOf(object['BillEmail'])['Address']) ||
      (entity === 'Payment' ? textOf(objectOf(customer['PrimaryEmailAddr'])['Address']) : ''))
  if (!/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(address)) throw business('The e-mail address is missing or invalid.')
  const sent = touched(
    {
      ...object,
      BillEmail: { Address: address },
      EmailStatus: 'EmailSent',
      DeliveryInfo: { DeliveryType: 'Email', DeliveryTime: stamp(at) },
    },
    at,
  )
  books.put(entity, sent)
  return sent
}

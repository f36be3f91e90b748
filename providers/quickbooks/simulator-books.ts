/** The books: living objects by kind, what was deleted and when, and indexes that rules need. */
import type { JsonObject } from '../../model/json.ts'
import { entities, entityNames, type EntityName } from './simulator-entities.ts'
import { balancesOf, type Balances } from './simulator-ledger.ts'
import { amountOf, refId, textOf } from './simulator-values.ts'

export interface Removed {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export type Change =
  | { readonly entity: EntityName; readonly object: JsonObject }
  | { readonly entity: EntityName; readonly removed: Removed }

export interface Books {
  /** As it was put, without the balances that follow from others. */
  get(entity: EntityName, id: string): JsonObject | undefined
  /** In the order of making. */
  all(entity: EntityName): readonly JsonObject[]
  /** As the API shows it: with the balances of today. */
  shown(entity: EntityName, id: string): JsonObject | undefined
  allShown(entity: EntityName): readonly JsonObject[]
  count(entity: EntityName): number
  removed(entity: EntityName): readonly Removed[]
  put(entity: EntityName, object: JsonObject): void
  remove(entity: EntityName, removed: Removed): void
  /** Takes a change again without telling of it. */
  restore(change: Change): void
  nextId(entity: EntityName): string
  nextDocNumber(entity: EntityName): string
  /** Who has this name, in any letters: `Customer/12`. Customers and vendors share their names. */
  holder(entity: EntityName, name: string): string | undefined
  /** Id of the transaction that has this number. */
  numbered(entity: EntityName, number: string): string | undefined
  balances(): Balances
}

/** @param tell told of each change. */
export function createBooks(tell: (change: Change) => void): Books {
  const tables = new Map(entityNames.map((entity) => [entity, new Map<string, JsonObject>()]))
  const gone = new Map<EntityName, Removed[]>()
  const lastIds = new Map<string, number>()
  const lastNumbers = new Map<EntityName, number>()
  const holders = new Map<string, string>()
  const numbers = new Map<string, string>()
  let known: Balances | undefined
  const table = (entity: EntityName) => tables.get(entity) ?? new Map<string, JsonObject>()

  const forget = (entity: EntityName, object: JsonObject | undefined) => {
    if (!object) return
    const id = textOf(object['Id'])
    const name = nameKey(entity, textOf(object[nameField(entity)]))
    if (holders.get(name) === `${entity}/${id}`) holders.delete(name)
    const number = `${entity} ${textOf(object['DocNumber'])}`
    if (numbers.get(number) === id) numbers.delete(number)
  }
  const note = (entity: EntityName, object: JsonObject) => {
    const id = textOf(object['Id'])
    const { ids, kind } = entities[entity]
    lastIds.set(ids, Math.max(lastIds.get(ids) ?? 0, Number(id) || 0))
    if (kind !== 'transaction')
      holders.set(nameKey(entity, textOf(object[nameField(entity)])), `${entity}/${id}`)
    const number = textOf(object['DocNumber'])
    if (number === '') return
    numbers.set(`${entity} ${number}`, id)
    if (/^\d{1,9}$/.test(number))
      lastNumbers.set(entity, Math.max(lastNumbers.get(entity) ?? 0, Number(number)))
  }
  const restore = (change: Change) => {
    known = undefined
    const { entity } = change
    const id = 'object' in change ? textOf(change.object['Id']) : change.removed.id
    forget(entity, table(entity).get(id))
    if ('object' in change) {
      table(entity).set(id, change.object)
      note(entity, change.object)
    } else {
      table(entity).delete(id)
      gone.set(entity, [...(gone.get(entity) ?? []), change.removed])
    }
  }
  const apply = (change: Change) => {
    restore(change)
    tell(change)
  }
  const books: Books = {
    get: (entity, id) => table(entity).get(id),
    all: (entity) => [...table(entity).values()],
    shown: (entity, id) => {
      const object = table(entity).get(id)
      return object && withBalances(entity, object, books.balances)
    },
    allShown: (entity) => books.all(entity).map((object) => withBalances(entity, object, books.balances)),
    count: (entity) => table(entity).size,
    removed: (entity) => gone.get(entity) ?? [],
    put: (entity, object) => apply({ entity, object }),
    remove: (entity, removed) => apply({ entity, removed }),
    restore,
    nextId: (entity) => String((lastIds.get(entities[entity].ids) ?? 0) + 1),
    nextDocNumber: (entity) => String((lastNumbers.get(entity) ?? 1000) + 1),
    holder: (entity, name) => holders.get(nameKey(entity, name)),
    numbered: (entity, number) => numbers.get(`${entity} ${number}`),
    balances: () => (known ??= balancesOf(books)),
  }
  return books
}

/** The field that must be the only one of its kind. */
export const nameField = (entity: EntityName): 'DisplayName' | 'Name' | 'FullyQualifiedName' =>
  entity === 'Customer' || entity === 'Vendor' || entity === 'TaxAgency'
    ? 'DisplayName'
    : entity === 'Account'
      ? 'FullyQualifiedName'
      : 'Name'

const nameKey = (entity: EntityName, name: string): string =>
  `${entities[entity].ids} ${name.trim().toLowerCase()}`

/** Balances of customers, vendors and accounts follow from their transactions and do not touch the object. */
function withBalances(entity: EntityName, object: JsonObject, balances: () => Balances): JsonObject {
  const id = textOf(object['Id'])
  if (entity === 'Customer') {
    const balance = amountOf(balances().customers.get(id) ?? 0)
    return { ...object, Balance: balance, BalanceWithJobs: balance }
  }
  if (entity === 'Vendor') return { ...object, Balance: amountOf(balances().vendors.get(id) ?? 0) }
  if (entity !== 'Account') return object
  const isSheet = ['Asset', 'Liability', 'Equity'].includes(textOf(object['Classification']))
  const debit = balances().accounts.get(id) ?? 0
  const shown = isSheet ? amountOf(object['Classification'] === 'Asset' ? debit : -debit) + 0 : 0
  const own = refId(object, 'CurrencyRef')
  return {
    ...object,
    CurrentBalance: shown,
    CurrentBalanceWithSubAccounts: shown,
    ...(own === '' ? { CurrencyRef: { value: 'USD', name: 'United States Dollar' } } : {}),
  }
}

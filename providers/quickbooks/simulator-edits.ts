/** What people do in the company while it is being read: by the same rules as the API, so that the books stay right. */
import type { JsonObject } from '../../model/json.ts'
import { createChance, type Chance, type Edit, type EditWish, type ExactEdit } from '../../sandbox/kit.ts'
import { bodyOf } from './simulator-bodies.ts'
import type { Books } from './simulator-books.ts'
import { taxCodeBodies } from './simulator-chart.ts'
import { entities, entityOfResource, type EntityName } from './simulator-entities.ts'
import { Refused } from './simulator-faults.ts'
import { touched } from './simulator-links.ts'
import { stamp, textOf } from './simulator-values.ts'
import { create, remove, update } from './simulator-writes.ts'

export interface Editor {
  edit(wish: EditWish): Edit[]
  editExactly(edit: ExactEdit): Edit | undefined
  /** One or two edits of some resource, as they happen while pages are read. */
  editSomething(): Edit[]
}

export interface EditSetting {
  readonly books: Books
  readonly seed: number
  /** When the next change happens. */
  tick(): number
  /** How many changes there were so far: with the seed it decides the next ones, also after a restart. */
  changes(): number
}

export function createEditor(setting: EditSetting): Editor {
  const { books, seed, tick, changes } = setting
  const chanceNow = () => createChance((seed ^ 0x5eed ^ Math.imul(changes() + 1, 0x9e3779b1)) >>> 0)
  const edit = (wish: EditWish, chance = chanceNow()): Edit[] => {
    const entity = entityOfResource(wish.resource ?? 'invoices')
    if (!entity) return []
    const work = { books, tick, chance, entity }
    return [
      ...repeat(wish.create ?? 0, () => made(work)),
      ...repeat(wish.update ?? 0, () => changed(work)),
      ...repeat(wish.delete ?? 0, () => deleted(work)),
    ]
  }
  return {
    edit,
    editExactly: ({ resource, id, fields, delete: ends }) => {
      const entity = entityOfResource(resource)
      const object = entity && books.get(entity, id)
      if (!entity || !object) return undefined
      const work = { books, tick, chance: chanceNow(), entity }
      return ends === true ? endOf(work, object) : changeTo(work, object, fields ?? {})
    },
    editSomething: () => {
      const chance = chanceNow()
      const resource = chance.pick(['invoices', 'payments', 'customers', 'bills', 'items'])
      return edit(
        { resource, ...chance.pick([{ update: 1 }, { update: 2 }, { create: 1 }, { delete: 1 }]) },
        chance,
      )
    },
  }
}

interface Work {
  readonly books: Books
  readonly entity: EntityName
  readonly chance: Chance
  tick(): number
}

const repeat = (times: number, make: () => Edit | undefined): Edit[] =>
  Array.from({ length: times }, make).filter((one) => one !== undefined)

/** undefined when there is nothing to do, as to pay a bill when all are paid. */
function made({ books, tick, chance, entity }: Work): Edit | undefined {
  const at = tick()
  if (entity === 'TaxRate' || entities[entity].kind === 'fixed') return undefined
  try {
    const object =
      entity === 'TaxCode'
        ? newTaxCode(books, at)
        : create({ books, at }, entity, bodyOf(entity, { books, chance, at }))
    return { resource: entities[entity].resource, id: textOf(object['Id']), effect: 'created', fields: [] }
  } catch (error) {
    if (error instanceof Refused) return undefined
    throw error
  }
}

/** Tax codes are made in the settings, not by the API. */
function newTaxCode(books: Books, at: number): JsonObject {
  const [model = {}] = taxCodeBodies(3).slice(-1)
  const Id = books.nextId('TaxCode')
  const times = { CreateTime: stamp(at), LastUpdatedTime: stamp(at) }
  const object = {
    ...model,
    Id,
    Name: `Place ${Id}`,
    SyncToken: '0',
    domain: 'QBO',
    sparse: false,
    MetaData: times,
  }
  books.put('TaxCode', object)
  return object
}

function changed(work: Work): Edit | undefined {
  const { books, chance, entity } = work
  const list = books.all(entity)
  if (list.length === 0) return undefined
  return changeTo(work, chance.pick(list), changeOf(entity, chance))
}

/** Something that a person changes without breaking the books. */
function changeOf(entity: EntityName, chance: Chance): JsonObject {
  const number = chance.below(1_000_000)
  if (entities[entity].kind === 'transaction') return { PrivateNote: `Changed note ${number}` }
  if (entity === 'Customer') return { Notes: `Changed notes ${number}` }
  if (entity === 'Vendor') return { AcctNum: String(number) }
  if (entity === 'Item') return { UnitPrice: number / 100 }
  if (entity === 'Term') return { DueDays: number % 90 }
  if (entity === 'PaymentMethod') return { Type: number % 2 === 0 ? 'CREDIT_CARD' : 'NON_CREDIT_CARD' }
  return { Description: `Changed description ${number}` }
}

/** Changes these fields by the rules; what the rules refuse is put as it is: the test asked for it. */
function changeTo({ books, tick, entity }: Work, object: JsonObject, fields: JsonObject): Edit {
  const at = tick()
  const { Id = '', SyncToken = '' } = object
  try {
    update({ books, at }, entity, { ...fields, Id, SyncToken, sparse: true })
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    books.put(entity, touched({ ...object, ...fields, Id }, at))
  }
  const after = books.get(entity, textOf(Id)) ?? {}
  const names = Object.keys(fields).filter(
    (name) => JSON.stringify(object[name]) !== JSON.stringify(after[name]),
  )
  return { resource: entities[entity].resource, id: textOf(Id), effect: 'updated', fields: names.sort() }
}

/** Names cannot be deleted in QuickBooks; of transactions those in a deposit are left alone. */
function deleted(work: Work): Edit | undefined {
  const { books, chance, entity } = work
  if (entities[entity].kind !== 'transaction') return undefined
  const list = books.all(entity)
  for (let tries = 0; tries < 30 && list.length > 0; tries++) {
    try {
      return endOf(work, chance.pick(list))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
    }
  }
  return undefined
}

/** Deletes a transaction; makes a name inactive. */
function endOf(work: Work, object: JsonObject): Edit {
  const { books, tick, entity } = work
  const { Id = '', SyncToken = '' } = object
  if (entities[entity].kind !== 'transaction') return changeTo(work, object, { Active: false })
  remove({ books, at: tick() }, entity, { Id, SyncToken })
  return { resource: entities[entity].resource, id: textOf(Id), effect: 'deleted', fields: [] }
}

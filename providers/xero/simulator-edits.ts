/** What people do in the simulated organisation. */
import type { JsonObject } from '../../model/json.ts'
import { createChance, type Chance, type Edit, type EditWish, type ExactEdit } from '../../sandbox/kit.ts'
import {
  isKind,
  kinds,
  newContact,
  newCreditNote,
  newInvoice,
  paymentOf,
  tables,
  type Books,
  type Kind,
  type Table,
} from './simulator-books.ts'
import { centsOf, changedFields, decimal, textOf } from './simulator-values.ts'

export interface Editor {
  edit(wish: EditWish): Edit[]
  editExactly(edit: ExactEdit): Edit | undefined
  editSomething(): void
}

interface Setting {
  readonly books: Books
  readonly seed: number
  readonly now: () => Date
  /** How many changes were made so far: the next ones differ from them. */
  readonly changes: () => number
}

export function createEditor({ books, seed, now, changes }: Setting): Editor {
  const tableOf = (kind: Kind): Table => kinds[kind].table
  const save = (
    kind: Kind,
    id: string,
    object: JsonObject,
    effect: Edit['effect'],
    fields: readonly string[],
  ): Edit => {
    const table = tableOf(kind)
    books.put(table, { ...object, ...changedFields(now().getTime(), table !== 'Contacts') })
    return { resource: kind, id, effect, fields }
  }
  const pick = (kind: Kind, chance: Chance, isFit: (one: JsonObject) => boolean = () => true) => {
    const fitting = books.living(kind).filter(([, one]) => isFit(one))
    return fitting.length === 0 ? undefined : chance.pick(fitting)
  }

  function create(kind: Kind, chance: Chance): Edit {
    const number = 100_000 + changes()
    const at = now().getTime()
    const contact = pick('contacts', chance)?.[1] ?? newContact(number, chance, at)
    const object =
      kind === 'contacts'
        ? newContact(number, chance, at)
        : kind === 'credit_notes'
          ? newCreditNote(number, kinds[kind].type, contact, chance, at)
          : newInvoice(number, kinds[kind].type, contact, chance, at)
    const id = textOf(object[tables[tableOf(kind)]])
    return save(kind, id, object, 'created', Object.keys(object))
  }

  function update(kind: Kind, chance: Chance): Edit | undefined {
    const found = pick(kind, chance)
    if (!found) return undefined
    const [id, object] = found
    const change =
      kind === 'contacts'
        ? contactChange(object, chance, changes())
        : documentChange(id, object, chance, now())
    return save(kind, id, { ...object, ...change }, 'updated', Object.keys(change))
  }

  /** Only documents that were not approved can be deleted, contacts never. */
  function remove(kind: Kind, chance: Chance): Edit | undefined {
    if (kind === 'contacts') return undefined
    const found = pick(kind, chance, (one) => one['Status'] === 'DRAFT' || one['Status'] === 'SUBMITTED')
    return found && save(kind, found[0], { ...found[1], Status: 'DELETED' }, 'deleted', ['Status'])
  }

  function touch(kind: Kind, chance: Chance): Edit | undefined {
    const found = pick(kind, chance)
    return found && save(kind, found[0], found[1], 'touched', [])
  }

  const chanceNow = () => createChance(seed * 7919 + changes())
  const steps = [
    ['create', create],
    ['update', update],
    ['delete', remove],
    ['touch', touch],
  ] as const
  return {
    edit: (wish) => {
      const kind = wish.resource ?? 'invoices'
      if (!isKind(kind)) return []
      return steps.flatMap(([name, step]) =>
        Array.from({ length: wish[name] ?? 0 }, () => step(kind, chanceNow())).filter(
          (one) => one !== undefined,
        ),
      )
    },
    editExactly: ({ resource, id, fields, delete: ends }) => {
      const object = isKind(resource) ? books.living(resource).find(([one]) => one === id)?.[1] : undefined
      if (!isKind(resource) || !object || (ends && resource === 'contacts')) return undefined
      const change: JsonObject = ends ? { Status: 'DELETED' } : (fields ?? {})
      return save(resource, id, { ...object, ...change }, ends ? 'deleted' : 'updated', Object.keys(change))
    },
    editSomething: () => {
      const chance = chanceNow()
      const kind = chance.pick(Object.keys(kinds).filter(isKind))
      if (chance.below(5) === 0) create(kind, chance)
      else update(kind, chance)
    },
  }
}

function contactChange(contact: JsonObject, chance: Chance, change: number): JsonObject {
  if (chance.below(8) === 0)
    return { ContactStatus: contact['ContactStatus'] === 'ACTIVE' ? 'ARCHIVED' : 'ACTIVE' }
  return { EmailAddress: `changed${change}@example.com` }
}

/** Drafts are approved, approved invoices paid; anything may get another reference. */
function documentChange(id: string, document: JsonObject, chance: Chance, now: Date): JsonObject {
  const status = document['Status']
  const due = centsOf(document['AmountDue'])
  if (status === 'DRAFT' && chance.below(3) === 0) return { Status: 'AUTHORISED' }
  if (status === 'AUTHORISED' && due > 0 && chance.below(2) === 0) {
    const cents = chance.below(2) === 0 ? due : Math.ceil(due / 2)
    const payments = Array.isArray(document['Payments']) ? document['Payments'] : []
    return {
      Payments: [...payments, paymentOf(`${id} ${payments.length}`, cents, now.getTime())],
      AmountPaid: decimal(centsOf(document['AmountPaid']) + cents),
      AmountDue: decimal(due - cents),
      ...(cents === due ? { Status: 'PAID' } : {}),
    }
  }
  return { Reference: `REF ${chance.below(1_000_000)}` }
}

/** What people do in the simulated business while it is read: the same for the same seed. */
import type { JsonObject } from '../../model/json.ts'
import { createChance, type Chance, type Edit, type EditWish, type ExactEdit } from '../../sandbox/kit.ts'
import { isDeleted, isKind, makeObject, stamp, textOf, type Kind, type Tables } from './simulator-books.ts'

export interface Books {
  readonly tables: Tables
  readonly seed: number
  readonly now: () => Date
  save(kind: Kind, id: string, object: JsonObject): void
  /** Changes so far: with the seed they decide the next one, also after a restart. */
  changes(): number
}

const nameFields: Readonly<Record<Kind, string>> = {
  clients: 'organization',
  invoices: 'notes',
  payments: 'note',
  expenses: 'notes',
}

export function change(books: Books, kind: Kind, id: string, fields: JsonObject): Edit {
  const updated = stamp(books.now().getTime())
  books.save(kind, id, { ...books.tables[kind].get(id), ...fields, updated })
  return { resource: kind, id, effect: 'updated', fields: Object.keys(fields) }
}

const remove = (books: Books, kind: Kind, id: string): Edit => ({
  ...change(books, kind, id, { vis_state: 1 }),
  effect: 'deleted',
  fields: [],
})

function create(books: Books, kind: Kind, chance: Chance): Edit {
  const object = makeObject(books.tables, kind, chance, books.now().getTime())
  const id = textOf(object['id'])
  books.save(kind, id, object)
  return { resource: kind, id, effect: 'created', fields: Object.keys(object) }
}

export function createEditor(books: Books) {
  const chanceNow = () =>
    createChance((books.seed ^ 0x5eed ^ Math.imul(books.changes() + 1, 0x9e3779b1)) >>> 0)
  const edit = (wish: EditWish): Edit[] => {
    const kind = wish.resource ?? 'invoices'
    if (!isKind(kind)) return []
    const chance = chanceNow()
    const done: Edit[] = []
    const onSome = (times: number | undefined, act: (id: string) => Edit) => {
      for (let n = 0; n < (times ?? 0); n++) {
        const ids = [...books.tables[kind]].filter(([, object]) => !isDeleted(object)).map(([id]) => id)
        if (ids.length > 0) done.push(act(chance.pick(ids)))
      }
    }
    for (let n = 0; n < (wish.create ?? 0); n++) done.push(create(books, kind, chance))
    onSome(wish.update, (id) =>
      change(books, kind, id, { [nameFields[kind]]: `Changed ${chance.below(1_000_000)}` }),
    )
    onSome(wish.touch, (id) => ({ ...change(books, kind, id, {}), effect: 'touched' }))
    onSome(wish.delete, (id) => remove(books, kind, id))
    return done
  }
  return {
    edit,
    editExactly: ({ resource, id, fields, delete: isEnd }: ExactEdit): Edit | undefined => {
      const object = isKind(resource) ? books.tables[resource].get(id) : undefined
      if (!object || !isKind(resource) || isDeleted(object)) return undefined
      return isEnd === true ? remove(books, resource, id) : change(books, resource, id, fields ?? {})
    },
    editSomething: (): void => {
      const chance = chanceNow()
      const resource = chance.pick(['clients', 'invoices', 'payments', 'expenses'])
      edit({ resource, ...chance.pick([{ update: 1 }, { update: 2 }, { create: 1 }, { delete: 1 }]) })
    },
  }
}

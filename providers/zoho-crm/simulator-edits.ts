/** What people do in the simulated organization while it is read: the same for the same seed. */
import type { JsonObject } from '../../model/json.ts'
import { createChance, type Chance, type Edit, type EditWish, type ExactEdit } from '../../sandbox/kit.ts'
import {
  deletedMark,
  isDeleted,
  isKind,
  makeObject,
  stamp,
  textOf,
  type Kind,
  type Tables,
} from './simulator-org.ts'

export interface Organization {
  readonly tables: Tables
  readonly seed: number
  readonly now: () => Date
  save(kind: Kind, id: string, object: JsonObject): void
  /** Changes so far: with the seed they decide the next one, also after a restart. */
  changes(): number
}

const nameFields: Readonly<Record<Kind, string>> = {
  users: 'full_name',
  accounts: 'Account_Name',
  contacts: 'Last_Name',
  leads: 'Last_Name',
  deals: 'Deal_Name',
  tasks: 'Subject',
  events: 'Event_Title',
  calls: 'Subject',
}

export function change(org: Organization, kind: Kind, id: string, fields: JsonObject): Edit {
  const Modified_Time = stamp(org.now().getTime())
  org.save(kind, id, { ...org.tables[kind].get(id), ...fields, Modified_Time })
  return { resource: kind, id, effect: 'updated', fields: Object.keys(fields) }
}

/** Into the recycle bin; a user is never gone, he is switched off. */
function remove(org: Organization, kind: Kind, id: string): Edit {
  if (kind === 'users') return change(org, kind, id, { status: 'disabled' })
  change(org, kind, id, { [deletedMark]: stamp(org.now().getTime()) })
  return { resource: kind, id, effect: 'deleted', fields: [] }
}

function create(org: Organization, kind: Kind, chance: Chance): Edit {
  const object = makeObject(org.tables, kind, chance, org.now().getTime())
  const id = textOf(object['id'])
  org.save(kind, id, object)
  return { resource: kind, id, effect: 'created', fields: Object.keys(object) }
}

export function createEditor(org: Organization) {
  const chanceNow = () => createChance((org.seed ^ 0x5eed ^ Math.imul(org.changes() + 1, 0x9e3779b1)) >>> 0)
  const edit = (wish: EditWish): Edit[] => {
    const kind = wish.resource ?? 'leads'
    if (!isKind(kind)) return []
    const chance = chanceNow()
    const done: Edit[] = []
    const onSome = (times: number | undefined, act: (id: string) => Edit) => {
      for (let n = 0; n < (times ?? 0); n++) {
        const ids = [...org.tables[kind]].filter(([, object]) => !isDeleted(object)).map(([id]) => id)
        if (ids.length > 0) done.push(act(chance.pick(ids)))
      }
    }
    for (let n = 0; n < (wish.create ?? 0); n++) done.push(create(org, kind, chance))
    onSome(wish.update, (id) =>
      change(org, kind, id, { [nameFields[kind]]: `Changed ${chance.below(1_000_000)}` }),
    )
    onSome(wish.touch, (id) => ({ ...change(org, kind, id, {}), effect: 'touched' }))
    onSome(wish.delete, (id) => remove(org, kind, id))
    return done
  }
  return {
    edit,
    editExactly: ({ resource, id, fields, delete: isEnd }: ExactEdit): Edit | undefined => {
      const object = isKind(resource) ? org.tables[resource].get(id) : undefined
      if (!object || !isKind(resource) || isDeleted(object)) return undefined
      return isEnd === true ? remove(org, resource, id) : change(org, resource, id, fields ?? {})
    },
    editSomething: (): void => {
      const chance = chanceNow()
      const resource = chance.pick(['leads', 'contacts', 'accounts', 'deals', 'tasks'])
      edit({ resource, ...chance.pick([{ update: 1 }, { update: 2 }, { create: 1 }, { delete: 1 }]) })
    },
  }
}

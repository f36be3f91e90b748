/** What people do in the simulated company while it is read: the same for the same seed. */
import type { JsonObject } from '../../model/json.ts'
import { createChance, type Chance, type Edit, type EditWish, type ExactEdit } from '../../sandbox/kit.ts'
import {
  isDeleted,
  isKind,
  makeObject,
  stamp,
  textOf,
  timesOf,
  type Kind,
  type Tables,
} from './simulator-objects.ts'

export interface Company {
  readonly tables: Tables
  readonly seed: number
  readonly now: () => Date
  /** Keeps a change; undefined: the object is gone without a trace. */
  save(kind: Kind, id: string, object: JsonObject | undefined): void
  /** Changes so far: with the seed they decide the next one, also after a restart. */
  changes(): number
}

const nameFields: Readonly<Record<Kind, string>> = {
  users: 'name',
  pipelines: 'name',
  stages: 'name',
  products: 'name',
  organizations: 'name',
  persons: 'name',
  deals: 'title',
  activities: 'subject',
  leads: 'title',
  notes: 'content',
}

function write(company: Company, kind: Kind, id: string, fields: JsonObject): JsonObject {
  const [, changed] = timesOf(kind)
  const object = {
    ...company.tables[kind].get(id),
    ...fields,
    [changed]: stamp(kind, company.now().getTime()),
  }
  company.save(kind, id, object)
  return object
}

export function change(company: Company, kind: Kind, id: string, fields: JsonObject): Edit {
  write(company, kind, id, fields)
  return { resource: kind, id, effect: 'updated', fields: Object.keys(fields) }
}

/** Leads are gone at once; the others stay, marked, for 30 days. */
function remove(company: Company, kind: Kind, id: string): Edit {
  if (kind === 'leads') company.save(kind, id, undefined)
  else if (kind === 'notes') write(company, kind, id, { active_flag: false })
  else write(company, kind, id, { is_deleted: true, ...(kind === 'users' ? { active_flag: false } : {}) })
  return { resource: kind, id, effect: 'deleted', fields: [] }
}

function create(company: Company, kind: Kind, chance: Chance): Edit {
  const object = makeObject(company.tables, kind, chance, company.now().getTime(), company.seed)
  const id = textOf(object['id'])
  company.save(kind, id, object)
  return { resource: kind, id, effect: 'created', fields: Object.keys(object) }
}

const livingIds = (company: Company, kind: Kind): string[] =>
  [...company.tables[kind]].filter(([, object]) => !isDeleted(object)).map(([id]) => id)

export function createEditor(company: Company) {
  const chanceNow = () =>
    createChance((company.seed ^ 0x5eed ^ Math.imul(company.changes() + 1, 0x9e3779b1)) >>> 0)
  const edit = (wish: EditWish): Edit[] => {
    const kind = wish.resource ?? 'deals'
    if (!isKind(kind)) return []
    const chance = chanceNow()
    const done: Edit[] = []
    const onSome = (times: number | undefined, act: (id: string) => Edit) => {
      for (let n = 0; n < (times ?? 0); n++) {
        // Who the credential belongs to stays as he is.
        const ids = livingIds(company, kind).filter((_id, at) => kind !== 'users' || at > 0)
        if (ids.length > 0) done.push(act(chance.pick(ids)))
      }
    }
    for (let n = 0; n < (wish.create ?? 0); n++) done.push(create(company, kind, chance))
    onSome(wish.update, (id) =>
      change(company, kind, id, { [nameFields[kind]]: `Changed ${chance.below(1_000_000)}` }),
    )
    onSome(wish.touch, (id) => ({ ...change(company, kind, id, {}), effect: 'touched' }))
    onSome(wish.delete, (id) => remove(company, kind, id))
    return done
  }
  return {
    edit,
    editExactly: ({ resource, id, fields, delete: isEnd }: ExactEdit): Edit | undefined => {
      const object = isKind(resource) ? company.tables[resource].get(id) : undefined
      if (!object || !isKind(resource) || isDeleted(object)) return undefined
      return isEnd === true ? remove(company, resource, id) : change(company, resource, id, fields ?? {})
    },
    editSomething: (): void => {
      const chance = chanceNow()
      const resource = chance.pick(['deals', 'persons', 'organizations', 'activities', 'leads'])
      edit({ resource, ...chance.pick([{ update: 1 }, { update: 2 }, { create: 1 }, { delete: 1 }]) })
    },
  }
}

/** What people do at the simulated help desk while it is read: the same for the same seed. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { createChance, type Chance, type Edit, type EditWish, type ExactEdit } from '../../sandbox/kit.ts'
import { isDeleted, isKind, makeObject, stamp, type Kind, type Tables } from './simulator-desk.ts'

export interface Desk {
  readonly tables: Tables
  readonly seed: number
  readonly now: () => Date
  /** Keeps a change; undefined: the object is gone without a trace. */
  save(kind: Kind, id: string, object: JsonObject | undefined): void
  /** Changes so far: with the seed they decide the next one, also after a restart. */
  changes(): number
}

export function change(desk: Desk, kind: Kind, id: string, fields: JsonObject): Edit {
  const before = desk.tables[kind].get(id) ?? {}
  const contact =
    isJsonObject(before['contact']) && isJsonObject(fields['contact'])
      ? { contact: { ...before['contact'], ...fields['contact'] } }
      : {}
  desk.save(kind, id, { ...before, ...fields, ...contact, updated_at: stamp(desk.now().getTime()) })
  return { resource: kind, id, effect: 'updated', fields: Object.keys(fields) }
}

/** Tickets and contacts stay, marked; a company is gone, and an agent becomes a contact. */
function remove(desk: Desk, kind: Kind, id: string): Edit {
  if (kind === 'tickets' || kind === 'contacts') change(desk, kind, id, { deleted: true })
  else desk.save(kind, id, undefined)
  return { resource: kind, id, effect: 'deleted', fields: [] }
}

function create(desk: Desk, kind: Kind, chance: Chance): Edit {
  const object = makeObject(desk.tables, kind, chance, desk.now().getTime())
  // Numbers are not given twice, also when the newest object is gone.
  let id = Number(object['id'])
  while (desk.tables[kind].has(String(id))) id++
  desk.save(kind, String(id), { ...object, id })
  return { resource: kind, id: String(id), effect: 'created', fields: Object.keys(object) }
}

export function createEditor(desk: Desk) {
  const chanceNow = () => createChance((desk.seed ^ 0x5eed ^ Math.imul(desk.changes() + 1, 0x9e3779b1)) >>> 0)
  const edit = (wish: EditWish): Edit[] => {
    const kind = wish.resource ?? 'tickets'
    if (!isKind(kind)) return []
    const chance = chanceNow()
    const done: Edit[] = []
    const onSome = (times: number | undefined, act: (id: string) => Edit) => {
      for (let n = 0; n < (times ?? 0); n++) {
        // Who the key belongs to stays as he is.
        const ids = [...desk.tables[kind]]
          .filter(([, object], at) => !isDeleted(object) && (kind !== 'agents' || at > 0))
          .map(([id]) => id)
        if (ids.length > 0) done.push(act(chance.pick(ids)))
      }
    }
    for (let n = 0; n < (wish.create ?? 0); n++) done.push(create(desk, kind, chance))
    onSome(wish.update, (id) => {
      const text = `Changed ${chance.below(1_000_000)}`
      const fields = { tickets: { subject: text }, agents: { contact: { name: text } } }
      return change(desk, kind, id, kind === 'tickets' || kind === 'agents' ? fields[kind] : { name: text })
    })
    onSome(wish.touch, (id) => ({ ...change(desk, kind, id, {}), effect: 'touched' }))
    onSome(wish.delete, (id) => remove(desk, kind, id))
    return done
  }
  return {
    edit,
    editExactly: ({ resource, id, fields, delete: isEnd }: ExactEdit): Edit | undefined => {
      const object = isKind(resource) ? desk.tables[resource].get(id) : undefined
      if (!object || !isKind(resource) || isDeleted(object)) return undefined
      return isEnd === true ? remove(desk, resource, id) : change(desk, resource, id, fields ?? {})
    },
    editSomething: (): void => {
      const chance = chanceNow()
      edit({
        resource: 'tickets',
        ...chance.pick([{ update: 1 }, { update: 2 }, { create: 1 }, { delete: 1 }]),
      })
    },
  }
}

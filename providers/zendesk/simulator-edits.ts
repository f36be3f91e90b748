/** Edits that nobody asked the API for: what people do in the account while it is being read. The same for the same seed. */
import type { JsonObject } from '../../model/json.ts'
import { createChance, type Chance, type Edit, type EditWish, type ExactEdit } from '../../sandbox/kit.ts'
import type { AccountClock } from './simulator-clock.ts'
import { firstIds, kinds, time, wordOf, type Kind } from './simulator-objects.ts'
import type { Tables } from './simulator-reads.ts'

export interface Editor {
  edit(wish: EditWish): Edit[]
  editExactly(edit: ExactEdit): Edit | undefined
  /** One or two edits of some resource, as they happen while pages are read. */
  editSomething(): Edit[]
}

/** @param changes how many changes there were so far: with the seed it decides the next ones, also after a restart. */
export function createEditor(
  tables: Tables,
  clock: AccountClock,
  seed: number,
  changes: () => number,
): Editor {
  const chanceNow = () => createChance((seed ^ 0x5eed ^ Math.imul(changes() + 1, 0x9e3779b1)) >>> 0)
  const edit = (wish: EditWish, chance = chanceNow()): Edit[] => {
    const kind = kinds.find((one) => one === (wish.resource ?? 'tickets'))
    if (!kind) return []
    const make = { tables, clock, chance, kind }
    return [
      ...repeat(wish.create ?? 0, () => create(make)),
      ...repeat(wish.update ?? 0, () => update(make)),
      ...repeat(wish.touch ?? 0, () => touch(make)),
      ...repeat(wish.delete ?? 0, () => remove(make)),
    ]
  }
  return {
    edit,
    editExactly: (exact) => {
      const kind = kinds.find((one) => one === exact.resource)
      const id = Number(exact.id)
      if (!kind || !tables[kind].has(id) || tables[kind].isDeleted(id)) return undefined
      const make = { tables, clock, chance: chanceNow(), kind }
      return exact.delete === true ? remove(make, id) : change(make, id, () => exact.fields ?? {})
    },
    editSomething: () => {
      const chance = chanceNow()
      const resource = chance.pick(['tickets', 'users', 'organizations', 'articles'])
      return edit({ resource, ...chance.pick([{ update: 1 }, { update: 2 }, { create: 1 }, { delete: 1 }]) })
    },
  }
}

interface Making {
  readonly tables: Tables
  readonly clock: AccountClock
  readonly chance: Chance
  readonly kind: Kind
}

const repeat = (times: number, make: () => Edit | undefined): Edit[] =>
  Array.from({ length: times }, make).filter((one) => one !== undefined)

function pickLiving(making: Making): number | undefined {
  const { tables, chance, kind } = making
  const { nextId, has, isDeleted } = tables[kind]
  for (let tries = 0; tries < 50; tries++) {
    const id = firstIds[kind] + chance.below(Math.max(1, nextId() - firstIds[kind]))
    if (has(id) && !isDeleted(id) && mayChange(making, id)) return id
  }
  return undefined
}

/** A solved ticket closes after at most 28 days; nobody rates a closed one. */
const ratableSeconds = 28 * 24 * 3600

/** The admin that the credential belongs to is never edited, nor a rating whose ticket must have closed. */
function mayChange({ tables, clock, kind }: Making, id: number): boolean {
  if (kind === 'users') return id !== firstIds.users
  if (kind !== 'satisfaction_ratings') return true
  const created = Date.parse(wordOf(tables[kind].get(id)?.['created_at'])) / 1000
  return created > clock.horizon() - ratableSeconds
}

function create(making: Making): Edit | undefined {
  const { tables, clock, chance, kind } = making
  const template = pickLiving(making)
  const model = template === undefined ? undefined : tables[kind].get(template)
  if (template === undefined || !model) return undefined
  const id = tables[kind].nextId()
  const second = clock.stamp(chance)
  const object: JsonObject = {
    ...model,
    id,
    ...withOwnUrls(model, template, id),
    created_at: time(second),
    ...stampsOf(kind, second),
    ...(kind === 'users' ? { email: `user${id}@new.example` } : {}),
    ...(kind === 'organizations' ? { name: `${wordOf(model['name'])} ${id}` } : {}),
    ...(kind === 'comments' ? { audit_id: 510_000_000_000 + id } : {}),
    ...('external_id' in model ? { external_id: null } : {}),
  }
  tables[kind].put(id, object, second)
  return { resource: kind, id: String(id), effect: 'created', fields: [] }
}

/** URLs hold the id of their object. */
export function withOwnUrls(model: JsonObject, from: number, to: number): JsonObject {
  const urls = ['url', 'html_url'].flatMap((name): [string, string][] => {
    const url = model[name]
    return typeof url === 'string' ? [[name, url.replace(`/${from}`, `/${to}`)]] : []
  })
  return Object.fromEntries(urls)
}

function update(making: Making): Edit | undefined {
  const id = pickLiving(making)
  const number = making.chance.below(1_000_000)
  return id === undefined ? undefined : change(making, id, (object) => changeOf(making.kind, object, number))
}

function change(
  { tables, clock, chance, kind }: Making,
  id: number,
  wanted: (object: JsonObject) => JsonObject,
): Edit | undefined {
  const object = tables[kind].get(id)
  if (!object) return undefined
  const second = clock.stamp(chance)
  const changes = { ...wanted(object), id, ...stampsOf(kind, second) }
  const fields = Object.entries(changes)
    .filter(([name, value]) => JSON.stringify(object[name]) !== JSON.stringify(value))
    .map(([name]) => name)
    .filter((name) => name !== 'generated_timestamp')
  tables[kind].put(id, { ...object, ...changes }, second)
  return { resource: kind, id: String(id), effect: 'updated', fields: fields.sort() }
}

/** A system update: exports show the ticket again, and only `generated_timestamp` is different (fact sheet §5). */
function touch(making: Making): Edit | undefined {
  const { tables, clock, chance, kind } = making
  const id = kind === 'tickets' ? pickLiving(making) : undefined
  const object = id === undefined ? undefined : tables[kind].get(id)
  if (id === undefined || !object) return undefined
  const second = clock.stamp(chance)
  tables[kind].put(id, { ...object, generated_timestamp: second }, second)
  return { resource: kind, id: String(id), effect: 'touched', fields: [] }
}

/** Comments and ratings cannot be deleted at Zendesk. */
function remove(making: Making, wanted?: number): Edit | undefined {
  const { tables, clock, chance, kind } = making
  const id =
    kind === 'comments' || kind === 'satisfaction_ratings' ? undefined : (wanted ?? pickLiving(making))
  if (id === undefined) return undefined
  tables[kind].remove(id, clock.stamp(chance))
  return { resource: kind, id: String(id), effect: 'deleted', fields: [] }
}

/** The stamps that a change of an object leaves on it. */
function stampsOf(kind: Kind, second: number): JsonObject {
  if (kind === 'tickets') return { updated_at: time(second), generated_timestamp: second }
  if (kind === 'comments') return {}
  if (kind === 'articles') return { updated_at: time(second), edited_at: time(second) }
  return { updated_at: time(second) }
}

function changeOf(kind: Kind, object: JsonObject, number: number): JsonObject {
  if (kind === 'tickets')
    return {
      subject: `Changed subject ${number}`,
      raw_subject: `Changed subject ${number}`,
      priority: object['priority'] === 'high' ? 'low' : 'high',
    }
  if (kind === 'users') return { name: `Renamed ${number}` }
  if (kind === 'organizations') return { details: `Changed details ${number}` }
  if (kind === 'satisfaction_ratings') return { comment: `Changed comment ${number}` }
  if (kind === 'articles') return { body: `<p>Changed body ${number}</p>` }
  if (kind === 'sections') return { description: `Changed description ${number}` }
  return { body: `Redacted ${number}` }
}

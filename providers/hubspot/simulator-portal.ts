/** The account: its records, who belongs to whom, lists, mails. Every change is told and can be taken again. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { createChance, type Chance } from '../../sandbox/kit.ts'
import {
  day,
  dealStages,
  definitionsOf,
  isObjectType,
  lifecycle,
  linkOf,
  makers,
  modifiedOf,
  objectTypes,
  portalId,
  singular,
  type ObjectType,
  type Stored,
  wordOf,
} from './simulator-types.ts'

const others = [
  'owners',
  'lists',
  'members',
  'marketing_emails',
  'email_events',
  'links',
  'definitions',
  'grants',
  'enrollments',
  'sent',
] as const
export type Other = (typeof others)[number]

export interface Portal {
  readonly objects: Readonly<Record<ObjectType, Map<string, Stored>>>
  readonly others: Readonly<Record<Other, Map<string, JsonObject>>>
  keepObject(type: ObjectType, object: Stored): void
  keep(kind: Other, id: string, value: JsonObject | null): void
  replay(entry: JsonValue): void
  changes(): number
  /** Keys of the links at a record. */
  linksAt(type: ObjectType, id: string): ReadonlySet<string>
}

export interface PortalOptions {
  readonly seed: number
  readonly size: Readonly<Record<string, number>>
  readonly epoch: Date
  readonly record: (entry: JsonValue) => void
}

export function createPortal(options: PortalOptions): Portal {
  const objects = Object.fromEntries(objectTypes.map((type) => [type, new Map<string, Stored>()])) as Record<
    ObjectType,
    Map<string, Stored>
  >
  const maps = Object.fromEntries(others.map((kind) => [kind, new Map<string, JsonObject>()])) as Record<
    Other,
    Map<string, JsonObject>
  >
  const index = new Map<string, Set<string>>()
  let changes = 0
  const setOther = (kind: Other, id: string, value: JsonObject | null) => {
    if (kind === 'links') indexLink(index, id, value !== null)
    if (value) maps[kind].set(id, value)
    else maps[kind].delete(id)
  }
  const portal: Portal = {
    objects,
    others: maps,
    changes: () => changes,
    linksAt: (type, id) => index.get(`${type}:${id}`) ?? new Set(),
    keepObject: (type, object) => {
      changes++
      objects[type].set(object.id, object)
      options.record({ type, object })
    },
    keep: (kind, id, value) => {
      changes++
      setOther(kind, id, value)
      options.record({ kind, id, value })
    },
    replay: (entry) => {
      if (!isJsonObject(entry)) return
      changes++
      const { type, object, kind, id, value } = entry
      if (typeof type === 'string' && isObjectType(type) && isJsonObject(object))
        objects[type].set(String((object as Stored).id), object as Stored)
      const other = others.find((one) => one === kind)
      if (other && typeof id === 'string') setOther(other, id, isJsonObject(value) ? value : null)
    },
  }
  fill(options, objects, setOther)
  return portal
}

/** `contacts:512:companies:77:279` */
function indexLink(index: Map<string, Set<string>>, key: string, isThere: boolean): void {
  const [from = '', fromId = '', to = '', toId = ''] = key.split(':')
  for (const end of [`${from}:${fromId}`, `${to}:${toId}`]) {
    const keys = index.get(end) ?? new Set<string>()
    index.set(end, keys)
    if (isThere) keys.add(key)
    else keys.delete(key)
  }
}

export const linkKey = (
  from: ObjectType,
  fromId: string,
  to: ObjectType,
  toId: string,
  typeId: number,
): string => [from, fromId, to, toId, typeId].join(':')

/** A new record with what HubSpot itself fills in. */
export function newObject(
  type: ObjectType,
  id: string,
  properties: { [name: string]: string },
  at: number,
): Stored {
  const object: Stored = { id, properties: {}, created: at, updated: at, archived: null, history: {} }
  return withValues(
    type,
    { ...object, properties: { hs_object_id: id, createdate: new Date(at).toISOString() } },
    properties,
    at,
    'INTEGRATION',
  )
}

/** Former values are kept of these. */
const remembered = ['lifecyclestage', 'dealstage']

/** Takes values over; HubSpot ignores a lifecycle stage behind the present one. An empty text clears. */
export function withValues(
  type: ObjectType,
  object: Stored,
  values: { [name: string]: string },
  at: number,
  sourceType: string,
): Stored {
  const properties = { ...object.properties }
  const history = { ...object.history }
  const moment = new Date(at).toISOString()
  for (const [name, value] of Object.entries(values)) {
    if (name === 'lifecyclestage' && isBackwards(properties[name], value)) continue
    if (remembered.includes(name) && properties[name] !== value)
      history[name] = [{ value, timestamp: moment, sourceType }, ...(history[name] ?? [])]
    if (remembered.includes(name) && value !== '') properties[`hs_v2_date_entered_${value}`] = moment
    if (value === '') delete properties[name]
    else properties[name] = value
  }
  if (type === 'deals') Object.assign(properties, stageFacts(properties['dealstage']))
  properties[modifiedOf(type)] = moment
  return { ...object, properties, history, updated: at }
}

function isBackwards(present: string | undefined, wanted: string): boolean {
  return present !== undefined && wanted !== '' && lifecycle.indexOf(wanted) < lifecycle.indexOf(present)
}

function stageFacts(stageId: string | undefined): { [name: string]: string } {
  const stage = dealStages.find(({ id }) => id === stageId)
  return {
    hs_is_closed: String(stage?.isClosed ?? false),
    hs_is_closed_won: String(stage?.id === 'closedwon'),
    hs_deal_stage_probability: String(stage?.probability ?? 0),
  }
}

type SetOther = (kind: Other, id: string, value: JsonObject | null) => void

function fill({ seed, size, epoch }: PortalOptions, objects: Portal['objects'], set: SetOther): void {
  const chance = createChance(seed)
  const at = epoch.getTime()
  const owners = Math.max(1, size['owners'] ?? 1)
  for (let n = 1; n <= owners; n++) set('owners', String(700 + n), newOwner(n, at - 90 * day))
  let id = 1000
  for (const type of objectTypes) {
    for (const definition of definitionsOf(type, createChance(1)))
      set('definitions', `${type}/${wordOf(definition['name'])}`, definition)
    const count = size[type] ?? 0
    for (let n = 1; n <= count; n++) {
      // A few share each moment, as after an import.
      const made = at - 85 * day + Math.floor(n / 3) * Math.floor((75 * day) / Math.max(1, count / 3))
      const owner = String(701 + chance.below(owners))
      objects[type].set(String(++id), newObject(type, String(id), makers[type](n, chance, owner), made))
    }
  }
  associate(objects, chance, set)
  fillLists(objects, size, chance, at, set)
  fillMails(objects, size, chance, at, set)
}

const newOwner = (n: number, at: number): JsonObject => ({
  id: String(700 + n),
  email: `owner${n}@example.com`,
  firstName: `Owner${n}`,
  lastName: 'Example',
  userId: 9_000 + n,
  createdAt: new Date(at).toISOString(),
  updatedAt: new Date(at).toISOString(),
  archived: false,
  teams: n % 2 === 0 ? [{ id: '1', name: 'Sales', primary: true }] : [],
})

function associate(objects: Portal['objects'], chance: Chance, set: SetOther): void {
  const ids = (type: ObjectType) => [...objects[type].keys()]
  const join = (from: ObjectType, to: ObjectType, share: number) => {
    const targets = ids(to)
    const link = linkOf(from, to)
    if (targets.length === 0 || !link) return
    for (const fromId of ids(from)) {
      if (chance.next() > share) continue
      const toId = chance.pick(targets)
      const key = link.isForth
        ? linkKey(from, fromId, to, toId, link.forth)
        : linkKey(to, toId, from, fromId, link.forth)
      set('links', key, { category: 'HUBSPOT_DEFINED', typeId: link.forth, label: null })
    }
  }
  join('contacts', 'companies', 0.8)
  join('deals', 'contacts', 0.9)
  join('deals', 'companies', 0.7)
  join('tickets', 'contacts', 0.9)
  for (const type of objectTypes.slice(4)) join(type, 'contacts', 0.9)
}

function fillLists(
  objects: Portal['objects'],
  size: Readonly<Record<string, number>>,
  chance: Chance,
  at: number,
  set: SetOther,
): void {
  const contacts = [...objects.contacts.keys()]
  for (let n = 1; n <= (size['lists'] ?? 0); n++) {
    const listId = String(40 + n)
    set('lists', listId, {
      listId,
      name: `List ${n}`,
      processingType: n % 3 === 0 ? 'DYNAMIC' : 'MANUAL',
      processingStatus: 'COMPLETE',
      objectTypeId: '0-1',
      listVersion: 1,
      createdAt: new Date(at - 60 * day).toISOString(),
      updatedAt: new Date(at - n * day).toISOString(),
    })
    for (let m = 0; m < Math.min(contacts.length, 60) && contacts.length > 0; m++) {
      const recordId = chance.pick(contacts)
      set('members', `${listId}:${recordId}`, {
        recordId,
        membershipTimestamp: new Date(at - n * day - m * 60_000).toISOString(),
      })
    }
  }
}

function fillMails(
  objects: Portal['objects'],
  size: Readonly<Record<string, number>>,
  chance: Chance,
  at: number,
  set: SetOther,
): void {
  const people = [...objects.contacts.values()].map(({ properties }) => properties['email'] ?? '')
  for (let n = 1; n <= (size['marketing_emails'] ?? 0); n++) {
    const id = String(8_000 + n)
    set('marketing_emails', id, {
      id,
      name: `Newsletter ${n}`,
      subject: `News ${n}`,
      state: 'PUBLISHED',
      type: 'BATCH_EMAIL',
      publishedAt: new Date(at - n * 7 * day).toISOString(),
      createdAt: new Date(at - n * 8 * day).toISOString(),
      updatedAt: new Date(at - n * 7 * day).toISOString(),
      archived: false,
      stats: {
        counters: { sent: 100 + n, delivered: 98 + n, open: 40 + n, click: 10, bounce: 2, unsubscribed: 1 },
      },
    })
  }
  for (let n = 1; n <= (size['email_events'] ?? 0) && people.length > 0; n++) {
    const id = `e0000000-0000-4000-8000-${String(n).padStart(12, '0')}`
    set('email_events', id, newEmailEvent(id, chance, chance.pick(people), at - 600_000 - n * 60_000))
  }
}

export const newEmailEvent = (
  id: string,
  chance: Chance,
  recipient: string,
  created: number,
): JsonObject => ({
  id,
  created,
  type: chance.pick(['SENT', 'DELIVERED', 'OPEN', 'CLICK', 'BOUNCE']),
  recipient,
  emailCampaignId: 8001,
  appId: 113,
  appName: 'Batch',
  portalId,
  location: { country: 'Portugal', city: 'Lisbon' },
})

// ------------------------------------------------------------------------------------------- as the API shows it

/** A record with the properties that were asked for; null for those without a value. */
export function shown(
  portal: Portal,
  type: ObjectType,
  object: Stored,
  names: readonly string[],
  withHistory: readonly string[] = [],
): JsonObject {
  const always = ['hs_object_id', 'createdate', modifiedOf(type)]
  const wanted = [...new Set([...always, ...names])].filter((name) =>
    portal.others.definitions.has(`${type}/${name}`),
  )
  const past = Object.fromEntries(withHistory.map((name) => [name, object.history[name] ?? []]))
  return {
    id: object.id,
    properties: Object.fromEntries(wanted.map((name) => [name, object.properties[name] ?? null])),
    ...(withHistory.length > 0 ? { propertiesWithHistory: past } : {}),
    createdAt: new Date(object.created).toISOString(),
    updatedAt: new Date(object.updated).toISOString(),
    archived: object.archived !== null,
    ...(object.archived === null ? {} : { archivedAt: new Date(object.archived).toISOString() }),
  }
}

export interface Linked {
  readonly toId: string
  readonly typeId: number
  readonly category: string
  readonly label: string | null
}

/** Living records of a type at the other ends. */
export function linkedTo(portal: Portal, from: ObjectType, fromId: string, to: ObjectType): Linked[] {
  const link = linkOf(from, to)
  if (!link) return []
  return [...portal.linksAt(from, fromId)].flatMap((key) => {
    const [a = '', aId = '', b = '', bId = '', typeId = ''] = key.split(':')
    const isForth = a === from && aId === fromId && b === to
    const isBack = b === from && bId === fromId && a === to
    const toId = isForth ? bId : isBack ? aId : undefined
    const kept = portal.others.links.get(key)
    if (toId === undefined || !kept || portal.objects[to].get(toId)?.archived !== null) return []
    const plain = Number(typeId) === link.forth
    const label = kept['label']
    return [
      {
        toId,
        typeId: plain && isBack ? link.back : Number(typeId),
        category: wordOf(kept['category']),
        label: typeof label === 'string' ? label : null,
      },
    ]
  })
}

const walks: readonly (readonly [ObjectType, ObjectType])[] = [
  ['contacts', 'companies'],
  ['contacts', 'deals'],
  ['contacts', 'tickets'],
  ['companies', 'deals'],
  ['companies', 'tickets'],
  ['deals', 'tickets'],
]

/** The truth by external id. */
export function stateOf(portal: Portal, resource: string): Record<string, JsonObject> {
  if (isObjectType(resource)) {
    const living = [...portal.objects[resource].values()].filter(({ archived }) => archived === null)
    return Object.fromEntries(
      living.map((object) => [object.id, shown(portal, resource, object, Object.keys(object.properties))]),
    )
  }
  if (resource === 'associations')
    return Object.fromEntries(
      walks.flatMap(([from, to]) =>
        living(portal, from).flatMap(({ id }) =>
          linkedTo(portal, from, id, to).map(
            ({ toId, typeId }) =>
              [[singular[from], id, singular[to], toId, typeId].join(':'), { typeId }] as const,
          ),
        ),
      ),
    )
  if (resource === 'list_memberships')
    return Object.fromEntries([...portal.others.members].filter(([key]) => isLivingMember(portal, key)))
  if (resource === 'pipelines')
    return Object.fromEntries(
      ['default', '0'].map((id) => [id, { id, updatedAt: '2025-01-01T00:00:00.000Z' }]),
    )
  const kind = (['owners', 'lists', 'marketing_emails', 'email_events'] as const).find(
    (one) => one === resource,
  )
  return kind ? Object.fromEntries(portal.others[kind]) : {}
}

export const living = (portal: Portal, type: ObjectType): Stored[] =>
  [...portal.objects[type].values()].filter(({ archived }) => archived === null)

export function isLivingMember(portal: Portal, key: string): boolean {
  const [listId = '', recordId = ''] = key.split(':')
  return portal.others.lists.has(listId) && portal.objects.contacts.get(recordId)?.archived === null
}

/**
 * Which record belongs to which. Associations change without touching the records, and there is no list of them: each run
 * goes through the records of one end, and reads the types and labels of those that have any.
 */
import type { Page, Position, ProviderContext, Resource, Row } from '../contract.ts'
import { afterIn, bodyOf, fieldsIn, get, idIn, inChunks, objectsIn, rowsIn, textIn } from './answer.ts'
import { readAssociations } from './association-reads.ts'
import { associationMapping } from './mapping-lists.ts'
import { associationSchema } from './schemas.ts'
import { paths } from './versions.ts'

/** Ends in the order in which they are read; each pair once, from one side. */
export const walks = [
  { from: 'contacts', to: ['companies', 'deals', 'tickets'] },
  { from: 'companies', to: ['deals', 'tickets'] },
  { from: 'deals', to: ['tickets'] },
] as const

/** As ids and rows call them. */
export const singular = {
  contacts: 'contact',
  companies: 'company',
  deals: 'deal',
  tickets: 'ticket',
  calls: 'call',
  emails: 'email',
  meetings: 'meeting',
  notes: 'note',
  tasks: 'task',
} as const

type Plural = keyof typeof singular

/** One row for each type of association of a pair. */
function rowsOf(from: Plural, fromId: string, to: Plural, answer: Row): Row[] {
  const types = objectsIn(answer, 'associationTypes')
  return (types.length === 0 ? [{}] : types).map((type) => ({
    fromObjectType: singular[from],
    fromObjectId: fromId,
    toObjectType: singular[to],
    toObjectId: idIn(answer, 'toObjectId'),
    typeId: idIn(type, 'typeId'),
    category: type['category'] ?? null,
    label: type['label'] ?? null,
  }))
}

/** Position `{place, after}`: a page of the records at one end. */
async function readPage(context: ProviderContext, position: Position): Promise<Page> {
  const place = typeof position['place'] === 'number' ? position['place'] : 0
  const walk = walks[place]
  if (!walk) return { rows: [], next: {}, done: true, readAt: context.now() }
  const response = await get(context, paths.objects(walk.from), {
    limit: 100,
    after: textIn(position, 'after'),
    archived: false,
    properties: 'hs_object_id',
    associations: walk.to.join(','),
  })
  const body = bodyOf(response, walk.from)
  const listed = rowsIn(body, 'results')
  const rows: Row[] = []
  for (const to of walk.to) {
    const ids = listed.flatMap((row) => (hasAny(row, to) ? (idIn(row, 'id') ?? []) : []))
    for (const { fromId, to: one } of await readAssociations(context, walk.from, to, ids))
      rows.push(...rowsOf(walk.from, fromId, to, one))
  }
  const after = afterIn(body)
  const isLast = after === undefined && place + 1 >= walks.length
  const next: Position = after === undefined ? { place: place + 1 } : { place, after }
  return { rows, next: isLast ? {} : next, done: isLast, readAt: response.readAt }
}

const hasAny = (row: Row, to: string): boolean =>
  objectsIn(fieldsIn(fieldsIn(row, 'associations'), to), 'results').length > 0

const plurals = Object.fromEntries(Object.entries(singular).map(([plural, one]) => [one, plural]))

/** `contact:512:company:77:279` */
export const associationId = (row: Row): string =>
  ['fromObjectType', 'fromObjectId', 'toObjectType', 'toObjectId', 'typeId']
    .map((key) => idIn(row, key) ?? '')
    .join(':')

/** Those of the given ids that are still there. */
async function getMany(context: ProviderContext, ids: readonly string[]) {
  const readAt = context.now()
  const wanted = new Set(ids)
  const pairs = new Map<string, Set<string>>()
  for (const id of ids) {
    const [from = '', fromId = '', to = ''] = id.split(':')
    const pair = `${from}:${to}`
    pairs.set(pair, (pairs.get(pair) ?? new Set<string>()).add(fromId))
  }
  const rows: Row[] = []
  for (const [pair, fromIds] of pairs) {
    const [from, to] = pair.split(':').map((one) => plurals[one])
    if (!isPlural(from) || !isPlural(to)) continue
    for (const chunk of inChunks([...fromIds], 100))
      for (const { fromId, to: one } of await readAssociations(context, from, to, chunk))
        rows.push(...rowsOf(from, fromId, to, one).filter((row) => wanted.has(associationId(row))))
  }
  return { rows, readAt }
}

const isPlural = (name: string | undefined): name is Plural =>
  name !== undefined && Object.hasOwn(singular, name)

export const associations: Resource = {
  name: 'associations',
  title: 'Associations of contacts, companies, deals and tickets',
  model: 'association',
  after: ['companies', 'contacts', 'deals', 'tickets'],
  incremental: false,
  deletions: 'scan',
  schema: associationSchema,
  volatile: [],
  start: () => ({}),
  readPage,
  externalId: associationId,
  updatedAt: () => undefined,
  getMany,
  mapping: associationMapping,
}

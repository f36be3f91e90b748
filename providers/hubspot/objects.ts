/**
 * Reading CRM objects: by list, by id, and as rows. A row is what HubSpot answered, with `derived` for what another call
 * said of it: the records it is associated with, and the currency of its amounts. Rows have one shape whichever way they
 * were read, so that the same object has the same fingerprint.
 */
import type { ProviderContext, Row } from '../contract.ts'
import { accountCurrency } from './account.ts'
import { associatedIds, inOrder } from './association-reads.ts'
import {
  afterIn,
  ask,
  bodyOf,
  fieldsIn,
  get,
  idIn,
  inChunks,
  objectsIn,
  rowsIn,
  textIn,
  type Fields,
} from './answer.ts'
import { propertyNames } from './properties.ts'
import { paths } from './versions.ts'

export interface ObjectType {
  /** As in the paths: `contacts`. */
  readonly name: string
  /** The property that moves with every change: contacts have another one than the rest. */
  readonly modified: 'lastmodifieddate' | 'hs_lastmodifieddate'
  /** Properties whose former values are read as well. */
  readonly history: readonly string[]
  /** Types whose associated ids belong to the row: `contacts`, `companies`, `deals`. */
  readonly associated: readonly string[]
  /** The property that names the currency of the amounts, if objects of this type have one; the account's when it is empty. */
  readonly currency?: string
}

/** Of a list or a batch; half of it when former values are asked for as well (batch read reference, read 2026-11-23). */
const pageSize = (type: ObjectType): number => (type.history.length > 0 ? 50 : 100)

/**
 * Beyond this length of the query the properties are asked for by batch read, which takes them in the body. HubSpot
 * answers 414 somewhere above 8,000 characters (unproven); the same way is taken after a 414.
 */
const longestQuery = 6_000

export interface ObjectsPage {
  readonly rows: readonly Row[]
  readonly after: string | undefined
  readonly readAt: Date
}

/** One page of `GET crm/objects/…/{type}`, living objects by id. */
export async function listObjects(
  context: ProviderContext,
  type: ObjectType,
  after: string | undefined,
  only?: readonly string[],
): Promise<ObjectsPage> {
  const names = only ?? (await propertyNames(context, type.name))
  const isShort = encodeURIComponent(names.join(',')).length <= longestQuery
  const query = {
    limit: pageSize(type),
    after,
    archived: false,
    associations: type.associated.join(',') || undefined,
  }
  if (isShort) {
    const response = await get(
      context,
      paths.objects(type.name),
      { ...query, properties: names.join(','), propertiesWithHistory: type.history.join(',') || undefined },
      [414],
    )
    if (response.status !== 414) {
      const body = bodyOf(response, type.name)
      const rows = await asRows(context, type, rowsIn(body, 'results'), true)
      return { rows, after: afterIn(body), readAt: response.readAt }
    }
  }
  const response = await get(context, paths.objects(type.name), { ...query, properties: 'hs_object_id' })
  const body = bodyOf(response, type.name)
  const listed = rowsIn(body, 'results')
  const found = await readBatch(context, type, idsOf(listed), names)
  const byId = new Map(listed.map((row) => [idIn(row, 'id') ?? '', row]))
  const whole = found.map((row) => ({ ...row, ...associationsOf(byId.get(idIn(row, 'id') ?? '')) }))
  return { rows: await asRows(context, type, whole, true), after: afterIn(body), readAt: response.readAt }
}

const associationsOf = (row: Row | undefined): Fields =>
  row && isGiven(row['associations']) ? { associations: row['associations'] } : {}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null

export const idsOf = (rows: readonly Row[]): string[] => rows.flatMap((row) => idIn(row, 'id') ?? [])

/** `POST …/batch/read`: objects by id; those that are gone or archived are missing. */
async function readBatch(
  context: ProviderContext,
  type: ObjectType,
  ids: readonly string[],
  names: readonly string[],
): Promise<Row[]> {
  const rows: Row[] = []
  for (const chunk of inChunks(ids, pageSize(type))) {
    const response = await ask(context, paths.batch(type.name, 'read'), {
      inputs: chunk.map((id) => ({ id })),
      properties: [...names],
      propertiesWithHistory: [...type.history],
    })
    rows.push(...rowsIn(bodyOf(response, `${type.name} by id`), 'results'))
  }
  return rows
}

/** Objects by id, as rows. */
export async function readObjects(
  context: ProviderContext,
  type: ObjectType,
  ids: readonly string[],
): Promise<{ readonly rows: readonly Row[]; readonly readAt: Date }> {
  const readAt = context.now()
  if (ids.length === 0) return { rows: [], readAt }
  const names = await propertyNames(context, type.name)
  const found = (await readBatch(context, type, ids, names)).filter((row) => row['archived'] !== true)
  return { rows: await asRows(context, type, found, false), readAt }
}

/**
 * Adds what belongs to a row from elsewhere. The list's own associations go into `derived` and nowhere else.
 * @param isListed the list was asked for associations: a row without the field has none.
 */
async function asRows(
  context: ProviderContext,
  type: ObjectType,
  found: readonly Row[],
  isListed: boolean,
): Promise<Row[]> {
  const currency = type.currency === undefined ? undefined : await accountCurrency(context)
  const ends = await Promise.all(
    type.associated.map(async (to) => [to, await endsOf(context, type, to, found, isListed)] as const),
  )
  return found.map((whole) => {
    const row: Record<string, unknown> = { ...whole }
    delete row['associations']
    const id = idIn(row, 'id') ?? ''
    const derived: Record<string, unknown> = {}
    for (const [to, byId] of ends) derived[to] = byId.get(id) ?? []
    if (type.currency !== undefined)
      derived['currency'] = textIn(fieldsIn(row, 'properties'), type.currency) ?? currency ?? null
    return Object.keys(derived).length === 0 ? row : { ...row, derived }
  })
}

/** Associated ids by id: from the list's answer where it has them all, else asked for. */
async function endsOf(
  context: ProviderContext,
  type: ObjectType,
  to: string,
  found: readonly Row[],
  isListed: boolean,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const ends = new Map<string, readonly string[]>()
  const unknown: string[] = []
  for (const row of found) {
    const id = idIn(row, 'id')
    if (id === undefined) continue
    const listed = fieldsIn(fieldsIn(row, 'associations'), to)
    const isWhole = isListed && afterIn(listed) === undefined
    if (isWhole) ends.set(id, inOrder(new Set(idsOf(objectsIn(listed, 'results')))))
    else unknown.push(id)
  }
  for (const [id, ids] of await associatedIds(context, type.name, to, unknown)) ends.set(id, ids)
  return ends
}

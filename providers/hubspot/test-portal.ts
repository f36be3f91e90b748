/** For this folder's tests: as much of a HubSpot portal as they need, behind a real server and the real transport. */
import type { JsonObject } from '../../model/json.ts'
import type { Action, Page, Position, ProviderContext, Resource, Row, Settings } from '../contract.ts'
import { json, openBench, startServer, type Received, type TestServer } from '../http/test-server.ts'
import { hubspot } from './index.ts'

type ServerResponse = Parameters<typeof json>[0]

export interface StoredObject {
  readonly id: string
  readonly properties: Record<string, string>
  readonly modified: number
  readonly archivedAt?: number
}

export const stages = ['subscriber', 'lead', 'opportunity', 'customer']

export interface Portal {
  readonly server: TestServer
  readonly objects: Map<string, StoredObject>
  /** Pages asked for with a cursor beyond the first 10,000 results: HubSpot refuses them. */
  readonly beyondWall: number[]
  /** Answers instead of the portal where it gives true. */
  refuse: (response: ServerResponse, request: Received) => boolean
  open(settings?: Settings): ProviderContext
  close(): Promise<void>
}

const epoch = Date.parse('2026-11-01T00:00:00Z')

function shown({ id, properties, modified, archivedAt }: StoredObject): JsonObject {
  const at = new Date(modified).toISOString()
  return {
    id,
    properties: { ...properties, hs_object_id: id, lastmodifieddate: at },
    propertiesWithHistory: { lifecyclestage: [] },
    createdAt: new Date(epoch).toISOString(),
    updatedAt: at,
    archived: archivedAt !== undefined,
    ...(archivedAt === undefined ? {} : { archivedAt: new Date(archivedAt).toISOString() }),
  }
}

interface Filter {
  readonly propertyName: string
  readonly operator: 'GTE' | 'LTE' | 'GT'
  readonly value: string
}

interface Question {
  readonly filterGroups: readonly { readonly filters: readonly Filter[] }[]
  readonly sorts: readonly { readonly propertyName: string }[]
  readonly limit: number
  readonly after: string
}

const valueOf = (object: StoredObject, name: string): number =>
  name === 'hs_object_id' ? Number(object.id) : object.modified

const passes = (object: StoredObject, { propertyName, operator, value }: Filter): boolean => {
  const own = valueOf(object, propertyName)
  const bound = Number(value)
  return operator === 'GTE' ? own >= bound : operator === 'LTE' ? own <= bound : own > bound
}

function search(portal: Portal, response: ServerResponse, question: Question): void {
  const [group] = question.filterGroups
  const [sort] = question.sorts
  const start = Number(question.after)
  if (start + question.limit > 10_000) portal.beyondWall.push(start)
  const found = [...portal.objects.values()]
    .filter((object) => object.archivedAt === undefined)
    .filter((object) => (group?.filters ?? []).every((filter) => passes(object, filter)))
    .sort((a, b) => valueOf(a, sort?.propertyName ?? '') - valueOf(b, sort?.propertyName ?? ''))
  const end = start + question.limit
  json(response, 200, {
    total: found.length,
    results: found.slice(start, end).map(shown),
    ...(end < found.length ? { paging: { next: { after: String(end) } } } : {}),
  })
}

function list(portal: Portal, response: ServerResponse, query: URLSearchParams): void {
  const isArchived = query.get('archived') === 'true'
  const after = Number(query.get('after') ?? '0')
  const limit = Number(query.get('limit'))
  const all = [...portal.objects.values()]
    .filter((object) => (object.archivedAt !== undefined) === isArchived && Number(object.id) > after)
    .sort((a, b) => Number(a.id) - Number(b.id))
  const page = all.slice(0, limit)
  json(response, 200, {
    results: page.map(shown),
    ...(all.length > limit ? { paging: { next: { after: page.at(-1)?.id } } } : {}),
  })
}

/** HubSpot ignores a stage behind the present one without saying so. */
function patch(
  portal: Portal,
  response: ServerResponse,
  id: string,
  properties: Record<string, string>,
): void {
  const object = portal.objects.get(id)
  if (!object) return json(response, 404, { category: 'OBJECT_NOT_FOUND', message: 'resource not found' })
  const { lifecyclestage: wanted } = properties
  const present = object.properties['lifecyclestage'] ?? ''
  const isBack = wanted !== undefined && wanted !== '' && stages.indexOf(wanted) < stages.indexOf(present)
  const taken = isBack ? { ...properties, lifecyclestage: present } : properties
  const changed = { ...object, properties: { ...object.properties, ...taken }, modified: object.modified + 1 }
  portal.objects.set(id, changed)
  json(response, 200, shown(changed))
}

/** One input of a batch with a bad address fails; the rest is taken. */
function upsert(portal: Portal, response: ServerResponse, inputs: readonly JsonObject[]): void {
  const results: JsonObject[] = []
  const errors: JsonObject[] = []
  for (const { id, idProperty, properties, objectWriteTraceId = null } of inputs) {
    const values = properties as Record<string, string>
    if (values['email']?.includes('@') === false) {
      const message = `Property values were not valid: ${values['email']}`
      const context = objectWriteTraceId === null ? {} : { objectWriteTraceId: [objectWriteTraceId] }
      errors.push({ status: 'error', category: 'VALIDATION_ERROR', message, context })
      continue
    }
    const known = [...portal.objects.values()].find((one) => one.properties[idProperty as string] === id)
    const object: StoredObject = {
      id: known?.id ?? String(1 + Math.max(0, ...[...portal.objects.keys()].map(Number))),
      properties: { ...known?.properties, ...values },
      modified: Date.now(),
    }
    portal.objects.set(object.id, object)
    results.push({ ...shown(object), new: !known })
  }
  json(response, errors.length > 0 ? 207 : 200, {
    status: 'COMPLETE',
    results,
    errors,
    numErrors: errors.length,
  })
}

const definitions = [
  { name: 'hs_object_id', type: 'number', groupName: 'contactinformation', hubspotDefined: true },
  { name: 'email', type: 'string', hubspotDefined: true },
  {
    name: 'lifecyclestage',
    type: 'enumeration',
    hubspotDefined: true,
    options: stages.map((value, displayOrder) => ({ value, label: value, displayOrder })),
  },
  { name: 'favourite_colour', label: 'Favourite colour', type: 'string' },
]

function answer(portal: Portal, response: ServerResponse, request: Received): void {
  if (portal.refuse(response, request)) return
  const { pathname, searchParams } = new URL(request.url, 'http://portal')
  const body = (request.body === '' ? {} : JSON.parse(request.body)) as JsonObject
  const inputs = (body['inputs'] ?? []) as JsonObject[]
  if (pathname.startsWith('/crm/properties/')) return json(response, 200, { results: definitions })
  if (pathname.endsWith('/contacts/search')) return search(portal, response, body as unknown as Question)
  if (pathname.endsWith('/batch/upsert')) return upsert(portal, response, inputs)
  if (pathname.endsWith('/batch/read')) {
    const found = inputs.flatMap(({ id }) => portal.objects.get(id as string) ?? [])
    return json(response, 200, { results: found.filter((one) => one.archivedAt === undefined).map(shown) })
  }
  const id = /\/contacts\/(\d+)$/.exec(pathname)?.[1]
  if (id === undefined) return list(portal, response, searchParams)
  if (request.method === 'PATCH')
    return patch(portal, response, id, body['properties'] as Record<string, string>)
  const object = portal.objects.get(id)
  return object
    ? json(response, 200, shown(object))
    : json(response, 404, { category: 'OBJECT_NOT_FOUND', message: 'resource not found' })
}

export async function startPortal(): Promise<Portal> {
  const server = await startServer()
  const portal: Portal = {
    server,
    objects: new Map(),
    beyondWall: [],
    refuse: () => false,
    open: (settings = {}) =>
      openBench(
        server,
        { originMap: { 'https://api.hubapi.com': server.url } },
        { provider: hubspot, auth: hubspot.auth[1], settings },
      ),
    close: () => server.close(),
  }
  server.answer((response, request) => answer(portal, response, request))
  return portal
}

export function resource(name: string): Resource {
  const found = hubspot.resources.find((each) => each.name === name)
  if (!found) throw new Error(`no resource ${name}`)
  return found
}

export function action(name: string): Action {
  const found = hubspot.actions.find((each) => each.name === name)
  if (!found) throw new Error(`no action ${name}`)
  return found
}

/** Reads to the end; `between` is called after each page. */
export async function readAll(
  of: Pick<Resource, 'readPage'>,
  context: ProviderContext,
  from: Position,
  between: (page: number) => void = () => undefined,
) {
  const rows: Row[] = []
  const deletedIds: string[] = []
  let position = from
  for (let pages = 1; pages < 2_000; pages++) {
    const page: Page = await of.readPage(context, JSON.parse(JSON.stringify(position)) as Position)
    rows.push(...page.rows)
    deletedIds.push(...(page.deletedIds ?? []))
    position = page.next
    if (page.done) return { rows, deletedIds, position, pages }
    between(pages)
  }
  throw new Error('the read does not end')
}

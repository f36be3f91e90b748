/** Lists (HubSpot also calls them segments) and who is in them. Both are read whole in every run. */
import type { JsonObject } from '../../model/json.ts'
import type { Page, Position, ProviderContext, Resource, Row } from '../contract.ts'
import {
  afterIn,
  ask,
  bodyOf,
  fieldsIn,
  get,
  idIn,
  numberIn,
  protocolError,
  rowsIn,
  textIn,
  timeIn,
  type Fields,
} from './answer.ts'
import { listMapping, membershipMapping } from './mapping-lists.ts'
import { listSchema, membershipSchema } from './schemas.ts'
import { paths } from './versions.ts'

const listsAPage = 100
const membersAPage = 250

/** `POST crm/lists/…/search`; every field is required since 2026-09. */
async function searchLists(
  context: ProviderContext,
  offset: number,
  count: number,
  listIds: readonly string[] = [],
) {
  const question: JsonObject = {
    listIds: [...listIds],
    offset,
    count,
    processingTypes: ['MANUAL', 'SNAPSHOT', 'DYNAMIC'],
    additionalProperties: ['hs_list_size'],
  }
  const response = await ask(context, paths.listSearch, question)
  const body = bodyOf(response, 'lists')
  const rows = rowsIn(body, 'lists')
  const hasMore = body['hasMore'] === true
  if (hasMore && rows.length === 0) throw protocolError('there are more lists but none is given')
  // What `offset` in the answer means is described in two ways; counting is certain.
  return { body, rows, next: hasMore ? offset + rows.length : undefined, readAt: response.readAt }
}

/** Position `{offset}`. A list that slips through while others are removed is asked for by id before it counts as gone. */
async function readLists(context: ProviderContext, position: Position): Promise<Page> {
  const { rows, next, readAt } = await searchLists(context, numberIn(position, 'offset') ?? 0, listsAPage)
  return { rows, next: next === undefined ? {} : { offset: next }, done: next === undefined, readAt }
}

export const lists: Resource = {
  name: 'lists',
  title: 'Lists',
  model: 'segment',
  after: [],
  incremental: false,
  deletions: 'scan',
  schema: listSchema,
  // The size follows the members, who are records of their own.
  volatile: ['additionalProperties'],
  start: () => ({}),
  readPage: readLists,
  externalId: (row) => idIn(row, 'listId') ?? '',
  updatedAt: (row) => timeIn(row, 'updatedAt'),
  getMany: async (context, ids) => {
    if (ids.length === 0) return { rows: [], readAt: context.now() }
    const { rows, readAt } = await searchLists(context, 0, ids.length, ids)
    return { rows: rows.filter((row) => ids.includes(idIn(row, 'listId') ?? '')), readAt }
  },
  count: async (context) => numberIn((await searchLists(context, 0, 1)).body, 'total'),
  mapping: listMapping,
}

// ------------------------------------------------------------------------------------------- members

/** Lists whose members are still to be read. */
const pendingIn = (position: Position): string[] => {
  const pending = position['pending']
  return Array.isArray(pending) ? pending.filter((id) => typeof id === 'string') : []
}

/**
 * Position `{offset, pending, after}`: lists are taken a page at a time, then each one's members. An offset of -1: there
 * are no more lists.
 */
async function readMemberships(context: ProviderContext, position: Position): Promise<Page> {
  const offset = numberIn(position, 'offset') ?? 0
  const [listId, ...others] = pendingIn(position)
  if (listId === undefined) return takeLists(context, offset)
  const { rows, after, readAt } = await readMembers(context, listId, textIn(position, 'after'))
  const pending = after === undefined ? others : [listId, ...others]
  const done = pending.length === 0 && offset < 0
  return {
    rows,
    next: done ? {} : { offset, pending, ...(after === undefined ? {} : { after }) },
    done,
    readAt,
  }
}

async function takeLists(context: ProviderContext, offset: number): Promise<Page> {
  const { rows, next, readAt } = await searchLists(context, offset, listsAPage)
  const pending = rows.flatMap((row) => idIn(row, 'listId') ?? [])
  const done = pending.length === 0 && next === undefined
  return { rows: [], next: done ? {} : { offset: next ?? -1, pending }, done, readAt }
}

/** Members of a list in the order in which they joined. A list that was removed meanwhile has none. */
export async function readMembers(context: ProviderContext, listId: string, after: string | undefined) {
  const response = await get(context, paths.listMembers(listId), { limit: membersAPage, after }, [404])
  const { readAt } = response
  if (response.status === 404) return { rows: [] as Row[], after: undefined, readAt }
  const body = bodyOf(response, 'members of a list')
  const rows = rowsIn(body, 'results').map((row): Row => ({ ...row, derived: { list_id: listId } }))
  return { rows, after: afterIn(body), readAt }
}

const listOf = (row: Row): Fields => fieldsIn(row, 'derived')

export const listMemberships: Resource = {
  name: 'list_memberships',
  title: 'Members of lists',
  model: 'membership',
  after: ['contacts', 'companies', 'lists'],
  incremental: false,
  deletions: 'scan',
  schema: membershipSchema,
  volatile: [],
  start: () => ({}),
  readPage: readMemberships,
  externalId: (row) => `${idIn(listOf(row), 'list_id') ?? ''}:${idIn(row, 'recordId') ?? ''}`,
  updatedAt: () => undefined,
  mapping: membershipMapping,
}

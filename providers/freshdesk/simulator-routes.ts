/** The simulated API's endpoints. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { createRouter, type Handler, type SimulatorReply } from '../../sandbox/kit.ts'
import { isDeleted, textOf } from './simulator-desk.ts'
import { change, type Desk } from './simulator-edits.ts'
import { changedSince, invalid, livingOf, notFound, one, paged, sorted } from './simulator-lists.ts'

export interface Scene {
  readonly desk: Desk
  readonly now: Date
}
type Answer = Handler<Scene>

const days = 24 * 3_600_000
/** Tickets that are asked for without a time are those of this long. */
const shownMs = 30 * days
const lastPage = 300

const without = (row: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)))

const listTickets: Answer = ({ desk, now }, request) => {
  const { query } = request
  const wish = query.get('filter')
  if (wish !== null && !['new_and_my_open', 'watching', 'spam', 'deleted'].includes(wish))
    return invalid('filter', "It should be one of these values: 'new_and_my_open,watching,spam,deleted'")
  const orderBy = query.get('order_by') ?? 'created_at'
  if (!['created_at', 'due_by', 'updated_at', 'status'].includes(orderBy))
    return invalid('order_by', "It should be one of these values: 'created_at,due_by,updated_at,status'")
  const all = [...desk.tables.tickets.values()].filter(
    (row) => isDeleted(row) === (wish === 'deleted') && (row['spam'] === true) === (wish === 'spam'),
  )
  const since = query.get('updated_since')
  const young = all.filter((row) => now.getTime() - Date.parse(textOf(row['created_at'])) <= shownMs)
  const found = since === null ? young : changedSince(all, since)
  if (!found) return invalid('updated_since', 'It should be in the "combined date and time ISO8601" format')
  const hidden =
    query.get('include')?.split(',').includes('description') === true
      ? []
      : ['description', 'description_text']
  const rows = sorted(found, orderBy, query.get('order_type') === 'asc')
  return paged(
    rows.map((row) => without(row, [...hidden, 'attachments'])),
    request,
    lastPage,
  )
}

const listContacts: Answer = ({ desk }, request) => {
  const found = changedSince(livingOf(desk.tables.contacts), request.query.get('_updated_since'))
  return found
    ? paged(sorted(found, 'id', true), request)
    : invalid('_updated_since', 'It should be in the "combined date and time ISO8601" format')
}

const term = /^(?:(status|priority):(\d+)|updated_at:>'(\d{4}-\d{2}-\d{2})')$/

const searchTickets: Answer = ({ desk }, { query }) => {
  const [, wish] = /^"(.+)"$/.exec(query.get('query') ?? '') ?? []
  const terms = wish?.split(' AND ').map((one) => term.exec(one))
  if (!terms || terms.includes(null)) return invalid('query', 'Query is not valid')
  const found = livingOf(desk.tables.tickets).filter((row) =>
    terms.every((match) => {
      const [, field, code, day] = match ?? []
      return field === undefined ? textOf(row['updated_at']) >= (day ?? '') : textOf(row[field]) === code
    }),
  )
  return { status: 200, body: { total: found.length, results: found.slice(0, 30) } }
}

const putTicket: Answer = ({ desk }, { body }, [id = '']): SimulatorReply => {
  const ticket = desk.tables.tickets.get(id)
  if (!ticket || isDeleted(ticket)) return notFound
  if (!isJsonObject(body)) return invalid('base', 'The body is no JSON object', 'invalid_json')
  const { status = ticket['status'], priority = ticket['priority'], ...others } = body
  const [strange] = Object.keys(others)
  if (strange !== undefined) return invalid(strange, 'Unexpected/invalid field in request', 'invalid_field')
  if (typeof status !== 'number' || status < 2 || status > 7)
    return invalid('status', "It should be one of these values: '2,3,4,5,6,7'")
  if (![1, 2, 3, 4].includes(Number(priority)))
    return invalid('priority', "It should be one of these values: '1,2,3,4'")
  change(desk, 'tickets', id, { status, priority: priority ?? 1 })
  return one(desk.tables.tickets, id)
}

export const route = createRouter<Scene>([
  [
    'GET',
    '/api/v2/agents/me',
    ({ desk }) => {
      const [me] = desk.tables.agents.values()
      return me ? { status: 200, body: me } : notFound
    },
  ],
  ['GET', '/api/v2/agents', ({ desk }, request) => paged([...desk.tables.agents.values()], request)],
  ['GET', '/api/v2/agents/:id', ({ desk }, _request, [id = '']) => one(desk.tables.agents, id)],
  ['GET', '/api/v2/companies', ({ desk }, request) => paged([...desk.tables.companies.values()], request)],
  ['GET', '/api/v2/companies/:id', ({ desk }, _request, [id = '']) => one(desk.tables.companies, id)],
  ['GET', '/api/v2/contacts', listContacts],
  ['GET', '/api/v2/contacts/:id', ({ desk }, _request, [id = '']) => one(desk.tables.contacts, id)],
  ['GET', '/api/v2/search/tickets', searchTickets],
  ['GET', '/api/v2/tickets', listTickets],
  ['GET', '/api/v2/tickets/:id', ({ desk }, _request, [id = '']) => one(desk.tables.tickets, id)],
  ['PUT', '/api/v2/tickets/:id', putTicket],
])

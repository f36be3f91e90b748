/** What the simulated API does on writes of tickets and their comments. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { firstIds, time, wordOf } from './simulator-objects.ts'
import { upsertUser } from './simulator-people.ts'
import { json, notFound, origin, recordInvalid, type Tables } from './simulator-reads.ts'
import type { Table } from './simulator-table.ts'
import { part, textOf, type Writer } from './simulator-writer.ts'

/** A key is remembered for two hours (ticketing introduction, "Idempotency"; the figure from public notes on that page). */
const keptMs = 2 * 3600_000

/** `POST /api/v2/tickets`, repeatable by Idempotency-Key: the answer says `x-idempotency-lookup: miss` or `hit`. */
export function createTicket(world: Writer, request: SimulatorRequest): SimulatorReply {
  const key = request.headers['idempotency-key']
  if (key === undefined) return makeTicket(world, part(request, 'ticket'))
  const asked = JSON.stringify(request.body)
  const now = world.now().getTime()
  const known = world.answered(key)
  if (known && now - known.at < keptMs) {
    return known.asked === asked
      ? { ...known.reply, headers: { ...known.reply.headers, 'x-idempotency-lookup': 'hit' } }
      : json(
          {
            error: 'IdempotentRequestError',
            description: 'Request parameters are different from the original request',
          },
          400,
        )
  }
  const reply = makeTicket(world, part(request, 'ticket'))
  if (reply.status >= 400) return reply
  world.keepAnswer(key, { asked, reply, at: now })
  return { ...reply, headers: { ...reply.headers, 'x-idempotency-lookup': 'miss' } }
}

/** A ticket as asked for, its first comment and its requester, who is made when nobody has that address. */
export function makeTicket(world: Writer, wanted: JsonObject | undefined): SimulatorReply {
  const { tickets } = world.tables
  const comment = wanted && isJsonObject(wanted['comment']) ? wanted['comment'] : undefined
  const text = textOf(comment?.['body']) ?? textOf(comment?.['html_body'])
  if (!wanted || text === undefined)
    return recordInvalid('base', 'BlankValue', 'Description: cannot be blank')
  const wrong = wrongIn(wanted)
  if (wrong) return wrong
  const id = tickets.nextId()
  const at = world.tick()
  const requester = requesterOf(world, wanted)
  const { comment: _comment, requester: _requester, metadata, ...fields } = wanted
  const subject = textOf(fields['subject']) ?? text.slice(0, 80)
  const ticket: JsonObject = {
    ...blankTicket(tickets),
    ...fields,
    id,
    url: `${origin}/api/v2/tickets/${id}.json`,
    subject,
    raw_subject: subject,
    description: text,
    requester_id: requester,
    submitter_id: requester,
    created_at: time(at),
    updated_at: time(at),
    generated_timestamp: at,
  }
  tickets.put(id, ticket, at)
  const custom = isJsonObject(metadata) ? metadata : {}
  const audit = addComment(world, id, comment ?? {}, requester, at, custom)
  return json({ ticket, audit }, 201, { location: wordOf(ticket['url']) })
}

/** The fields that every ticket has, empty. */
function blankTicket(tickets: Table): JsonObject {
  const model = tickets.get(tickets.living()[0] ?? 0) ?? {}
  return {
    ...model,
    type: null,
    priority: null,
    status: 'new',
    tags: [],
    custom_fields: [],
    external_id: null,
    assignee_id: null,
    organization_id: null,
    satisfaction_rating: { score: 'unoffered' },
    via: { channel: 'api', source: { from: {}, to: {}, rel: null } },
  }
}

const allowed: Readonly<Record<string, readonly string[]>> = {
  status: ['new', 'open', 'pending', 'hold', 'solved', 'closed'],
  priority: ['urgent', 'high', 'normal', 'low'],
  type: ['problem', 'incident', 'question', 'task'],
}

/** The refusal of a value that a list field does not have. */
function wrongIn(wanted: JsonObject): SimulatorReply | undefined {
  for (const [field, values] of Object.entries(allowed)) {
    const value = wanted[field]
    if (value === undefined || value === null || values.includes(wordOf(value))) continue
    const title = `${field.charAt(0).toUpperCase()}${field.slice(1)}`
    return recordInvalid(field, 'InvalidValue', `${title}: ${JSON.stringify(value)} is not a valid value`)
  }
  return undefined
}

function requesterOf(world: Writer, wanted: JsonObject): number {
  if (typeof wanted['requester_id'] === 'number') return wanted['requester_id']
  const person = isJsonObject(wanted['requester']) ? wanted['requester'] : undefined
  const email = textOf(person?.['email'])
  if (!person || email === undefined) return firstIds.users
  return upsertUser(world, person).id
}

function addComment(
  world: Writer,
  ticketId: number,
  comment: JsonObject,
  authorId: number,
  at: number,
  custom: JsonObject,
): JsonObject {
  const { comments } = world.tables
  const id = comments.nextId()
  const body = textOf(comment['body']) ?? (textOf(comment['html_body']) ?? '').replace(/<[^>]*>/g, '')
  const object: JsonObject = {
    id,
    ticket_id: ticketId,
    type: 'Comment',
    author_id: authorId,
    body,
    html_body: textOf(comment['html_body']) ?? `<p>${body}</p>`,
    plain_body: body,
    public: comment['public'] !== false,
    attachments: [],
    audit_id: 510_000_000_000 + id,
    via: { channel: 'api', source: { from: {}, to: {}, rel: null } },
    created_at: time(at),
    metadata: { system: {}, custom },
  }
  comments.put(id, object, at)
  return {
    id: Number(object['audit_id']),
    ticket_id: ticketId,
    created_at: time(at),
    author_id: authorId,
    metadata: { system: {}, custom },
    events: [{ ...object, type: 'Comment' }],
  }
}

/** `PUT /api/v2/tickets/{id}`: fields, a comment, `safe_update` with `updated_stamp` (409 when it changed since). */
export const updateTicket = (world: Writer, request: SimulatorRequest, id: number): SimulatorReply =>
  changeTicket(world, id, part(request, 'ticket'))

export function changeTicket(world: Writer, id: number, wanted: JsonObject | undefined): SimulatorReply {
  const { tickets } = world.tables
  const ticket = tickets.get(id)
  if (!ticket || tickets.isDeleted(id)) return notFound()
  if (!wanted) return recordInvalid('base', 'BlankValue', 'ticket is missing')
  if (ticket['status'] === 'closed')
    return recordInvalid('status', 'InvalidValue', 'Status: closed prevents ticket update')
  if (wanted['safe_update'] === true && isOutdated(ticket, wanted)) return updateConflict()
  const wrong = wrongIn(wanted)
  if (wrong) return wrong
  const { comment, metadata, safe_update: _safe, updated_stamp: _stamp, ...fields } = wanted
  const at = world.tick()
  const changed: JsonObject = {
    ...ticket,
    ...fields,
    ...mergedFields(ticket, fields),
    id,
    updated_at: time(at),
    generated_timestamp: at,
  }
  tickets.put(id, changed, at)
  const author = firstIds.users
  const custom = isJsonObject(metadata) ? metadata : {}
  const audit = isJsonObject(comment)
    ? addComment(world, id, comment, author, at, custom)
    : {
        id: at,
        ticket_id: id,
        created_at: time(at),
        author_id: author,
        metadata: { system: {}, custom },
        events: [],
      }
  return json({ ticket: changed, audit })
}

/** Custom fields that are not named keep their values (ticket reference, "Setting custom field values"). */
function mergedFields(ticket: JsonObject, { custom_fields: wanted }: JsonObject): JsonObject {
  if (!Array.isArray(wanted)) return {}
  const given = new Map(wanted.filter(isJsonObject).map((field) => [wordOf(field['id']), field]))
  const known = Array.isArray(ticket['custom_fields']) ? ticket['custom_fields'].filter(isJsonObject) : []
  const kept = known.filter((field) => !given.has(wordOf(field['id'])))
  return { custom_fields: [...kept, ...given.values()] }
}

const isOutdated = (ticket: JsonObject, wanted: JsonObject): boolean =>
  Date.parse(wordOf(wanted['updated_stamp'])) !== Date.parse(wordOf(ticket['updated_at']))

const updateConflict = (): SimulatorReply =>
  json(
    {
      error: 'UpdateConflict',
      description:
        'Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data and try again.',
    },
    409,
  )

/** `DELETE /api/v2/tickets/{id}`: 204; exports show it with status `deleted`. */
export function deleteTicket(world: Writer, id: number): SimulatorReply {
  const { tickets } = world.tables
  if (!tickets.has(id) || tickets.isDeleted(id)) return notFound()
  tickets.remove(id, world.tick())
  return { status: 204 }
}

/** `POST /api/v2/tickets/{id}/satisfaction_rating`: one rating per ticket, made or changed. */
export function rateTicket(world: Writer, request: SimulatorRequest, id: number): SimulatorReply {
  const { tickets, satisfaction_ratings: ratings } = world.tables
  const ticket = tickets.get(id)
  const wanted = part(request, 'satisfaction_rating')
  if (!ticket || tickets.isDeleted(id)) return notFound()
  const score = textOf(wanted?.['score'])
  if (score !== 'good' && score !== 'bad')
    return recordInvalid('score', 'InvalidValue', 'Score: is not included in the list')
  const at = world.tick()
  const [known] = ratings.find('ticket_id', id)
  const ratingId = known ?? ratings.nextId()
  const rating: JsonObject = {
    assignee_id: ticket['assignee_id'] ?? null,
    group_id: ticket['group_id'] ?? null,
    requester_id: ticket['requester_id'] ?? null,
    ticket_id: id,
    reason: 'No reason provided',
    reason_id: 0,
    reason_code: 0,
    created_at: time(at),
    ...(known === undefined ? {} : ratings.get(known)),
    id: ratingId,
    url: `${origin}/api/v2/satisfaction_ratings/${ratingId}.json`,
    score,
    comment: textOf(wanted?.['comment']) ?? null,
    updated_at: time(at),
  }
  ratings.put(ratingId, rating, at)
  const shown = { id: ratingId, score, comment: rating['comment'] ?? null }
  tickets.put(
    id,
    { ...ticket, satisfaction_rating: shown, updated_at: time(at), generated_timestamp: at },
    at,
  )
  return json({ satisfaction_rating: rating })
}

/** The audits of a ticket's comments, as JSON text by comment id. */
export function auditOf(tables: Tables, commentId: number): string {
  const comment = tables.comments.get(commentId) ?? {}
  const metadata = comment['metadata'] ?? { system: {}, custom: {} }
  return JSON.stringify({
    id: comment['audit_id'],
    ticket_id: comment['ticket_id'],
    created_at: comment['created_at'],
    author_id: comment['author_id'],
    metadata,
    events: [{ ...comment, type: 'Comment' }],
  })
}

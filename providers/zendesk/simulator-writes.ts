/** What the simulated API does on writes: tickets, comments, users, articles. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { time } from './simulator-objects.ts'
import { json, notFound, recordInvalid, type Tables } from './simulator-reads.ts'

/** What writes need of the world. */
export interface Writer {
  readonly tables: Tables
  /** The second at which the next change happens. */
  tick(): number
  /** Answers by Idempotency-Key: what was asked and what was answered. */
  readonly answers: Map<string, { readonly asked: string; readonly reply: SimulatorReply }>
}

const part = (request: SimulatorRequest, key: string): JsonObject | undefined => {
  const body = isJsonObject(request.body) ? request.body[key] : undefined
  return isJsonObject(body) ? body : undefined
}

const textOf = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** `POST /api/v2/tickets`, repeatable by Idempotency-Key: the answer says `x-idempotency-lookup: miss` or `hit`. */
export function createTicket(world: Writer, request: SimulatorRequest): SimulatorReply {
  const key = request.headers['idempotency-key']
  const asked = JSON.stringify(request.body)
  const known = key === undefined ? undefined : world.answers.get(key)
  if (known && known.asked !== asked) {
    return json(
      {
        error: 'IdempotentRequestError',
        description: 'Request parameters are different from the original request',
      },
      400,
    )
  }
  if (known) return { ...known.reply, headers: { ...known.reply.headers, 'x-idempotency-lookup': 'hit' } }
  const reply = makeTicket(world, part(request, 'ticket'))
  if (key === undefined || reply.status >= 400) return reply
  world.answers.set(key, { asked, reply })
  return { ...reply, headers: { ...reply.headers, 'x-idempotency-lookup': 'miss' } }
}

function makeTicket(world: Writer, wanted: JsonObject | undefined): SimulatorReply {
  const { tickets } = world.tables
  const comment = wanted && isJsonObject(wanted['comment']) ? wanted['comment'] : undefined
  const text = textOf(comment?.['body']) ?? textOf(comment?.['html_body'])
  if (!wanted || text === undefined)
    return recordInvalid('base', 'BlankValue', 'Description: cannot be blank')
  const id = tickets.nextId()
  const at = world.tick()
  const template = tickets.get(tickets.living()[0] ?? 0) ?? {}
  const requester = requesterOf(world, wanted)
  const { comment: _comment, requester: _requester, metadata: _metadata, ...fields } = wanted
  const subject = textOf(fields['subject']) ?? text.slice(0, 80)
  const ticket: JsonObject = {
    ...template,
    type: null,
    priority: null,
    status: 'new',
    tags: [],
    custom_fields: [],
    external_id: null,
    assignee_id: null,
    organization_id: null,
    satisfaction_rating: { score: 'unoffered' },
    ...fields,
    id,
    url: String(template['url'] ?? '').replace(/\d+\.json$/, `${id}.json`),
    subject,
    raw_subject: subject,
    description: text,
    requester_id: requester,
    submitter_id: requester,
    created_at: time(at),
    updated_at: time(at),
    generated_timestamp: at,
    via: { channel: 'api', source: { from: {}, to: {}, rel: null } },
  }
  tickets.put(id, ticket, at)
  const audit = addComment(
    world,
    id,
    comment ?? {},
    requester,
    at,
    isJsonObject(wanted['metadata']) ? wanted['metadata'] : {},
  )
  return json({ ticket, audit }, 201, { location: String(ticket['url']) })
}

function requesterOf(world: Writer, wanted: JsonObject): number {
  const { users } = world.tables
  if (typeof wanted['requester_id'] === 'number') return wanted['requester_id']
  const person = isJsonObject(wanted['requester']) ? wanted['requester'] : undefined
  const email = textOf(person?.['email'])
  if (!person || email === undefined) return users.living()[0] ?? 0
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
export function updateTicket(world: Writer, request: SimulatorRequest, id: number): SimulatorReply {
  const { tickets } = world.tables
  const ticket = tickets.get(id)
  if (!ticket || tickets.isDeleted(id)) return notFound()
  const wanted = part(request, 'ticket')
  if (!wanted) return recordInvalid('base', 'BlankValue', 'ticket is missing')
  if (ticket['status'] === 'closed')
    return recordInvalid('status', 'InvalidValue', 'Status: closed prevents ticket update')
  if (
    wanted['safe_update'] === true &&
    Date.parse(String(wanted['updated_stamp'])) !== Date.parse(String(ticket['updated_at']))
  ) {
    return json(
      {
        error: 'UpdateConflict',
        description:
          'Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data and try again.',
      },
      409,
    )
  }
  const statuses = ['new', 'open', 'pending', 'hold', 'solved', 'closed']
  if (wanted['status'] !== undefined && !statuses.includes(String(wanted['status'])))
    return recordInvalid('status', 'InvalidValue', 'Status is not valid')
  const { comment, metadata, safe_update: _safe, updated_stamp: _stamp, ...fields } = wanted
  const at = world.tick()
  const changed: JsonObject = { ...ticket, ...fields, id, updated_at: time(at), generated_timestamp: at }
  tickets.put(id, changed, at)
  const author = world.tables.users.living()[0] ?? 0
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

function upsertUser(world: Writer, wanted: JsonObject): { id: number; isNew: boolean } {
  const { users } = world.tables
  const email = textOf(wanted['email'])?.toLowerCase()
  const externalId = textOf(wanted['external_id'])
  const found = users.living().find((id) => {
    const user = users.get(id) ?? {}
    return (
      (email !== undefined && String(user['email']).toLowerCase() === email) ||
      (externalId !== undefined && user['external_id'] === externalId)
    )
  })
  const at = world.tick()
  const id = found ?? users.nextId()
  const template = users.get(found ?? users.living()[1] ?? users.living()[0] ?? 0) ?? {}
  const fresh: JsonObject = {
    role: 'end-user',
    phone: null,
    external_id: null,
    tags: [],
    organization_id: null,
    created_at: time(at),
    user_fields: {},
  }
  const user = {
    ...template,
    ...(found === undefined ? fresh : {}),
    ...wanted,
    id,
    url: String(template['url'] ?? '').replace(/\d+\.json$/, `${id}.json`),
    active: true,
    updated_at: time(at),
  }
  users.put(id, user, at)
  return { id, isNew: found === undefined }
}

/** `POST /api/v2/users/create_or_update`: 201 when made, 200 when found by email or external id. */
export function createOrUpdateUser(world: Writer, request: SimulatorRequest): SimulatorReply {
  const wanted = part(request, 'user')
  if (!wanted) return recordInvalid('base', 'BlankValue', 'user is missing')
  const email = textOf(wanted['email'])
  if (email !== undefined && !email.includes('@'))
    return recordInvalid('email', 'InvalidValue', `Email: ${email} is not properly formatted`)
  if (
    email === undefined &&
    textOf(wanted['external_id']) === undefined &&
    textOf(wanted['name']) === undefined
  )
    return recordInvalid('name', 'BlankValue', 'Name: cannot be blank')
  const { id, isNew } = upsertUser(world, wanted)
  return json({ user: world.tables.users.get(id) ?? {} }, isNew ? 201 : 200)
}

/** `PUT /api/v2/users/{id}`. */
export function updateUser(world: Writer, request: SimulatorRequest, id: number): SimulatorReply {
  const { users } = world.tables
  const user = users.get(id)
  const wanted = part(request, 'user')
  if (!user || users.isDeleted(id)) return notFound()
  if (!wanted) return recordInvalid('base', 'BlankValue', 'user is missing')
  const at = world.tick()
  users.put(id, { ...user, ...wanted, id, updated_at: time(at) }, at)
  return json({ user: users.get(id) ?? {} })
}

/** `POST /api/v2/help_center/sections/{id}/articles`. */
export function createArticle(world: Writer, request: SimulatorRequest, sectionId: number): SimulatorReply {
  const { articles, sections } = world.tables
  const wanted = part(request, 'article')
  if (!sections.has(sectionId) || sections.isDeleted(sectionId)) return notFound()
  if (!wanted || textOf(wanted['title']) === undefined)
    return json({ errors: { title: ['cannot be blank'] } }, 422)
  if (wanted['permission_group_id'] === undefined)
    return json({ errors: { permission_group_id: ['cannot be blank'] } }, 422)
  const at = world.tick()
  const id = articles.nextId()
  const template = articles.get(articles.living()[0] ?? 0) ?? {}
  const title = textOf(wanted['title']) ?? ''
  const article: JsonObject = {
    ...template,
    draft: false,
    label_names: [],
    body: '',
    ...wanted,
    id,
    name: title,
    title,
    section_id: sectionId,
    vote_sum: 0,
    vote_count: 0,
    url: String(template['url'] ?? '').replace(/\d+\.json$/, `${id}.json`),
    html_url: String(template['html_url'] ?? '').replace(/\d+$/, String(id)),
    created_at: time(at),
    updated_at: time(at),
    edited_at: time(at),
  }
  articles.put(id, article, at)
  return json({ article }, 201)
}

/** `PUT /api/v2/help_center/articles/{id}` changes everything but the text; the translation holds the text. */
export function updateArticle(
  world: Writer,
  request: SimulatorRequest,
  id: number,
  translation: boolean,
): SimulatorReply {
  const { articles } = world.tables
  const article = articles.get(id)
  const wanted = part(request, translation ? 'translation' : 'article')
  if (!article || articles.isDeleted(id)) return notFound()
  if (!wanted) return json({ errors: { base: ['is missing'] } }, 422)
  const at = world.tick()
  const { title, body, draft, ...rest } = wanted
  const text = {
    ...(title === undefined ? {} : { title, name: title }),
    ...(body === undefined ? {} : { body }),
    ...(draft === undefined ? {} : { draft }),
  }
  const changes = translation ? { ...text, edited_at: time(at) } : rest
  articles.put(id, { ...article, ...changes, id, updated_at: time(at) }, at)
  const changed = articles.get(id) ?? {}
  return json(
    translation
      ? {
          translation: {
            id,
            source_id: id,
            source_type: 'Article',
            locale: changed['locale'] ?? null,
            title: changed['title'] ?? null,
            body: changed['body'] ?? null,
            draft: changed['draft'] ?? false,
            updated_at: time(at),
          },
        }
      : { article: changed },
  )
}

/** The simulated API's endpoints: Zendesk's own paths below `/api/v2`. */
import type { JsonObject } from '../../model/json.ts'
import {
  createRouter,
  type Handler,
  type Route,
  type SimulatorReply,
  type SimulatorRequest,
} from '../../sandbox/kit.ts'
import * as articles from './simulator-articles.ts'
import { cursorExport, eventOf, timeExport } from './simulator-exports.ts'
import * as identities from './simulator-identities.ts'
import * as jobs from './simulator-jobs.ts'
import { firstIds, wordOf } from './simulator-objects.ts'
import * as people from './simulator-people.ts'
import * as reads from './simulator-reads.ts'
import { settings } from './simulator-settings.ts'
import * as webhooks from './simulator-webhooks.ts'
import * as writes from './simulator-writes.ts'
import type { Writer } from './simulator-writer.ts'

/** What endpoints work on. */
export interface Scene {
  readonly tables: reads.Tables
  readonly writer: Writer
  readonly jobs: jobs.Jobs
  readonly hooks: webhooks.Hooks
  readonly now: () => Date
  /** The last second that exports show. */
  readonly horizon: number
}

type Answer = Handler<Scene>
type Table = reads.Tables[keyof reads.Tables]

const all =
  (tableOf: (tables: reads.Tables) => Table): Answer =>
  (scene, request) => {
    const table = tableOf(scene.tables)
    return reads.list(table.kind, table.living(), request, table.textOf)
  }
const one =
  (key: string, tableOf: (tables: reads.Tables) => Table): Answer =>
  (scene, _request, [id]) =>
    reads.showOne(tableOf(scene.tables), key, Number(id))
const many =
  (tableOf: (tables: reads.Tables) => Table): Answer =>
  (scene, request) =>
    reads.showMany(tableOf(scene.tables), request)
const count =
  (tableOf: (tables: reads.Tables) => Table): Answer =>
  (scene) =>
    reads.countOf(tableOf(scene.tables).livingCount(), scene.now())
const cursored =
  (tableOf: (tables: reads.Tables) => Table): Answer =>
  (scene, request) =>
    cursorExport(tableOf(scene.tables), request, scene.horizon)
const timed =
  (tableOf: (tables: reads.Tables) => Table, saysEnd = true): Answer =>
  (scene, request) => {
    const table = tableOf(scene.tables)
    const exported = { table, key: table.kind, rowOf: table.textOf, showDeleted: saysEnd, saysEnd }
    return timeExport(exported, request, scene.horizon)
  }

const exportsOf: readonly Route<Scene>[] = [
  ['GET', '/incremental/tickets/cursor', cursored((tables) => tables.tickets)],
  ['GET', '/incremental/users/cursor', cursored((tables) => tables.users)],
  ['GET', '/incremental/tickets', timed((tables) => tables.tickets)],
  ['GET', '/incremental/users', timed((tables) => tables.users)],
  ['GET', '/incremental/organizations', timed((tables) => tables.organizations)],
  ['GET', '/incremental/ticket_events', ticketEvents],
  ['GET', '/help_center/incremental/articles', timed((tables) => tables.articles, false)],
]

const support: readonly Route<Scene>[] = [
  ['GET', '/tickets/count', count((tables) => tables.tickets)],
  ['GET', '/users/count', count((tables) => tables.users)],
  ['GET', '/organizations/count', count((tables) => tables.organizations)],
  ['GET', '/satisfaction_ratings/count', count((tables) => tables.satisfaction_ratings)],
  ['GET', '/tickets/show_many', many((tables) => tables.tickets)],
  ['GET', '/users/show_many', many((tables) => tables.users)],
  ['GET', '/organizations/show_many', many((tables) => tables.organizations)],
  ['GET', '/users/me', (scene) => reads.showOne(scene.tables.users, 'user', firstIds.users)],
  ['GET', '/account/settings', () => reads.json({ settings })],
  ['GET', '/deleted_tickets', deletedTickets],
  ['GET', '/tickets/:id/comments', comments],
  ['GET', '/tickets/:id/comments/count', commentCount],
  ['GET', '/tickets/:id/audits', audits],
  ['GET', '/tickets/:id', one('ticket', (tables) => tables.tickets)],
  ['PUT', '/tickets/:id', (scene, request, [id]) => writes.updateTicket(scene.writer, request, Number(id))],
  ['DELETE', '/tickets/:id', (scene, _request, [id]) => writes.deleteTicket(scene.writer, Number(id))],
  [
    'POST',
    '/tickets/:id/satisfaction_rating',
    (scene, request, [id]) => writes.rateTicket(scene.writer, request, Number(id)),
  ],
  ['GET', '/tickets', tickets],
  ['POST', '/tickets', (scene, request) => writes.createTicket(scene.writer, request)],
  [
    'POST',
    '/tickets/create_many',
    (scene, request) => jobs.createManyTickets(scene.writer, scene.jobs, request),
  ],
  [
    'PUT',
    '/tickets/update_many',
    (scene, request) => jobs.updateManyTickets(scene.writer, scene.jobs, request),
  ],
  [
    'DELETE',
    '/tickets/destroy_many',
    (scene, request) => jobs.deleteManyTickets(scene.writer, scene.jobs, request),
  ],
  ['GET', '/job_statuses/:job', (scene, _request, [id = '']) => jobs.showJob(scene.jobs, id)],
  ['GET', '/job_statuses', (scene) => jobs.listJobs(scene.jobs)],
  ['POST', '/users/create_or_update', (scene, request) => people.createOrUpdateUser(scene.writer, request)],
  ['GET', '/users/:id', one('user', (tables) => tables.users)],
  ['PUT', '/users/:id', (scene, request, [id]) => people.updateUser(scene.writer, request, Number(id))],
  ['DELETE', '/users/:id', (scene, _request, [id]) => people.deleteUser(scene.writer, Number(id))],
  ['GET', '/users', all((tables) => tables.users)],
  ['POST', '/users', (scene, request) => people.createUser(scene.writer, request)],
  [
    'GET',
    '/users/:id/identities',
    (scene, _request, [id]) => identities.listIdentities(scene.writer, Number(id)),
  ],
  [
    'POST',
    '/users/:id/identities',
    (scene, request, [id]) => identities.createIdentity(scene.writer, request, Number(id)),
  ],
  [
    'PUT',
    '/users/:id/identities/:identity',
    (scene, request, [id, identity]) =>
      identities.updateIdentity(scene.writer, request, Number(id), Number(identity)),
  ],
  [
    'PUT',
    '/users/:id/identities/:identity/make_primary',
    (scene, _request, [id, identity]) => identities.makePrimary(scene.writer, Number(id), Number(identity)),
  ],
  [
    'POST',
    '/organizations/create_or_update',
    (scene, request) => people.createOrUpdateOrganization(scene.writer, request),
  ],
  ['GET', '/organizations/:id', one('organization', (tables) => tables.organizations)],
  [
    'PUT',
    '/organizations/:id',
    (scene, request, [id]) => people.updateOrganization(scene.writer, request, Number(id)),
  ],
  [
    'DELETE',
    '/organizations/:id',
    (scene, _request, [id]) => people.deleteOrganization(scene.writer, Number(id)),
  ],
  ['GET', '/organizations', all((tables) => tables.organizations)],
  ['POST', '/organizations', (scene, request) => people.createOrganization(scene.writer, request)],
  ['GET', '/satisfaction_ratings/:id', one('satisfaction_rating', (tables) => tables.satisfaction_ratings)],
  ['GET', '/satisfaction_ratings', ratings],
]

const hooks: readonly Route<Scene>[] = [
  ['GET', '/webhooks', (scene, request) => webhooks.listWebhooks(scene.hooks, request)],
  ['POST', '/webhooks', (scene, request) => webhooks.createWebhook(scene.hooks, request)],
  [
    'GET',
    '/webhooks/:webhook/signing_secret',
    (scene, _request, [id = '']) => webhooks.showSecret(scene.hooks, id),
  ],
  ['GET', '/webhooks/:webhook', (scene, _request, [id = '']) => webhooks.showWebhook(scene.hooks, id)],
  [
    'PATCH',
    '/webhooks/:webhook',
    (scene, request, [id = '']) => webhooks.changeWebhook(scene.hooks, request, id),
  ],
  [
    'PUT',
    '/webhooks/:webhook',
    (scene, request, [id = '']) => webhooks.changeWebhook(scene.hooks, request, id),
  ],
  ['DELETE', '/webhooks/:webhook', (scene, _request, [id = '']) => webhooks.removeWebhook(scene.hooks, id)],
]

const helpCenter: readonly Route<Scene>[] = [
  ['GET', '/help_center/sections/:id/articles', articlesOfSection],
  [
    'POST',
    '/help_center/sections/:id/articles',
    (scene, request, [id]) => articles.createArticle(scene.writer, request, Number(id)),
  ],
  ['GET', '/help_center/sections/:id', one('section', (tables) => tables.sections)],
  ['GET', '/help_center/sections', all((tables) => tables.sections)],
  [
    'GET',
    '/help_center/articles/:id/translations',
    (scene, _request, [id]) => articles.showTranslation(scene.tables, Number(id)),
  ],
  [
    'GET',
    '/help_center/articles/:id/translations/:locale',
    (scene, _request, [id, locale]) => articles.showTranslation(scene.tables, Number(id), locale),
  ],
  [
    'PUT',
    '/help_center/articles/:id/translations/:locale',
    (scene, request, [id]) => articles.updateArticle(scene.writer, request, Number(id), true),
  ],
  [
    'PUT',
    '/help_center/articles/:id',
    (scene, request, [id]) => articles.updateArticle(scene.writer, request, Number(id), false),
  ],
  [
    'DELETE',
    '/help_center/articles/:id',
    (scene, _request, [id]) => articles.deleteArticle(scene.writer, Number(id)),
  ],
  ['GET', '/help_center/articles/:id', one('article', (tables) => tables.articles)],
  ['GET', '/help_center/articles', all((tables) => tables.articles)],
]

const find = createRouter([...exportsOf, ...support, ...hooks, ...helpCenter])

/** Answers a request that was let in. `InvalidEndpoint` is Zendesk's word for a path that an account does not have. */
export function route(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const path = request.path
    .replace(/^\/api\/v2/, '')
    .replace(/^\/help_center\/[a-z]{2}(-[a-z]{2})?\//, '/help_center/')
  return find(scene, request, path) ?? reads.json({ error: 'InvalidEndpoint', description: 'Not found' }, 404)
}

function ticketEvents(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const { comments: table } = scene.tables
  const withComments = (request.query.get('include') ?? '').split(',').includes('comment_events')
  const rowOf = (id: number) => eventOf(table, id, withComments)
  const exported = { table, key: 'ticket_events', rowOf, showDeleted: true, saysEnd: true }
  return timeExport(exported, request, scene.horizon)
}

function tickets(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const { tickets: table } = scene.tables
  const externalId = request.query.get('external_id')
  const ids = externalId === null ? table.living() : table.find('external_id', externalId)
  return reads.list('tickets', ids, request, table.textOf)
}

/** Comments of a ticket, oldest first, or newest first with `sort=-created_at`. */
function ofTicket(scene: Scene, ticketId: number): readonly number[] | undefined {
  const { tickets: table, comments: all } = scene.tables
  if (!table.has(ticketId) || table.isDeleted(ticketId)) return undefined
  return all.find('ticket_id', ticketId)
}

function comments(scene: Scene, request: SimulatorRequest, [id]: readonly string[]): SimulatorReply {
  const ids = ofTicket(scene, Number(id))
  return ids ? reads.list('comments', ids, request, scene.tables.comments.textOf) : reads.notFound()
}

function commentCount(scene: Scene, _request: SimulatorRequest, [id]: readonly string[]): SimulatorReply {
  const ids = ofTicket(scene, Number(id))
  return ids ? reads.countOf(ids.length, scene.now()) : reads.notFound()
}

function audits(scene: Scene, request: SimulatorRequest, [id]: readonly string[]): SimulatorReply {
  const ids = ofTicket(scene, Number(id))
  const auditOf = (comment: number) => writes.auditOf(scene.tables, comment)
  return ids ? reads.list('audits', ids, request, auditOf) : reads.notFound()
}

/** `{id, subject, description, actor, deleted_at, previous_state}` (deleted-tickets OpenAPI file). */
function deletedTickets(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const { tickets: table } = scene.tables
  const rowOf = (id: number): string => {
    const ticket = table.get(id) ?? {}
    const row: JsonObject = {
      id,
      subject: ticket['subject'] ?? null,
      description: ticket['description'] ?? null,
      actor: { id: firstIds.users, name: 'Sandbox Admin' },
      deleted_at: ticket['updated_at'] ?? null,
      previous_state: 'open',
    }
    return JSON.stringify(row)
  }
  return reads.list('deleted_tickets', table.deleted(), request, rowOf)
}

/** `start_time` and `end_time` speak of the creation; an unqualified score means with and without comment. */
function ratings(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const { satisfaction_ratings: table } = scene.tables
  const { query } = request
  const [start, end, score] = ['start_time', 'end_time', 'score'].map((name) => query.get(name))
  const isWanted = (rating: JsonObject): boolean => {
    const made = Date.parse(wordOf(rating['created_at'])) / 1000
    return (
      (!start || made >= Number(start)) && (!end || made < Number(end)) && (!score || hasScore(rating, score))
    )
  }
  const isFiltered = Boolean(start ?? end ?? score)
  const ids = isFiltered ? table.living().filter((id) => isWanted(table.get(id) ?? {})) : table.living()
  return reads.list('satisfaction_ratings', ids, request, table.textOf)
}

/** `good`, `bad_with_comment`, `received_without_comment`, `offered` … (satisfaction-ratings OpenAPI file). */
function hasScore(rating: JsonObject, wanted: string): boolean {
  const [, score = wanted, comment] = /^(received|good|bad)_(with|without)_comment$/.exec(wanted) ?? []
  const hasComment = rating['comment'] !== null && rating['comment'] !== ''
  const own = wordOf(rating['score'])
  const fits = score === 'received' ? own === 'good' || own === 'bad' : own === score
  return fits && (comment === undefined || (comment === 'with') === hasComment)
}

function articlesOfSection(scene: Scene, request: SimulatorRequest, [id]: readonly string[]): SimulatorReply {
  const { articles: table, sections } = scene.tables
  const sectionId = Number(id)
  if (!sections.has(sectionId) || sections.isDeleted(sectionId)) return reads.notFound()
  return reads.list('articles', table.find('section_id', sectionId), request, table.textOf)
}

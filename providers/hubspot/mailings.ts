/** Marketing e-mails with their figures, and what became of each message: sent, opened, clicked, bounced. */
import type { Page, Position, ProviderContext, Resource, Row } from '../contract.ts'
import {
  afterIn,
  bodyOf,
  get,
  idIn,
  millisecondsIn,
  numberIn,
  protocolError,
  rowsIn,
  textIn,
  timeIn,
  type Query,
} from './answer.ts'
import { emailEventMapping, marketingEmailMapping } from './mapping-lists.ts'
import { emailEventSchema, marketingEmailSchema } from './schemas.ts'
import { paths } from './versions.ts'

/** One page of marketing e-mails with their statistics; scope `content` (OpenAPI Marketing Emails 2026-09). */
export async function listEmails(context: ProviderContext, after: string | undefined, query: Query = {}) {
  const response = await get(context, paths.marketingEmails, {
    limit: 100,
    after,
    includeStats: true,
    ...query,
  })
  const body = bodyOf(response, 'marketing e-mails')
  return { rows: rowsIn(body, 'results'), after: afterIn(body), body, readAt: response.readAt }
}

/** Position `{after}`. Opens and clicks move no timestamp, so every run reads all. */
async function readEmails(context: ProviderContext, position: Position): Promise<Page> {
  const { rows, after, readAt } = await listEmails(context, textIn(position, 'after'), { archived: false })
  return { rows, next: after === undefined ? {} : { after }, done: after === undefined, readAt }
}

async function emailsById(context: ProviderContext, ids: readonly string[]) {
  const readAt = context.now()
  const rows: Row[] = []
  for (const id of ids) {
    const response = await get(context, paths.marketingEmail(id), { includeStats: true }, [404])
    if (response.status < 400) rows.push(bodyOf(response, 'marketing e-mail'))
  }
  return { rows: rows.filter((row) => row['archived'] !== true), readAt }
}

export const marketingEmails: Resource = {
  name: 'marketing_emails',
  title: 'Marketing e-mails',
  model: 'campaign',
  after: [],
  incremental: false,
  deletions: 'scan',
  schema: marketingEmailSchema,
  volatile: [],
  start: () => ({}),
  readPage: readEmails,
  externalId: (row) => idIn(row, 'id') ?? '',
  updatedAt: (row) => timeIn(row, 'updatedAt'),
  isDeleted: (row) => row['archived'] === true,
  getMany: emailsById,
  mapping: marketingEmailMapping,
}

// -------------------------------------------------------------------------------------------- events

/** Events come late: a mail program tells of an opening when it is on line again. */
const overlapMs = 60 * 60_000

/** What an event carries besides who, what, when and where. */
function withDerived(row: Row): Row {
  const mapped = ['id', 'type', 'created', 'recipient', 'location']
  const rest = Object.fromEntries(Object.entries(row).filter(([name]) => !mapped.includes(name)))
  return { ...row, derived: rest }
}

/**
 * Position `{since, until, offset}`: events between two moments, by the cursor of the answer. The upper bound stands still, so
 * that events which come in meanwhile do not move the pages.
 */
async function readEvents(context: ProviderContext, position: Position): Promise<Page> {
  const since = numberIn(position, 'since') ?? 0
  const until = numberIn(position, 'until') ?? context.now().getTime()
  const offset = textIn(position, 'offset')
  const response = await get(context, paths.emailEvents, {
    limit: 1000,
    startTimestamp: since,
    endTimestamp: until,
    offset,
  })
  const body = bodyOf(response, 'e-mail events')
  const rows = rowsIn(body, 'events').map(withDerived)
  const next = idIn(body, 'offset')
  const done = body['hasMore'] !== true
  if (!done && (next === undefined || next === offset))
    throw protocolError('there are more e-mail events but no new cursor')
  return {
    rows,
    next: done ? { since: Math.max(0, until - overlapMs) } : { since, until, offset: next ?? '' },
    done,
    readAt: response.readAt,
  }
}

export const emailEvents: Resource = {
  name: 'email_events',
  title: 'E-mail events: sends, opens, clicks, bounces',
  model: 'event',
  after: ['contacts', 'marketing_emails'],
  incremental: true,
  deletions: 'none',
  schema: emailEventSchema,
  volatile: [],
  start: () => ({}),
  readPage: readEvents,
  externalId: (row) => idIn(row, 'id') ?? '',
  updatedAt: (row) => {
    const at = millisecondsIn(row, 'created')
    return at === undefined ? undefined : new Date(at).toISOString()
  },
  mapping: emailEventMapping,
}

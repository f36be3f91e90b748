/**
 * Comments of the whole account from the ticket event export with the `comment_events` sideload: up to 1,000 events a
 * call, against one call per ticket for `/tickets/{id}/comments` (README, "Comments").
 */
import type { Page, Position, ProviderContext, Resource, Row } from '../contract.ts'
import { idText, isFields, numberIn, textIn, timeIn, type Fields } from './answer.ts'
import { messageMapping } from './mapping.ts'
import { exportStart, readList, readTimeExport, type TimeExport } from './paging.ts'
import { commentSchema } from './schemas.ts'

const commentKinds = new Set(['Comment', 'VoiceComment'])
/** Events that change a comment written earlier: its ticket's comments are read again. */
const rewritingKinds = new Set(['CommentRedactionEvent', 'AttachmentRedactionEvent', 'CommentPrivacyChange'])

const ticketEvents: TimeExport = {
  path: '/api/v2/incremental/ticket_events',
  key: 'ticket_events',
  group: 'export',
  query: { include: 'comment_events' },
  secondOf: (event) => numberIn(event, 'timestamp') ?? secondOfText(timeIn(event, 'created_at')),
}

function secondOfText(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Math.floor(Date.parse(time) / 1000)
}

function childrenOf(event: Row): Fields[] {
  const children = event['child_events']
  return Array.isArray(children) ? children.filter(isFields) : []
}

const kindOf = (child: Fields): string => textIn(child, 'event_type') ?? textIn(child, 'type') ?? ''

/** A comment as its event has it, with what only the surrounding event says: ticket and time. */
function commentRow(event: Row, child: Fields): Row {
  const second = numberIn(event, 'timestamp')
  const at = timeIn(child, 'created_at') ?? timeIn(event, 'created_at')
  const time = at ?? (second === undefined ? undefined : new Date(second * 1000).toISOString())
  return { ...child, ticket_id: event['ticket_id'], ...(time === undefined ? {} : { created_at: time }) }
}

/** All comments of one ticket, as they stand now; none when the ticket is gone. */
async function commentsOf(context: ProviderContext, ticketId: string): Promise<Row[]> {
  const path = `/api/v2/tickets/${encodeURIComponent(ticketId)}/comments`
  const rows: Row[] = []
  let after: string | undefined
  do {
    const page = await readList(context, 'support', path, 'comments', {}, after, [404])
    rows.push(...page.rows)
    after = page.after
  } while (after !== undefined)
  return rows
}

async function readPage(context: ProviderContext, position: Position): Promise<Page> {
  const page = await readTimeExport(context, ticketEvents, position)
  const byId = new Map<string, Row>()
  const anonymous: Row[] = []
  const rewritten = new Map<string, unknown>()
  for (const event of page.rows) {
    const ticketId = idText(event['ticket_id'])
    for (const child of childrenOf(event)) {
      const kind = kindOf(child)
      if (ticketId !== undefined && rewritingKinds.has(kind)) rewritten.set(ticketId, event['ticket_id'])
      if (!commentKinds.has(kind)) continue
      const row = commentRow(event, child)
      const id = idText(child['id'])
      if (id === undefined) anonymous.push(row)
      else byId.set(id, row)
    }
  }
  for (const [ticketId, ticketIdAsAnswered] of rewritten) {
    for (const row of await commentsOf(context, ticketId)) {
      byId.set(idText(row['id']) ?? '', { ...row, ticket_id: ticketIdAsAnswered })
    }
  }
  return { ...page, rows: [...byId.values(), ...anonymous] }
}

export const comments: Resource = {
  name: 'comments',
  title: 'Ticket comments',
  model: 'message',
  after: ['tickets'],
  incremental: true,
  // A comment is never deleted by itself; it is redacted, and it disappears with its ticket.
  deletions: 'none',
  schema: commentSchema,
  // The two sources (event, comment list) differ in these without the comment being another.
  volatile: ['event_type', 'via_reference_id', 'metadata', 'audit_id'],
  start: () => exportStart,
  readPage,
  externalId: (row) => idText(row['id']) ?? '',
  updatedAt: (row) => timeIn(row, 'created_at'),
  mapping: messageMapping,
}

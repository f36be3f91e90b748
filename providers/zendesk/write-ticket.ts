/**
 * Writing tickets. Created once by `Idempotency-Key` (kept two hours; ticketing introduction, "Idempotency", read 2026-11-23) and, after
 * that, by what the ticket carries: the hub's mark as external id or the key in its first audit. Changed with `safe_update` and
 * `updated_stamp` ("Protecting against ticket update collisions", read 2026-11-23): a changed ticket answers 409.
 */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { ProviderContext, Row, Writer, Written } from '../contract.ts'
import { keyText, markOf } from './action-input.ts'
import { bodyOf, get, idText, protocolError, rowsIn, textIn, timeIn } from './answer.ts'
import { findComment, keyField } from './audit-key.ts'
import { examples } from './examples.ts'
import { ticketOutward } from './outward.ts'
import { bodyFor, refuseField, writtenIn } from './write-body.ts'

const ticketPath = (id: string): string => `/api/v2/tickets/${encodeURIComponent(id)}`

/**
 * The ticket that an earlier attempt made. External ids of tickets need not be unique (tickets.openapi.yaml): under one that the
 * caller chose there may be others, so the key in the audits decides.
 */
async function findMade(
  context: ProviderContext,
  own: string | undefined,
  key: string,
): Promise<Written | undefined> {
  const response = await get(context, 'support', '/api/v2/tickets', { external_id: own ?? markOf(key) })
  for (const row of rowsIn(bodyOf(response, 'tickets'), 'tickets')) {
    const id = idText(row['id'])
    if (id === undefined) continue
    if (own === undefined || (await findComment(context, id, keyText(key))) !== undefined)
      return { row, readAt: response.readAt }
  }
  return undefined
}

async function create(context: ProviderContext, fields: JsonObject, key: string): Promise<Written> {
  const own = textIn(fields, 'external_id')
  const made = await findMade(context, own, key)
  if (made) return made
  const metadata = isJsonObject(fields['metadata']) ? fields['metadata'] : {}
  const response = await context.call({
    method: 'POST',
    path: '/api/v2/tickets',
    group: 'support',
    headers: { 'idempotency-key': keyText(key) },
    body: {
      ticket: {
        ...bodyFor(fields),
        external_id: own ?? markOf(key),
        metadata: { ...metadata, [keyField]: keyText(key) },
      },
    },
    repeatable: true,
  })
  return writtenIn(response, 'ticket')
}

async function update(
  context: ProviderContext,
  id: string,
  fields: JsonObject,
  current: Row,
): Promise<Written> {
  refuseField(
    fields,
    'comment',
    'The first message of a ticket cannot be changed; the action add_comment adds another',
  )
  const stamp = timeIn(current, 'updated_at')
  if (stamp === undefined) throw protocolError('the ticket has no updated_at, so it cannot be changed safely')
  const response = await context.call({
    method: 'PUT',
    path: ticketPath(id),
    group: 'ticket_update',
    body: { ticket: { ...bodyFor(fields), safe_update: true, updated_stamp: stamp } },
    // A second delivery of the same change finds another `updated_at` and is refused.
    repeatable: true,
  })
  return writtenIn(response, 'ticket')
}

/** Deletes softly: Zendesk keeps a deleted ticket for 30 days, and the export tells it as a tombstone. */
async function remove(context: ProviderContext, id: string): Promise<undefined> {
  await context.call({
    method: 'DELETE',
    path: ticketPath(id),
    group: 'support',
    repeatable: true,
    accept: [404],
  })
}

export const ticketWriter: Writer = {
  create,
  update,
  remove,
  mapping: ticketOutward,
  example: examples.tickets,
  // The description is the first comment: read as one field, written as the other.
  readPath: (path) => (path === 'comment.body' || path === 'comment.html_body' ? 'description' : path),
}

/**
 * Changes of a ticket: `PUT /api/v2/tickets/{id}`. Zendesk takes no idempotency key here, so each change is made against
 * the ticket's state: `safe_update` with `updated_stamp` (the ticket's `updated_at`) is refused with 409 when the
 * ticket has changed since ("Protecting against ticket update collisions", read 2026-11-23). A lost answer is thus seen.
 */
import type { Action, ProviderContext } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import {
  commentOf,
  commentProperties,
  copyIds,
  idSchema,
  keyText,
  objectSchema,
  oneBody,
  optionalText,
  requireText,
  textOrNull,
  ticketStatus,
  timeSchema,
} from './action-input.ts'
import { bodyOf, get, idText, objectIn, timeIn, type Fields } from './answer.ts'
import { findComment, keyField } from './audit-key.ts'

/** Rounds against other writers before the action gives up with `Conflict`. */
const attempts = 4

const ticketPath = (ticketId: string): string => `/api/v2/tickets/${encodeURIComponent(ticketId)}`

async function readTicket(context: ProviderContext, ticketId: string): Promise<Fields> {
  return objectIn(bodyOf(await get(context, 'support', ticketPath(ticketId)), 'ticket'), 'ticket')
}

function refuseClosed(ticket: Fields): void {
  if (ticket['status'] !== 'closed') return
  throw new HubError(
    'Conflict',
    'The ticket is closed. Zendesk lets nobody change a closed ticket: create a follow-up ticket instead',
  )
}

/** Writes against the state `stamp`; undefined when the ticket has changed since. */
async function putTicket(
  context: ProviderContext,
  ticketId: string,
  change: JsonObject,
  stamp: string,
): Promise<Fields | undefined> {
  try {
    const response = await context.call({
      method: 'PUT',
      path: ticketPath(ticketId),
      group: 'ticket_update',
      body: { ticket: { ...change, safe_update: true, updated_stamp: stamp } },
      // A second delivery of the same write finds another `updated_at` and is refused.
      repeatable: true,
    })
    return objectIn(bodyOf(response, 'ticket'), 'ticket')
  } catch (error) {
    if (isHubError(error, 'Conflict')) return undefined
    throw error
  }
}

const stampOf = (ticket: Fields): string => timeIn(ticket, 'updated_at') ?? ''

const changedMeanwhile = (): HubError =>
  new HubError('Conflict', 'The ticket has changed since it was read. Read it again and decide anew')

// ------------------------------------------------------------------------------------------ update_status

function hasStatus(ticket: Fields, input: JsonObject): boolean {
  const custom = optionalText(input, 'customStatusId')
  if (custom !== undefined) return idText(ticket['custom_status_id']) === custom
  return ticket['status'] === input['status']
}

const statusOutput = (ticket: Fields, isChanged: boolean): JsonObject => ({
  ticketId: idText(ticket['id']) ?? '',
  status: textOrNull(ticket, 'status'),
  customStatusId: idText(ticket['custom_status_id']) ?? null,
  updatedAt: textOrNull(ticket, 'updated_at'),
  isChanged,
})

/** Sets the status unless it is set already. With `updatedStamp`, only if the ticket is still as the caller saw it. */
async function runUpdateStatus(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const ticketId = requireText(input, 'ticketId')
  const wanted = optionalText(input, 'updatedStamp')
  const change: JsonObject =
    optionalText(input, 'customStatusId') === undefined
      ? { status: requireText(input, 'status') }
      : copyIds(input, { custom_status_id: 'customStatusId' })
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const ticket = await readTicket(context, ticketId)
    if (hasStatus(ticket, input)) return statusOutput(ticket, attempt > 1)
    refuseClosed(ticket)
    const stamp = stampOf(ticket)
    if (wanted !== undefined && Date.parse(wanted) !== Date.parse(stamp)) throw changedMeanwhile()
    const changed = await putTicket(context, ticketId, change, stamp)
    if (changed) return statusOutput(changed, true)
  }
  throw changedMeanwhile()
}

const ticketOutput = {
  ticketId: idSchema,
  status: { type: ['string', 'null'] },
  updatedAt: { ...timeSchema, type: ['string', 'null'] },
}

export const updateStatus: Action = {
  name: 'update_status',
  title: 'Set the status of a ticket',
  description:
    'Sets status or custom status. Nothing is written when the ticket has it already. With updatedStamp (the updatedAt that you saw) the ' +
    'action fails with Conflict if the ticket has changed since. A closed ticket cannot be changed.',
  input: objectSchema(
    { ticketId: idSchema, status: ticketStatus, customStatusId: idSchema, updatedStamp: timeSchema },
    ['ticketId'],
    [{ ticketId: '35436', status: 'solved', updatedStamp: '2026-11-23T20:00:00Z' }],
    { oneOf: [{ required: ['status'] }, { required: ['customStatusId'] }] },
  ),
  output: objectSchema(
    {
      ...ticketOutput,
      customStatusId: { ...idSchema, type: ['string', 'null'] },
      isChanged: { type: 'boolean' },
    },
    ['ticketId', 'status', 'customStatusId', 'updatedAt', 'isChanged'],
    [
      {
        ticketId: '35436',
        status: 'solved',
        customStatusId: null,
        updatedAt: '2026-11-23T20:01:00Z',
        isChanged: true,
      },
    ],
  ),
  run: runUpdateStatus,
}

// -------------------------------------------------------------------------------------------- add_comment

/**
 * Adds a comment once. The key travels as custom metadata of the audit (`ticket.metadata`, kept as
 * `audit.metadata.custom`, at most 1 kB: "Setting metadata", read 2026-11-23); before each write the audits are searched for
 * it, and the write itself only passes if the ticket has not changed since that search began.
 */
async function runAddComment(
  context: ProviderContext,
  input: JsonObject,
  requestKey: string,
): Promise<JsonObject> {
  const idempotencyKey = keyText(requestKey)
  const ticketId = requireText(input, 'ticketId')
  const change: JsonObject = { comment: commentOf(input), metadata: { [keyField]: idempotencyKey } }
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const ticket = await readTicket(context, ticketId)
    const earlier = await findComment(context, ticketId, idempotencyKey)
    if (earlier !== undefined)
      return { ticketId, commentId: earlier, updatedAt: stampOf(ticket), isRepeated: true }
    refuseClosed(ticket)
    const changed = await putTicket(context, ticketId, change, stampOf(ticket))
    if (!changed) continue
    const commentId = (await findComment(context, ticketId, idempotencyKey)) ?? null
    return { ticketId, commentId, updatedAt: stampOf(changed), isRepeated: false }
  }
  throw changedMeanwhile()
}

export const addComment: Action = {
  name: 'add_comment',
  title: 'Add a comment to a ticket',
  description:
    'Adds a public comment or an internal note. Repeated with the same idempotency key it adds nothing: the key stands in the custom ' +
    "metadata of the ticket's audit. A closed ticket cannot be commented.",
  input: objectSchema(
    { ticketId: idSchema, ...commentProperties },
    ['ticketId'],
    [{ ticketId: '35436', body: 'Thanks for your help!', isPublic: true }],
    oneBody,
  ),
  output: objectSchema(
    {
      ticketId: idSchema,
      commentId: { ...idSchema, type: ['string', 'null'] },
      updatedAt: { ...timeSchema, type: ['string', 'null'] },
      isRepeated: { type: 'boolean' },
    },
    ['ticketId', 'commentId', 'updatedAt', 'isRepeated'],
    [{ ticketId: '35436', commentId: '1564245', updatedAt: '2026-11-23T20:01:00Z', isRepeated: false }],
  ),
  run: runAddComment,
}

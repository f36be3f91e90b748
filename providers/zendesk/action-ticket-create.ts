import type { Action, ProviderContext } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import {
  commentOf,
  commentProperties,
  copyFields,
  copyIds,
  customFieldsOf,
  idSchema,
  keyText,
  markOf,
  objectSchema,
  oneBody,
  optionalText,
  textOrNull,
  textSchema,
  ticketStatus,
  timeSchema,
} from './action-input.ts'
import { bodyOf, get, idText, objectIn, protocolError, rowsIn, type Fields } from './answer.ts'

/**
 * The ticket that an earlier repetition made. Zendesk keeps an idempotency key for two hours only; a repetition after that
 * is recognised by the external id (`GET /tickets?external_id=`, tickets.openapi.yaml).
 */
async function findMarked(context: ProviderContext, mark: string): Promise<Fields | undefined> {
  const response = await get(context, 'support', '/api/v2/tickets', { external_id: mark })
  return rowsIn(bodyOf(response, 'tickets'), 'tickets')[0]
}

function outputOf(ticket: Fields, isRepeated: boolean): JsonObject {
  const ticketId = idText(ticket['id'])
  if (ticketId === undefined) throw protocolError('the ticket has no id')
  return {
    ticketId,
    status: textOrNull(ticket, 'status'),
    updatedAt: textOrNull(ticket, 'updated_at'),
    isRepeated,
  }
}

/**
 * `POST /api/v2/tickets` with `Idempotency-Key` (at most 255 characters; kept 2 hours; the answer's
 * `x-idempotency-lookup` is `miss` or `hit`; the same key with another body is refused with 400). Source: ticketing
 * introduction, "Idempotency", read 2026-11-23.
 */
async function run(context: ProviderContext, input: JsonObject, idempotencyKey: string): Promise<JsonObject> {
  const reference = optionalText(input, 'externalRef')
  const mark = markOf(idempotencyKey)
  if (reference === undefined) {
    const made = await findMarked(context, mark)
    if (made) return outputOf(made, true)
  }
  const ticket: JsonObject = {
    ...copyFields(input, {
      subject: 'subject',
      priority: 'priority',
      status: 'status',
      type: 'type',
      tags: 'tags',
      requester: 'requester',
    }),
    ...copyIds(input, { requester_id: 'requesterId', assignee_id: 'assigneeId', group_id: 'groupId' }),
    ...customFieldsOf(input),
    comment: commentOf(input),
    external_id: reference ?? mark,
  }
  const response = await context.call({
    method: 'POST',
    path: '/api/v2/tickets',
    group: 'support',
    headers: { 'idempotency-key': keyText(idempotencyKey) },
    body: { ticket },
    repeatable: true,
  })
  const made = objectIn(bodyOf(response, 'ticket'), 'ticket')
  return outputOf(made, response.headers['x-idempotency-lookup'] === 'hit')
}

const requester = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'email'],
  properties: { name: textSchema(255), email: { type: 'string', format: 'email', maxLength: 255 } },
}

export const createTicket: Action = {
  name: 'create_ticket',
  title: 'Create a ticket',
  description:
    'Creates a ticket with its first comment. Repeated with the same idempotency key it returns the ticket made first: within two hours ' +
    'by Zendesk itself, later by the external id, which the hub sets when the request brings none of its own.',
  input: objectSchema(
    {
      subject: textSchema(255),
      ...commentProperties,
      requester,
      requesterId: idSchema,
      assigneeId: idSchema,
      groupId: idSchema,
      priority: { type: 'string', enum: ['low', 'normal', 'high', 'urgent'] },
      status: ticketStatus,
      type: { type: 'string', enum: ['question', 'incident', 'problem', 'task'] },
      tags: { type: 'array', items: textSchema(255), maxItems: 100 },
      customFields: {
        type: 'array',
        maxItems: 200,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['id', 'value'],
          properties: { id: idSchema, value: {} },
        },
      },
      externalRef: textSchema(255),
    },
    ['subject'],
    [
      {
        subject: 'Help, my printer is on fire!',
        body: 'The smoke is very colorful.',
        requester: { name: 'Ana Silva', email: 'ana@example.com' },
        priority: 'urgent',
        tags: ['printer'],
      },
    ],
    { ...oneBody, not: { required: ['requester', 'requesterId'] } },
  ),
  output: objectSchema(
    {
      ticketId: idSchema,
      status: { type: ['string', 'null'] },
      updatedAt: { ...timeSchema, type: ['string', 'null'] },
      isRepeated: { type: 'boolean', description: 'True when an earlier repetition had made it already' },
    },
    ['ticketId', 'status', 'updatedAt', 'isRepeated'],
    [{ ticketId: '35436', status: 'new', updatedAt: '2026-11-23T20:00:00Z', isRepeated: false }],
  ),
  run,
}

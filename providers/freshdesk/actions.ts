import type { JsonObject, JsonSchema } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { Action, ProviderContext } from '../contract.ts'
import { bodyOf, numberIn, textIn } from './answer.ts'
import { codeOf, priorities, statuses } from './mapping.ts'

const id = { type: 'string', pattern: '^[0-9]{1,15}$' }
const status = { type: 'string', enum: Object.values(statuses) }
const priority = { type: 'string', enum: Object.values(priorities) }
const object = (
  properties: JsonObject,
  required: readonly string[],
  example: JsonObject,
  more: JsonSchema = {},
): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  examples: [example],
  ...more,
})

const nameOf = (table: Readonly<Record<number, string>>, code: number | undefined): string | null =>
  code === undefined ? null : (table[code] ?? String(code))

/** `PUT /api/v2/tickets/{id}`: a repetition sets what is set already, so that no key is needed. */
async function run({ call }: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const ticketId = textIn(input, 'ticketId') ?? ''
  if (!/^\d{1,15}$/.test(ticketId)) throw new HubError('InvalidInput', '"ticketId" is no id of a ticket')
  const path = `/api/v2/tickets/${ticketId}`
  const changes = {
    status: codeOf(statuses, textIn(input, 'status')),
    priority: codeOf(priorities, textIn(input, 'priority')),
  }
  const body: JsonObject = Object.fromEntries(
    Object.entries(changes).flatMap(([name, code]) => (code === undefined ? [] : [[name, code]])),
  )
  const ticket = bodyOf(await call({ method: 'PUT', path, body, group: 'write', repeatable: true }), path)
  return {
    ticketId,
    status: nameOf(statuses, numberIn(ticket, 'status')),
    priority: nameOf(priorities, numberIn(ticket, 'priority')),
  }
}

const setTicket: Action = {
  name: 'set_ticket',
  title: 'Set status or priority of a ticket',
  description: 'Sets the status or the priority of a ticket, or both. Repeating changes nothing further.',
  input: object(
    { ticketId: id, status, priority },
    ['ticketId'],
    { ticketId: '20', status: 'solved' },
    { anyOf: [{ required: ['status'] }, { required: ['priority'] }] },
  ),
  output: object(
    { ticketId: id, status: { type: ['string', 'null'] }, priority: { type: ['string', 'null'] } },
    ['ticketId', 'status', 'priority'],
    { ticketId: '20', status: 'solved', priority: 'low' },
  ),
  run,
}

export const actions: readonly Action[] = [setTicket]

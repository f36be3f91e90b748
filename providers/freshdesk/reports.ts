import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { ProviderContext, Report } from '../contract.ts'
import { bodyOf, get, numberIn, protocolError, textIn } from './answer.ts'
import { codeOf, priorities, statuses } from './mapping.ts'

const object = (properties: JsonObject, required: readonly string[], example: JsonObject): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  examples: [example],
})

/** `GET /api/v2/search/tickets`: its `total` counts past the 300 tickets that it shows. Archived tickets are not in it. */
async function run(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const path = '/api/v2/search/tickets'
  const status = codeOf(statuses, textIn(input, 'status'))
  const priority = codeOf(priorities, textIn(input, 'priority'))
  const updatedSince = textIn(input, 'updatedSince')
  const wish = [
    ...(status === undefined ? [] : [`status:${status}`]),
    ...(priority === undefined ? [] : [`priority:${priority}`]),
    ...(updatedSince === undefined ? [] : [`updated_at:>'${updatedSince}'`]),
  ]
  const response = await get(context, 'read', path, { query: `"${wish.join(' AND ')}"` })
  const count = numberIn(bodyOf(response, path), 'total')
  if (count === undefined) throw protocolError('the search has no total')
  return { count }
}

const ticketCount: Report = {
  name: 'ticket_count',
  title: 'Number of tickets',
  description:
    'How many tickets have a status, a priority, or changed since a day. The search behind it is some minutes behind; archived tickets are left out.',
  input: {
    ...object(
      {
        status: { type: 'string', enum: Object.values(statuses) },
        priority: { type: 'string', enum: Object.values(priorities) },
        updatedSince: { type: 'string', format: 'date', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' },
      },
      [],
      { status: 'open', priority: 'urgent' },
    ),
    minProperties: 1,
  },
  output: object({ count: { type: 'integer' } }, ['count'], { count: 12 }),
  cacheSeconds: 120,
  run,
}

export const reports: readonly Report[] = [ticketCount]

/** What callbacks may name besides what is read: their ids are kept. */
import type { ModelName } from '../../model/records.ts'
import type { JsonObject } from '../../model/json.ts'
import type { ReceivedResource } from '../contract-webhook.ts'
import { textIn } from '../hooks/parse.ts'

const resource = (name: string, title: string, model: ModelName): ReceivedResource => ({
  name,
  title,
  model,
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['id'],
    properties: { id: { type: ['integer', 'string'] } },
  },
  externalId: (row) => textIn(row as JsonObject, 'id') ?? '',
  // Times of FreshBooks have no zone: which one is meant is found out when it is read.
  updatedAt: () => undefined,
  mapping: { model, rules: [{ to: 'id', from: 'id', convert: 'text' }] },
})

export const received: readonly ReceivedResource[] = [
  resource('estimates', 'Estimates', 'invoice'),
  resource('time_entries', 'Time entries', 'timeEntry'),
]

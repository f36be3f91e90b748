import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { ProviderContext, Report } from '../contract.ts'
import { protocolError } from './answer.ts'
import { resources } from './resources.ts'

const names = ['clients', 'invoices', 'payments', 'expenses'] as const
const object = (properties: JsonObject, required: readonly string[], example: JsonObject): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  examples: [example],
})

/** `total` of each list. */
async function run(context: ProviderContext): Promise<JsonObject> {
  const counts: Record<string, number> = {}
  for (const name of names) {
    const count = await resources.find((one) => one.name === name)?.count?.(context)
    if (count === undefined) throw protocolError(`the list of ${name} has no total`)
    counts[name] = count
  }
  return counts
}

const totals: Report = {
  name: 'totals',
  title: 'Size of the books',
  description: 'How many clients, invoices, payments and expenses there are, without deleted ones.',
  input: object({}, [], {}),
  output: object(
    Object.fromEntries(names.map((name) => [name, { type: 'integer' }])),
    names,
    Object.fromEntries(names.map((name, at) => [name, 10 * (at + 1)])),
  ),
  cacheSeconds: 300,
  run,
}

export const reports: readonly Report[] = [totals]

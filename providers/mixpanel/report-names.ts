/** Which events and properties there are: what the other reports' questions are made of. */
import type { Report } from '../contract.ts'
import { objectSchema, optionalNumber, requireText, text } from './action-input.ts'
import { bodyOf, fieldsIn, numberIn, protocolError } from './answer.ts'
import { getQuery } from './call.ts'
import { hour } from './report-input.ts'

const limit = (most: number) => ({ type: 'integer', minimum: 1, maximum: most })
const texts = { type: 'array', items: { type: 'string' } }

/** A list of texts; the values of a property may be numbers. */
function textsIn(body: unknown, what: string): string[] {
  if (!Array.isArray(body)) throw protocolError(`${what}: no list`)
  return body.flatMap((one: unknown) =>
    typeof one === 'string'
      ? [one]
      : typeof one === 'number' || typeof one === 'boolean'
        ? [String(one)]
        : [],
  )
}

export const eventNames: Report = {
  name: 'event_names',
  title: 'Names of events',
  description: 'The most frequent events of the last 31 days by name. Costs one query of the hour’s 60.',
  input: objectSchema({ limit: limit(1_000) }, [], [{ limit: 50 }]),
  output: objectSchema({ names: texts }, ['names']),
  cacheSeconds: hour,
  async run(context, input) {
    const response = await getQuery(context, '/events/names', {
      type: 'general',
      limit: optionalNumber(input, 'limit') ?? 255,
    })
    return { names: textsIn(response.body, 'names of events') }
  },
}

export const eventProperties: Report = {
  name: 'event_properties',
  title: 'Properties of an event',
  description: 'Which properties an event has, the most frequent first. Costs one query of the hour’s 60.',
  input: objectSchema({ event: text(255), limit: limit(1_000) }, ['event'], [{ event: 'Order Completed' }]),
  output: objectSchema(
    {
      properties: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name', 'count'],
          properties: {
            name: { type: 'string' },
            count: { type: 'number', description: 'Events that have it' },
          },
        },
      },
    },
    ['properties'],
  ),
  cacheSeconds: hour,
  async run(context, input) {
    const response = await getQuery(context, '/events/properties/top', {
      event: requireText(input, 'event'),
      limit: optionalNumber(input, 'limit') ?? 100,
    })
    const body = bodyOf(response, 'properties of an event')
    const properties = Object.keys(body)
      .map((name) => ({ name, count: numberIn(fieldsIn(body, name), 'count') ?? 0 }))
      .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name))
    return { properties }
  },
}

export const propertyValues: Report = {
  name: 'property_values',
  title: 'Values of a property',
  description: 'The most frequent values of an event’s property. Costs one query of the hour’s 60.',
  input: objectSchema(
    { event: text(255), property: text(255), limit: limit(1_000) },
    ['event', 'property'],
    [{ event: 'Order Completed', property: '$city' }],
  ),
  output: objectSchema({ values: texts }, ['values']),
  cacheSeconds: hour,
  async run(context, input) {
    const response = await getQuery(context, '/events/properties/values', {
      event: requireText(input, 'event'),
      name: requireText(input, 'property'),
      limit: optionalNumber(input, 'limit') ?? 255,
    })
    return { values: textsIn(response.body, 'values of a property') }
  },
}

/** Trends: how often something took place, by day and by value of a property. */
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { Report } from '../contract.ts'
import { objectSchema, optionalText, requireText, text, whereSchema } from './action-input.ts'
import { bodyOf, fieldsIn, isFields, numberIn, textIn } from './answer.ts'
import { getQuery } from './call.ts'
import { daysOf, given, quarterHour, seriesOf, seriesSchema, span } from './report-input.ts'

const type = { type: 'string', enum: ['general', 'unique', 'average'], default: 'general' }

/** Path and whether the answer has one line only, by what is measured. */
const measures: Readonly<Record<string, { readonly path: string; readonly isOneLine: boolean }>> = {
  count: { path: '/segmentation', isOneLine: false },
  numeric: { path: '/segmentation/numeric', isOneLine: false },
  sum: { path: '/segmentation/sum', isOneLine: true },
  average: { path: '/segmentation/average', isOneLine: true },
}

function lines(body: Readonly<Record<string, unknown>>, event: string, isOneLine: boolean): JsonObject[] {
  return isOneLine
    ? seriesOf({ [event]: fieldsIn(body, 'results') })
    : seriesOf(fieldsIn(fieldsIn(body, 'data'), 'values'))
}

export const segmentation: Report = {
  name: 'segmentation',
  title: 'Segmentation',
  description:
    'An event over time, broken down by a property. measure: count (how often, or by how many people with type unique), numeric (in ranges of a number), sum and average of a number. Costs one query of the hour’s 60.',
  input: objectSchema(
    {
      event: text(255),
      ...span,
      measure: { type: 'string', enum: Object.keys(measures), default: 'count' },
      type,
      on: text(1_000, { description: 'Property: properties["$city"]; needed for numeric, sum and average' }),
      where: whereSchema,
      unit: {
        type: 'string',
        enum: ['minute', 'hour', 'day', 'month'],
        description: 'hour or day where a number is measured',
      },
      limit: { type: 'integer', minimum: 1, maximum: 10_000 },
    },
    ['event', 'from', 'to'],
    [{ event: 'Order Completed', from: '2026-11-01', to: '2026-11-22', type: 'unique' }],
  ),
  output: objectSchema({ series: seriesSchema }, ['series']),
  cacheSeconds: quarterHour,
  async run(context, input) {
    const event = requireText(input, 'event')
    const name = optionalText(input, 'measure') ?? 'count'
    const measure = measures[name]
    if (!measure) throw new HubError('InvalidInput', `There is no measure "${name}"`)
    if (name !== 'count') requireText(input, 'on')
    const unit = optionalText(input, 'unit')
    // A refused query counts against the hour's 60 as well.
    if (name !== 'count' && unit !== undefined && !['hour', 'day'].includes(unit))
      throw new HubError('InvalidInput', `The measure "${name}" goes by hour or day`, {
        fields: [{ pointer: '/unit', detail: 'must be hour or day for this measure' }],
      })
    const response = await getQuery(context, measure.path, {
      event,
      ...daysOf(context, input),
      ...given(input, {
        on: 'on',
        where: 'where',
        unit: 'unit',
        ...(name === 'count' ? { limit: 'limit', type: 'type' } : {}),
        ...(name === 'numeric' ? { type: 'type' } : {}),
      }),
    })
    return { series: lines(bodyOf(response, 'segmentation'), event, measure.isOneLine) }
  },
}

export const trends: Report = {
  name: 'events',
  title: 'Events over time',
  description: 'Several events over time, one line each. Costs one query of the hour’s 60.',
  input: objectSchema(
    {
      events: { type: 'array', minItems: 1, maxItems: 50, items: text(255) },
      ...span,
      type,
      unit: { type: 'string', enum: ['minute', 'hour', 'day', 'week', 'month'], default: 'day' },
    },
    ['events', 'from', 'to'],
    [{ events: ['App Open', 'Order Completed'], from: '2026-11-01', to: '2026-11-22' }],
  ),
  output: objectSchema({ series: seriesSchema }, ['series']),
  cacheSeconds: quarterHour,
  async run(context, input) {
    const response = await getQuery(context, '/events', {
      event: JSON.stringify(input['events'] ?? []),
      type: optionalText(input, 'type') ?? 'general',
      unit: optionalText(input, 'unit') ?? 'day',
      ...daysOf(context, input),
    })
    return { series: seriesOf(fieldsIn(fieldsIn(bodyOf(response, 'events'), 'data'), 'values')) }
  },
}

export const eventsTop: Report = {
  name: 'events_top',
  title: 'Top events of today',
  description:
    'Today’s most frequent events and how they compare with yesterday. Costs one query of the hour’s 60.',
  input: objectSchema({ type, limit: { type: 'integer', minimum: 1, maximum: 1_000 } }, [], [{ limit: 10 }]),
  output: objectSchema(
    {
      events: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name', 'count', 'change'],
          properties: {
            name: { type: 'string' },
            count: { type: 'number' },
            change: { type: ['number', 'null'], description: 'Since yesterday: 0.2 is a fifth more' },
          },
        },
      },
    },
    ['events'],
  ),
  cacheSeconds: quarterHour,
  async run(context, input) {
    const response = await getQuery(context, '/events/top', {
      type: optionalText(input, 'type') ?? 'general',
      ...given(input, { limit: 'limit' }),
    })
    const events = bodyOf(response, 'top events')['events']
    const list: readonly unknown[] = Array.isArray(events) ? events : []
    return {
      events: list.filter(isFields).map((event) => ({
        name: textIn(event, 'event') ?? '',
        count: numberIn(event, 'amount') ?? 0,
        change: numberIn(event, 'percent_change') ?? null,
      })),
    }
  },
}

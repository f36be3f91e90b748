/** Saved reports, read as they stand in Mixpanel. */
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import type { ProviderContext, Report } from '../contract.ts'
import { idSchema, objectSchema, requireText } from './action-input.ts'
import { bodyOf, fieldsIn, isFields, textIn, type Fields } from './answer.ts'
import { getQuery } from './call.ts'
import { quarterHour } from './report-input.ts'

const textOrNull = { type: ['string', 'null'] }

export const insightsOutput: JsonSchema = {
  type: 'object',
  required: ['computedAt', 'from', 'to', 'headers', 'values'],
  properties: {
    computedAt: textOrNull,
    from: textOrNull,
    to: textOrNull,
    headers: { type: 'array', items: { type: 'string' }, description: 'What the parts of `series` mean' },
    values: {
      type: 'array',
      items: {
        type: 'object',
        required: ['series', 'date', 'value'],
        properties: {
          series: {
            type: 'array',
            items: { type: 'string' },
            description: 'Event, then values of breakdowns',
          },
          date: { ...textOrNull, description: 'As Mixpanel writes it; null for a value of the whole span' },
          value: { type: 'number' },
        },
      },
    },
  },
}

const startsWithDay = /^\d{4}-\d{2}-\d{2}/

/** Every number of the nested series with the names above it: how deep they lie depends on the report. */
function valuesOf(series: Fields, above: readonly string[] = []): JsonObject[] {
  return Object.entries(series).flatMap(([name, value]) => {
    if (isFields(value)) return valuesOf(value, [...above, name])
    if (typeof value !== 'number') return []
    return startsWithDay.test(name)
      ? [{ series: [...above], date: name, value }]
      : [{ series: [...above, name], date: null, value }]
  })
}

/** A saved report's numbers. One query. */
export async function readInsights(context: ProviderContext, bookmarkId: string): Promise<JsonObject> {
  const body = bodyOf(await getQuery(context, '/insights', { bookmark_id: bookmarkId }), 'saved report')
  const days = fieldsIn(body, 'date_range')
  const headers: readonly unknown[] = Array.isArray(body['headers']) ? body['headers'] : []
  return {
    computedAt: textIn(body, 'computed_at') ?? null,
    from: textIn(days, 'from_date') ?? null,
    to: textIn(days, 'to_date') ?? null,
    headers: headers.filter((header) => typeof header === 'string'),
    values: valuesOf(fieldsIn(body, 'series')),
  }
}

export const insights: Report = {
  name: 'insights',
  title: 'Saved report',
  description:
    'The numbers of a report that was saved in Mixpanel (insights, funnels, retention, flows), by its bookmark id. Costs one query of the hour’s 60.',
  input: objectSchema({ bookmarkId: idSchema }, ['bookmarkId'], [{ bookmarkId: '12345' }]),
  output: insightsOutput,
  cacheSeconds: quarterHour,
  run: (context, input) => readInsights(context, requireText(input, 'bookmarkId')),
}

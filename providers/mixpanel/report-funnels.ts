/** Funnels: how many go on from step to step. */
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext, Report } from '../contract.ts'
import { idSchema, objectSchema, optionalText, text, whereSchema } from './action-input.ts'
import { bodyOf, fieldsIn, idText, isFields, numberIn, textIn, type Fields } from './answer.ts'
import { getQuery } from './call.ts'
import { listFunnels } from './lists.ts'
import { daysOf, given, hour, quarterHour, span } from './report-input.ts'
import { insightsOutput, readInsights } from './report-insights.ts'

const numberOrNull = { type: ['number', 'null'] }
const stepSchema = {
  type: 'object',
  required: ['event', 'label', 'count', 'conversion', 'overallConversion', 'averageSeconds'],
  properties: {
    event: { type: 'string' },
    label: { type: 'string' },
    count: { type: 'number' },
    conversion: { ...numberOrNull, description: 'From the step before, 0 to 1' },
    overallConversion: { ...numberOrNull, description: 'From the first step, 0 to 1' },
    averageSeconds: { ...numberOrNull, description: 'Since the step before' },
  },
}
const steps = { type: 'array', items: stepSchema }

function stepOf(step: unknown): JsonObject {
  const fields = isFields(step) ? step : {}
  const event = textIn(fields, 'event') ?? textIn(fields, 'goal') ?? ''
  return {
    event,
    label: textIn(fields, 'step_label') ?? textIn(fields, 'goal') ?? event,
    count: numberIn(fields, 'count') ?? 0,
    conversion: numberIn(fields, 'step_conv_ratio') ?? null,
    overallConversion: numberIn(fields, 'overall_conv_ratio') ?? null,
    averageSeconds: numberIn(fields, 'avg_time') ?? null,
  }
}

interface Period extends JsonObject {
  date: string
  segment: string | null
  steps: JsonObject[]
}

/** Steps of a period, or undefined; with a breakdown a list of steps may stand without an object around it. */
function stepsIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value as readonly unknown[]
  return isFields(value) && Array.isArray(value['steps']) ? (value['steps'] as readonly unknown[]) : undefined
}

/** By date; with `on` one level deeper by value of the property (the shape is not documented: both are read). */
function periodsOf(data: Fields): Period[] {
  return Object.entries(data)
    .flatMap(([date, value]): Period[] => {
      const plain = stepsIn(value)
      if (plain) return [{ date, segment: null, steps: plain.map(stepOf) }]
      return Object.entries(isFields(value) ? value : {}).flatMap(([segment, inner]): Period[] => {
        const nested = stepsIn(inner)
        return nested ? [{ date, segment, steps: nested.map(stepOf) }] : []
      })
    })
    .sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
}

/** All periods together: counts added, conversions anew. Of a breakdown `$overall`, which holds all, where it is there. */
function totalOf(periods: readonly Period[]): JsonObject[] {
  const overall = periods.filter(({ segment }) => segment === '$overall')
  const counted = overall.length > 0 ? overall : periods
  const [first] = counted
  if (!first) return []
  const counts = first.steps.map((_, index) =>
    counted.reduce((sum, period) => sum + Number(period.steps[index]?.['count'] ?? 0), 0),
  )
  return first.steps.map((step, index) => {
    const count = counts[index] ?? 0
    const before = index === 0 ? count : (counts[index - 1] ?? 0)
    const start = counts[0] ?? 0
    return {
      event: step['event'] ?? '',
      label: step['label'] ?? '',
      count,
      conversion: before === 0 ? null : count / before,
      overallConversion: start === 0 ? null : count / start,
      averageSeconds: null,
    }
  })
}

async function savedFunnel(
  context: ProviderContext,
  funnelId: string,
  input: JsonObject,
): Promise<JsonObject> {
  const response = await getQuery(context, '/funnels', {
    funnel_id: funnelId,
    ...daysOf(context, input),
    ...given(input, {
      unit: 'unit',
      length: 'length',
      lengthUnit: 'length_unit',
      on: 'on',
      where: 'where',
      limit: 'limit',
    }),
  })
  const periods = periodsOf(fieldsIn(bodyOf(response, 'funnel'), 'data'))
  return { total: totalOf(periods), periods, saved: null }
}

export const funnel: Report = {
  name: 'funnel',
  title: 'Funnel',
  description:
    'How many people went through the steps of a saved funnel. Give funnelId with days, or bookmarkId of a saved report, which has its own days. Costs one query of the hour’s 60.',
  input: objectSchema(
    {
      funnelId: idSchema,
      bookmarkId: idSchema,
      ...span,
      unit: { type: 'string', enum: ['day', 'week', 'month'] },
      length: { type: 'integer', minimum: 1, description: 'Within how many units the funnel must be done' },
      lengthUnit: { type: 'string', enum: ['day', 'hour', 'minute', 'second'] },
      on: text(1_000, { description: 'Property to break down by: properties["$city"]' }),
      where: whereSchema,
      limit: { type: 'integer', minimum: 1, maximum: 10_000 },
    },
    [],
    [{ funnelId: '7509', from: '2026-11-01', to: '2026-11-22', unit: 'week' }],
    { anyOf: [{ required: ['funnelId', 'from', 'to'] }, { required: ['bookmarkId'] }] },
  ),
  output: objectSchema(
    {
      total: { ...steps, description: 'All periods together' },
      periods: {
        type: 'array',
        items: {
          type: 'object',
          required: ['date', 'segment', 'steps'],
          properties: { date: { type: 'string' }, segment: { type: ['string', 'null'] }, steps },
        },
      },
      saved: { anyOf: [{ type: 'null' }, insightsOutput], description: 'What a saved report shows' },
    },
    ['total', 'periods', 'saved'],
  ),
  cacheSeconds: quarterHour,
  async run(context, input) {
    const funnelId = optionalText(input, 'funnelId')
    if (funnelId !== undefined) return await savedFunnel(context, funnelId, input)
    const bookmarkId = optionalText(input, 'bookmarkId')
    if (bookmarkId === undefined)
      throw new HubError('InvalidInput', 'Give "funnelId" with days, or "bookmarkId"')
    return { total: [], periods: [], saved: await readInsights(context, bookmarkId) }
  },
}

export const funnelList: Report = {
  name: 'funnels',
  title: 'Saved funnels',
  description: 'Ids and names of the saved funnels. Costs one query of the hour’s 60.',
  input: objectSchema({}, [], [{}]),
  output: objectSchema(
    {
      funnels: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id', 'name'],
          properties: { id: { type: 'string' }, name: { type: 'string' } },
        },
      },
    },
    ['funnels'],
  ),
  cacheSeconds: hour,
  async run(context) {
    const { rows } = await listFunnels(context)
    return {
      funnels: rows.map((row) => ({ id: idText(row['funnel_id']) ?? '', name: textIn(row, 'name') ?? '' })),
    }
  },
}

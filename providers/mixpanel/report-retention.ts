/** Who comes back, and how often. */
import type { JsonObject } from '../../model/json.ts'
import type { Report } from '../contract.ts'
import { objectSchema, text, whereSchema } from './action-input.ts'
import { bodyOf, fieldsIn, isFields, numberIn, type Fields } from './answer.ts'
import { getQuery } from './call.ts'
import { daysOf, given, hour, span } from './report-input.ts'

const numbers = { type: 'array', items: { type: 'number' } }
const unit = { type: 'string', enum: ['day', 'week', 'month'] }

const numbersIn = (value: unknown): number[] =>
  Array.isArray(value) ? value.filter((one): one is number => typeof one === 'number') : []

interface Cohort extends JsonObject {
  date: string
  segment: string | null
  size: number
  counts: number[]
  rates: number[]
}

function cohortOf(date: string, segment: string | null, value: Fields): Cohort {
  const counts = numbersIn(value['counts'])
  const size = numberIn(value, 'first') ?? counts[0] ?? 0
  return { date, segment, size, counts, rates: counts.map((count) => (size === 0 ? 0 : count / size)) }
}

/** By date; with `on` one level deeper by value of the property (not documented: both are read). */
function cohortsOf(body: Fields): Cohort[] {
  return Object.entries(body)
    .flatMap(([date, value]) => {
      if (!isFields(value)) return []
      if (Array.isArray(value['counts'])) return [cohortOf(date, null, value)]
      return Object.entries(value).flatMap(([segment, inner]) =>
        isFields(inner) && Array.isArray(inner['counts']) ? [cohortOf(date, segment, inner)] : [],
      )
    })
    .sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
}

/** Of all cohorts that have lived so long: who came back in an interval, of all who could. */
function averageOf(cohorts: readonly Cohort[]): number[] {
  const plain = cohorts.filter(({ segment }) => segment === null || segment === '$overall')
  const longest = Math.max(0, ...plain.map(({ counts }) => counts.length))
  return Array.from({ length: longest }, (_, at) => {
    const alive = plain.filter(({ counts }) => counts.length > at)
    const size = alive.reduce((sum, cohort) => sum + cohort.size, 0)
    const back = alive.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0)
    return size === 0 ? 0 : back / size
  })
}

export const retention: Report = {
  name: 'retention',
  title: 'Retention',
  description:
    'Of the people who did something first on a day: how many came back in each interval after it. The 0th interval is less than one interval later. Costs one query of the hour’s 60.',
  input: objectSchema(
    {
      ...span,
      type: { type: 'string', enum: ['birth', 'compounded'], default: 'birth' },
      bornEvent: text(255, { description: 'What people must do first; needed for the type birth' }),
      event: text(255, { description: 'What counts as coming back; left out: anything' }),
      bornWhere: whereSchema,
      where: whereSchema,
      on: text(1_000),
      unit,
      interval: { type: 'integer', minimum: 1, maximum: 90 },
      intervalCount: { type: 'integer', minimum: 1, maximum: 90 },
      limit: { type: 'integer', minimum: 1, maximum: 10_000 },
    },
    ['from', 'to'],
    [
      {
        from: '2026-11-01',
        to: '2026-11-14',
        bornEvent: 'Signed up',
        event: 'Order Completed',
        intervalCount: 7,
      },
    ],
    {
      if: { properties: { type: { const: 'compounded' } }, required: ['type'] },
      else: { required: ['bornEvent'] },
    },
  ),
  output: objectSchema(
    {
      cohorts: {
        type: 'array',
        items: {
          type: 'object',
          required: ['date', 'segment', 'size', 'counts', 'rates'],
          properties: {
            date: { type: 'string' },
            segment: { type: ['string', 'null'] },
            size: { type: 'number' },
            counts: numbers,
            rates: { ...numbers, description: '0 to 1, of the size' },
          },
        },
      },
      average: { ...numbers, description: 'Rates of all cohorts together' },
    },
    ['cohorts', 'average'],
  ),
  cacheSeconds: hour,
  async run(context, input) {
    const response = await getQuery(context, '/retention', {
      ...daysOf(context, input),
      ...given(input, {
        type: 'retention_type',
        bornEvent: 'born_event',
        event: 'event',
        bornWhere: 'born_where',
        where: 'where',
        on: 'on',
        unit: 'unit',
        interval: 'interval',
        intervalCount: 'interval_count',
        limit: 'limit',
      }),
    })
    const cohorts = cohortsOf(bodyOf(response, 'retention'))
    return { cohorts, average: averageOf(cohorts) }
  },
}

export const frequency: Report = {
  name: 'frequency',
  title: 'Frequency',
  description:
    'In how many hours (or days) of a day, week or month people did something: at least one, at least two, and so on. Costs one query of the hour’s 60.',
  input: objectSchema(
    {
      ...span,
      unit,
      per: { type: 'string', enum: ['hour', 'day'] },
      event: text(255),
      where: whereSchema,
    },
    ['from', 'to', 'unit', 'per'],
    [{ from: '2026-11-01', to: '2026-11-14', unit: 'day', per: 'hour', event: 'App Open' }],
  ),
  output: objectSchema(
    {
      periods: {
        type: 'array',
        items: {
          type: 'object',
          required: ['date', 'counts'],
          properties: { date: { type: 'string' }, counts: numbers },
        },
      },
    },
    ['periods'],
  ),
  cacheSeconds: hour,
  async run(context, input) {
    const response = await getQuery(context, '/retention/addiction', {
      ...daysOf(context, input),
      ...given(input, { unit: 'unit', per: 'addiction_unit', event: 'event', where: 'where' }),
    })
    const periods = Object.entries(fieldsIn(bodyOf(response, 'frequency'), 'data'))
      .map(([date, counts]) => ({ date, counts: numbersIn(counts) }))
      .sort((a, b) => (a.date < b.date ? -1 : 1))
    return { periods }
  },
}

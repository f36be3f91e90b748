/** What the reports share: days, and series of values by day. */
import { isDate } from '../../model/times.ts'
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { ProviderContext } from '../contract.ts'
import { daySchema, optionalText, requireText } from './action-input.ts'
import { isFields, type Fields } from './answer.ts'
import { today } from './times.ts'

export const quarterHour = 900
export const hour = 3600

export const span = { from: daySchema, to: daySchema }

const wrong = (name: string, detail: string): HubError =>
  new HubError('InvalidInput', `"${name}" ${detail}`, { fields: [{ pointer: `/${name}`, detail }] })

/** `from_date` and `to_date`, checked: a refused query counts against the hour's 60 as well. */
export function daysOf(context: ProviderContext, input: JsonObject): { from_date: string; to_date: string } {
  const from = requireText(input, 'from')
  const to = requireText(input, 'to')
  if (!isDate(from)) throw wrong('from', 'is no day')
  if (!isDate(to)) throw wrong('to', 'is no day')
  if (from > to) throw wrong('from', 'is after "to"')
  const last = today(context.settings, context.now())
  if (to > last) throw wrong('to', `is later than today in the project’s time zone (${last})`)
  return { from_date: from, to_date: to }
}

/** Copies what the input has, under Mixpanel's names. */
export function given(input: JsonObject, names: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([ours, theirs]) => {
      const value = input[ours]
      const written =
        typeof value === 'number' || typeof value === 'boolean' ? String(value) : optionalText(input, ours)
      return written === undefined ? [] : [[theirs, written]]
    }),
  )
}

export const pointSchema: JsonSchema = {
  type: 'object',
  required: ['date', 'value'],
  properties: { date: { type: 'string' }, value: { type: 'number' } },
}

/** A line of a chart. */
export const seriesSchema: JsonSchema = {
  type: 'array',
  items: {
    type: 'object',
    required: ['name', 'total', 'points'],
    properties: {
      name: { type: 'string' },
      total: { type: 'number' },
      points: { type: 'array', items: pointSchema },
    },
  },
}

/** `{date: number}` as points, oldest first. */
export function pointsOf(values: unknown): { date: string; value: number }[] {
  if (!isFields(values)) return []
  return Object.entries(values)
    .flatMap(([date, value]) => (typeof value === 'number' ? [{ date, value }] : []))
    .sort((a, b) => (a.date < b.date ? -1 : 1))
}

/** `{name: {date: number}}` as lines, the largest first. */
export function seriesOf(values: Fields): JsonObject[] {
  return Object.entries(values)
    .map(([name, byDate]) => {
      const points = pointsOf(byDate)
      return { name, total: points.reduce((sum, { value }) => sum + value, 0), points }
    })
    .sort((a, b) => b.total - a.total || a.name.localeCompare(b.name))
}

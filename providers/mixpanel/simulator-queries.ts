/** The Query API's reports, computed from the events of the project. */
import type { JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { daysOf, eventsIn, isReply, listIn, propertiesOf, queryError, type Scene } from './simulator-reads.ts'
import { parseWhere } from './simulator-where.ts'
import { day, wordOf } from './simulator-world.ts'

interface Asked {
  readonly from: number
  readonly to: number
  readonly events: readonly JsonObject[]
}

function asked(scene: Scene, request: SimulatorRequest): Asked | SimulatorReply {
  const days = daysOf(scene, request)
  if (isReply(days)) return days
  const where = parseWhere(request.query.get('where'))
  return where
    ? { ...days, events: eventsIn(scene, days, where) }
    : queryError(request, 'unable to parse "where"')
}

const nameOf = (event: JsonObject): string => wordOf(event['event'])
const personOf = (event: JsonObject): string => wordOf(propertiesOf(event)['distinct_id'])
const timeOf = (event: JsonObject): number => Number(propertiesOf(event)['time'])

/** First day of the unit that a moment is in. */
function unitStart(ms: number, unit: string): string {
  const date = new Date(ms)
  if (unit === 'month') date.setUTCDate(1)
  if (unit === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7))
  const text = date.toISOString()
  return unit === 'hour'
    ? `${text.slice(0, 13).replace('T', ' ')}:00:00`
    : unit === 'minute'
      ? `${text.slice(0, 16).replace('T', ' ')}:00`
      : text.slice(0, 10)
}

const steps: Readonly<Record<string, readonly string[]>> = {
  7001: ['App Open', 'Sign Up'],
  7002: ['App Open', 'Sign Up', 'Order Completed'],
  7003: ['App Open', 'Game Played'],
}

const ratio = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.round((part / whole) * 1000) / 1000

export function funnels(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const given = asked(scene, request)
  if (isReply(given)) return given
  const id = request.query.get('funnel_id') ?? ''
  const path = steps[id] ?? (scene.project.tables.funnels.has(id) ? ['App Open', 'Game Played'] : undefined)
  if (!path) return queryError(request, 'funnel does not exist', 404)
  const unit = request.query.get('unit') ?? 'day'
  const byDay = new Map<string, Map<string, JsonObject[]>>()
  for (const event of [...given.events].sort((a, b) => timeOf(a) - timeOf(b))) {
    const people = byDay.get(unitStart(timeOf(event), unit)) ?? new Map<string, JsonObject[]>()
    byDay.set(unitStart(timeOf(event), unit), people)
    people.set(personOf(event), [...(people.get(personOf(event)) ?? []), event])
  }
  const dates = [...byDay.keys()].sort()
  const data = Object.fromEntries(
    dates.map((date) => [date, funnelOf(path, [...(byDay.get(date)?.values() ?? [])])]),
  )
  return { status: 200, body: { meta: { dates }, data } }
}

function funnelOf(path: readonly string[], people: readonly (readonly JsonObject[])[]): JsonObject {
  const reached = path.map(() => 0)
  for (const events of people) {
    let step = 0
    for (const event of events) {
      if (nameOf(event) !== path[step]) continue
      reached[step] = (reached[step] ?? 0) + 1
      step++
    }
  }
  const [first = 0] = reached
  const rows = path.map((event, index) => {
    const count = reached[index] ?? 0
    return {
      count,
      avg_time: index === 0 ? 0 : 300,
      avg_time_from_start: 300 * index,
      step_conv_ratio: index === 0 ? 1 : ratio(count, reached[index - 1] ?? 0),
      overall_conv_ratio: index === 0 ? 1 : ratio(count, first),
      goal: event,
      event,
    }
  })
  return {
    steps: rows,
    analysis: { completion: reached.at(-1) ?? 0, starting_amount: first, steps: path.length, worst: 1 },
  }
}

/** Days, weeks or months between, as the answer names them. */
function seriesOf({ from, to }: Asked, unit: string): string[] {
  const step = unit === 'hour' ? 3_600_000 : unit === 'minute' ? 60_000 : day
  const names = new Set<string>()
  for (let at = from; at < to && names.size < 2_000; at += step) names.add(unitStart(at, unit))
  return [...names]
}

function countBy(
  events: readonly JsonObject[],
  series: readonly string[],
  unit: string,
  type: string,
): JsonObject {
  const people = new Map<string, Set<string>>()
  const counts: Record<string, number> = Object.fromEntries(series.map((date) => [date, 0]))
  for (const event of events) {
    const date = unitStart(timeOf(event), unit)
    const seen = people.get(date) ?? new Set<string>()
    people.set(date, seen.add(personOf(event)))
    counts[date] = (counts[date] ?? 0) + 1
  }
  if (type === 'unique') for (const date of series) counts[date] = people.get(date)?.size ?? 0
  if (type === 'average')
    for (const date of series) counts[date] = ratio(counts[date] ?? 0, people.get(date)?.size ?? 0)
  return counts
}

const propertyIn = (on: string | null): string | undefined => /properties\["([^"]+)"\]/.exec(on ?? '')?.[1]

export function segmentation(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const given = asked(scene, request)
  if (isReply(given)) return given
  const { query } = request
  const name = query.get('event') ?? ''
  const unit = query.get('unit') ?? 'day'
  const events = given.events.filter((event) => nameOf(event) === name)
  const series = seriesOf(given, unit)
  const property = propertyIn(query.get('on'))
  const segments = new Map<string, JsonObject[]>()
  for (const event of events) {
    const segment = property === undefined ? name : wordOf(propertiesOf(event)[property] ?? 'undefined')
    segments.set(segment, [...(segments.get(segment) ?? []), event])
  }
  if (property === undefined && segments.size === 0) segments.set(name, [])
  const values = Object.fromEntries(
    [...segments].map(([segment, some]) => [
      segment,
      countBy(some, series, unit, query.get('type') ?? 'general'),
    ]),
  )
  return { status: 200, body: { legend_size: segments.size, data: { series, values } } }
}

/** Sum or average of a number, per day. */
export const numbers =
  (how: 'sum' | 'average') =>
  (scene: Scene, request: SimulatorRequest): SimulatorReply => {
    const given = asked(scene, request)
    if (isReply(given)) return given
    const property = propertyIn(request.query.get('on'))
    if (property === undefined) return queryError(request, '"on" must be a property')
    const unit = request.query.get('unit') ?? 'day'
    const results: Record<string, number> = Object.fromEntries(seriesOf(given, unit).map((date) => [date, 0]))
    const counts: Record<string, number> = {}
    for (const event of given.events.filter((one) => nameOf(one) === request.query.get('event'))) {
      const value = Number(propertiesOf(event)[property])
      if (Number.isNaN(value)) continue
      const date = unitStart(timeOf(event), unit)
      results[date] = (results[date] ?? 0) + value
      counts[date] = (counts[date] ?? 0) + 1
    }
    if (how === 'average')
      for (const date of Object.keys(results)) results[date] = ratio(results[date] ?? 0, counts[date] ?? 0)
    const computed = how === 'sum' ? { computed_at: scene.now().toISOString() } : {}
    return { status: 200, body: { results, status: 'ok', ...computed } }
  }

export function events(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const given = asked(scene, request)
  if (isReply(given)) return given
  const unit = request.query.get('unit') ?? 'day'
  const series = seriesOf(given, unit)
  const names = listIn(request.query.get('event'))
  const values = Object.fromEntries(
    names.map((name) => [
      name,
      countBy(
        given.events.filter((one) => nameOf(one) === name),
        series,
        unit,
        request.query.get('type') ?? 'general',
      ),
    ]),
  )
  return { status: 200, body: { legend_size: names.length, data: { series, values } } }
}

const countsByName = (scene: Scene): [string, number][] => {
  const counts = new Map<string, number>()
  for (const event of scene.project.tables.events.values())
    counts.set(nameOf(event), (counts.get(nameOf(event)) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])
}

export const eventNames = (scene: Scene, request: SimulatorRequest): SimulatorReply => ({
  status: 200,
  body: countsByName(scene)
    .map(([name]) => name)
    .slice(0, Number(request.query.get('limit') ?? 255)),
})

/** Events by the values of what `read` finds in their properties, the most frequent first. */
const counted = (scene: Scene, request: SimulatorRequest, read: (properties: JsonObject) => string[]) => {
  const counts = new Map<string, number>()
  for (const event of scene.project.tables.events.values())
    if (nameOf(event) === request.query.get('event'))
      for (const word of read(propertiesOf(event))) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, Number(request.query.get('limit') ?? 10))
}

export const topProperties = (scene: Scene, request: SimulatorRequest): SimulatorReply => ({
  status: 200,
  body: Object.fromEntries(counted(scene, request, Object.keys).map(([name, count]) => [name, { count }])),
})

export const propertyValues = (scene: Scene, request: SimulatorRequest): SimulatorReply => {
  const name = request.query.get('name') ?? ''
  const values = counted(scene, request, (properties) =>
    name in properties ? [wordOf(properties[name])] : [],
  )
  return { status: 200, body: values.map(([value]) => value) }
}

export const topEvents = (scene: Scene, request: SimulatorRequest): SimulatorReply => ({
  status: 200,
  body: {
    type: request.query.get('type') ?? 'general',
    events: countsByName(scene)
      .slice(0, Number(request.query.get('limit') ?? 100))
      .map(([event, amount]) => ({ event, amount, percent_change: 0 })),
  },
})

export function retention(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const given = asked(scene, request)
  if (isReply(given)) return given
  const { query } = request
  const born = query.get('born_event')
  const back = query.get('event')
  const intervals = Math.min(30, Number(query.get('interval_count') ?? 7))
  const firsts = new Map<string, number>()
  for (const event of given.events)
    if (born === null || nameOf(event) === born) {
      const first = firsts.get(personOf(event))
      if (first === undefined || timeOf(event) < first) firsts.set(personOf(event), timeOf(event))
    }
  const body: Record<string, JsonObject> = {}
  for (const date of seriesOf(given, 'day')) {
    const people = new Set([...firsts].filter(([, ms]) => unitStart(ms, 'day') === date).map(([id]) => id))
    const start = Date.parse(`${date}T00:00:00Z`)
    const counts = Array.from({ length: intervals }, (_, index) => {
      const came = given.events.filter(
        (event) =>
          people.has(personOf(event)) &&
          (back === null || nameOf(event) === back) &&
          Math.floor((timeOf(event) - start) / day) === index,
      )
      return new Set(came.map(personOf)).size
    })
    body[date] = { first: people.size, counts }
  }
  return { status: 200, body }
}

export function addiction(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const given = asked(scene, request)
  if (isReply(given)) return given
  const unit = request.query.get('unit') ?? 'day'
  const hours = request.query.get('addiction_unit') === 'hour'
  const name = request.query.get('event')
  const data: Record<string, number[]> = {}
  for (const date of seriesOf(given, unit)) {
    const slots = new Map<string, Set<number>>()
    for (const event of given.events.filter(
      (one) => unitStart(timeOf(one), unit) === date && (name === null || nameOf(one) === name),
    )) {
      const slot = Math.floor(timeOf(event) / (hours ? 3_600_000 : day))
      slots.set(personOf(event), (slots.get(personOf(event)) ?? new Set()).add(slot))
    }
    const most = hours ? 24 : 7
    data[date] = Array.from(
      { length: most },
      (_, index) => [...slots.values()].filter((set) => set.size > index).length,
    )
  }
  return { status: 200, body: { data } }
}

export function insights(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const id = request.query.get('bookmark_id') ?? ''
  if (!/^\d+$/.test(id)) return queryError(request, 'bookmark_id is missing')
  const to = Math.floor(scene.now().getTime() / day) * day
  const given: Asked = { from: to - 6 * day, to: to + day, events: [...scene.project.tables.events.values()] }
  const series = Object.fromEntries(
    countsByName(scene)
      .slice(0, 3)
      .map(([name]) => {
        const some = given.events.filter((one) => nameOf(one) === name && timeOf(one) >= given.from)
        const counts = countBy(some, seriesOf(given, 'day'), 'day', 'general')
        return [
          name,
          Object.fromEntries(
            Object.entries(counts).map(([date, count]) => [`${date}T00:00:00+00:00`, count]),
          ),
        ]
      }),
  )
  const range = { from_date: new Date(given.from).toISOString(), to_date: new Date(to).toISOString() }
  return {
    status: 200,
    body: { computed_at: scene.now().toISOString(), date_range: range, headers: ['$event'], series },
  }
}

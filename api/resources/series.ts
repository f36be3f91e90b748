/** Metrics over time, fit for charts: times and values side by side, a gap is null. */
import {
  callSeries,
  deliverySeries,
  hookSeries,
  runSeries,
  uptimeSeries,
  type CallPoint,
  type SeriesQuery,
} from '../../db/series.ts'
import { percentile } from '../../model/latency.ts'
import {
  seriesMetrics,
  stepsOf,
  pointsAtMost,
  type SeriesMetric,
  type SeriesStep,
} from '../../model/series.ts'
import type { ApiDeps } from '../deps.ts'
import type { Call, Handler } from '../operation.ts'
import type { operations } from '../../openapi/types.ts'
import { invalidInput } from '../problem.ts'
import { connectionOf } from './find.ts'

type SeriesCall = Call<operations['getMetricSeries']>

interface Point {
  readonly at: Date
  readonly key: string
  readonly value: number | null
}

/** So much is shown when no beginning is given. */
const spans: Readonly<Record<SeriesStep, number>> = {
  hour: 24,
  day: 30 * 24,
  week: 26 * 168,
  month: 366 * 24,
}
const hourMs = 3_600_000
/** Series of one answer; the largest are shown. */
const seriesAtMost = 20

export const getMetricSeries: Handler<'getMetricSeries'> = async (deps, call) => {
  const { metric = 'calls', step = 'hour', provider, connectionId, group, by } = call.query
  const to = call.query.to === undefined ? new Date() : new Date(call.query.to)
  const from =
    call.query.from === undefined ? new Date(to.getTime() - spans[step] * hourMs) : new Date(call.query.from)
  const steps = rangeOf(step, from, to)
  check(deps, call)
  if (connectionId !== undefined) await connectionOf(deps, connectionId)
  const query: SeriesQuery = { ...steps, step, provider, connectionId, group, by }
  const points = await pointsOf(deps, metric, query)
  return {
    status: 200,
    body: {
      ...{ metric, unit: seriesMetrics[metric].unit, step },
      times: steps.times.map((time) => time.toISOString()),
      series: aligned(points, steps.times),
    },
  }
}

function rangeOf(step: SeriesStep, from: Date, to: Date) {
  if (from >= to) throw invalidInput([{ in: 'query', pointer: '/from', detail: 'should lie before "to"' }])
  const steps = stepsOf(step, from, to)
  if (steps) return steps
  const detail = `should be nearer to "to": at most ${pointsAtMost} steps of a ${step} fit into one answer`
  throw invalidInput([{ in: 'query', pointer: '/from', detail }])
}

/** What a metric has no answer to is said, not passed over. */
function check(deps: ApiDeps, { query }: SeriesCall): void {
  const { metric = 'calls', provider, connectionId, group, by } = query
  const { of } = seriesMetrics[metric]
  const wrong = (pointer: string, detail: string) => invalidInput([{ in: 'query', pointer, detail }])
  if (provider !== undefined && !deps.findProvider(provider))
    throw wrong('/provider', 'is no service that this hub knows')
  if (of !== 'calls' && group !== undefined) throw wrong('/group', `is not known of "${metric}"`)
  if (of !== 'calls' && by === 'group') throw wrong('/by', `"${metric}" is not known by group`)
  if (['deliveries', 'uptime'].includes(of) && by !== undefined)
    throw wrong('/by', `"${metric}" is one series only`)
  if (of === 'deliveries' && (provider !== undefined || connectionId !== undefined))
    throw wrong('/metric', `"${metric}" is known of the whole hub only`)
  if (of === 'uptime' && (provider === undefined) === (connectionId === undefined))
    throw wrong('/provider', `"${metric}" is of one provider or of one connection`)
}

async function pointsOf(deps: ApiDeps, metric: SeriesMetric, query: SeriesQuery): Promise<Point[]> {
  const { db } = deps.database
  switch (metric) {
    case 'runs':
    case 'failedRuns':
    case 'records':
    case 'recordsPerRun':
      return (await runSeries(db, query)).map(({ at, key, ...one }) => ({
        ...{ at, key },
        value: metric === 'recordsPerRun' ? rounded(one.records / one.runs) : one[metric],
      }))
    case 'webhookEvents':
    case 'webhookDuplicates':
      return (await hookSeries(db, query)).map(({ at, key, events, duplicates }) => ({
        ...{ at, key },
        value: metric === 'webhookEvents' ? events : duplicates,
      }))
    case 'delivered':
    case 'undelivered':
      return (await deliverySeries(db, query)).map((one) => ({ at: one.at, key: '', value: one[metric] }))
    case 'uptimePercent': {
      const subject =
        query.connectionId === undefined
          ? `provider:${query.provider ?? ''}`
          : `connection:${query.connectionId}`
      return (await uptimeSeries(db, subject, query, new Date())).map(({ at, known, down }) => ({
        ...{ at, key: '' },
        value: known === 0 ? null : Math.round((1 - down / known) * 1e6) / 1e4,
      }))
    }
    default:
      return (await callSeries(db, query)).map((one) => ({
        at: one.at,
        key: one.key,
        value: figure(metric, one),
      }))
  }
}

const rounded = (value: number): number => Math.round(value * 100) / 100

function figure(metric: SeriesMetric, one: CallPoint): number | null {
  switch (metric) {
    case 'failed':
      return one.failed
    case 'errorPercent':
      return one.calls === 0 ? null : rounded((one.failed / one.calls) * 100)
    case 'retries':
      return one.retries
    case 'bytes':
      return one.bytes
    case 'rateLimitWaitMs':
      return one.waitMs
    case 'p50Ms':
      return percentile(one.latency, 0.5)
    case 'p95Ms':
      return percentile(one.latency, 0.95)
    case 'p99Ms':
      return percentile(one.latency, 0.99)
    default:
      return one.calls
  }
}

/** Each series has a value for each time. */
function aligned(
  points: readonly Point[],
  times: readonly Date[],
): { key: string | null; values: (number | null)[] }[] {
  const byKey = new Map<string, Map<number, number | null>>()
  for (const { at, key, value } of points) {
    const own = byKey.get(key) ?? new Map<number, number | null>()
    byKey.set(key, own.set(at.getTime(), value))
  }
  if (byKey.size === 0) return [{ key: null, values: times.map(() => null) }]
  return [...byKey]
    .map(([key, values]) => ({
      key: key === '' ? null : key,
      values: times.map((time) => values.get(time.getTime()) ?? null),
    }))
    .sort((a, b) => sum(b.values) - sum(a.values))
    .slice(0, seriesAtMost)
}

const sum = (values: readonly (number | null)[]): number =>
  values.reduce<number>((all, one) => all + (one ?? 0), 0)

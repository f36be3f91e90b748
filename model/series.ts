/** Metrics over time: which there are, and the steps of a chart. */

export const seriesMetrics = {
  calls: { unit: 'calls', of: 'calls' },
  failed: { unit: 'calls', of: 'calls' },
  errorPercent: { unit: 'percent', of: 'calls' },
  retries: { unit: 'calls', of: 'calls' },
  bytes: { unit: 'bytes', of: 'calls' },
  rateLimitWaitMs: { unit: 'milliseconds', of: 'calls' },
  p50Ms: { unit: 'milliseconds', of: 'calls' },
  p95Ms: { unit: 'milliseconds', of: 'calls' },
  p99Ms: { unit: 'milliseconds', of: 'calls' },
  runs: { unit: 'runs', of: 'runs' },
  failedRuns: { unit: 'runs', of: 'runs' },
  records: { unit: 'records', of: 'runs' },
  recordsPerRun: { unit: 'records', of: 'runs' },
  webhookEvents: { unit: 'events', of: 'webhooks' },
  webhookDuplicates: { unit: 'events', of: 'webhooks' },
  delivered: { unit: 'deliveries', of: 'deliveries' },
  undelivered: { unit: 'deliveries', of: 'deliveries' },
  uptimePercent: { unit: 'percent', of: 'uptime' },
} as const
export type SeriesMetric = keyof typeof seriesMetrics

export const seriesSteps = ['hour', 'day', 'week', 'month'] as const
export type SeriesStep = (typeof seriesSteps)[number]

/** Points of a chart; a month of hours fits. */
export const pointsAtMost = 800

const hourMs = 3_600_000

/** The beginning of the step that a time falls into: UTC, weeks from Monday. */
export function beginOf(step: SeriesStep, time: Date): Date {
  const day = Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate())
  if (step === 'hour') return new Date(Math.floor(time.getTime() / hourMs) * hourMs)
  if (step === 'day') return new Date(day)
  if (step === 'week') return new Date(day - ((time.getUTCDay() + 6) % 7) * 24 * hourMs)
  return new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), 1))
}

export function nextStep(step: SeriesStep, begin: Date): Date {
  if (step === 'month') return new Date(Date.UTC(begin.getUTCFullYear(), begin.getUTCMonth() + 1, 1))
  return new Date(begin.getTime() + { hour: 1, day: 24, week: 168 }[step] * hourMs)
}

/** Beginnings of all steps that touch the range, and the end of the last; undefined when they are too many. */
export function stepsOf(
  step: SeriesStep,
  from: Date,
  to: Date,
): { readonly times: readonly Date[]; readonly until: Date } | undefined {
  const times: Date[] = []
  let at = beginOf(step, from)
  while (at < to) {
    if (times.length === pointsAtMost) return undefined
    times.push(at)
    at = nextStep(step, at)
  }
  return { times, until: at }
}

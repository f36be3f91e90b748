/** The performance of a week: what is slow, what has become worse, who calls most, what grows. */
import { percentile } from './latency.ts'
import { percent, table, write, type Finding, type Written } from './reviews.ts'

export interface CallFacts {
  readonly provider: string
  readonly group: string
  readonly calls: number
  readonly failed: number
  readonly retries: number
  readonly waitMs: number
  readonly latency: readonly number[]
}

export interface TenantFacts {
  readonly partnerId: string
  readonly calls: number
  readonly failed: number
  readonly allCalls: number
}

export interface GrowthFacts {
  readonly provider: string
  readonly held: number
  readonly created: number
  readonly updated: number
  readonly deleted: number
  readonly runs: number
}

/** Fewer calls than this say little about a group of endpoints. */
const enoughCalls = 20
const shownSlow = 10
const slowMs = 3_000

export interface PerformanceFacts {
  readonly now: readonly CallFacts[]
  readonly before: readonly CallFacts[]
  readonly tenants: readonly TenantFacts[]
  readonly growth: readonly GrowthFacts[]
}

export function slowest(facts: readonly CallFacts[]): (CallFacts & { readonly p95Ms: number })[] {
  return facts
    .filter(({ calls }) => calls >= enoughCalls)
    .map((one) => ({ ...one, p95Ms: percentile(one.latency, 0.95) ?? 0 }))
    .sort((a, b) => b.p95Ms - a.p95Ms)
    .slice(0, shownSlow)
}

export function writePerformance({ now, before, tenants, growth }: PerformanceFacts): Written {
  const slow = slowest(now)
  const was = new Map(before.map((one) => [`${one.provider} ${one.group}`, one]))
  const findings = [
    ...slow.filter(({ p95Ms }) => p95Ms > slowMs).map(slowFinding),
    ...now.flatMap((one) => worseFinding(one, was.get(`${one.provider} ${one.group}`))),
    ...tenants.flatMap(noisyFinding),
    ...growth.flatMap(growthFinding),
  ]
  return write('Performance of the last week', findings, [
    [
      'Slowest endpoints',
      table(
        ['service', 'endpoints', 'calls', 'p50', 'p95', 'p99', 'failed', 'waited for limits'],
        slow.map((one) => [
          ...[one.provider, one.group, one.calls],
          ...[0.5, 0.95, 0.99].map((share) => `${percentile(one.latency, share) ?? 0} ms`),
          ...[`${percent(one.failed, one.calls)} %`, `${Math.round(one.waitMs / 1000)} s`],
        ]),
      ),
    ],
    [
      'Growth',
      table(
        ['service', 'records', 'created', 'updated', 'deleted', 'runs'],
        growth.map((one) => [one.provider, one.held, one.created, one.updated, one.deleted, one.runs]),
      ),
    ],
    [
      'Busiest tenants',
      table(
        ['partner', 'calls', 'share', 'failed'],
        tenants.map((one) => [
          ...[one.partnerId, one.calls, `${percent(one.calls, one.allCalls, 0)} %`],
          `${percent(one.failed, one.calls)} %`,
        ]),
      ),
    ],
  ])
}

const slowFinding = ({
  provider,
  group,
  p95Ms,
}: {
  provider: string
  group: string
  p95Ms: number
}): Finding => ({
  level: 'look',
  text: `${provider} answers calls of "${group}" in ${p95Ms} ms (p95).`,
  advice: 'Smaller pages, or fewer resources in each run, make it quicker.',
})

function worseFinding(one: CallFacts, was: CallFacts | undefined): Finding[] {
  if (!was || was.calls < enoughCalls || one.calls < enoughCalls) return []
  const [p95, p95Was] = [percentile(one.latency, 0.95) ?? 0, percentile(was.latency, 0.95) ?? 0]
  const waitsLonger = one.waitMs / one.calls > 1_000 && one.waitMs / one.calls > 2 * (was.waitMs / was.calls)
  return [
    ...(p95 > 2 * p95Was && p95 > 500
      ? [
          {
            level: 'look' as const,
            text: `Calls of "${one.group}" to ${one.provider} take ${p95} ms (p95), ${p95Was} ms the week before.`,
            advice: "The provider's status page may tell why.",
          },
        ]
      : []),
    ...(waitsLonger
      ? [
          {
            level: 'look' as const,
            text: `Calls of "${one.group}" to ${one.provider} wait ${Math.round(one.waitMs / one.calls)} ms for its limit on average.`,
            advice:
              'Longer intervals between syncs, webhooks instead of polling, or a higher plan at the provider.',
          },
        ]
      : []),
  ]
}

function noisyFinding({ partnerId, calls, allCalls }: TenantFacts): Finding[] {
  if (calls * 2 < allCalls || calls === allCalls || allCalls < 1_000) return []
  return [
    {
      level: 'look',
      text: `${partnerId} makes ${percent(calls, allCalls, 0)} % of all calls.`,
      advice: 'Its intervals may be longer, or its tier another one.',
    },
  ]
}

function growthFinding({ provider, held, created }: GrowthFacts): Finding[] {
  if (held < 10_000 || created * 5 < held) return []
  return [
    {
      level: 'look',
      text: `Records of ${provider} grew by ${percent(created, Math.max(1, held - created), 0)} % in a week.`,
      advice: 'See that the disk of the database lasts.',
    },
  ]
}

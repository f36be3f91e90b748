/** Periodic looks at the hub: what was found becomes a verdict, a sentence, JSON and Markdown. Pure: the figures come from the store. */
import { percentile } from './latency.ts'
import { retentionRules, type RetentionKind, type RetentionPeriods } from './retention.ts'

export const reviewKinds = ['health', 'performance', 'security', 'retention'] as const
export type ReviewKind = (typeof reviewKinds)[number]
/** `look`: somebody should look at it; `act`: something is to be done. */
export type ReviewVerdict = 'good' | 'look' | 'act'

/** What makes each kind. */
export const reviewWorkflows = {
  health: 'dailyHealthReport',
  performance: 'weeklyReview',
  security: 'securityAudit',
  retention: 'enforceRetention',
} as const satisfies Record<ReviewKind, string>
export type ReviewWorkflow = (typeof reviewWorkflows)[ReviewKind]

export interface Finding {
  readonly level: 'look' | 'act'
  readonly text: string
  readonly advice: string
}

export interface Written {
  readonly verdict: ReviewVerdict
  readonly summary: string
  readonly markdown: string
  readonly findings: readonly Finding[]
}

type Cell = string | number | null

export function markdownTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string =>
    `| ${cells.map((cell) => String(cell ?? '–').replaceAll('|', '\\|')).join(' | ')} |`
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n')
}

export const percent = (part: number, whole: number, digits = 2): number =>
  whole === 0 ? 0 : Math.round((part / whole) * 100 * 10 ** digits) / 10 ** digits

export function write(
  title: string,
  findings: readonly Finding[],
  parts: readonly (readonly [heading: string, body: string])[],
): Written {
  const acts = findings.filter(({ level }) => level === 'act').length
  const verdict = acts > 0 ? 'act' : findings.length > 0 ? 'look' : 'good'
  const looks = findings.length - acts
  const count = (n: number, one: string, more: string): string[] =>
    n === 0 ? [] : [`${n} ${n === 1 ? one : more}`]
  const found = [
    ...count(acts, 'thing is to be done', 'things are to be done'),
    ...count(looks, 'thing is worth a look', 'things are worth a look'),
  ]
  const summary = found.length === 0 ? 'Nothing to do.' : `${found.join(', ')}: ${findings[0]?.text ?? ''}`
  const list = findings.map(
    ({ level, text, advice }) => `- ${level === 'act' ? '**Act**' : 'Look'}: ${text} ${advice}`,
  )
  const markdown = [
    `# ${title}`,
    list.length === 0 ? 'Nothing to do.' : list.join('\n'),
    ...parts.flatMap(([heading, body]) => [`## ${heading}`, body === '' ? 'None.' : body]),
  ].join('\n\n')
  return { verdict, summary, markdown, findings }
}

export type RetentionCounts = Readonly<Record<string, number>>

export function retentionMarkdown(removed: RetentionCounts, periods: RetentionPeriods): string {
  const kinds = Object.keys(retentionRules) as RetentionKind[]
  const rows = kinds.map((kind) => {
    const months = removed[`${kind}Months`]
    const parts = months === undefined || months === 0 ? '' : ` and ${months} months`
    return [retentionRules[kind].title, periods[kind], `${removed[kind] ?? 0}${parts}`]
  })
  return `# Retention\n\n${markdownTable(['what', 'days kept', 'removed'], rows)}`
}

export interface HealthFacts {
  readonly provider: string
  readonly connections: number
  readonly unwell: number
  readonly stale: number
  readonly state: string | null
  readonly culprit: string | null
  readonly calls: number
  readonly failed: number
  /** Incidents of the period, and those that are open. */
  readonly opened: number
  readonly open: number
}

/** 99.9 % of a month may be spent in thirty days. */
export function writeHealth(facts: readonly (HealthFacts & { readonly downSeconds: number })[]): Written {
  const findings = facts.flatMap((one): Finding[] => [
    ...(one.state === 'down'
      ? [
          {
            level: 'act' as const,
            text: `${one.provider} is down${one.culprit === null ? '' : ` (${one.culprit})`}.`,
            advice: `"tieline monitor ${one.provider} --detailed" says more.`,
          },
        ]
      : []),
    ...(one.unwell > 0 && one.state !== 'down'
      ? [
          {
            level: 'act' as const,
            text: `${one.unwell} of ${one.connections} connections of ${one.provider} are not well.`,
            advice: 'Connect again those that need attention.',
          },
        ]
      : []),
    ...(one.stale > 0
      ? [
          {
            level: 'look' as const,
            text: `${one.stale} connections of ${one.provider} have data older than their objective.`,
            advice: 'See whether their syncs run, or set another objective.',
          },
        ]
      : []),
    ...(one.calls >= 100 && percent(one.failed, one.calls) > 1
      ? [
          {
            level: 'look' as const,
            text: `${percent(one.failed, one.calls)} % of the calls to ${one.provider} failed.`,
            advice: 'The kinds are in its details.',
          },
        ]
      : []),
  ])
  const rows = facts.map((one) => [
    one.provider,
    one.state ?? 'unknown',
    one.connections,
    one.unwell,
    `${Math.round((1 - one.downSeconds / 86_400) * 1e6) / 1e4} %`,
    one.calls,
    `${percent(one.failed, one.calls)} %`,
    one.opened,
  ])
  const headings = ['service', 'state', 'connections', 'not well', 'uptime', 'calls', 'failed', 'incidents']
  return write('Health of the last day', findings, [
    ['Services', rows.length === 0 ? '' : markdownTable(headings, rows)],
  ])
}

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

const table = (headings: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  rows.length === 0 ? '' : markdownTable(headings, rows)

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

export interface KeyFacts {
  readonly keyId: string
  readonly partnerId: string
  readonly hint: string
  readonly isOld: boolean
  readonly isUnused: boolean
  readonly isWide: boolean
  readonly isEndless: boolean
  readonly isAnywhere: boolean
}

export interface SecurityFacts {
  readonly keys: readonly KeyFacts[]
  /** Entries of the audit chain that tell of refusals, by action. */
  readonly refusals: readonly { readonly action: string; readonly n: number }[]
  /** Webhooks that were accepted without anything that proves their sender. */
  readonly unsigned: readonly { readonly provider: string; readonly n: number }[]
  readonly consents: readonly {
    readonly connectionId: string
    readonly provider: string
    readonly endsAt: string | null
  }[]
}

/** So many refusals in a month are more than typing errors. */
const manyRefusals = 100

export function writeSecurity(facts: SecurityFacts): Written {
  const { keys, refusals, unsigned, consents } = facts
  const of = (
    chosen: (key: KeyFacts) => boolean,
    level: Finding['level'],
    what: string,
    advice: string,
  ): Finding[] => {
    const n = keys.filter(chosen).length
    return n === 0 ? [] : [{ level, text: `${n} ${n === 1 ? 'key' : 'keys'} ${what}.`, advice }]
  }
  const findings: Finding[] = [
    ...of(({ isOld }) => isOld, 'act', 'older than 180 days', 'Rotate them.'),
    ...of(({ isUnused }) => isUnused, 'act', 'unused for 90 days', 'Revoke them.'),
    ...of(
      (key) => key.isWide && key.isAnywhere,
      'act',
      'with scopes that make keys, people or partners, usable from anywhere',
      'Narrow their scopes or bind them to networks.',
    ),
    ...of(({ isEndless }) => isEndless, 'look', 'without an end', 'Give new keys a last day.'),
    ...refusals
      .filter(({ n }) => n >= manyRefusals)
      .map(({ action, n }) => ({
        level: 'look' as const,
        text: `${n} entries of "${action}" in a month.`,
        advice: 'See in the audit chain who it was.',
      })),
    ...unsigned.map(({ provider, n }) => ({
      level: 'look' as const,
      text: `${n} webhooks of ${provider} came without a signature, a password or a token.`,
      advice: 'Set a secret where the provider has one.',
    })),
    ...(consents.length === 0
      ? []
      : [
          {
            level: 'act' as const,
            text: `${consents.length} connections have a consent that has ended or was refused.`,
            advice: 'Have their accounts connect again, or delete them.',
          },
        ]),
  ]
  const flags = (key: KeyFacts): string =>
    [
      ...(key.isOld ? ['old'] : []),
      ...(key.isUnused ? ['unused'] : []),
      ...(key.isWide ? ['wide'] : []),
      ...(key.isEndless ? ['without end'] : []),
      ...(key.isAnywhere ? ['from anywhere'] : []),
    ].join(', ')
  return write('Security of the last month', findings, [
    [
      'Keys',
      table(
        ['key', 'partner', 'ends in', 'what'],
        keys.map((key) => [key.keyId, key.partnerId, key.hint, flags(key)]),
      ),
    ],
    [
      'Refusals',
      table(
        ['action', 'entries'],
        refusals.map(({ action, n }) => [action, n]),
      ),
    ],
    [
      'Webhooks without proof',
      table(
        ['service', 'requests'],
        unsigned.map(({ provider, n }) => [provider, n]),
      ),
    ],
    [
      'Consents',
      table(
        ['connection', 'service', 'ended'],
        consents.map((one) => [one.connectionId, one.provider, one.endsAt]),
      ),
    ],
  ])
}

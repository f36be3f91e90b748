/** Periodic looks at the hub: what was found becomes a verdict, a sentence, JSON and Markdown. Pure: the figures come from the store. */
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

/** Empty without rows. */
export const table = (headings: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  rows.length === 0 ? '' : markdownTable(headings, rows)

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

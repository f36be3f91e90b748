/** What remains of an incident, to be passed on: how long it lasted, who was told, who answered. */
import { duration } from './health.ts'

export interface ReportEntry {
  readonly at: Date
  readonly kind: string
  readonly actor: string
  readonly text: string
}

interface Reported {
  readonly incidentId: string
  readonly title: string
  readonly summary: string
  readonly state: 'open' | 'acknowledged' | 'snoozed' | 'resolved'
  readonly severity: string
  readonly openedAt: Date
  readonly acknowledgedAt: Date | null
  readonly acknowledgedBy: string | null
  readonly resolvedAt: Date | null
  readonly resolvedBy: string | null
  readonly resolution: string | null
  readonly reopened: number
}

export interface IncidentReport {
  readonly incidentId: string
  readonly title: string
  readonly state: Reported['state']
  readonly durationSeconds: number
  readonly connections: number
  /** Names of channels. */
  readonly told: readonly string[]
  readonly acknowledgedBy: string | null
  readonly secondsToAcknowledge: number | null
  readonly resolvedBy: string | null
  readonly markdown: string
}

const seconds = (from: Date, to: Date): number =>
  Math.max(0, Math.round((to.getTime() - from.getTime()) / 1000))
const clock = (at: Date): string => at.toISOString().slice(0, 19).replace('T', ' ')

export function incidentReport(
  incident: Reported,
  known: {
    readonly timeline: readonly ReportEntry[]
    readonly told: readonly string[]
    readonly connections: number
    readonly now: Date
  },
): IncidentReport {
  const { timeline, told, connections, now } = known
  const { incidentId, title, state, openedAt, acknowledgedAt, acknowledgedBy, resolvedAt, resolvedBy } =
    incident
  const durationSeconds = seconds(openedAt, resolvedAt ?? now)
  const secondsToAcknowledge = acknowledgedAt === null ? null : seconds(openedAt, acknowledgedAt)
  const facts = [
    `- State: ${state}, ${incident.severity}`,
    `- Opened: ${clock(openedAt)} UTC`,
    `- Lasted: ${duration(durationSeconds)}${resolvedAt === null ? ' so far' : ''}`,
    `- Connections: ${connections}`,
    `- Came back: ${incident.reopened} times`,
    `- Told: ${told.length === 0 ? 'nobody' : told.join(', ')}`,
    `- Taken on: ${acknowledgedBy === null ? 'by nobody' : `by ${acknowledgedBy} after ${duration(secondsToAcknowledge ?? 0)}`}`,
    `- Resolved: ${resolvedAt === null ? 'not yet' : `${clock(resolvedAt)} UTC by ${resolvedBy ?? '?'}: ${incident.resolution ?? ''}`}`,
  ]
  // A line of a table must not be broken by what it tells of.
  const cell = (text: string): string => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ')
  const rows = timeline.map(({ at, kind, text }) => `| ${clock(at)} | ${kind} | ${cell(text)} |`)
  const markdown = [
    `# ${title} (${incidentId})`,
    incident.summary,
    facts.join('\n'),
    ['| when (UTC) | what | |', '| --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n')
  return {
    ...{ incidentId, title, state, durationSeconds, connections, told, acknowledgedBy, secondsToAcknowledge },
    ...{ resolvedBy, markdown },
  }
}

/** How a run explains itself in the Temporal UI. Markdown; counts only. */
import type { Counts, Progress, ResourceProgress, SyncManyResult } from './messages.ts'

export const noCounts: Counts = {
  pages: 0,
  scanned: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  deleted: 0,
  stale: 0,
  quarantined: 0,
  retried: 0,
}

/** Adds counts of the same kind. */
export function addCounts(a: Counts, b: Counts): Counts {
  return {
    pages: a.pages + b.pages,
    scanned: a.scanned + b.scanned,
    created: a.created + b.created,
    updated: a.updated + b.updated,
    unchanged: a.unchanged + b.unchanged,
    deleted: a.deleted + b.deleted,
    stale: a.stale + b.stale,
    quarantined: a.quarantined + b.quarantined,
    retried: a.retried + b.retried,
  }
}

// The UI sets tables without space between columns: hard spaces keep the headings apart.
const row = (cells: readonly string[]) => `|${cells.map((cell) => ` ${cell}&nbsp;&nbsp; `).join('|')}|`
const headings = `${row(['resource', 'state', 'pages', 'read', 'created', 'updated', 'deleted', 'quarantined'])}
|---|---|--:|--:|--:|--:|--:|--:|`

const line = (one: ResourceProgress) =>
  row([
    one.resource,
    one.state,
    ...[one.pages, one.scanned, one.created, one.updated, one.deleted, one.quarantined].map(String),
  ])

/** What a run's details are made of. */
export interface RunFacts {
  readonly title: string
  readonly progress: Progress
  /** Since the run's start. */
  readonly elapsedMs: number
  /** How many rows the provider speaks of; 0 when it does not. */
  readonly expected: number
  /** Known when the run has ended. */
  readonly outcome: string | undefined
}

/** A run's current details. */
export function runDetails({ title, progress, elapsedMs, expected, outcome }: RunFacts): string {
  const scanned = progress.resources.reduce((sum, one) => sum + one.scanned, 0)
  const rate = elapsedMs > 0 ? Math.round((scanned / elapsedMs) * 1000) : 0
  const left =
    outcome === undefined && expected > scanned && rate > 0
      ? `, about ${Math.ceil((expected - scanned) / rate)} s to go`
      : ''
  const state =
    outcome?.replace('_', ' ') ??
    (progress.waiting
      ? `waiting until ${progress.waiting.until} (${progress.waiting.reason})`
      : progress.state)
  const speed =
    progress.speed.pagesPerMinute === null
      ? ''
      : `\n\nSpeed: at most ${progress.speed.pagesPerMinute} pages a minute.`
  return `**${title}** — ${state}\n\n${scanned} rows, ${rate} rows/s${left}.\n\n${headings}\n${progress.resources.map(line).join('\n')}${speed}\n\nRun \`${progress.runId}\``
}

export function manyDetails(title: string, result: SyncManyResult, running: number): string {
  const { connections, succeeded, partlyFailed, failed, cancelled, skipped } = result
  const failures = result.failures.map((one) => `- \`${one.connectionId}\`: ${one.reason}`).join('\n')
  return `**${title}**\n\n| connections | running | succeeded | partly failed | failed | cancelled | skipped |\n|--:|--:|--:|--:|--:|--:|--:|\n| ${connections} | ${running} | ${succeeded} | ${partlyFailed} | ${failed} | ${cancelled} | ${skipped} |\n\n${result.scanned} rows: ${result.created} created, ${result.updated} updated, ${result.unchanged} unchanged, ${result.deleted} deleted.${failures ? `\n\n${failures}` : ''}`
}

/** Progress of runs: redrawn in place on a terminal, a line per event in a pipe. */
import type { Schemas } from './client.ts'
import { count, duration, type Out } from './print.ts'

type Run = Schemas['Run']

export interface ProgressView {
  show(runs: readonly Run[]): void
  /** Leaves the last picture standing. */
  end(): void
}

export function createProgress(out: Out): ProgressView {
  return out.isTerminal ? redrawing(out) : lineByLine(out)
}

function redrawing(out: Out): ProgressView {
  let drawn = 0
  return {
    show: (runs) => {
      const lines = runs.slice(0, 8).flatMap((run) => picture(run, out))
      if (runs.length > 8) lines.push(out.paint.dim(`… and ${runs.length - 8} more connections`))
      const up = drawn > 0 ? `\x1b[${drawn}A` : ''
      process.stdout.write(`${up}${lines.map((line) => `\x1b[2K${line}`).join('\n')}\n\x1b[0J`)
      drawn = lines.length
    },
    end: () => void (drawn = 0),
  }
}

const marks: Readonly<Record<string, string>> = {
  succeeded: '✓',
  running: '▸',
  failed: '✗',
  waiting: '·',
  skipped: '-',
}

function picture(run: Run, out: Out): string[] {
  const { paint } = out
  const { progress } = run
  const rate =
    progress && progress.rowsPerSecond > 0 ? `, ${count(Math.round(progress.rowsPerSecond))} rows/s` : ''
  const eta =
    progress?.etaSeconds != null && run.endedAt === null ? `, ${duration(progress.etaSeconds)} to go` : ''
  const waiting = progress?.waiting
    ? paint.yellow(`  waiting until ${progress.waiting.until.slice(11, 19)} UTC (${progress.waiting.reason})`)
    : ''
  const head = `${paint.bold(`${run.provider} ${run.connectionId}`)}  ${stateOf(run, out)}${rate}${eta}${waiting}`
  const rows = run.resources.map((one) => {
    const mark = marks[one.state] ?? '?'
    const coloured =
      one.state === 'succeeded'
        ? paint.green(mark)
        : one.state === 'failed'
          ? paint.red(mark)
          : paint.dim(mark)
    const share = one.expected !== null && one.fullScan ? ` of ${count(one.expected)}` : ''
    return `  ${coloured} ${one.resource.padEnd(22)} ${String(one.pages).padStart(5)} pages  ${count(one.scanned).padStart(9)}${share} rows`
  })
  return [head, ...rows].map((line) => (line.length > out.width + 20 ? line.slice(0, out.width) : line))
}

export function stateOf(run: Pick<Run, 'state'>, out: Out): string {
  const { paint } = out
  const colour = {
    succeeded: paint.green,
    failed: paint.red,
    cancelled: paint.yellow,
    partly_failed: paint.yellow,
    paused: paint.yellow,
  }
  const painter = Object.hasOwn(colour, run.state)
    ? colour[run.state as keyof typeof colour]
    : (text: string) => text
  return painter(run.state.replace('_', ' '))
}

/** Each resource is told when it begins and when it ends, and at every tenth of a long one. */
function lineByLine(out: Out): ProgressView {
  const told = new Map<string, string>()
  return {
    show: (runs) => {
      for (const run of runs) {
        for (const one of run.resources) {
          const key = `${run.runId}:${one.resource}`
          const step = one.state === 'running' ? `running ${Math.floor(one.scanned / 10_000)}` : one.state
          if (one.state === 'waiting' || told.get(key) === step) continue
          told.set(key, step)
          out.line(
            `${run.provider} ${run.connectionId} ${one.resource}: ${one.state}, ${one.pages} pages, ${one.scanned} rows`,
          )
        }
      }
    },
    end: () => undefined,
  }
}

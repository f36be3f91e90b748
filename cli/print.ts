/** What people see: tables, colours on a terminal only, numbers and times that read well. */
export interface Out {
  /** A line of the result, on standard output. */
  line(text?: string): void
  /** A line about the way there, on standard error. */
  note(text: string): void
  json(value: unknown): void
  readonly isTerminal: boolean
  /** Width in characters. */
  readonly width: number
  readonly paint: Paint
}

type Painter = (text: string) => string
export interface Paint {
  readonly bold: Painter
  readonly dim: Painter
  readonly red: Painter
  readonly green: Painter
  readonly yellow: Painter
}

const painter = (on: boolean, code: number): Painter =>
  on ? (text) => `\x1b[${code}m${text}\x1b[0m` : (text) => text

/** Output of this process. NO_COLOR and pipes get plain text. */
export function createOut(
  stdout: NodeJS.WriteStream = process.stdout,
  stderr: NodeJS.WriteStream = process.stderr,
  env = process.env,
): Out {
  const isTerminal = stdout.isTTY
  const colour = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return {
    line: (text = '') => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    isTerminal,
    width: isTerminal ? stdout.columns : 120,
    paint: {
      bold: painter(colour, 1),
      dim: painter(colour, 2),
      red: painter(colour, 31),
      green: painter(colour, 32),
      yellow: painter(colour, 33),
    },
  }
}

/** Length on the screen, without colour codes. */
const shown = (text: string): number => [...text.replace(/\x1b\[\d+m/g, '')].length

/** A table with two spaces between columns; columns of numbers are right-aligned. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  paint?: Paint,
): string[] {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => shown(row[column] ?? ''))))
  const numeric = headings.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^[\d,.%+-]*$/.test((row[column] ?? '').trim())),
  )
  const cell = (text: string, column: number): string => {
    const space = ' '.repeat(Math.max(0, (widths[column] ?? 0) - shown(text)))
    return numeric[column] ? space + text : text + space
  }
  const line = (row: readonly string[]) =>
    headings
      .map((_, column) => cell(row[column] ?? '', column))
      .join('  ')
      .trimEnd()
  return [paint ? paint.dim(line(headings)) : line(headings), ...rows.map(line)]
}

export const count = (value: number): string => value.toLocaleString('en-US')

/** "just now", "4 min ago", "3 h ago", else the day and time in UTC. */
export function ago(time: string | null, now = Date.now()): string {
  if (time === null) return 'never'
  const seconds = Math.round((now - Date.parse(time)) / 1000)
  if (seconds < 45) return 'just now'
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`
  return time.slice(0, 16).replace('T', ' ')
}

export function duration(seconds: number): string {
  if (seconds < 1) return '<1 s'
  if (seconds < 90) return `${Math.round(seconds)} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** The name that was probably meant, or undefined when none is near. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  const distances = names.map((name) => [editDistance(text.toLowerCase(), name), name] as const)
  const [best] = distances.sort((a, b) => a[0] - b[0])
  return best && best[0] <= Math.max(2, Math.floor(text.length / 3)) ? best[1] : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same))
    }
    row = next
  }
  return row[b.length] ?? 0
}

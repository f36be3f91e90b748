import { closeSync, openSync, readSync, statSync } from 'node:fs'

/** Follows a log file from its present end. Lines are handed over whole. Call the result to stop. */
export function followFile(file: string, onLine: (line: string) => void, everyMs = 250): () => void {
  let position = sizeOf(file)
  let rest = ''
  const read = (): void => {
    const size = sizeOf(file)
    // A new log was begun: see `turnOver`.
    if (size < position) position = 0
    if (size <= position) return
    const chunk = Buffer.alloc(Math.min(size - position, 1024 * 1024))
    const descriptor = openSync(file, 'r')
    try {
      position += readSync(descriptor, chunk, 0, chunk.length, position)
    } finally {
      closeSync(descriptor)
    }
    const lines = (rest + chunk.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') onLine(line)
  }
  const timer = setInterval(read, everyMs)
  timer.unref()
  return () => {
    clearInterval(timer)
    read()
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** Levels of pino and of the Temporal server that a person at the terminal should see. */
const loud = new Set(['warn', 'error', 'fatal'])

/** A line of a part's log for the terminal: warnings and worse; undefined for the rest. Lines that are no JSON are a crash's text. */
export function loudLine(line: string): { readonly level: string; readonly text: string } | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const entry = JSON.parse(line) as Record<string, unknown>
    const level = String(entry['level']).toLowerCase()
    if (!loud.has(level)) return undefined
    const problem = entry['err'] as { message?: unknown } | undefined
    const said = [entry['msg'], problem?.message].filter((text) => typeof text === 'string' && text !== '')
    return { level, text: said.join(': ') }
  } catch {
    return undefined
  }
}

/** Where in the code it was: of use in the log, not on the terminal. */
const stackLine = /^\s+at /

/**
 * Shows a warning that comes again and again (a worker's pollers while Temporal is away) once in a while only: answers the
 * text to show, with how often it was held back, or undefined. Texts that differ in numbers only count as the same.
 */
export function createRepeats(everyMs = 60_000, now = Date.now): (text: string) => string | undefined {
  const shown = new Map<string, { at: number; heldBack: number }>()
  return (text) => {
    const kind = text.replaceAll(/\d+/g, '#')
    const last = shown.get(kind)
    if (last && now() - last.at < everyMs) {
      last.heldBack++
      return undefined
    }
    if (shown.size > 1_000) shown.clear()
    shown.set(kind, { at: now(), heldBack: 0 })
    return last === undefined || last.heldBack === 0
      ? text
      : `${text} (and ${last.heldBack} more like it before)`
  }
}

/** The last lines of a log that say something about an end: not more than `count`, shortened. */
export function lastLines(text: string, count: number): string[] {
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => line.trim() !== '' && !stackLine.test(line))
    .slice(-count)
    .map((line) => readable(line).slice(0, 300))
}

function readable(line: string): string {
  if (!line.startsWith('{')) return line
  try {
    const entry = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } }
    const said = [entry.msg, entry.err?.message].filter((part) => typeof part === 'string' && part !== '')
    return [entry.level, said.join(': ')]
      .filter((part) => typeof part === 'string')
      .join(' ')
      .trim()
  } catch {
    return line
  }
}

/** How the end of a part is told. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Ending } from './process.ts'
import { lastLines } from './tail.ts'

/** A part has ended that should not have. */
export class PartEnded extends Error {
  override readonly name = 'PartEnded'
}

/** "worker ended unexpectedly (exit code 1); see .tieline/logs/worker.log", and the last lines of that log. */
export function describeEnd(name: string, how: Ending, logFile: string): string {
  const shown = path.relative(process.cwd(), logFile)
  const place = shown.startsWith('..') ? logFile : shown
  const text = existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''
  const tail = lastLines(text, 8).map((line) => `    ${line}`)
  return [`${name} ended unexpectedly (${how}); see ${place}`, ...(text === '' ? [] : tail)].join('\n')
}

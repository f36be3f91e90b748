/** JSON that people give on the command line. */
import { readFileSync } from 'node:fs'
import { CliError } from './cli-error.ts'

/** A JSON object: as it stands, `@file`, or `@-` for standard input. */
export function jsonObject(text: string, option: string): Record<string, unknown> {
  try {
    const source = text.startsWith('@') ? readFileSync(text === '@-' ? 0 : text.slice(1), 'utf8') : text
    const parsed: unknown = JSON.parse(source)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>
  } catch {
    // Said below, for both kinds of mistake.
  }
  throw new CliError(`${option} takes a JSON object, or @file with one.`, 2)
}

/** JSON that people give on the command line. */
import { readFileSync } from 'node:fs'
import { CliError } from './cli-error.ts'

function parse(text: string): unknown {
  try {
    const source = text.startsWith('@') ? readFileSync(text === '@-' ? 0 : text.slice(1), 'utf8') : text
    return JSON.parse(source)
  } catch {
    // Said by the caller, for both kinds of mistake.
    return undefined
  }
}

/** A JSON object: as it stands, `@file`, or `@-` for standard input. */
export function jsonObject(text: string, option: string): Record<string, unknown> {
  const parsed = parse(text)
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
    return parsed as Record<string, unknown>
  throw new CliError(`${option} takes a JSON object, or @file with one.`, 2)
}

/** A JSON array in the same ways, or an object that holds it under `name`, as other commands print it. */
export function jsonArray(text: string, option: string, name: string): readonly unknown[] {
  const parsed = parse(text)
  const list =
    typeof parsed === 'object' && parsed !== null && name in parsed
      ? (parsed as Record<string, unknown>)[name]
      : parsed
  if (Array.isArray(list)) return list as readonly unknown[]
  throw new CliError(`${option} takes a JSON array, an object with "${name}", or @file with one of them.`, 2)
}

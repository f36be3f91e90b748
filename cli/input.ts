/** What people give on the command line: JSON, numbers, times, lists, names with values. */
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

/** At least 1. */
export function wholeNumber(text: string, option: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new CliError(`${option} takes a whole number of at least 1, not "${text}".`, 2)
}

/** What commas separate. */
export const words = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

/** `name=value`, several times. */
export const namedValues = (option: string, given: readonly string[] = []): Record<string, string> =>
  Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new CliError(`${option} takes name=value, not "${text}".`, 2)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )

/** What reads as JSON is that, the rest is text. */
export const jsonOrText = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `30m`, `2h`, `3d`; undefined for what is no span of time. */
export function spanMs(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  return number === undefined ? undefined : Number(number) * (units[unit] ?? 0)
}

/** RFC 3339, or how long ago: `30m`, `2h`, `3d`. */
export function moment(text: string, option: string): string {
  const span = spanMs(text)
  const at = span === undefined ? Date.parse(text) : Date.now() - span
  if (Number.isNaN(at)) throw new CliError(`${option} takes a time, or how long ago: 30m, 2h, 3d.`, 2)
  return new Date(at).toISOString()
}

/**
 * Mixpanel's days and times. A project made before 2023 keeps the times of its events, and cuts its days, in its own zone;
 * a later one in UTC (export.openapi.yaml; help page "Exporting raw data": "in your project's timezone, not UTC"). "Stored"
 * times here are seconds as the project keeps them; its days begin at multiples of 86,400 of them.
 */
import { timeOf, timeText } from '../../model/times.ts'
import { HubError } from '../../platform/errors.ts'
import type { Settings } from '../contract.ts'

export const daySeconds = 86_400

/** Zone of the project, for times that Mixpanel writes without one. */
export const zoneOf = (settings: Settings): string => settings['project_timezone'] || 'UTC'

const isKeptInZone = (settings: Settings): boolean => settings['created_before_2023'] === 'yes'

/**
 * `YYYY-MM-DD HH:mm:ss` of a moment on the clocks of a zone, as annotations take it.
 * @throws HubError `NotConfigured` for a zone that does not exist.
 */
export function localText(zone: string, moment: Date): string {
  const two = '2-digit'
  const fields = { month: two, day: two, hour: two, minute: two, second: two, hourCycle: 'h23' } as const
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, year: 'numeric', ...fields })
    const parts = format.formatToParts(moment)
    const part = (type: string) => parts.find((one) => one.type === type)?.value ?? ''
    return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}`
  } catch {
    throw new HubError('NotConfigured', `The time zone "${zone}" of the Mixpanel project does not exist`)
  }
}

const dayIn = (zone: string, moment: Date): string => localText(zone, moment).slice(0, 10)

/** Start of a day, in stored seconds. */
export const dayStart = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1000

/** `YYYY-MM-DD` of a stored second. */
export const dayAt = (stored: number): string => new Date(stored * 1000).toISOString().slice(0, 10)

/**
 * The last day that may be asked for. "to_date cannot be later than today" counts in the project's zone, days of a later
 * project in UTC: the earlier of both is always allowed.
 */
export function today(settings: Settings, now: Date): string {
  const there = dayIn(zoneOf(settings), now)
  if (isKeptInZone(settings)) return there
  const here = dayIn('UTC', now)
  return there < here ? there : here
}

/** A stored time as a moment in UTC (RFC 3339); undefined for what is no time. */
export function momentOf(storedMs: number, settings: Settings): string | undefined {
  const stored = timeText(storedMs)
  if (stored === undefined || !isKeptInZone(settings)) return stored
  return timeText(timeOf(stored.slice(0, -1), zoneOf(settings)))
}

/** A time without offset, as Mixpanel writes it for profiles, cohorts and annotations, as a moment in UTC. */
export function localMoment(text: string | undefined, settings: Settings): string | undefined {
  return text === undefined ? undefined : timeText(timeOf(text, zoneOf(settings)))
}

/** Rows whose times are in another zone than UTC carry its name, so that the mapping can read them. */
export function withZone<R extends object>(row: R, settings: Settings): R {
  const zone = zoneOf(settings)
  return zone === 'UTC' ? row : { ...row, derived: { zone } }
}

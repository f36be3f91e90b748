/** Moments in the account's time zone. */
import { timeOf } from '../../model/times.ts'

/** The next midnight in a zone; in UTC for a zone that does not exist or is not known. */
export function nextMidnight(now: Date, zone: string | undefined): Date {
  const known = isZone(zone) ? zone : 'UTC'
  const today = new Intl.DateTimeFormat('en-CA', { timeZone: known, dateStyle: 'short' }).format(now)
  const tomorrow = new Date(Date.parse(`${today}T00:00:00Z`) + 24 * 3_600_000).toISOString().slice(0, 10)
  return new Date(timeOf(tomorrow, known))
}

function isZone(zone: string | undefined): zone is string {
  if (zone === undefined || zone === '') return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

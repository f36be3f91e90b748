/** Times and dates as text: read strictly, written in UTC. */

/** Offsets with and without a colon; RFC 3339's space between date and time. */
const isoTime =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?([Zz]|([+-]\d{2}):?(\d{2}))?)?$/

/**
 * Milliseconds, or NaN. `Date.parse` alone guesses ("ticket 12"), moves 30 February and reads what has no offset as local.
 * @param zone where a time without an offset was written: an IANA name or an offset; UTC when left out. A zone that does
 *   not exist gives NaN: a time must not be off by hours unseen.
 */
export function timeOf(text: string, zone?: unknown): number {
  const [match, year, month, day, time = '00:00', mark, hours = '+00', minutes = '00'] =
    isoTime.exec(text) ?? []
  if (match === undefined || Number(day) > daysIn(Number(year), Number(month))) return NaN
  const ms = Date.parse(`${year}-${month}-${day}T${time}${hours}:${minutes}`)
  return mark !== undefined || zone === undefined || zone === null || zone === 'UTC' ? ms : inZone(ms, zone)
}

/** `Z` or `-07:00`; undefined for a text without one. */
export function offsetOf(text: string): string | undefined {
  const [, , , , , mark, hours, minutes] = isoTime.exec(text) ?? []
  if (mark === undefined) return undefined
  return hours === undefined || minutes === undefined || /^[+-]00:00$/.test(`${hours}:${minutes}`)
    ? 'Z'
    : `${hours}:${minutes}`
}

/** The moment at which clocks in `zone` show what clocks in UTC show at `ms`. */
function inZone(ms: number, zone: unknown): number {
  if (typeof zone !== 'string') return NaN
  const [fixed, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? []
  if (fixed !== undefined)
    return ms - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
  const first = ms - zoneOffset(ms, zone)
  // The offset may be another one at the moment that the first guess gives.
  return ms - zoneOffset(first, zone)
}

const formats = new Map<string, Intl.DateTimeFormat | undefined>()

/** What clocks in a zone are ahead of UTC, in milliseconds; NaN for a zone that does not exist. */
function zoneOffset(ms: number, zone: string): number {
  if (!formats.has(zone)) formats.set(zone, formatOf(zone))
  const format = formats.get(zone)
  if (!format || Number.isNaN(ms)) return NaN
  const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]))
  const shown = `${part['year']}-${part['month']}-${part['day']}T${part['hour']}:${part['minute']}:${part['second']}Z`
  return Date.parse(shown) - Math.floor(ms / 1000) * 1000
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  const two = '2-digit'
  try {
    const fields = { month: two, day: two, hour: two, minute: two, second: two, hourCycle: 'h23' } as const
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, year: 'numeric', ...fields })
  } catch {
    return undefined
  }
}

export function isDate(text: string): boolean {
  const [match, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? []
  return match !== undefined && Number(day) >= 1 && Number(day) <= daysIn(Number(year), Number(month))
}

const days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const daysIn = (year: number, month: number): number =>
  month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : (days[month - 1] ?? 0)

// RFC 3339 has years of four digits.
const firstMs = Date.parse('0000-01-01T00:00:00Z')
const lastMs = Date.parse('9999-12-31T23:59:59.999Z')

/** RFC 3339 in UTC with milliseconds; undefined for what is no such time. */
export const timeText = (ms: number): string | undefined =>
  ms >= firstMs && ms <= lastMs ? new Date(ms).toISOString() : undefined

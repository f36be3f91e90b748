/** What clocks on a wall show: the day of the week and the minute of the day in a time zone, whatever daylight saving does. */

export const weekdays = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const
export type Weekday = (typeof weekdays)[number]

export const minutesInDay = 1_440
export const minutesInWeek = 7 * minutesInDay
export const dayMs = 86_400_000

export interface LocalTime {
  /** Days since 1970-01-01 of the calendar there. */
  readonly day: number
  /** 0 is Monday. */
  readonly weekday: number
  readonly minute: number
}

/** Making one costs more than using it a hundred times. */
const formatters = new Map<string, Intl.DateTimeFormat>()

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone)
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-GB', {
      ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit' },
      ...{ hour: '2-digit', minute: '2-digit' },
    })
    formatters.set(timeZone, formatter)
  }
  return formatter
}

export function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: text }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** @param timeZone an IANA name that exists (`isTimeZone`). */
export function localTime(at: Date, timeZone: string): LocalTime {
  const parts = new Map(
    formatterOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const of = (type: string): number => parts.get(type as Intl.DateTimeFormatPartTypes) ?? 0
  const day = Math.floor(Date.UTC(of('year'), of('month') - 1, of('day')) / dayMs)
  return { day, weekday: weekdayOf(day), minute: of('hour') * 60 + of('minute') }
}

/** 1970-01-01 was a Thursday. */
export const weekdayOf = (day: number): number => (((day + 3) % 7) + 7) % 7

/** `HH:MM` as minutes of the day; undefined for anything else. */
export function minuteOf(text: string): number | undefined {
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
  return hour === undefined ? undefined : Number(hour) * 60 + Number(minute)
}

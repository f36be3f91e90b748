/** Quiet hours: when alerts are held back until morning. Weekly windows in a time zone; they may run over midnight. */
import {
  isTimeZone,
  localTime,
  minuteOf,
  minutesInDay,
  minutesInWeek,
  weekdays,
  type Weekday,
} from './local-time.ts'

export interface QuietWindow {
  /** On which it begins. */
  readonly days: readonly Weekday[]
  /** `HH:MM`. */
  readonly from: string
  /** `HH:MM`; on the next day when it is not after `from`. */
  readonly to: string
}

export interface QuietHours {
  /** IANA name. */
  readonly timeZone: string
  readonly windows: readonly QuietWindow[]
  /** Critical alerts are held back as well; false when left out. */
  readonly holdCritical?: boolean
}

export interface Fault {
  /** JSON pointer. */
  readonly pointer: string
  readonly detail: string
}

/** What makes no sense in quiet hours; nothing when all is well. */
export function faultsOfQuietHours(quiet: QuietHours): Fault[] {
  const faults: Fault[] = []
  if (!isTimeZone(quiet.timeZone))
    faults.push({ pointer: '/timeZone', detail: 'is not a time zone like Europe/Berlin' })
  quiet.windows.forEach(({ from, to }, index) => {
    for (const [name, text] of Object.entries({ from, to }))
      if (minuteOf(text) === undefined)
        faults.push({ pointer: `/windows/${index}/${name}`, detail: 'should be a time like 22:00' })
    if (from === to)
      faults.push({ pointer: `/windows/${index}/to`, detail: 'should differ from "from": this never ends' })
  })
  if (faults.length === 0 && coverage(quiet.windows).every(Boolean))
    faults.push({ pointer: '/windows', detail: 'cover the whole week: nobody would ever be told' })
  return faults
}

/** Whether each minute of the week is quiet. */
function coverage(windows: readonly QuietWindow[]): boolean[] {
  const covered = new Array<boolean>(minutesInWeek).fill(false)
  for (const { days, from, to } of windows) {
    const start = minuteOf(from) ?? 0
    const end = minuteOf(to) ?? 0
    const length = end > start ? end - start : end - start + minutesInDay
    for (const day of days) {
      const first = weekdays.indexOf(day) * minutesInDay + start
      for (let minute = 0; minute < length; minute++) covered[(first + minute) % minutesInWeek] = true
    }
  }
  return covered
}

const minuteMs = 60_000

/** Until when it is quiet; null when it is not. */
export function quietUntil(quiet: QuietHours, at: Date): Date | null {
  const covered = coverage(quiet.windows)
  const minuteOfWeek = (time: number): number => {
    const { weekday, minute } = localTime(new Date(time), quiet.timeZone)
    return weekday * minutesInDay + minute
  }
  const start = minuteOfWeek(at.getTime())
  if (!covered[start]) return null
  let ahead = 1
  while (ahead < minutesInWeek && covered[(start + ahead) % minutesInWeek]) ahead++
  const end = Math.floor(at.getTime() / minuteMs) * minuteMs + ahead * minuteMs
  // Clocks may be put forward or back in between: what was meant is the time that they show.
  const off = around(((start + ahead) % minutesInWeek) - minuteOfWeek(end))
  const corrected = end + off * minuteMs
  // A time that clocks leave out that night: then as soon as they are past it.
  return new Date(covered[minuteOfWeek(corrected)] ? end : corrected)
}

/** A difference of minutes of the week, by the shorter way round. */
function around(minutes: number): number {
  const half = minutesInWeek / 2
  return ((((minutes + half) % minutesInWeek) + minutesInWeek) % minutesInWeek) - half
}

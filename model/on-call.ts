/** Who is on call: turns that change every week, at the same time of the wall's clock. */
import { dayMs, isTimeZone, localTime, minuteOf, weekdayOf, weekdays, type Weekday } from './local-time.ts'
import type { Fault } from './quiet-hours.ts'

export interface Rotation {
  /** IANA name. */
  readonly timeZone: string
  /** When a turn is handed over. */
  readonly handover: { readonly day: Weekday; /** `HH:MM`. */ readonly at: string }
  /** `YYYY-MM-DD`: the first turn has the week that this day is in. */
  readonly from: string
  /** Ids of channels, turn by turn. */
  readonly turns: readonly (readonly string[])[]
}

/** Days since 1970-01-01, or undefined for what is no date. */
function dayOf(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined
  const ms = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text ? undefined : ms / dayMs
}

export function faultsOfRotation(rotation: Rotation): Fault[] {
  const faults: Fault[] = []
  if (!isTimeZone(rotation.timeZone))
    faults.push({ pointer: '/timeZone', detail: 'is not a time zone like Europe/Berlin' })
  if (minuteOf(rotation.handover.at) === undefined)
    faults.push({ pointer: '/handover/at', detail: 'should be a time like 09:00' })
  if (dayOf(rotation.from) === undefined)
    faults.push({ pointer: '/from', detail: 'should be a date like 2026-01-05' })
  if (rotation.turns.length === 0)
    faults.push({ pointer: '/turns', detail: 'should name at least one turn: nobody would be on call' })
  rotation.turns.forEach((turn, index) => {
    if (turn.length === 0)
      faults.push({ pointer: `/turns/${index}`, detail: 'should name at least one channel' })
  })
  return faults
}

/** The day on which the week of a local time began: its last handover. */
function weekStart({ handover }: Rotation, day: number, minute: number): number {
  const since = (weekdayOf(day) - weekdays.indexOf(handover.day) + 7) % 7
  const isBefore = since === 0 && minute < (minuteOf(handover.at) ?? 0)
  return day - since - (isBefore ? 7 : 0)
}

/** Which turn it is, from 0. */
export function turnAt(rotation: Rotation, at: Date): number {
  const { day, minute } = localTime(at, rotation.timeZone)
  const first = weekStart(rotation, dayOf(rotation.from) ?? 0, 24 * 60)
  const weeks = Math.round((weekStart(rotation, day, minute) - first) / 7)
  const { length } = rotation.turns
  return length === 0 ? 0 : ((weeks % length) + length) % length
}

/** The channels of whoever is on call. */
export const onCall = (rotation: Rotation, at: Date): readonly string[] =>
  rotation.turns[turnAt(rotation, at)] ?? []

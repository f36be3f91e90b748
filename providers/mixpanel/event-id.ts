/** What makes an event the same event when it is read twice. */
import { createHash } from 'node:crypto'
import { numberIn, type Fields } from './answer.ts'

/** Seconds or milliseconds since 1970, as milliseconds: the export gives either (`time_in_ms`). */
export const milliseconds = (time: number): number => (Math.abs(time) < 1e11 ? time * 1000 : time)

/**
 * Mixpanel tells events apart by event, time, distinct_id and $insert_id, all four (docs: event-deduplication). Their
 * SHA-256, cut to 32 hex digits, is the external id: the four together may be longer than an id should be.
 */
export function eventId(event: unknown, properties: Fields): string {
  const time = numberIn(properties, 'time')
  const key = [
    event,
    time === undefined ? null : milliseconds(time),
    textOf(properties['distinct_id']),
    textOf(properties['$insert_id']),
  ]
  return createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32)
}

/** Older projects have numbers for ids; both forms are the same id. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''

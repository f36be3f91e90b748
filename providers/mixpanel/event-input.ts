/** Events as an action's input gives them, checked before anything is sent. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { timeOf } from '../../model/times.ts'
import { HubError, type FieldError } from '../../platform/errors.ts'
import { insertIdOf } from './action-input.ts'
import { bytesOf, type ImportEvent } from './import-events.ts'
import { milliseconds } from './event-id.ts'

/** Refused by Mixpanel as `distinct_id` and as `$insert_id` (docs: import-events). */
const forbiddenIds: ReadonlySet<string> = new Set([
  '00000000-0000-0000-0000-000000000000',
  'anon',
  'anonymous',
  'nil',
  'none',
  'null',
  'n/a',
  'na',
  'undefined',
  'unknown',
  '<nil>',
  '0',
  '-1',
  'true',
  'false',
  '[]',
  '{}',
])

const insertIdPattern = /^[A-Za-z0-9-]{1,36}$/
const earliest = Date.parse('1971-01-01T00:00:00Z')
/** Mixpanel refuses what is more than an hour ahead. */
const aheadMs = 3_600_000
const largestEvent = 1_000_000

/** One event, whichever words the input had for it. */
export interface EventInput {
  readonly name: JsonValue | undefined
  readonly time: JsonValue | undefined
  readonly profileId: JsonValue | undefined
  readonly deviceId?: JsonValue | undefined
  readonly userId?: JsonValue | undefined
  /** Made from the action's key where it is not given. */
  readonly insertId: string
  readonly ip?: JsonValue | undefined
  readonly properties: JsonValue | undefined
}

/** Words of an input's fields, for the pointers of what is wrong. */
export interface EventWords {
  readonly time: string
  readonly insertId: string
}

const momentOf = (time: JsonValue | undefined): number =>
  typeof time === 'number' ? milliseconds(time) : typeof time === 'string' ? timeOf(time) : Number.NaN

function problemsOf(event: EventInput, words: EventWords, now: Date): FieldError[] {
  const problems: FieldError[] = []
  const wrong = (field: string, detail: string) => problems.push({ pointer: `/${field}`, detail })
  if (typeof event.name !== 'string' || event.name === '') wrong('name', 'is missing')
  const moment = momentOf(event.time)
  if (Number.isNaN(moment)) wrong(words.time, 'is not a time')
  else if (moment < earliest) wrong(words.time, 'is before 1971, which Mixpanel refuses')
  else if (moment > now.getTime() + aheadMs)
    wrong(words.time, 'is more than an hour ahead, which Mixpanel refuses')
  if (typeof event.profileId === 'string' && forbiddenIds.has(event.profileId))
    wrong('profileId', 'is one of the values that Mixpanel refuses; leave it empty for nobody')
  if (!insertIdPattern.test(event.insertId) || forbiddenIds.has(event.insertId))
    wrong(words.insertId, 'must be 1 to 36 letters, digits or hyphens and no placeholder')
  return problems
}

/** `ip: 0`, or the event would be placed where the hub's server stands. */
function importEventOf(event: EventInput): ImportEvent {
  const given = isJsonObject(event.properties) ? event.properties : {}
  const optional: JsonObject = {}
  if (typeof event.deviceId === 'string') optional['$device_id'] = event.deviceId
  if (typeof event.userId === 'string') optional['$user_id'] = event.userId
  return {
    event: typeof event.name === 'string' ? event.name : '',
    properties: {
      ip: typeof event.ip === 'string' ? event.ip : 0,
      ...given,
      ...optional,
      time: Math.floor(momentOf(event.time)),
      distinct_id: typeof event.profileId === 'string' ? event.profileId : '',
      $insert_id: event.insertId,
    },
  }
}

/**
 * Events as `/import` takes them.
 * @throws HubError `InvalidInput` with a pointer for each field that Mixpanel would refuse: then nothing is sent.
 */
export function checkedEvents(
  events: readonly EventInput[],
  words: EventWords,
  now: Date,
): readonly ImportEvent[] {
  const problems: FieldError[] = []
  const checked = events.map((event, index) => {
    const found = problemsOf(event, words, now)
    const made = found.length === 0 ? importEventOf(event) : undefined
    if (made && bytesOf(made) >= largestEvent)
      found.push({ pointer: '', detail: 'is larger than 1 MB, which Mixpanel refuses' })
    problems.push(
      ...found.map(({ pointer, detail }) => ({ pointer: `/events/${String(index)}${pointer}`, detail })),
    )
    return made
  })
  if (problems.length > 0)
    throw new HubError('InvalidInput', 'Mixpanel would refuse some of the events; nothing was sent', {
      fields: problems.slice(0, 100),
    })
  return checked.filter((event) => event !== undefined)
}

/** The `$insert_id` of an event that was given none: the same at each repetition of the action. */
export const keyedInsertId = (idempotencyKey: string, index: number): string =>
  insertIdOf('action', idempotencyKey, String(index))

/** The `$insert_id` of a change of the hub: the same whoever sends it, and however often. */
export const changeInsertId = (changeId: string): string => insertIdOf('change', changeId)

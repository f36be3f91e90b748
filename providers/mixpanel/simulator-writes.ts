/** Writing: events by import and track, profiles and groups by updates. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import type { Scene } from './simulator-reads.ts'
import { propertiesOf } from './simulator-reads.ts'
import { day, identityOf, localTime, projectToken, wordOf } from './simulator-world.ts'

const forbidden = new Set([
  ...[
    '00000000-0000-0000-0000-000000000000',
    'anon',
    'anonymous',
    'nil',
    'none',
    'null',
    'n/a',
    'na',
    'undefined',
  ],
  ...['unknown', '<nil>', '0', '-1', 'true', 'false', '[]', '{}'],
])

interface Refusal {
  readonly field: string
  readonly message: string
}

/** Two ids, of a project whose token is given (identity.openapi.yaml). */
function mergeRefusalOf(properties: JsonObject): Refusal | undefined {
  const ids = properties['$distinct_ids']
  if (properties['token'] !== projectToken)
    return { field: 'properties.token', message: "'properties.token' is invalid" }
  return Array.isArray(ids) && ids.length === 2 && ids.every((id) => typeof id === 'string')
    ? undefined
    : { field: 'properties.$distinct_ids', message: "'properties.$distinct_ids' must be two ids" }
}

/** The first id stays; what the other did is its own from now on, and the other's profile is gone. */
function merge({ project }: Scene, properties: JsonObject): void {
  const [stays = '', goes = ''] = Array.isArray(properties['$distinct_ids'])
    ? properties['$distinct_ids'].map(wordOf)
    : []
  for (const [id, event] of [...project.tables.events]) {
    const given = propertiesOf(event)
    if (given['distinct_id'] !== goes) continue
    const moved = { ...given, distinct_id: stays }
    project.put('events', id, null)
    project.put('events', identityOf(wordOf(event['event']), moved), { ...event, properties: moved })
  }
  const profile = project.tables.profiles.get(goes)
  if (!profile) return
  const known = project.tables.profiles.get(stays)
  const $properties = { ...propertiesOf(profile), ...(known ? propertiesOf(known) : {}) }
  project.put('profiles', stays, { $distinct_id: stays, $properties })
  project.put('profiles', goes, null)
}

/** Why an event is refused by a strict import; undefined when it is taken. */
function refusalOf(event: JsonObject, nowMs: number): Refusal | undefined {
  const properties = isJsonObject(event['properties']) ? event['properties'] : undefined
  const say = (field: string, message: string): Refusal => ({ field, message })
  if (typeof event['event'] !== 'string' || event['event'] === '')
    return say('event', "'event' must be a string")
  if (!properties) return say('properties', "'properties' must be an object")
  if (event['event'] === '$merge') return mergeRefusalOf(properties)
  const { time, distinct_id: person, $insert_id: insertId } = properties
  if (typeof time !== 'number' || !Number.isInteger(time))
    return say(
      'properties.time',
      "'properties.time' is invalid: must be specified as seconds or milliseconds since epoch",
    )
  const ms = milliseconds(time)
  if (ms < Date.parse('1971-01-01T00:00:00Z') || ms > nowMs + 3_600_000)
    return say('properties.time', "'properties.time' is out of range")
  if (typeof person !== 'string' && typeof person !== 'number')
    return say('properties.distinct_id', "'properties.distinct_id' must be a string")
  if (forbidden.has(String(person).toLowerCase()))
    return say('properties.distinct_id', "'properties.distinct_id' is a disallowed value")
  if (
    typeof insertId !== 'string' ||
    !/^[A-Za-z0-9-]{1,36}$/.test(insertId) ||
    forbidden.has(insertId.toLowerCase())
  )
    return say(
      'properties.$insert_id',
      "'properties.$insert_id' is invalid: must be alphanumeric or dash, at most 36 bytes",
    )
  if (Object.keys(properties).length > 255) return say('properties', 'too many properties')
  return undefined
}

const milliseconds = (time: number): number => (Math.abs(time) < 1e11 ? time * 1000 : time)

/** Keeps an event; the same one again counts in its place, and the earlier one stays in the raw export. */
function keep(scene: Scene, event: JsonObject): void {
  const now = scene.now().getTime()
  const given = propertiesOf(event)
  const properties: JsonObject = {
    ...given,
    time: Math.min(milliseconds(Number(given['time'])), now),
    mp_processing_time_ms: now,
  }
  delete properties['token']
  const name = wordOf(event['event'])
  const id = identityOf(name, properties)
  const { project } = scene
  const earlier = project.tables.events.get(id)
  if (earlier) project.put('copies', `${id}#${project.changes()}`, earlier)
  project.put('events', id, { event: name, properties })
}

function itemsOf(request: SimulatorRequest): JsonObject[] | undefined {
  if (/ndjson/.test(request.headers['content-type'] ?? '')) {
    try {
      return request.text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => JSON.parse(line) as JsonObject)
    } catch {
      return undefined
    }
  }
  const form = /urlencoded/.test(request.headers['content-type'] ?? '')
    ? new URLSearchParams(request.text).get('data')
    : null
  const body: unknown = form === null ? request.body : parse(form)
  return Array.isArray(body) ? body.filter(isJsonObject) : isJsonObject(body) ? [body] : undefined
}

/** JSON, or base64 of it, as old SDKs send it. */
function parse(text: string): unknown {
  for (const candidate of [text, Buffer.from(text, 'base64').toString('utf8')]) {
    try {
      return JSON.parse(candidate) as unknown
    } catch {
      // The other form, then.
    }
  }
  return undefined
}

const refused = (status: number, error: string, more: JsonObject = {}): SimulatorReply => ({
  status,
  body: { code: status, error, status: status === 413 ? 'Request Entity Too Large' : 'Bad Request', ...more },
})

export function importEvents(scene: Scene, request: SimulatorRequest): SimulatorReply {
  if (request.text.length > 10_000_000) return refused(413, 'request exceeds max limit of 10485760 bytes')
  const events = itemsOf(request)
  if (!events) return refused(400, 'data, missing or empty')
  if (events.length > 2000) return refused(413, 'request exceeds max limit of 2000 events')
  const isStrict = request.query.get('strict') !== '0'
  const failed: JsonObject[] = []
  let imported = 0
  events.forEach((event, index) => {
    const refusal = refusalOf(event, scene.now().getTime())
    if (refusal) {
      const insertId = propertiesOf(event)['$insert_id'] ?? ''
      failed.push({ index, insert_id: insertId, ...refusal })
    } else {
      if (event['event'] === '$merge') merge(scene, propertiesOf(event))
      else keep(scene, event)
      imported++
    }
  })
  if (failed.length === 0 || !isStrict)
    return { status: 200, body: { code: 200, num_records_imported: imported, status: 'OK' } }
  return refused(400, 'some data points in the request failed validation', {
    failed_records: failed,
    num_records_imported: imported,
  })
}

/** Old and lenient: a wrong token is not told. */
export function track(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const events = itemsOf(request)
  const now = scene.now().getTime()
  const isGood =
    events !== undefined &&
    events.length > 0 &&
    events.every((event) => typeof event['event'] === 'string' && isJsonObject(event['properties']))
  if (isGood)
    for (const event of events) {
      const properties = propertiesOf(event)
      const time = Number(properties['time'] ?? now)
      const isOurs = properties['token'] === projectToken && milliseconds(time) > now - 5 * day
      if (isOurs)
        keep(scene, {
          ...event,
          properties: {
            $insert_id: `track-${scene.project.changes()}`,
            distinct_id: '',
            ...properties,
            time,
          },
        })
    }
  return said(request, isGood, 'data, missing or empty')
}

export function said(request: SimulatorRequest, isGood: boolean, error: string): SimulatorReply {
  if (request.query.get('verbose') === '1')
    return { status: 200, body: isGood ? { status: 1, error: null } : { status: 0, error } }
  return { status: 200, text: isGood ? '1' : '0' }
}

/** Updates of profiles (`$distinct_id`) or groups (`$group_key`, `$group_id`). */
export const update =
  (kind: 'profiles' | 'groups') =>
  (scene: Scene, request: SimulatorRequest): SimulatorReply => {
    const updates = itemsOf(request)
    if (!updates) return said(request, false, 'data, missing or empty')
    if (updates.length > 2000) return refused(413, 'request exceeds max limit of 2000 updates')
    const failed: JsonObject[] = []
    updates.forEach((one, index) => {
      const id = idOf(kind, one)
      if (one['$token'] !== projectToken)
        failed.push({ index, field: '$token', message: "'$token' is invalid" })
      else if (id === undefined)
        failed.push({
          index,
          field: kind === 'profiles' ? '$distinct_id' : '$group_id',
          message: 'is missing',
        })
      else apply(scene, kind, id, one)
    })
    if (failed.length === 0) return said(request, true, '')
    return request.query.get('strict') === '1'
      ? refused(400, 'some data points in the request failed validation', {
          failed_records: failed,
          num_good_events: updates.length - failed.length,
        })
      : said(request, failed.length < updates.length, 'some updates are invalid')
  }

function idOf(kind: 'profiles' | 'groups', one: JsonObject): string | undefined {
  const text = (value: JsonValue | undefined) =>
    typeof value === 'string' && value !== '' ? value : undefined
  if (kind === 'profiles') return text(one['$distinct_id'])
  const key = text(one['$group_key'])
  const id = text(one['$group_id'])
  return key === undefined || id === undefined ? undefined : `${key}/${id}`
}

function apply(scene: Scene, kind: 'profiles' | 'groups', id: string, one: JsonObject): void {
  const { project, now } = scene
  const known = project.tables[kind].get(id)
  if ('$delete' in one) return project.put(kind, id, null)
  const properties: JsonObject = { ...(known ? propertiesOf(known) : {}) }
  for (const [operation, given] of Object.entries(one)) change(properties, operation, given)
  const isVisit =
    one['$ignore_time'] !== true && ['$set', '$append', '$add'].some((operation) => operation in one)
  if (kind === 'profiles' && isVisit) properties['$last_seen'] = localTime(now().getTime())
  const named: JsonObject =
    kind === 'profiles'
      ? { $distinct_id: id }
      : { $group_key: id.split('/')[0] ?? '', $group_id: id.split('/')[1] ?? '' }
  project.put(kind, id, { ...named, $properties: properties })
}

const listOf = (value: JsonValue | undefined): JsonValue[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value]

function change(properties: JsonObject, operation: string, given: JsonValue): void {
  if (operation === '$unset') for (const name of listOf(given)) delete properties[wordOf(name)]
  if (!isJsonObject(given)) return
  for (const [name, value] of Object.entries(given)) {
    const known = properties[name]
    if (operation === '$set') properties[name] = value
    if (operation === '$set_once' && known === undefined) properties[name] = value
    if (operation === '$add') properties[name] = Number(known ?? 0) + Number(value)
    if (operation === '$append') properties[name] = [...listOf(known), value]
    if (operation === '$union') properties[name] = [...new Set([...listOf(known), ...listOf(value)])]
    if (operation === '$remove') properties[name] = listOf(known).filter((one) => one !== value)
  }
}

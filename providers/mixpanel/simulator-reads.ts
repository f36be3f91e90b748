/** Reading: raw export, profiles in pages, cohorts, saved funnels. */
import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { parseWhere } from './simulator-where.ts'
import { cohortRow, membersOf, type Objects, type Project } from './simulator-world.ts'

export interface Scene {
  readonly project: Project
  readonly now: () => Date
  /** Most rows of a page of profiles. */
  readonly pageSize: number
  /** Answers that are kept for a while, by session id. */
  readonly sessions: Map<string, readonly JsonObject[]>
  /** Who asks; nobody where the project token or nothing was given. */
  readonly account: JsonObject | undefined
}

export const queryError = (request: SimulatorRequest, error: string, status = 400): SimulatorReply => ({
  status,
  body: { request: request.path, error },
})

const isDay = (text: string | null): text is string => text !== null && /^\d{4}-\d\d-\d\d$/.test(text)

/** Days of a question; an error reply when they cannot be asked for. */
export function daysOf(
  scene: Scene,
  request: SimulatorRequest,
): { readonly from: number; readonly to: number } | SimulatorReply {
  const from = request.query.get('from_date')
  const to = request.query.get('to_date')
  if (!isDay(from) || !isDay(to)) return queryError(request, 'from_date and to_date must be YYYY-MM-DD')
  if (to > scene.now().toISOString().slice(0, 10))
    return queryError(request, 'to_date cannot be later than today')
  if (from > to) return queryError(request, 'from_date cannot be later than to_date')
  return { from: Date.parse(`${from}T00:00:00Z`), to: Date.parse(`${to}T00:00:00Z`) + 86_400_000 }
}

export const isReply = (value: object): value is SimulatorReply => 'status' in value

export const propertiesOf = (row: JsonObject): JsonObject =>
  isJsonObject(row['properties'])
    ? row['properties']
    : isJsonObject(row['$properties'])
      ? row['$properties']
      : {}

/** Events of some days that fit, in no promised order. */
export function eventsIn(scene: Scene, days: Days, where: Where): JsonObject[] {
  return fitting(scene.project.tables.events, days, where)
}

type Days = { readonly from: number; readonly to: number }
type Where = (properties: JsonObject) => boolean

const copiesIn = ({ project }: Scene, days: Days, where: Where): JsonObject[] =>
  fitting(project.tables.copies, days, where)

const fitting = (events: Objects, { from, to }: Days, where: Where): JsonObject[] =>
  [...events.values()].filter((event) => {
    const properties = propertiesOf(event)
    const time = Number(properties['time'])
    return time >= from && time < to && where(properties)
  })

/** "Value cannot be over 100000" (export.openapi.yaml). */
const mostExported = 100_000

export function exportEvents(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const { query } = request
  const days = daysOf(scene, request)
  if (isReply(days))
    return { status: 400, text: JSON.stringify(days.body), headers: { 'content-type': 'application/json' } }
  const where = parseWhere(query.get('where'))
  if (!where) return { status: 400, body: { error: 'unable to parse "where"', request: request.path } }
  const names = listIn(query.get('event'))
  const limit = Number(query.get('limit') ?? mostExported)
  if (!(limit <= mostExported))
    return { status: 400, body: { error: 'limit cannot be over 100000', request: request.path } }
  const inMs = query.get('time_in_ms') === 'true' || query.get('time_in_ms') === '1'
  const all = [...eventsIn(scene, days, where), ...copiesIn(scene, days, where)]
  const rows = all.filter((event) => names.length === 0 || names.includes(String(event['event'] as string)))
  const lines = rows.slice(0, limit).map((event) => JSON.stringify(inMs ? event : inSeconds(event)))
  return {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    text: lines.length === 0 ? '' : `${lines.join('\n')}\n`,
  }
}

const inSeconds = (event: JsonObject): JsonObject => {
  const properties = propertiesOf(event)
  return { ...event, properties: { ...properties, time: Number(properties['time']) / 1000 } }
}

/** `["a","b"]`, or one name. */
export function listIn(text: string | null): string[] {
  if (text === null || text === '') return []
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed.map(String) : [String(parsed)]
  } catch {
    return [text]
  }
}

/** A question is answered once and kept; its pages come from what was kept. */
export function engage(scene: Scene, request: SimulatorRequest): SimulatorReply {
  const form = new URLSearchParams(request.text)
  const page = Number(form.get('page') ?? 0)
  const session = form.get('session_id')
  if (session !== null) {
    const kept = scene.sessions.get(session)
    if (!kept) return queryError(request, 'request for page in uncached query for params')
    return pageOf(scene, session, kept, page)
  }
  const rows = answer(scene, form)
  if (rows === undefined) return queryError(request, 'unable to understand "where" or "filter_by_cohort"')
  const asked = `${String(scene.now().getTime())} ${request.text} ${scene.project.changes()}`
  const id = `${Math.floor(scene.now().getTime() / 1000)}-${createHash('sha256').update(asked).digest('hex').slice(0, 8)}`
  scene.sessions.set(id, rows)
  return pageOf(scene, id, rows, 0)
}

function pageOf(
  { pageSize }: Scene,
  session: string,
  rows: readonly JsonObject[],
  page: number,
): SimulatorReply {
  const results = rows.slice(page * pageSize, (page + 1) * pageSize)
  return {
    status: 200,
    body: { page, page_size: pageSize, session_id: session, status: 'ok', total: rows.length, results },
  }
}

function answer({ project }: Scene, form: URLSearchParams): JsonObject[] | undefined {
  const where = parseWhere(form.get('where'))
  const cohort = form.get('filter_by_cohort')
  if (!where) return undefined
  const one = form.get('distinct_id')
  const ids = one === null ? listIn(form.get('distinct_ids')) : [one]
  let chosen =
    ids.length > 0 || form.has('distinct_ids')
      ? ids.filter((id) => project.tables.profiles.has(id))
      : [...project.tables.profiles.keys()]
  if (cohort !== null) {
    const [, id] = /"id"\s*:\s*(\d+)/.exec(cohort) ?? []
    if (id === undefined || !project.tables.cohorts.has(id)) return undefined
    chosen = membersOf(project, id)
  }
  const wanted = listIn(form.get('output_properties'))
  return chosen
    .map((id) => project.tables.profiles.get(id) ?? {})
    .filter((profile) => where(propertiesOf(profile)))
    .map((profile) =>
      wanted.length === 0
        ? profile
        : {
            ...profile,
            $properties: Object.fromEntries(
              Object.entries(propertiesOf(profile)).filter(([name]) => wanted.includes(name)),
            ),
          },
    )
}

export const listCohorts = ({ project }: Scene): SimulatorReply => ({
  status: 200,
  body: [...project.tables.cohorts.values()].map((cohort) => cohortRow(project, cohort)),
})

export const listFunnels = ({ project }: Scene): SimulatorReply => ({
  status: 200,
  body: [...project.tables.funnels.values()],
})

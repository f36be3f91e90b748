/**
 * Raw events. The export has no pages, only days and a filter on time: a page here is a slice of time, whole days while they
 * hold little, halved when one holds more than a page may. Each run reads the last days again, for events that arrive late.
 */
import { isDate } from '../../model/times.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import type {
  FieldDescription,
  JsonLines,
  Page,
  Position,
  ProviderContext,
  Resource,
  Row,
  Settings,
} from '../contract.ts'
import { sizePointer } from '../http/body.ts'
import { fieldsIn, isFields, numberIn, protocolError, textIn } from './answer.ts'
import { projectId } from './call.ts'
import { describeProperties } from './describe.ts'
import { toDatePointer } from './errors.ts'
import { eventId, milliseconds } from './event-id.ts'
import { eventMapping } from './mapping.ts'
import { eventSchema } from './schemas.ts'
import { dayAt, daySeconds, dayStart, momentOf, today } from './times.ts'

/** A page holds fewer; the export's own limit is 100,000. */
const mostRows = 50_000
/** The next slice is twice as long after fewer rows, half as long after more. */
const fewRows = 5_000
const manyRows = 25_000
const longestSpan = 16 * daySeconds
const shortestSpan = 60

/** A slice of stored time, `to` not included; both in seconds. */
interface Slice {
  readonly from: number
  readonly to: number
}

const isWholeDays = ({ from, to }: Slice): boolean => from % daySeconds === 0 && to % daySeconds === 0

/** The filter that Airbyte's connector uses too; `$time` counts as the project keeps its times. */
const filterOf = ({ from, to }: Slice): string =>
  `properties["$time"]>=datetime(${String(from)}) and properties["$time"]<datetime(${String(to)})`

/** @throws HubError `Protocol` when the answer is larger than the transport takes. */
async function exportSlice(
  context: ProviderContext,
  slice: Slice,
  limit = mostRows,
): Promise<{ lines: JsonLines; readAt: Date }> {
  const response = await context.call({
    method: 'GET',
    base: 'export',
    path: '/export',
    query: {
      project_id: projectId(context.settings),
      from_date: dayAt(slice.from),
      to_date: dayAt(slice.to - 1),
      where: isWholeDays(slice) ? undefined : filterOf(slice),
      time_in_ms: true,
      limit,
    },
    headers: { accept: 'text/plain' },
    answer: 'lines',
    group: 'export',
  })
  return { lines: response.body as JsonLines, readAt: response.readAt }
}

/**
 * A slice, whole. An export that breaks off says so in its last line, under status 200 (`terminated early`): it is asked for
 * once more, then the slice has failed.
 */
async function readSlice(
  context: ProviderContext,
  slice: Slice,
): Promise<{ rows: readonly unknown[]; readAt: Date }> {
  const first = await exportSlice(context, slice)
  if (first.lines.rest.length === 0) return { rows: first.lines.rows, readAt: first.readAt }
  const { lines, readAt } = await exportSlice(context, slice)
  const [said] = lines.rest
  if (said === undefined) return { rows: lines.rows, readAt }
  if (/^\s*</.test(said)) throw protocolError('the export is a page of HTML')
  throw new HubError('Unavailable', 'Mixpanel broke off the export of events before its end', {
    internal: `export ${dayAt(slice.from)}: ${String(lines.rows.length)} rows and a line that is not JSON`,
  })
}

/** The rows of a slice; undefined when there are more than a page holds. */
async function readWhole(context: ProviderContext, slice: Slice) {
  try {
    const read = await readSlice(context, slice)
    return read.rows.length < mostRows ? read : undefined
  } catch (error) {
    if (hasField(error, 'Protocol', sizePointer)) return undefined
    throw error
  }
}

function hasField(error: unknown, code: 'Invalid' | 'Protocol', pointer: string): boolean {
  return isHubError(error, code) && error.fields.some((field) => field.pointer === pointer)
}

/** Half, on a whole day where there is one between. */
function halfOf(span: number): number {
  const half = span / 2
  return half > daySeconds
    ? Math.floor(half / daySeconds) * daySeconds
    : Math.max(shortestSpan, Math.floor(half))
}

function nextSpan(span: number, rows: number): number {
  if (rows < fewRows) return Math.min(longestSpan, span * 2)
  return rows > manyRows ? halfOf(span) : span
}

/** What the run reads up to: the end of the project's today, or of yesterday where Mixpanel says that today is not yet. */
async function readFrom(context: ProviderContext, from: number, span: number, end: number) {
  for (let tried = span; ;) {
    const slice = { from, to: Math.min(from + tried, end) }
    const read = await readWhole(context, slice)
    if (read) return { ...read, slice, span: tried }
    if (slice.to - slice.from <= shortestSpan)
      throw protocolError(`more than ${String(mostRows)} events in ${String(shortestSpan)} seconds`)
    tried = halfOf(slice.to - slice.from)
  }
}

function lookback(settings: Settings): number {
  const days = Number(settings['lookback_days'] || 5)
  return (Number.isInteger(days) && days >= 0 ? days : 5) * daySeconds
}

async function readPage(context: ProviderContext, position: Position): Promise<Page> {
  const { settings } = context
  const now = context.now()
  const from = numberIn(position, 'at') ?? startOf(settings, now)
  const span = numberIn(position, 'span') ?? daySeconds
  const lastDay = dayStart(today(settings, now))
  for (const end of [lastDay + daySeconds, lastDay]) {
    if (from >= end) break
    try {
      const read = await readFrom(context, from, span, end)
      return pageOf(settings, read, end)
    } catch (error) {
      if (!hasField(error, 'Invalid', toDatePointer) || end === lastDay) throw error
    }
  }
  return { rows: [], next: { at: Math.min(from, lastDay - lookback(settings)) }, done: true, readAt: now }
}

function pageOf(settings: Settings, read: Awaited<ReturnType<typeof readFrom>>, end: number): Page {
  const { rows, slice, span, readAt } = read
  const next = { at: slice.to, span: nextSpan(span, rows.length) }
  const done = slice.to >= end
  return {
    rows: latestOfEach(rows.map((row) => withDerived(row, settings))),
    next: done ? { ...next, at: end - daySeconds - lookback(settings) } : next,
    done,
    readAt,
  }
}

/** The export gives each import of an event; the last one counts (docs: event-deduplication). */
function latestOfEach(rows: readonly Row[]): Row[] {
  const latest = new Map<string, Row>()
  rows.forEach((row, index) => {
    const id = textIn(fieldsIn(row, 'derived'), 'id') ?? `unreadable ${String(index)}`
    const known = latest.get(id)
    if (!known || receivedAt(row) >= receivedAt(known)) latest.set(id, row)
  })
  return [...latest.values()]
}

const receivedAt = (row: Row): number => numberIn(fieldsIn(row, 'properties'), 'mp_processing_time_ms') ?? 0

function withDerived(row: unknown, settings: Settings): Row {
  if (!isFields(row)) return {}
  const properties = fieldsIn(row, 'properties')
  const time = numberIn(properties, 'time')
  const moment = time === undefined ? undefined : momentOf(milliseconds(time), settings)
  if (moment === undefined) return row
  return { ...row, derived: { id: eventId(row['event'], properties), occurred_at: moment } }
}

function startOf(settings: Settings, now: Date): number {
  const chosen = settings['start_date']
  if (chosen && isDate(chosen)) return dayStart(chosen)
  return dayStart(today(settings, now)) - 30 * daySeconds
}

/** Costs one export, besides the Lexicon. */
async function describe(context: ProviderContext): Promise<readonly FieldDescription[]> {
  const to = dayStart(today(context.settings, context.now()))
  const { lines } = await exportSlice(context, { from: to - daySeconds, to }, 1_000)
  const sample = lines.rows.map((row) => (isFields(row) ? fieldsIn(row, 'properties') : {}))
  return await describeProperties(context, 'event', 'properties', sample)
}

export const events: Resource = {
  name: 'events',
  title: 'Events',
  model: 'event',
  after: ['profiles'],
  incremental: true,
  // A read begins at a day, so what it did not see may well be there; erased people's events leave no trace.
  deletions: 'none',
  schema: eventSchema,
  volatile: [],
  start: ({ settings, now }) => ({ at: startOf(settings, now()) }),
  readPage,
  externalId: (row) =>
    textIn(fieldsIn(row, 'derived'), 'id') ?? eventId(row['event'], fieldsIn(row, 'properties')),
  updatedAt: (row) => {
    const received = receivedAt(row)
    return received > 0 && received < 8e15 ? new Date(received).toISOString() : undefined
  },
  mapping: eventMapping,
  describe,
}

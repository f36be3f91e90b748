/** Raw events: slices of time, late events, exports that break off, zones. */
import { applyMapping } from '../../model/mapping.ts'
import { action, ajv, now, readAll, resource, startStage, type Asked, type Stage } from './test-context.ts'

const events = resource('events')
const day = 86_400
const dayStart = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 1000

interface Stored {
  readonly time: number
  readonly id: string
  readonly received?: number
}
const lineOf = ({ time, id, received = 1 }: Stored): string =>
  JSON.stringify({
    event: 'App Open',
    properties: {
      time: time * 1000,
      distinct_id: 'user-1',
      $insert_id: id,
      mp_processing_time_ms: received,
    },
  })

/** The slice of an export request, in seconds. */
function sliceOf({ query }: Asked): { from: number; to: number } {
  const [, from, to] = /datetime\((\d+)\) and .*datetime\((\d+)\)/.exec(query['where'] ?? '') ?? []
  return from === undefined
    ? { from: dayStart(query['from_date'] ?? ''), to: dayStart(query['to_date'] ?? '') + day }
    : { from: Number(from), to: Number(to) }
}

/** Answers as the export would, from what is stored; no more than `limit` lines. */
const exporting =
  (stored: readonly Stored[]) =>
  (asked: Asked): { text: string } => {
    const { from, to } = sliceOf(asked)
    const found = stored.filter(({ time }) => time >= from && time < to)
    return { text: found.slice(0, Number(asked.query['limit'])).map(lineOf).join('\n') }
  }

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage.server.close())
const start = (settings = {}) => events.start({ settings, now: () => now })

describe('reading events', () => {
  it('reads the last 30 days up to today, in longer slices while they hold little', async () => {
    const stored = Array.from({ length: 31 }, (_, n) => ({
      time: dayStart('2026-10-24') + n * day + 5,
      id: `e${n}`,
    }))
    const { context, asked } = stage.open(exporting(stored))
    const { rows, next } = await readAll(events, context, start())
    expect(rows).toHaveLength(31)
    expect(asked.map(({ query }) => [query['from_date'], query['to_date']])).toEqual([
      ['2026-10-24', '2026-10-24'],
      ['2026-10-25', '2026-10-26'],
      ['2026-10-27', '2026-10-30'],
      ['2026-10-31', '2026-11-07'],
      ['2026-11-08', '2026-11-23'],
    ])
    expect(asked[0]).toMatchObject({
      host: 'https://data-eu.mixpanel.com',
      path: '/api/2.0/export',
      query: { project_id: '3000001', time_in_ms: 'true' },
    })
    expect(asked[0]?.query).not.toHaveProperty('where')
    expect(next).toMatchObject({ at: dayStart('2026-11-18') })
  })

  it('reads the look-back window again, so that an event of four days ago that came late is found', async () => {
    const stored: Stored[] = [{ time: dayStart('2026-11-20'), id: 'a' }]
    const { context } = stage.open(exporting(stored))
    const first = await readAll(events, context, start({ start_date: '2026-11-20' }))
    stored.push({ time: dayStart('2026-11-19') + 7, id: 'late' })
    const second = await readAll(events, context, first.next)
    expect(second.rows.map((row) => (row['properties'] as { $insert_id: string }).$insert_id)).toEqual([
      'a',
      'late',
    ])
    const own = stage.open(exporting(stored), { lookback_days: '0' })
    const none = await readAll(events, own.context, start())
    expect(none.next).toMatchObject({ at: dayStart('2026-11-23') })
  })

  it('halves a slice that holds more than a page, down to minutes, and loses nothing', async () => {
    const from = dayStart('2026-11-22')
    const stored = Array.from({ length: 120_000 }, (_, n) => ({
      time: from + Math.floor(n / 2),
      id: `e${n}`,
    }))
    const { context, asked } = stage.open(exporting(stored))
    const { rows, pages } = await readAll(events, context, { at: from, span: 2 * day })
    expect(new Set(rows.map(events.externalId)).size).toBe(120_000)
    expect(Math.max(...pages.map((page) => page.rows.length))).toBeLessThan(50_000)
    expect(asked[2]?.query['where']).toBe(
      `properties["$time"]>=datetime(${from}) and properties["$time"]<datetime(${from + day / 2})`,
    )
  }, 30_000)

  it('asks for half when the answer is larger than the transport takes', async () => {
    const huge = 'x'.repeat(33 * 1024 * 1024)
    const { context, asked } = stage.open((request) => {
      const { from, to } = sliceOf(request)
      return { text: to - from > 12 * 3600 ? `{"event":"${huge}"}` : lineOf({ time: from, id: `e${from}` }) }
    })
    const page = await events.readPage(context, { at: dayStart('2026-11-23') })
    expect(page.rows).toHaveLength(1)
    expect(asked).toHaveLength(2)
    expect(page).toMatchObject({ done: false, next: { at: dayStart('2026-11-23') + day / 2 } })
  })

  it('asks once more for an export that breaks off under status 200, then fails the slice', async () => {
    const good = lineOf({ time: dayStart('2026-11-23'), id: 'a' })
    const broken = { text: `${good}\nexport terminated early` }
    const once = stage.open((_asked, n) => (n === 0 ? broken : { text: good }))
    expect((await events.readPage(once.context, { at: dayStart('2026-11-23') })).rows).toHaveLength(1)
    const always = stage.open(() => broken)
    await expect(events.readPage(always.context, { at: dayStart('2026-11-23') })).rejects.toMatchObject({
      code: 'Unavailable',
    })
    expect(always.asked).toHaveLength(2)
  })

  it('stops at yesterday when Mixpanel says that its today has not come', async () => {
    const ahead = 'to_date cannot be later than today'
    const stored = [{ time: dayStart('2026-11-22'), id: 'a' }]
    const { context } = stage.open((asked) =>
      asked.query['to_date'] === '2026-11-23'
        ? { status: 400, body: { error: ahead, request: '/api/2.0/export' } }
        : exporting(stored)(asked),
    )
    const page = await events.readPage(context, { at: dayStart('2026-11-22'), span: 2 * day })
    expect(page).toMatchObject({ done: true, next: { at: dayStart('2026-11-17') } })
    expect(page.rows).toHaveLength(1)
  })

  it('never asks for a day that has not begun in the project’s zone', async () => {
    const { context, asked } = stage.open(exporting([]), { project_timezone: 'Pacific/Honolulu' })
    const early = { ...context, now: () => new Date('2026-11-23T03:00:00Z') }
    await readAll(events, early, { at: dayStart('2026-11-21'), span: 16 * day })
    expect(asked.map(({ query }) => query['to_date'])).toEqual(['2026-11-22'])
  })
})

describe('an event', () => {
  const line = { time: dayStart('2026-11-23') + 1, id: 'a', received: 5 }

  it('that was imported twice is one row, the later import', async () => {
    const { context } = stage.open(() => ({
      text: [lineOf({ ...line, received: 9 }), lineOf(line)].join('\n'),
    }))
    const { rows } = await events.readPage(context, { at: dayStart('2026-11-23') })
    expect(rows.map(events.updatedAt)).toEqual([new Date(9).toISOString()])
  })

  it('has one id whether its time is given in seconds or milliseconds', () => {
    const properties = { distinct_id: 'u', $insert_id: 'i' }
    const inSeconds = { event: 'e', properties: { ...properties, time: 1_764_000_000 } }
    const inMs = { event: 'e', properties: { ...properties, time: 1_764_000_000_000 } }
    expect(events.externalId(inSeconds)).toBe(events.externalId(inMs))
    expect(events.externalId({ ...inMs, event: 'f' })).not.toBe(events.externalId(inMs))
  })

  it('of a project made before 2023 has its time taken from the project’s zone', async () => {
    const { context } = stage.open(() => ({ text: lineOf(line) }), {
      created_before_2023: 'yes',
      project_timezone: 'America/New_York',
    })
    const page = await events.readPage(context, { at: dayStart('2026-11-23') })
    const [row = {}] = page.rows
    expect(ajv.compile(events.schema)(row)).toBe(true)
    const { mapped, problems } = applyMapping(events.mapping, row)
    expect(problems).toEqual([])
    expect(mapped).toMatchObject({
      id: events.externalId(row),
      name: 'App Open',
      occurredAt: '2026-11-23T05:00:01.000Z',
      profileId: 'user-1',
    })
  })

  it('comes back from the export as it was tracked', async () => {
    let stored: { event: string; properties: { time: number } }[] = []
    const { context } = stage.open((asked) => {
      if (asked.path === '/import') {
        stored = asked.body as typeof stored
        return { body: { code: 200, num_records_imported: stored.length, status: 'OK' } }
      }
      return { text: stored.map((event) => JSON.stringify(event)).join('\n') }
    })
    const input = {
      name: 'Deal Won',
      time: '2026-11-23T19:00:00Z',
      profileId: 'u1',
      properties: { Amount: 5 },
    }
    await action('track_event').run(context, input, 'key')
    const { rows } = await events.readPage(context, { at: dayStart('2026-11-23') })
    const { mapped } = applyMapping(events.mapping, rows[0] ?? {})
    expect(mapped).toMatchObject({
      name: 'Deal Won',
      occurredAt: '2026-11-23T19:00:00.000Z',
      properties: { Amount: 5 },
    })
  })
})

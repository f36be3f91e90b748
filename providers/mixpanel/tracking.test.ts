/** Sending events: checks before, batches, partial failure, one effect of two tries. */
import { action, startStage, type Answer, type Asked, type Stage } from './test-context.ts'

interface Sent {
  readonly event: string
  readonly properties: Readonly<Record<string, unknown>>
}
const sentIn = (asked: Asked): readonly Sent[] => asked.body as readonly Sent[]
const accepted = (asked: Asked): Answer => ({
  body: { code: 200, num_records_imported: sentIn(asked).length, status: 'OK' },
})

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage.server.close())

const event = (n: number, more = {}) => ({
  name: 'Order Completed',
  time: '2026-11-23T10:00:00Z',
  profileId: `user-${n}`,
  ...more,
})
const many = (count: number, more = {}) => ({
  events: Array.from({ length: count }, (_, n) => event(n, more)),
})

describe('tracking events', () => {
  it('sends them zipped to the region’s server, strictly, as the service account', async () => {
    const { context, asked } = stage.open(accepted)
    const done = await action('track_events').run(context, many(3), 'key')
    expect(done).toEqual({ imported: 3, failed: [] })
    expect(asked[0]).toMatchObject({
      method: 'POST',
      host: 'https://api-eu.mixpanel.com',
      path: '/import',
      query: { strict: '1', project_id: '3000001' },
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
    })
    const [first] = asked.map(sentIn)[0] ?? []
    expect(first?.properties).toMatchObject({ time: 1_795_428_000_000, distinct_id: 'user-0', ip: 0 })
    expect(first?.properties['$insert_id']).toMatch(/^[a-z0-9-]{36}$/)
  })

  it('gives an event the same $insert_id at each try, and another for each place and key', async () => {
    const { context, asked } = stage.open(accepted)
    for (const key of ['one', 'one', 'two']) await action('track_events').run(context, many(2), key)
    const ids = asked.map((request) => sentIn(request).map(({ properties }) => properties['$insert_id']))
    expect(ids[0]).toEqual(ids[1])
    expect(new Set(ids.flat()).size).toBe(4)
  })

  it('knows a change of the hub by its own id, whatever the action’s key', async () => {
    const { context, asked } = stage.open(accepted)
    const change = { name: 'deal.won', id: 'chg_1', occurredAt: '2026-11-23T10:00:00Z', profileId: 'u' }
    for (const key of ['one', 'two']) await action('track_changes').run(context, { events: [change] }, key)
    expect(asked[0]?.body).toEqual(asked[1]?.body)
  })

  it('sends no more than 2,000 events and 2 MB in a call', async () => {
    const { context, asked } = stage.open(accepted)
    await action('track_events').run(context, many(4_500), 'key')
    expect(asked.map((request) => sentIn(request).length)).toEqual([2000, 2000, 500])
    const large = stage.open(accepted)
    await action('track_events').run(
      large.context,
      many(6, { properties: { text: 'x'.repeat(600_000) } }),
      'k',
    )
    expect(large.asked.map((request) => sentIn(request).length)).toEqual([3, 3])
  })

  it('halves what Mixpanel calls too large, until it fits or is one event', async () => {
    const { context, asked } = stage.open((request) =>
      sentIn(request).length > 2 ||
      sentIn(request).some(({ properties }) => properties['distinct_id'] === 'user-4')
        ? { status: 413, body: { code: 413, error: 'request exceeds max limit', status: 'Too Large' } }
        : accepted(request),
    )
    const done = await action('track_events').run(context, many(5), 'key')
    expect(done).toMatchObject({ imported: 4, failed: [{ index: 4 }] })
    expect(asked.map((request) => sentIn(request).length)).toEqual([5, 3, 2, 1, 2, 1, 1])
  })

  it('tells which events were refused, by their place in the whole list, and keeps the rest', async () => {
    const { context } = stage.open((request, n) =>
      n === 0
        ? accepted(request)
        : {
            status: 400,
            body: {
              code: 400,
              error: 'some data points in the request failed validation',
              failed_records: [
                { index: 7, insert_id: 'x', field: 'properties.time', message: 'bad ana@example.com' },
              ],
              num_records_imported: 499,
              status: 'Bad Request',
            },
          },
    )
    expect(await action('track_events').run(context, many(2_500), 'key')).toEqual({
      imported: 2_499,
      failed: [{ index: 2_007, field: 'properties.time', message: 'bad [email]' }],
    })
  })

  it('does not believe a good answer that counts fewer events than were sent', async () => {
    const { context } = stage.open(() => ({ body: { status: 1 } }))
    await expect(action('track_events').run(context, many(1), 'k')).rejects.toMatchObject({
      code: 'Protocol',
    })
  })

  it.each([
    ['a distinct_id that Mixpanel refuses', { profileId: 'undefined' }, '/events/0/profileId'],
    ['a time that is none', { time: 'yesterday' }, '/events/0/time'],
    ['a time more than an hour ahead', { time: '2026-11-23T22:00:00Z' }, '/events/0/time'],
    ['a time before 1971', { time: '1970-06-01T00:00:00Z' }, '/events/0/time'],
    ['an $insert_id with other characters', { insertId: 'a_b' }, '/events/0/insertId'],
    ['an event of more than 1 MB', { properties: { a: 'x'.repeat(1_000_000) } }, '/events/0'],
  ])('refuses %s by its pointer before anything is sent', async (_what, more, pointer) => {
    const { context, asked } = stage.open(accepted)
    const input = { events: [event(0, more), event(1)] }
    const failing = action('track_events').run(context, input, 'key')
    await expect(failing).rejects.toMatchObject({ code: 'InvalidInput', fields: [{ pointer }] })
    expect(asked).toEqual([])
  })

  it('takes seconds, milliseconds and RFC 3339 for the same moment', async () => {
    const { context, asked } = stage.open(accepted)
    const times = [1_795_428_000, 1_795_428_000_000, '2026-11-23T12:00:00+02:00']
    await action('track_events').run(context, { events: times.map((time) => event(1, { time })) }, 'key')
    const [sent = []] = asked.map(sentIn)
    expect(sent.map(({ properties }) => properties['time'])).toEqual(times.map(() => 1_795_428_000_000))
  })

  it('notes an exposure under the names that Mixpanel looks for', async () => {
    const { context, asked } = stage.open(accepted)
    const input = { experiment: 'New checkout', variant: 'B', profileId: 'u', time: '2026-11-23T10:00:00Z' }
    await action('track_exposure').run(context, input, 'key')
    expect(asked.map(sentIn)[0]?.[0]).toMatchObject({
      event: '$experiment_started',
      properties: { 'Experiment name': 'New checkout', 'Variant name': 'B' },
    })
  })
})

/** Reading: the exports, the lists, comments and deletions. */
import fc from 'fast-check'
import type { Row } from '../contract.ts'
import { exportPageSize, readTimeExport, type TimeExport } from './paging.ts'
import { ajv, contextOf, liveTicket, now, nowSeconds, readAll, resource } from './test-context.ts'

describe('cursor exports', () => {
  it('begins at 0, follows the cursor and keeps it past the end of the stream', async () => {
    const { context, requests } = contextOf(({ query }) =>
      query?.['cursor'] === undefined
        ? { body: { tickets: [liveTicket], after_cursor: 'c1', end_of_stream: false } }
        : { body: { tickets: [], after_cursor: 'c2', end_of_stream: true } },
    )
    const { rows, position } = await readAll(
      resource('tickets'),
      context,
      resource('tickets').start({ settings: {}, now: () => now }),
    )
    expect(rows).toHaveLength(1)
    expect(position).toEqual({ cursor: 'c2' })
    expect(requests.map((request) => request.query)).toEqual([
      { cursor: undefined, start_time: 0, per_page: exportPageSize },
      { cursor: 'c1', start_time: undefined, per_page: exportPageSize },
    ])
  })

  it('keeps the old cursor when an empty end brings none', async () => {
    const { context } = contextOf(() => ({ body: { users: [], after_cursor: null, end_of_stream: true } }))
    const page = await resource('users').readPage(context, { cursor: 'c9' })
    expect(page).toMatchObject({ next: { cursor: 'c9' }, done: true })
  })

  it('fails rather than read the same page for ever', async () => {
    const { context } = contextOf(() => ({
      body: { tickets: [liveTicket], after_cursor: 'c1', end_of_stream: false },
    }))
    await expect(resource('tickets').readPage(context, { cursor: 'c1' })).rejects.toMatchObject({
      code: 'Protocol',
    })
  })

  it('fails on an answer without rows or end', async () => {
    for (const body of [{}, { tickets: [] }, 'text', undefined]) {
      const { context } = contextOf(() => ({ body }))
      await expect(resource('tickets').readPage(context, { startTime: 0 })).rejects.toMatchObject({
        code: 'Protocol',
      })
    }
  })

  it('never asks for the last minute, which Zendesk refuses', async () => {
    const { context, requests } = contextOf(() => ({
      body: { tickets: [], after_cursor: 'c', end_of_stream: true },
    }))
    await resource('tickets').readPage(context, { startTime: nowSeconds })
    expect(requests[0]?.query?.['start_time']).toBeLessThanOrEqual(nowSeconds - 60)
  })
})

describe('time-based exports', () => {
  const timeOf = (second: number) => new Date(second * 1000).toISOString()
  const items: TimeExport = {
    path: '/items',
    key: 'items',
    group: 'export',
    list: { path: '/list', group: 'support' },
    secondOf: (row) => Date.parse(String(row['updated_at'])) / 1000,
  }

  /** Zendesk's rule: rows from `start_time` on, by time, one page; `end_time` is the last row's second. */
  function service(rows: readonly Row[], pageSize: number) {
    return contextOf(({ path, query }) => {
      if (path === '/list') {
        const from = Number(query?.['page[after]'] ?? 0)
        const more = from + pageSize < rows.length
        return {
          body: {
            items: rows.slice(from, from + pageSize),
            meta: { has_more: more, after_cursor: String(from + pageSize) },
          },
        }
      }
      const left = rows.filter((row) => (items.secondOf(row) ?? 0) >= Number(query?.['start_time']))
      const page = left.slice(0, pageSize)
      const last = page.at(-1)
      const end = last === undefined ? null : items.secondOf(last)
      return {
        body: { items: page, end_time: end, end_of_stream: left.length <= pageSize, count: page.length },
      }
    })
  }

  it('reads every row and ends, however many share a second (property)', async () => {
    const times = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 1, max: 7 }), async (seconds, pageSize) => {
        const rows = [...seconds]
          .sort((a, b) => a - b)
          .map((second, id) => ({ id, updated_at: timeOf(second) }))
        const { context } = service(rows, pageSize)
        const read = await readAll({ readPage: (c, p) => readTimeExport(c, items, p) }, context, {
          startTime: 0,
        })
        expect(new Set(read.rows.map((row) => row['id'])).size).toBe(rows.length)
        // Nothing comes twice unless a second held more rows than a page.
        const crowded = rows.some(
          (row) => rows.filter((other) => other.updated_at === row.updated_at).length >= pageSize,
        )
        if (!crowded) expect(read.rows).toHaveLength(rows.length)
      }),
    )
  })

  it('goes on where it ended: an unchanged border row is left out, a changed one of the same second is not', async () => {
    const rows = [
      { id: 1, name: 'a', updated_at: timeOf(5) },
      { id: 2, name: 'b', updated_at: timeOf(9) },
    ]
    const first = await readAll(
      { readPage: (c, p) => readTimeExport(c, items, p) },
      service(rows, 10).context,
      { startTime: 0 },
    )
    const changed = [
      rows[0] ?? {},
      { id: 2, name: 'b, changed', updated_at: timeOf(9) },
      { id: 3, name: 'c', updated_at: timeOf(9) },
    ]
    const second = await readAll(
      { readPage: (c, p) => readTimeExport(c, items, p) },
      service(changed, 10).context,
      first.position,
    )
    expect(second.rows.map((row) => row['name'])).toEqual(['b, changed', 'c'])
    const third = await readAll(
      { readPage: (c, p) => readTimeExport(c, items, p) },
      service(changed, 10).context,
      second.position,
    )
    expect(third.rows).toEqual([])
  })

  it('fails clearly where a crowded second cannot be passed without loss', async () => {
    const { list: _, ...withoutList } = items
    const rows = [1, 2, 3].map((id) => ({ id, updated_at: timeOf(4) }))
    const read = readAll(
      { readPage: (c, p) => readTimeExport(c, withoutList, p) },
      service(rows, 2).context,
      { startTime: 0 },
    )
    await expect(read).rejects.toMatchObject({ code: 'Protocol' })
  })

  it('takes the time out of next_page and never follows the URL', async () => {
    const { context, requests } = contextOf(() => ({
      body: {
        organizations: [{ id: 1 }],
        next_page: 'https://evil.example/api?start_time=77',
        end_of_stream: true,
      },
    }))
    const page = await resource('organizations').readPage(context, { startTime: 0 })
    expect(page.next).toEqual({ startTime: 77 })
    expect(requests[0]?.path).toBe('/api/v2/incremental/organizations')
  })

  it('ends an empty article export whose end_time is null, and stays behind the last minute', async () => {
    const empty = contextOf(() => ({ body: { articles: [], end_time: null, next_page: null, count: 0 } }))
    expect(await resource('articles').readPage(empty.context, { startTime: 50 })).toMatchObject({
      done: true,
      next: { startTime: 50 },
    })
    const rows = [{ id: 1, updated_at: now.toISOString() }]
    const fresh = contextOf(() => ({ body: { articles: rows, end_time: nowSeconds, count: 1 } }))
    const read = await readAll(resource('articles'), fresh.context, { startTime: 0 })
    expect(read.rows).toEqual(rows)
    expect(read.position['startTime']).toBe(nowSeconds - 60)
    const again = await readAll(resource('articles'), fresh.context, read.position)
    expect(again.rows).toEqual([])
  })

  it('reads articles on past a short page, which Help Center makes by leaving out what the user may not see', async () => {
    const article = (id: number) => ({ id, updated_at: timeOf(id) })
    const { context } = contextOf(({ query }) => {
      const left = [1, 2, 3, 4, 5].filter((id) => id >= Number(query?.['start_time'])).slice(0, 2)
      return { body: { articles: left.map(article), end_time: left.at(-1) ?? null } }
    })
    const { rows } = await readAll(resource('articles'), context, { startTime: 0 })
    expect(rows.map((row) => row['id'])).toEqual([1, 2, 3, 4, 5])
  })
})

describe('comments', () => {
  const comment = {
    id: 910,
    event_type: 'Comment',
    type: 'Comment',
    author_id: 5,
    body: 'Hi',
    public: true,
    attachments: [],
  }

  it('come from the ticket events with ticket and time of their event', async () => {
    const { context, requests } = contextOf(() => ({
      body: {
        ticket_events: [
          {
            id: 1,
            ticket_id: 35436,
            timestamp: 1_700_000_000,
            child_events: [comment, { id: 2, event_type: 'Change', status: 'open' }],
          },
          { id: 3, ticket_id: 35436, timestamp: 1_700_000_001, child_events: null },
        ],
        end_time: 1_700_000_001,
        end_of_stream: true,
      },
    }))
    const page = await resource('comments').readPage(context, { startTime: 0 })
    expect(requests[0]).toMatchObject({
      path: '/api/v2/incremental/ticket_events',
      query: { include: 'comment_events' },
    })
    expect(page.rows).toEqual([{ ...comment, ticket_id: 35436, created_at: '2023-11-14T22:13:20.000Z' }])
    expect(ajv.validate(resource('comments').schema, page.rows[0])).toBe(true)
  })

  it('are read again when one was redacted, so that the removed text leaves the store', async () => {
    const { context } = contextOf(({ path, query }) => {
      if (path.endsWith('/ticket_events')) {
        const child_events = [{ id: 4, event_type: 'CommentRedactionEvent', comment_id: 910 }]
        return {
          body: {
            ticket_events: [{ id: 1, ticket_id: 8, timestamp: 5, child_events }],
            end_time: 5,
            end_of_stream: true,
          },
        }
      }
      const second = query?.['page[after]'] === 'x'
      return {
        body: {
          comments: [{ ...comment, id: second ? 911 : 910, body: '▇▇' }],
          meta: { has_more: !second, after_cursor: 'x' },
        },
      }
    })
    const page = await resource('comments').readPage(context, { startTime: 0 })
    expect(page.rows.map((row) => [row['id'], row['body'], row['ticket_id']])).toEqual([
      [910, '▇▇', 8],
      [911, '▇▇', 8],
    ])
  })
})

describe('deletions', () => {
  it('knows a deleted ticket, user and organization', () => {
    expect(resource('tickets').isDeleted?.({ id: 1, status: 'deleted' })).toBe(true)
    expect(resource('tickets').isDeleted?.(liveTicket)).toBe(false)
    expect(resource('users').isDeleted?.({ id: 1, active: false })).toBe(true)
    expect(resource('organizations').isDeleted?.({ id: 1, deleted_at: '2026-01-01T00:00:00Z' })).toBe(true)
    expect(resource('organizations').isDeleted?.({ id: 1, deleted_at: null })).toBe(false)
  })

  it('asks for sections one by one and reports the missing by leaving them out', async () => {
    const { context } = contextOf(({ path }) =>
      path.endsWith('/7') ? { body: { section: { id: 7, name: 'A', locale: 'en-us' } } } : undefined,
    )
    const answer = await resource('sections').getMany?.(context, ['7', '8'])
    expect(answer?.rows.map((row) => row['id'])).toEqual([7])
  })

  it('looks through the list before it asks for many articles one by one', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => String(index + 1))
    const { context, requests } = contextOf(({ path }) =>
      path.endsWith('/articles')
        ? {
            body: { articles: ids.slice(0, 28).map((id) => ({ id: Number(id) })), meta: { has_more: false } },
          }
        : path.endsWith('/29')
          ? { body: { article: { id: 29 } } }
          : undefined,
    )
    const answer = await resource('articles').getMany?.(context, ids)
    expect(answer?.rows).toHaveLength(29)
    expect(requests).toHaveLength(3)
  })

  it('treats a Help Center that is not set up as empty, a missing right as a failure', async () => {
    const gone = contextOf(() => undefined)
    expect(await resource('sections').readPage(gone.context, {})).toMatchObject({ rows: [], done: true })
    expect(await resource('articles').readPage(gone.context, { startTime: 3 })).toMatchObject({
      rows: [],
      done: true,
    })
    const refused = contextOf(() => ({ status: 403, body: { error: 'Forbidden' } }))
    await expect(resource('sections').readPage(refused.context, {})).rejects.toMatchObject({
      code: 'Forbidden',
    })
  })
})

/** What is special at QuickBooks: keyset reads, change data capture and its bounds, faults, statuses. */
import { applyMapping } from '../../model/mapping.ts'
import { HubError } from '../../platform/errors.ts'
import type { Page, Position } from '../contract.ts'
import {
  answerOf,
  fault,
  invoice,
  now,
  resource,
  startCompany,
  type Asked,
  type Company,
} from './test-context.ts'

let company: Company
beforeAll(async () => {
  company = await startCompany()
})
afterAll(() => company.close())

const invoices = resource('invoices')
const statementOf = ({ query }: Asked): string => query.get('query') ?? ''

async function failureOf(work: Promise<unknown>): Promise<HubError> {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof HubError) return error
  throw error
}

async function readToEnd(from: Position): Promise<Page[]> {
  const pages: Page[] = []
  for (let position = from; pages.length < 60; position = pages.at(-1)?.next ?? position) {
    pages.push(await invoices.readPage(company.open(), JSON.parse(JSON.stringify(position)) as Position))
    if (pages.at(-1)?.done) return pages
  }
  throw new Error('the read does not end')
}

const idsOf = (pages: readonly Page[]): string[] =>
  pages.flatMap(({ rows }) => rows.map((row) => String(row['Id'])))

/** A server with the query language's order, pages and bounds; `size`: rows of its longest answer. */
function serveQueries(
  table: readonly ReturnType<typeof invoice>[],
  size: number,
  before?: (n: number) => void,
) {
  let n = 0
  company.answer((asked) => {
    before?.(n++)
    const statement = statementOf(asked)
    const from = /LastUpdatedTime >= '([^']+)'/.exec(statement)?.[1]
    const start = Number(/startposition (\d+)/.exec(statement)?.[1] ?? 1)
    const time = (row: ReturnType<typeof invoice>) => Date.parse(row.MetaData.LastUpdatedTime)
    const rows = [...table]
      .filter((row) => from === undefined || time(row) >= Date.parse(from))
      .sort((a, b) => time(a) - time(b) || Number(a.Id) - Number(b.Id))
    return answerOf('Invoice', rows.slice(start - 1, start - 1 + size))
  })
}

const at = (second: number, token = '0') => ({
  SyncToken: token,
  MetaData: {
    CreateTime: '2026-11-01T00:00:00Z',
    LastUpdatedTime: new Date(Date.parse('2026-11-01T00:00:00Z') + second * 1000).toISOString(),
  },
})

describe('a whole read', () => {
  it('gives each object once, also when a moment holds more objects than an answer', async () => {
    const table = Array.from({ length: 230 }, (_, index) => invoice(index + 1, at(index < 150 ? 7 : index)))
    serveQueries(table, 40)
    const ids = idsOf(await readToEnd(invoices.start({ settings: {}, now: () => now })))
    expect(new Set(ids)).toEqual(new Set(table.map(({ Id }) => Id)))
  })

  it('loses nothing when objects change between its pages, within a crowded moment too', async () => {
    const table = Array.from({ length: 200 }, (_, index) => invoice(index + 1, at(index < 160 ? 7 : index)))
    serveQueries(table, 40, (n) => {
      // Thirty objects at once leave the moment that is being read.
      if (n === 3)
        for (let index = 0; index < 30; index++) table[index] = invoice(index + 1, at(5000 + index, '1'))
    })
    const pages = await readToEnd({})
    const last = new Map(
      pages.flatMap(({ rows }) => rows.map((row) => [String(row['Id']), row['SyncToken']] as const)),
    )
    expect(last.size).toBe(200)
    for (const { Id, SyncToken } of table) expect([Id, last.get(Id)]).toEqual([Id, SyncToken])
  })

  it('leaves off where changes are followed from: its own beginning by QuickBooks’ clock', async () => {
    serveQueries([invoice(1)], 40)
    const pages = await readToEnd({})
    expect(pages.at(-1)?.next).toEqual({ since: now.toISOString() })
  })

  it('asks for inactive ones of a list, and shows currency where the object names none', async () => {
    company.answer(() => answerOf('Item', []))
    await resource('items').readPage(company.open(), {})
    expect(company.asked.map(statementOf)[0]).toContain('where Active in (true,false)')
  })
})

interface Change {
  readonly at: number
  readonly row: Readonly<Record<string, unknown>>
}

/** Change data capture with its bound of 1,000 objects, and queries for what lives. */
function serveChanges(changes: readonly Change[]) {
  company.answer((asked) => {
    const time = now.toISOString()
    if (asked.path === '/query') {
      const from = Date.parse(/LastUpdatedTime >= '([^']+)'/.exec(statementOf(asked))?.[1] ?? '')
      const start = Number(/startposition (\d+)/.exec(statementOf(asked))?.[1] ?? 1)
      const rows = changes
        .filter((one) => one.at >= from && one.row['status'] === undefined)
        .sort((a, b) => a.at - b.at)
      return answerOf(
        'Invoice',
        rows.slice(start - 1, start + 999).map(({ row }) => row),
      )
    }
    const since = Date.parse(asked.query.get('changedSince') ?? '')
    const rows = changes.filter((one) => one.at >= since).slice(0, 1000)
    const part = { Invoice: rows.map(({ row }) => row), startPosition: 1, maxResults: rows.length }
    return { body: { CDCResponse: [{ QueryResponse: rows.length === 0 ? [{}] : [part] }], time } }
  })
}

const minutesAgo = (minutes: number): number => now.getTime() - minutes * 60_000
const deleted = (id: number, minutes: number): Change => ({
  at: minutesAgo(minutes),
  row: {
    Id: String(id),
    status: 'Deleted',
    MetaData: { LastUpdatedTime: new Date(minutesAgo(minutes)).toISOString() },
  },
})
const changed = (id: number, minutes: number): Change => ({
  at: minutesAgo(minutes),
  row: invoice(id, {
    MetaData: {
      CreateTime: '2026-11-01T00:00:00Z',
      LastUpdatedTime: new Date(minutesAgo(minutes)).toISOString(),
    },
  }),
})

describe('following changes', () => {
  it('takes changed objects and tombstones from one answer', async () => {
    serveChanges([changed(1, 30), deleted(2, 20)])
    const [page] = await readToEnd({ since: new Date(minutesAgo(60)).toISOString() })
    expect(page).toMatchObject({ deletedIds: ['2'], done: true, next: { since: now.toISOString() } })
    expect(idsOf(page ? [page] : [])).toEqual(['1'])
    expect(company.asked).toHaveLength(1)
    expect(company.asked[0]?.query.get('entities')).toBe('Invoice')
    // A little earlier than asked: an object may show late.
    expect(company.asked[0]?.query.get('changedSince')).toBe('2026-11-23T18:55:00Z')
  })

  it('halves the window while an answer is full, fills the gap by query, and asks for a full scan next time', async () => {
    const changes = [
      ...Array.from({ length: 2500 }, (_, index) => changed(index + 1, 55)),
      deleted(9001, 54),
      changed(7000, 3),
      deleted(9002, 2),
    ]
    serveChanges(changes)
    const pages = await readToEnd({ since: new Date(minutesAgo(60)).toISOString() })
    expect(new Set(idsOf(pages))).toEqual(
      new Set(changes.filter(({ row }) => !row['status']).map(({ row }) => row['Id'])),
    )
    expect(pages.flatMap(({ deletedIds }) => deletedIds ?? [])).toContain('9002')
    const since = company.asked
      .filter(({ path }) => path === '/cdc')
      .map(({ query }) => query.get('changedSince'))
    expect(since.length).toBeGreaterThan(1)
    expect([...since].sort()).toEqual(since)
    const end = pages.at(-1)?.next ?? {}
    expect(end).toEqual({ since: now.toISOString(), rescan: true })
    expect(invoices.canResume?.(end, now)).toBe(false)
  })

  it('cannot go on from a position older than the look-back of 30 days: everything is read as a full scan', () => {
    const since = (days: number): Position => ({
      since: new Date(now.getTime() - days * 86_400_000).toISOString(),
    })
    expect(invoices.canResume?.(since(29), now)).toBe(true)
    expect(invoices.canResume?.(since(30), now)).toBe(false)
    expect(invoices.canResume?.({ from: '2026-01-01T00:00:00Z', start: 1, border: [] }, now)).toBe(true)
  })

  it('reads all that lives when a run was paused beyond the look-back, and asks for a full scan next time', async () => {
    serveQueries([invoice(1), invoice(2)], 40)
    const pages = await readToEnd({ since: '2026-09-01T00:00:00.000Z' })
    expect(idsOf(pages).sort()).toEqual(['1', '2'])
    expect(company.asked.every(({ path }) => path === '/query')).toBe(true)
    expect(pages.at(-1)?.next).toMatchObject({ rescan: true })
  })
})

describe('faults', () => {
  it.each([
    ['5010', 'ValidationFault', 400, 'Conflict'],
    ['610', 'ValidationFault', 400, 'NotFound'],
    ['6240', 'ValidationFault', 400, 'Invalid'],
    ['2020', 'ValidationFault', 400, 'Invalid'],
    ['6000', 'ValidationFault', 400, 'Invalid'],
    ['3200', 'AuthenticationFault', 401, 'Unauthorized'],
    ['3100', 'AuthorizationFault', 403, 'Unauthorized'],
    ['6190', 'AuthorizationFault', 403, 'Forbidden'],
  ])('%s is %s', async (code, type, status, expected) => {
    company.answer(() => ({ status, body: fault(code, type) }))
    const failure = await failureOf(invoices.readPage(company.open(), {}))
    expect(failure.code).toBe(expected)
    expect(failure.internal).toContain('1-abc-def')
  })

  it('in an answer with status 200 are failures too', async () => {
    company.answer(() => ({ body: fault('6000') }))
    expect((await failureOf(invoices.readPage(company.open(), {}))).code).toBe('Invalid')
  })

  it('of throttling wait a minute; the month’s quota waits for the next month', async () => {
    const gateway = (message: string) => ({
      fault: { error: [{ message, code: '3001' }], type: 'THROTTLED' },
    })
    company.answer(() => ({
      status: 429,
      body: gateway('message=ThrottleExceeded; errorCode=003001; statusCode=429'),
    }))
    const throttled = await failureOf(invoices.readPage(company.open(), {}))
    expect([throttled.code, throttled.retryAt?.getTime()]).toEqual(['RateLimited', now.getTime() + 60_000])
    company.answer(() => ({ status: 429, body: gateway('CorePlus API call limit exceeded') }))
    const used = await failureOf(invoices.readPage(company.open(), {}))
    expect(used.code).toBe('QuotaExhausted')
    expect(used.retryAt?.getTime()).toBeGreaterThan(now.getTime() + 3_600_000)
  })
})

describe('statuses of an invoice', () => {
  it.each([
    ['void', { TotalAmt: 0, Balance: 0, PrivateNote: 'Voided' }],
    ['paid', { Balance: 0 }],
    ['overdue', { DueDate: '2026-10-30', Balance: 40 }],
    ['partlyPaid', { Balance: 40 }],
    ['open', {}],
    ['open', { DueDate: '2026-11-01' }],
  ])('%s is told by the row', async (status, more) => {
    company.answer(() => answerOf('Invoice', [invoice(1, more)]))
    const { rows } = await invoices.readPage(company.open(), {})
    expect(applyMapping(invoices.mapping, rows[0] ?? {}).mapped['status']).toBe(status)
  })
})

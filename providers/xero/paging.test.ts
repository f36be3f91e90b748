/** Pages of a list that changes while it is read, answered by a list that is sorted and cut as Xero's documentation says. */
import type { Page, Position } from '../contract.ts'
import { millisecondsOf } from './times.ts'
import {
  idOf,
  invoice,
  now,
  resource,
  startOrganisation,
  type Asked,
  type ScriptedOrganisation,
} from './test-context.ts'

let organisation: ScriptedOrganisation
beforeAll(async () => {
  organisation = await startOrganisation()
})
afterAll(() => organisation.close())

type Invoice = ReturnType<typeof invoice>
const invoices = resource('invoices')
const moment = now.getTime() - 3_600_000
const ms = (row: Invoice) => millisecondsOf(row.UpdatedDateUTC) ?? 0

/** Later than `If-Modified-Since`, by time and id, at most `most` a page. */
const listed = (rows: Map<string, Invoice>, most: number) => ({
  serve: ({ headers, query }: Asked) => {
    const since = headers['if-modified-since']
    const from = typeof since === 'string' ? Date.parse(`${since}Z`) : -Infinity
    const fitting = [...rows.values()]
      .filter((row) => ms(row) > from)
      .sort((a, b) => ms(a) - ms(b) || (a.InvoiceID < b.InvoiceID ? -1 : 1))
    const page = Number(query.get('page'))
    const pageSize = Math.min(Number(query.get('pageSize')), most)
    const pageCount = Math.ceil(fitting.length / pageSize)
    const pagination = { page, pageSize, pageCount, itemCount: fitting.length }
    return { body: { pagination, Invoices: fitting.slice((page - 1) * pageSize, page * pageSize) } }
  },
})

const tableOf = (rows: readonly Invoice[]) => new Map(rows.map((row) => [row.InvoiceID, row]))
const range = (count: number) => Array.from({ length: count }, (_none, index) => index + 1)

async function readAll(from: Position, between: (page: number) => void = () => undefined): Promise<Page[]> {
  const pages: Page[] = []
  for (let position = from; pages.length < 60; position = pages.at(-1)?.next ?? {}) {
    pages.push(await invoices.readPage(organisation.open(), JSON.parse(JSON.stringify(position)) as Position))
    if (pages.at(-1)?.done) return pages
    between(pages.length)
  }
  throw new Error('it does not end')
}
const idsIn = (pages: readonly Page[]) => new Set(pages.flatMap(({ rows }) => rows.map(invoices.externalId)))

it('reads more objects of one moment than a page holds, each of them', async () => {
  organisation.answer(listed(tableOf(range(130).map((number) => invoice(number, moment))), 40).serve)
  expect(idsIn(await readAll({})).size).toBe(130)
})

it('loses nothing when objects leave the moment that is being read: what moved up shows', async () => {
  const rows = tableOf(range(130).map((number) => invoice(number, moment)))
  organisation.answer(listed(rows, 40).serve)
  const pages = await readAll({}, (page) => {
    // Five of those that were read first move to the end, and the rest moves up by five.
    if (page === 2) for (const number of range(5)) rows.set(idOf(number), invoice(number, moment + 60_000))
  })
  expect(idsIn(pages).size).toBe(130)
  const newest = new Map(pages.flatMap((page) => page.rows).map((row) => [invoices.externalId(row), row]))
  expect(invoices.updatedAt(newest.get(idOf(3)) ?? {})).toBe(new Date(moment + 60_000).toISOString())
})

it('loses nothing when objects of earlier pages change while it reads', async () => {
  const rows = tableOf(range(200).map((number) => invoice(number, moment + number * 700)))
  organisation.answer(listed(rows, 40).serve)
  let changed = 0
  const pages = await readAll({}, (page) => {
    if (page > 8) return
    const number = ++changed
    rows.set(idOf(number), invoice(number, moment + 1_000_000 + number))
  })
  expect(idsIn(pages).size).toBe(200)
})

it('fails aloud when a page is not where it was asked for, rather than leave a gap', async () => {
  const rows = range(45).map((number) => invoice(number, moment))
  organisation.answer(({ query }) => {
    const page = Number(query.get('page'))
    // A server that takes no sizes but its own: the second page begins after rows that were never seen.
    const pageSize = page === 1 ? 20 : 30
    const pagination = { page, pageSize, pageCount: 2, itemCount: rows.length }
    return { body: { pagination, Invoices: rows.slice((page - 1) * pageSize).slice(0, pageSize) } }
  })
  await expect(readAll({})).rejects.toMatchObject({ code: 'Protocol' })
})

it('asks for all statuses, and goes back a minute and a second behind the end of the run before', async () => {
  organisation.answer(listed(tableOf([invoice(1, moment + 400)]), 40).serve)
  const [page] = await readAll({})
  expect(organisation.asked[0]?.headers['if-modified-since']).toBeUndefined()
  expect(organisation.asked[0]?.query.get('Statuses')).toContain('DELETED')
  await readAll(page?.next ?? {})
  expect(organisation.asked[1]?.headers['if-modified-since']).toBe('2026-11-24T08:58:59')
})

it('of an organisation without invoices begins again', async () => {
  organisation.answer(listed(new Map(), 40).serve)
  const pages = await readAll({})
  expect(pages).toHaveLength(1)
  organisation.answer(listed(tableOf([invoice(1, 0)]), 40).serve)
  expect(idsIn(await readAll(pages[0]?.next ?? {})).size).toBe(1)
})

it('has deleted drafts as tombstones, and voided invoices as objects', async () => {
  const rows = [invoice(1, moment, { Status: 'DELETED' }), invoice(2, moment, { Status: 'VOIDED' })]
  organisation.answer(listed(tableOf(rows), 40).serve)
  const [page] = await readAll({})
  expect(page?.rows.map((row) => invoices.isDeleted?.(row))).toEqual([true, false])
})

it('reads by ids forty at a time, leaves bills out and never asks for what is no id', async () => {
  organisation.answer(({ query }) => {
    const ids = (query.get('IDs') ?? '').split(',')
    const rows = ids.map((_id, index) => invoice(index, moment, index === 0 ? { Type: 'ACCPAY' } : {}))
    return { body: { pagination: {}, Invoices: rows } }
  })
  const ids = [...range(90).map(idOf), '../Contacts', '']
  const answer = await invoices.getMany?.(organisation.open(), ids)
  expect(organisation.asked.map(({ query }) => query.get('IDs')?.split(',').length)).toEqual([40, 40, 10])
  expect(answer?.rows).toHaveLength(87)
})

it('reads credit notes by their paths, and leaves out those that are not there', async () => {
  organisation.answer(({ path }) =>
    path.endsWith(idOf(2))
      ? { status: 404, body: 'The resource cannot be found' }
      : { body: { CreditNotes: [{ CreditNoteID: path.split('/').at(-1), Type: 'ACCRECCREDIT' }] } },
  )
  const notes = resource('credit_notes')
  const answer = await notes.getMany?.(organisation.open(), [1, 2, 3].map(idOf))
  expect(answer?.rows.map(notes.externalId)).toEqual([idOf(1), idOf(3)])
})

/** The endpoints under `/api.xro/2.0` that the simulator has. */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { createRouter, type Route, type SimulatorReply, type SimulatorRequest } from '../../sandbox/kit.ts'
import { isTable, tables, type Books, type Table } from './simulator-books.ts'
import type { Organisation } from './simulator-oauth.ts'
import { centsOf, changedFields, msOf, textOf, uuidOf } from './simulator-values.ts'

export interface Scene {
  readonly books: Books
  readonly organisation: Organisation
  readonly now: () => Date
  /** The most that any page holds. */
  readonly page: number
  /** Answers of writes by their key. */
  readonly answers: Map<string, JsonObject>
}

const enveloped = ({ now }: Scene, body: JsonObject): SimulatorReply => ({
  status: 200,
  body: {
    Id: uuidOf('answer', now().getTime()),
    Status: 'OK',
    ProviderName: 'Tieline',
    DateTimeUTC: `/Date(${now().getTime()})/`,
    ...body,
  },
})

const notFound: SimulatorReply = {
  status: 404,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  text: 'The resource you’re looking for cannot be found',
}

const refused = (number: number, type: string, message: string, more: JsonObject = {}): SimulatorReply => ({
  status: 400,
  body: { ErrorNumber: number, Type: type, Message: message, ...more },
})

type Test = (row: JsonObject) => boolean

/** `Type=="ACCREC" AND Status="PAID"`: equality of texts, joined by AND; undefined for anything else. */
function testOf(where: string | null): Test | undefined {
  if (where === null) return () => true
  const parts = where.split(/\s+AND\s+/i).map((part) => /^\s*(\w+)\s*={1,2}\s*"([^"]*)"\s*$/.exec(part))
  if (parts.includes(null)) return undefined
  return (row) =>
    parts.every((part) => textOf(row[part?.[1] ?? '']).toLowerCase() === (part?.[2] ?? '').toLowerCase())
}

const listOf = (query: URLSearchParams, name: string): string[] | undefined =>
  query
    .get(name)
    ?.split(',')
    .filter((one) => one !== '')

/** Lists without pages come without the lines of documents. */
const shortened = (row: JsonObject): JsonObject => ('LineItems' in row ? { ...row, LineItems: [] } : row)

function withoutHeavy(row: JsonObject): JsonObject {
  const { LineItems: _lines, Payments: _payments, HasAttachments: _has, ...rest } = row
  return rest
}

/** Which parameters a list takes besides `where`, `page` and `pageSize`: credit notes know no others. */
const hasIds = (table: Table): boolean => table !== 'CreditNotes'

function rowsOf(
  { books }: Scene,
  table: Table,
  { query, headers }: SimulatorRequest,
  test: Test,
): JsonObject[] {
  // Without a zone it is UTC.
  const header = headers['if-modified-since']
  const since =
    header === undefined
      ? -Infinity
      : Date.parse(/Z|[+-]\d{2}:\d{2}$|GMT/.test(header) ? header : `${header}Z`)
  const ids = hasIds(table) ? listOf(query, 'IDs') : undefined
  const statuses = table === 'Invoices' ? listOf(query, 'Statuses') : undefined
  const hidesArchived = table === 'Contacts' && query.get('includeArchived')?.toLowerCase() !== 'true'
  return books
    .all(table)
    .filter((row) => msOf(row['UpdatedDateUTC']) > since || Number.isNaN(since))
    .filter((row) => !ids || ids.includes(textOf(row[tables[table]])))
    .filter((row) => (statuses ? statuses.includes(textOf(row['Status'])) : true))
    .filter((row) => !hidesArchived || row['ContactStatus'] !== 'ARCHIVED')
    .filter(test)
}

const wholeOf = (text: string | null, otherwise: number): number =>
  text !== null && /^\d{1,9}$/.test(text) ? Number(text) : otherwise

function list(scene: Scene, request: SimulatorRequest, name: string): SimulatorReply {
  const { query } = request
  if (!isTable(name) || query.toString().length > 2048) return notFound
  const test = testOf(query.get('where'))
  if (!test) return refused(16, 'QueryParseException', 'The where clause cannot be read')
  const rows = rowsOf(scene, name, request, test)
  const isSummary = query.get('summaryOnly')?.toLowerCase() === 'true' && name !== 'CreditNotes'
  const isPaged = query.has('page') || isSummary || (name === 'Invoices' && query.has('Statuses'))
  if (!isPaged) return enveloped(scene, { [name]: rows.map(shortened) })
  const page = Math.max(1, wholeOf(query.get('page'), 1))
  const pageSize = Math.min(Math.max(1, wholeOf(query.get('pageSize'), 100)), scene.page)
  const some = rows.slice((page - 1) * pageSize, page * pageSize)
  return enveloped(scene, {
    pagination: { page, pageSize, pageCount: Math.ceil(rows.length / pageSize), itemCount: rows.length },
    [name]: isSummary ? some.map(withoutHeavy) : some,
  })
}

function read(scene: Scene, name: string, id: string): SimulatorReply {
  const row = isTable(name) ? scene.books.get(name, id) : undefined
  return row ? enveloped(scene, { [name]: [row] }) : notFound
}

/** What a status may become. */
const changes: Readonly<Record<string, readonly string[]>> = {
  DRAFT: ['SUBMITTED', 'AUTHORISED', 'DELETED'],
  SUBMITTED: ['DRAFT', 'AUTHORISED', 'DELETED'],
  AUTHORISED: ['VOIDED'],
}

const invalid = (row: JsonObject, message: string): SimulatorReply =>
  refused(10, 'ValidationException', 'A validation exception occurred', {
    Elements: [{ ...row, ValidationErrors: [{ Message: message }] }],
  })

function change(scene: Scene, request: SimulatorRequest, id: string): SimulatorReply {
  const row = scene.books.get('Invoices', id)
  if (!row) return notFound
  const key = request.headers['idempotency-key'] ?? ''
  const before = key === '' ? undefined : scene.answers.get(key)
  if (before) return { status: 200, body: before }
  const list = isJsonObject(request.body) ? request.body['Invoices'] : undefined
  const wish = Array.isArray(list) ? list[0] : request.body
  if (!isJsonObject(wish)) return refused(14, 'PostDataInvalidException', 'The JSON could not be read')
  const { Status: status, Reference: reference } = wish
  const isKnown =
    status === undefined ||
    status === row['Status'] ||
    (changes[textOf(row['Status'])] ?? []).includes(textOf(status))
  if (!isKnown) return invalid(row, 'Invoice not of valid status for modification')
  if (status === 'VOIDED' && centsOf(row['AmountPaid']) > 0)
    return invalid(row, 'This document cannot be edited as it has a payment or credit note allocated to it.')
  const after: JsonObject = {
    ...row,
    ...(status === undefined ? {} : { Status: status }),
    ...(reference === undefined ? {} : { Reference: reference }),
    ...(status === 'VOIDED' ? { AmountDue: 0 } : {}),
    ...changedFields(scene.now().getTime(), true),
  }
  scene.books.put('Invoices', after)
  const reply = enveloped(scene, { Invoices: [after] })
  if (key !== '' && isJsonObject(reply.body)) scene.answers.set(key, reply.body)
  return reply
}

const organisation = (scene: Scene): SimulatorReply =>
  enveloped(scene, {
    Organisations: [
      {
        Name: scene.organisation.name,
        LegalName: scene.organisation.name,
        PaysTax: true,
        Version: 'NZ',
        OrganisationType: 'COMPANY',
        BaseCurrency: 'NZD',
        CountryCode: 'NZ',
        IsDemoCompany: false,
        OrganisationStatus: 'ACTIVE',
        FinancialYearEndDay: 31,
        FinancialYearEndMonth: 3,
        Timezone: 'NEWZEALANDSTANDARDTIME',
        OrganisationID: scene.organisation.id,
        Class: 'PREMIUM',
      },
    ],
  })

const routes: readonly Route<Scene>[] = [
  ['GET', '/Organisation', organisation],
  ['GET', '/:table', (scene, request, [name = '']) => list(scene, request, name)],
  ['GET', '/:table/:key', (scene, _request, [name = '', id = '']) => read(scene, name, id)],
  ['POST', '/Invoices/:key', (scene, request, [id = '']) => change(scene, request, id)],
]
const route = createRouter(routes)

export const answerBooks = (scene: Scene, request: SimulatorRequest, path: string): SimulatorReply =>
  route(scene, request, path) ?? notFound

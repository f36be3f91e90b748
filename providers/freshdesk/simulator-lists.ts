/** Lists, single answers and refusals of the simulated help desk. */
import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { SimulatorReply, SimulatorRequest } from '../../sandbox/kit.ts'
import { isDeleted, textOf, type Table } from './simulator-desk.ts'

export const refused = (status: number, code: string, message: string): SimulatorReply => ({
  status,
  body: { code, message },
})

export const invalid = (field: string, message: string, code = 'invalid_value'): SimulatorReply => ({
  status: 400,
  body: { description: 'Validation failed', errors: [{ field, message, code }] },
})

/** Without a body. */
export const notFound: SimulatorReply = { status: 404, text: '' }

const wholeNumber = (text: string | null, fallback: number): number =>
  text === null ? fallback : /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Number.NaN

/** One page, with a `Link` to the next one. */
export function paged(
  rows: readonly JsonObject[],
  { query, path, origin }: SimulatorRequest,
  lastPage = Number.POSITIVE_INFINITY,
): SimulatorReply {
  const size = wholeNumber(query.get('per_page'), 30)
  const page = wholeNumber(query.get('page'), 1)
  if (Number.isNaN(size) || size > 100)
    return invalid('per_page', "It should be a Positive Integer less than or equal to '100'")
  if (Number.isNaN(page)) return invalid('page', 'It should be a Positive Integer')
  if (page > lastPage)
    return invalid(
      'page',
      `You cannot access tickets beyond the ${lastPage}th page. Please provide a smaller page number.`,
    )
  const found = rows.slice((page - 1) * size, page * size)
  if (page * size >= rows.length) return { status: 200, body: found }
  const next = new URLSearchParams(query)
  next.set('page', String(page + 1))
  return {
    status: 200,
    headers: { link: `<${origin ?? ''}${path}?${next.toString()}>; rel="next"` },
    body: found,
  }
}

export const one = (table: Table, id: string): SimulatorReply => {
  const object = table.get(id)
  return object ? { status: 200, body: object } : notFound
}

export const livingOf = (table: Table): JsonObject[] => [...table.values()].filter((row) => !isDeleted(row))

/** Objects that changed at or after a moment; undefined for a parameter that is no time. */
export function changedSince(
  rows: readonly JsonObject[],
  since: string | null,
): readonly JsonObject[] | undefined {
  if (since === null) return rows
  const from = Date.parse(since)
  if (Number.isNaN(from)) return undefined
  return rows.filter((row) => Date.parse(textOf(row['updated_at'])) >= from)
}

/** By a field, then by number. */
export function sorted(rows: readonly JsonObject[], field: string, isAscending: boolean): JsonObject[] {
  const rank = (value: JsonValue | undefined): string | number =>
    typeof value === 'number' ? value : textOf(value)
  const sign = isAscending ? 1 : -1
  return rows.toSorted((a, b) => {
    const [x, y] = [rank(a[field]), rank(b[field])]
    if (x !== y) return sign * (x < y ? -1 : 1)
    return sign * (Number(a['id']) - Number(b['id']))
  })
}

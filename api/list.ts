/** Lists: keyset pages behind opaque cursors. */
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { invalidInput } from './problem.ts'

export interface ListCall {
  readonly query: { readonly limit?: number; readonly cursor?: string; readonly after?: string }
  readonly url: URL
}

export const defaultLimit = 50

/** How many rows to ask the store for: one more than are shown tells whether there are more. */
export const rowsFor = ({ query }: ListCall): number => (query.limit ?? defaultLimit) + 1

type KeyTypes = Readonly<Record<string, 'string' | 'int' | 'bigint'>>
/** A position with exactly the keys that a list's order has. */
type Position<K extends KeyTypes> = { readonly [P in keyof K]: K[P] extends 'string' ? string : number }

/** The position in a cursor, or undefined when none was given. @throws InvalidInput for one that the hub did not make. */
export function positionOf<const K extends KeyTypes>(call: ListCall, keys: K): Position<K> | undefined {
  const name = call.query.after === undefined ? 'cursor' : 'after'
  const text = call.query[name]
  if (text === undefined) return undefined
  const position = parse(text)
  if (position && Object.entries(keys).every(([key, type]) => isOfType(position[key], type)))
    return position as Position<K>
  const detail = 'is not a cursor of this list; give the nextCursor of the answer before unchanged'
  throw invalidInput([{ in: 'query', pointer: `/${name}`, detail }])
}

/** What the columns take: Postgres has no NUL in a text, an int4 has 31 bits. */
function isOfType(value: JsonValue | undefined, type: KeyTypes[string]): boolean {
  if (type === 'string') return typeof value === 'string' && !value.includes('\0')
  const most = type === 'int' ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export const cursorOf = (position: JsonObject): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url')

export interface ListAnswer<Item> {
  readonly status: 200
  readonly body: { items: Item[]; nextCursor: string | null }
  readonly headers?: Readonly<Record<string, string>>
}

/** The answer to a list: `rows` as `rowsFor` asked for them, each shown as an item, the last one shown being the cursor. */
export function listAnswer<Row, Item>(
  call: ListCall,
  rows: readonly Row[],
  show: (row: Row) => Item,
  position: (row: Row) => JsonObject,
): ListAnswer<Item> {
  const shown = rows.slice(0, rowsFor(call) - 1)
  const last = shown.at(-1)
  const nextCursor = rows.length > shown.length && last !== undefined ? cursorOf(position(last)) : null
  const headers =
    nextCursor === null ? {} : { Link: `<${nextUrl(call.url, 'cursor', nextCursor)}>; rel="next"` }
  return { status: 200, body: { items: shown.map(show), nextCursor }, headers }
}

/** The same request for the next page, relative to the host. */
export function nextUrl(url: URL, parameter: 'cursor' | 'after', cursor: string): string {
  const next = new URL(url)
  next.searchParams.set(parameter, cursor)
  return `${next.pathname}${next.search}`
}

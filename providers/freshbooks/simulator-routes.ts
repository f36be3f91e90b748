/** The simulated API's endpoints: identity, accounting lists, callbacks. */
import { createHash } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { createRouter, type Handler, type Route, type SimulatorReply } from '../../sandbox/kit.ts'
import { accountId, businessId, isDeleted, kinds, stamp, textOf, type Kind } from './simulator-books.ts'
import { change, type Books } from './simulator-edits.ts'

export interface Callbacks {
  /** By number; null for one that was removed. */
  readonly all: Map<string, JsonObject | null>
  save(id: string, callback: JsonObject | null): void
}

export interface Scene {
  readonly books: Books
  readonly callbacks: Callbacks
  readonly now: Date
}
type Answer = Handler<Scene>

const ok = (result: JsonObject): SimulatorReply => ({ status: 200, body: { response: { result } } })

export const refused = (
  status: number,
  errno: number,
  message: string,
  field: string | null = null,
): SimulatorReply => ({
  status,
  body: { response: { errors: [{ errno, field, message, object: null, value: null }] } },
})

const one: Readonly<Record<Kind, string>> = {
  clients: 'client',
  invoices: 'invoice',
  payments: 'payment',
  expenses: 'expense',
}
const notFound = (kind: Kind): SimulatorReply =>
  refused(404, 1012, `${one[kind].replace(/^./, (letter) => letter.toUpperCase())} not found.`, 'id')

/** `per_page` above 100 is taken for 100, page 0 for 1; beyond the last page there is nothing. */
function paged(rows: readonly JsonObject[], key: string, query: URLSearchParams): SimulatorReply {
  const [size, page] = [Number(query.get('per_page') ?? 15), Number(query.get('page') ?? 1)]
  if (!Number.isInteger(size) || size < 1) return refused(422, 1013, 'per_page must be a number', 'per_page')
  if (!Number.isInteger(page) || page < 0) return refused(422, 1014, 'page must be a number', 'page')
  const [per, at] = [Math.min(100, size), Math.max(1, page)]
  return ok({
    [key]: rows.slice((at - 1) * per, at * per),
    page: at,
    pages: Math.max(1, Math.ceil(rows.length / per)),
    per_page: per,
    total: rows.length,
  })
}

/** Lines are shown to who asks for them. */
const shown = (row: JsonObject, query: URLSearchParams): JsonObject =>
  query.getAll('include[]').includes('lines')
    ? row
    : Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'lines'))

/** Changed on a day or later; lists leave deleted objects out. The newest ones come first. */
const list =
  (kind: Kind): Answer =>
  ({ books }, { query }) => {
    const since = query.get('search[updated_min]')
    if (since !== null && !/^\d{4}-\d{2}-\d{2}$/.test(since))
      return refused(422, 1033, 'updated_min must be a date', 'updated_min')
    const rows = [...books.tables[kind].values()]
      .filter((row) => !isDeleted(row) && (since === null || textOf(row['updated']).slice(0, 10) >= since))
      .reverse()
    return paged(
      rows.map((row) => shown(row, query)),
      kind,
      query,
    )
  }

const single =
  (kind: Kind): Answer =>
  ({ books }, { query }, [id = '']) => {
    const row = books.tables[kind].get(id)
    return row ? ok({ [one[kind]]: shown(row, query) }) : notFound(kind)
  }

const putInvoice: Answer = ({ books }, { body }, [id = '']) => {
  const row = books.tables.invoices.get(id)
  if (!row || isDeleted(row)) return notFound('invoices')
  const wish = isJsonObject(body) && isJsonObject(body['invoice']) ? body['invoice'] : {}
  if (wish['action_mark_as_sent'] !== true) return refused(422, 1004, 'Nothing to change', 'invoice')
  if (row['v3_status'] === 'draft') change(books, 'invoices', id, { v3_status: 'sent' })
  return ok({ invoice: books.tables.invoices.get(id) ?? row })
}

const me: Answer = () => ({
  status: 200,
  body: {
    response: {
      id: 1234,
      first_name: 'Olivia',
      last_name: 'Owner',
      email: 'owner@business.example',
      business_memberships: [
        {
          id: 111,
          role: 'owner',
          business: { id: businessId, name: 'Harbour Works', account_id: accountId, active: true },
        },
      ],
    },
  },
})

// ----------------------------------------------------------------------------------------- callbacks

const events = /^(client|invoice|payment|expense|estimate|time_entry)(\.(create|update|delete))?$/

/** What is posted to a callback's URL once; here it is told to whoever plays the provider. */
export const verifierOf = (id: string): string =>
  createHash('sha256').update(`verifier ${id}`).digest('base64url').slice(0, 33)

const living = ({ all }: Callbacks): JsonObject[] => [...all.values()].filter((found) => found !== null)

const postCallback: Answer = ({ callbacks, now }, { body }) => {
  const wish = isJsonObject(body) && isJsonObject(body['callback']) ? body['callback'] : {}
  const [event, uri] = [textOf(wish['event']), textOf(wish['uri'])]
  if (!events.test(event)) return refused(422, 1004, 'event is not known', 'event')
  if (!URL.canParse(uri)) return refused(422, 1004, 'uri is not valid', 'uri')
  const id = 2001 + callbacks.all.size
  const callback: JsonObject = {
    callbackid: id,
    event,
    uri,
    verified: false,
    updated_at: stamp(now.getTime()),
  }
  callbacks.save(String(id), callback)
  return ok({ callback })
}

const putCallback: Answer = ({ callbacks }, { body }, [id = '']) => {
  const known = callbacks.all.get(id)
  if (!known) return refused(404, 1012, 'Callback not found.', 'callbackid')
  const wish = isJsonObject(body) && isJsonObject(body['callback']) ? body['callback'] : {}
  if (wish['resend'] === true) return ok({ callback: known })
  if (wish['verifier'] !== verifierOf(id))
    return refused(422, 1004, 'The verifier does not match.', 'verifier')
  const callback = { ...known, verified: true }
  callbacks.save(id, callback)
  return ok({ callback })
}

const deleteCallback: Answer = ({ callbacks }, _request, [id = '']) => {
  if (!callbacks.all.get(id)) return refused(404, 1012, 'Callback not found.', 'callbackid')
  callbacks.save(id, null)
  return { status: 200, body: { response: {} } }
}

const accounting: Readonly<Record<Kind, string>> = {
  clients: '/users/clients',
  invoices: '/invoices/invoices',
  payments: '/payments/payments',
  expenses: '/expenses/expenses',
}
const account = `/accounting/account/${accountId}`
const callbacks = `/events/account/${accountId}/events/callbacks`

export const route = createRouter<Scene>([
  ['GET', '/auth/api/v1/users/me', me],
  ...kinds.flatMap((kind): Route<Scene>[] => [
    ['GET', `${account}${accounting[kind]}`, list(kind)],
    ['GET', `${account}${accounting[kind]}/:id`, single(kind)],
  ]),
  ['PUT', `${account}/invoices/invoices/:id`, putInvoice],
  ['GET', callbacks, (scene, { query }) => paged(living(scene.callbacks), 'callbacks', query)],
  ['POST', callbacks, postCallback],
  ['PUT', `${callbacks}/:id`, putCallback],
  ['DELETE', `${callbacks}/:id`, deleteCallback],
])

/**
 * Xero behind HTTP: sign-in with refresh tokens that change, organisations, limits, lists by page and change, edits. Written from
 * Xero's documentation and OpenAPI files, not from the connector, so that the two cannot share a misreading. All else stands
 * in `simulator-*.ts`.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import {
  createWindows,
  type Sample,
  type Simulator,
  type SimulatorOptions,
  type SimulatorReply,
  type SimulatorRequest,
  type Windows,
  type World,
} from '../../sandbox/kit.ts'
import { createBooks, defaultSize, isKind, writeHistory, type Books, type Sizes } from './simulator-books.ts'
import { createEditor } from './simulator-edits.ts'
import { createOAuthState, type Access } from './simulator-oauth-state.ts'
import { answerConnections, answerSignIn, app, bearerOf, type Organisation } from './simulator-oauth.ts'
import { answerBooks } from './simulator-routes.ts'
import { textOf } from './simulator-values.ts'

/** The organisation that the sample is connected to, and others to choose on the consent screen. */
const main: Organisation = { id: 'c2cc9b6e-9458-4c7d-93cc-f02b81b0594f', name: 'Harbour Lights Ltd' }
const organisations: readonly Organisation[] = [
  main,
  { id: 'aef86862-2015-4b6b-88bc-d89032cecc50', name: 'Second Street Bakery' },
]

const scope = 'offline_access accounting.contacts.read accounting.invoices accounting.settings.read'

const sample: Sample = {
  provider: 'xero',
  name: 'Xero sandbox',
  auth: 'oauth',
  settings: { tenant_id: main.id },
  secrets: {
    access_token: 'sandbox-xero-access-token-0123456789',
    refresh_token: 'sandbox-xero-refresh-token-0123456789',
    expires_at: '2999-01-01T00:00:00.000Z',
    refresh_expires_at: '2999-01-01T00:00:00.000Z',
    scope,
  },
  origins: ['https://api.xero.com', 'https://login.xero.com', 'https://identity.xero.com'],
}

const accessFault = (status: 401 | 403, detail: string): JsonObject => ({
  Type: null,
  Title: status === 401 ? 'Unauthorized' : 'Forbidden',
  Status: status,
  Detail: detail,
  Instance: '6489df60-8891-470e-9268-a9a43f5da71e',
  Extensions: {},
})

const defaultLimits = { minute: 60, day: 5000, app: 10_000 }

export const xeroSimulator: Simulator = {
  slug: 'xero',
  sample,
  app,
  defaultSize,
  refusals: {
    401: accessFault(401, 'AuthenticationUnsuccessful'),
    403: accessFault(403, 'AuthenticationUnsuccessful'),
  },
  createWorld,
}

const dayMs = 24 * 3_600_000

interface Counted {
  readonly headers: Readonly<Record<string, string>>
  /** The limit that is used up, and when to come again. */
  readonly over: { readonly problem: string; readonly seconds: number } | undefined
}

/** Each call counts towards three limits, also those that are refused later on. */
function count(windows: Windows, limits: Readonly<Record<string, number>>, tenant: string): Counted {
  const taken = [
    ['Minute', 'X-MinLimit-Remaining', windows.take(`minute ${tenant}`, limits['minute'] ?? 60)],
    ['Day', 'X-DayLimit-Remaining', windows.take(`day ${tenant}`, limits['day'] ?? 5000, dayMs)],
    ['AppMinute', 'X-AppMinLimit-Remaining', windows.take('app', limits['app'] ?? 10_000)],
  ] as const
  const over = taken.find(([, , window]) => window.isOver)
  return {
    headers: Object.fromEntries(taken.map(([, header, { remaining }]) => [header, String(remaining)])),
    over: over && { problem: over[0], seconds: over[2].resetSeconds },
  }
}

/** The scope that a path needs: any of these; writing needs the one without `.read`. */
function hasScope({ scope: granted }: Access, { method }: SimulatorRequest, path: string): boolean {
  const area = path.startsWith('/Contacts')
    ? 'contacts'
    : path.startsWith('/Organisation')
      ? 'settings'
      : 'invoices'
  const given = granted.split(' ')
  return (
    given.includes(`accounting.${area}`) || (method === 'GET' && given.includes(`accounting.${area}.read`))
  )
}

function openBooks(options: SimulatorOptions, organisation: Organisation, noteChange: () => void): Books {
  const isMain = organisation.id === main.id
  let isOpen = false
  const books = createBooks((entry) => {
    if (!isOpen) return
    noteChange()
    options.record({ organisation: organisation.id, ...entry })
  })
  const sizes: Sizes = { ...defaultSize, ...options.size }
  const small: Sizes = { contacts: 20, invoices: 40, bills: 10, credit_notes: 5 }
  writeHistory(books, {
    seed: isMain ? options.seed : options.seed + 1000,
    sizes: isMain ? sizes : small,
    epoch: options.epoch,
  })
  isOpen = true
  return books
}

function createWorld(options: SimulatorOptions): World {
  const { now } = options
  const limits: Record<string, number> = { ...defaultLimits, ...options.limits }
  const windows = createWindows(now)
  const held = new Map<string, Books>()
  const answers = new Map<string, JsonObject>()
  let changes = 0
  let reads = 0
  let { editEveryReads } = options
  const pairOf = (secrets: Readonly<Record<string, string>>) => ({
    access: secrets['access_token'] ?? '',
    refresh: secrets['refresh_token'] ?? '',
  })
  const state = createOAuthState({
    seed: options.seed,
    now,
    record: options.record,
    tenant: main.id,
    scope,
    first: pairOf(sample.secrets),
  })
  const signIn = { state, organisations }
  /** Made when they are first asked for: most runs of the sandbox look at other providers. */
  const booksOf = (organisation: Organisation): Books => {
    const known = held.get(organisation.id)
    if (known) return known
    const books = openBooks(options, organisation, () => changes++)
    held.set(organisation.id, books)
    return books
  }
  const editor = () => createEditor({ books: booksOf(main), seed: options.seed, now, changes: () => changes })

  function answerApi(request: SimulatorRequest): SimulatorReply {
    const access = bearerOf(request, state)
    if (!access) return { status: 401, body: accessFault(401, 'AuthenticationUnsuccessful') }
    if (/^\/connections/i.test(request.path)) return answerConnections(signIn, request)
    const [, path] = /^\/api\.xro\/2\.0(\/.+)$/.exec(request.path) ?? []
    if (path === undefined) return { status: 404 }
    const tenant = request.headers['xero-tenant-id']?.toLowerCase() ?? ''
    const organisation = organisations.find(({ id }) => id === tenant)
    const isLinked = state.links().some(({ tenantId }) => tenantId === tenant)
    if (!organisation || !isLinked)
      return { status: 403, body: accessFault(403, 'AuthenticationUnsuccessful') }
    const { headers, over } = count(windows, limits, tenant)
    if (over)
      return {
        status: 429,
        headers: { ...headers, 'X-Rate-Limit-Problem': over.problem, 'Retry-After': String(over.seconds) },
        text: '',
      }
    if (!hasScope(access, request, path))
      return { status: 401, headers, body: accessFault(401, 'AuthorizationUnsuccessful') }
    const page = Math.min(1000, limits['page'] ?? 1000)
    const reply = answerBooks(
      { books: booksOf(organisation), organisation, now, page, answers },
      request,
      path,
    )
    return { ...reply, headers: { ...headers, ...reply.headers } }
  }

  return {
    edit: (wish) => editor().edit(wish),
    editExactly: (edit) => editor().editExactly(edit),
    handle: (request) => {
      const isPage = request.method === 'GET' && request.query.has('page')
      if (isPage && editEveryReads > 0 && ++reads % editEveryReads === 0) editor().editSomething()
      return answerSignIn(signIn, request) ?? answerApi(request)
    },
    state: (resource) => (isKind(resource) ? Object.fromEntries(booksOf(main).living(resource)) : {}),
    settle: () => void (editEveryReads = 0),
    setSecrets: (next) => state.reset(pairOf({ ...sample.secrets, ...next })),
    setLimits: (next) => void Object.assign(limits, next),
    replay: (entry: JsonValue) => {
      if (!isJsonObject(entry)) return
      if ('oauth' in entry) return state.restore(entry)
      const organisation = organisations.find(({ id }) => id === textOf(entry['organisation']))
      if (!organisation) return
      changes++
      booksOf(organisation).restore(entry)
    },
  }
}

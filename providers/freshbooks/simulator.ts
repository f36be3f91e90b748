/**
 * A FreshBooks business behind HTTP: sign-in with refresh tokens that work once, lists counted in pages, times by the clocks of the American
 * east coast, callbacks with verifiers. Written from FreshBooks' documentation and its own clients, not from the connector, so that the
 * two cannot share a misreading. All else stands in `simulator-*.ts`.
 */
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import {
  createWindows,
  type Sample,
  type Simulator,
  type SimulatorOptions,
  type SimulatorReply,
  type SimulatorRequest,
  type World,
} from '../../sandbox/kit.ts'
import {
  accountId,
  businessId,
  createTables,
  defaultSize,
  isDeleted,
  isKind,
  textOf,
} from './simulator-books.ts'
import { createEditor, type Books } from './simulator-edits.ts'
import { app, createSignIn } from './simulator-oauth.ts'
import { refused, route, type Callbacks } from './simulator-routes.ts'

const sample: Sample = {
  provider: 'freshbooks',
  name: 'FreshBooks sandbox',
  auth: 'oauth',
  settings: { account_id: accountId, business_id: String(businessId) },
  secrets: {
    access_token: 'sandbox-freshbooks-access-token-0123456789',
    refresh_token: 'sandbox-freshbooks-refresh-token-0123456789',
    expires_at: '2999-01-01T00:00:00.000Z',
  },
  origins: ['https://api.freshbooks.com', 'https://auth.freshbooks.com'],
}

const refusals = {
  429: { message: 'Too many requests', code: 429 },
  500: { message: 'Internal server error', code: 500 },
  503: { message: 'Service unavailable', code: 503 },
}

export const freshbooksSimulator: Simulator = {
  slug: 'freshbooks',
  sample,
  app,
  defaultSize,
  refusals,
  createWorld,
}

const pages = /\/(clients|invoices|payments|expenses)$/

function createWorld(options: SimulatorOptions): World {
  const { seed, now } = options
  const limits: Record<string, number> = { account: 600, ...options.limits }
  const windows = createWindows(now)
  const tables = createTables(seed, { ...defaultSize, ...options.size }, options.epoch.getTime())
  let changes = 0
  const keep: Books['save'] = (kind, id, object) => {
    changes++
    tables[kind].set(id, object)
  }
  const books: Books = {
    tables,
    seed,
    now,
    changes: () => changes,
    save: (kind, id, object) => {
      keep(kind, id, object)
      options.record({ kind, id, object })
    },
  }
  const editor = createEditor(books)
  const callbacks: Callbacks = {
    all: new Map(),
    save: (id, callback) => {
      callbacks.all.set(id, callback)
      options.record({ callbackid: id, callback })
    },
  }
  const pairOf = (secrets: Readonly<Record<string, string>>) => ({
    access: secrets['access_token'] ?? '',
    refresh: secrets['refresh_token'] ?? '',
  })
  const signIn = createSignIn({ seed, now, record: options.record, first: pairOf(sample.secrets) })
  let { editEveryReads } = options
  let reads = 0

  const answerApi = (request: SimulatorRequest): SimulatorReply => {
    const [, bearer = ''] = /^Bearer (.+)$/i.exec(request.headers['authorization'] ?? '') ?? []
    if (!signIn.accepts(bearer))
      return {
        status: 401,
        body: { error: 'unauthenticated', error_description: 'This action requires authentication.' },
      }
    const isPage = request.method === 'GET' && pages.test(request.path)
    if (isPage && editEveryReads > 0 && ++reads % editEveryReads === 0) editor.editSomething()
    const found = route({ books, callbacks, now: now() }, request, request.path)
    return found ?? refused(404, 1012, 'Resource not found.')
  }

  return {
    edit: editor.edit,
    editExactly: editor.editExactly,
    handle: (request) => {
      const signedIn = signIn.answer(request)
      if (signedIn) return signedIn
      const window = windows.take('account', limits['account'] ?? 0)
      if (window.isOver)
        return {
          status: 429,
          headers: { 'retry-after': String(window.resetSeconds) },
          body: refusals[429],
        }
      return answerApi(request)
    },
    state: (resource) =>
      isKind(resource)
        ? Object.fromEntries([...tables[resource]].filter(([, object]) => !isDeleted(object)))
        : {},
    settle: () => void (editEveryReads = 0),
    setSecrets: (next) => signIn.reset(pairOf({ ...sample.secrets, ...next })),
    setLimits: (next) => void Object.assign(limits, next),
    replay: (entry) => {
      if (!isJsonObject(entry)) return
      const { kind, id, object, callbackid, callback } = entry
      const name = textOf(kind)
      if ('oauth' in entry) signIn.restore(entry)
      else if (callbackid !== undefined) callbacks.all.set(textOf(callbackid), objectOrNull(callback))
      else if (isKind(name) && isJsonObject(object)) keep(name, textOf(id), object)
    },
  }
}

const objectOrNull = (value: unknown): JsonObject | null => (isJsonObject(value) ? value : null)

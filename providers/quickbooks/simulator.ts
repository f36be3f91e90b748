/**
 * A QuickBooks Online company behind HTTP: sign-in, limits, queries, change data capture, batches, writes by the rules of
 * book-keeping, reports. Written from Intuit's documentation and the public SDKs' issues, not from the connector, so that the
 * two cannot share a misreading. All else stands in `simulator-*.ts`.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import {
  createWindows,
  type Sample,
  type Simulator,
  type SimulatorOptions,
  type SimulatorReply,
  type World,
} from '../../sandbox/kit.ts'
import { answer, type Door } from './simulator-answer.ts'
import { createBooks, type Books, type Change } from './simulator-books.ts'
import { createEditor, type Editor } from './simulator-edits.ts'
import { entityOfResource, isEntity } from './simulator-entities.ts'
import { refusals } from './simulator-faults.ts'
import { defaultSize, writeHistory, type Sizes } from './simulator-history.ts'
import { createOAuthState } from './simulator-oauth-state.ts'
import { accountingScope, app, type Company } from './simulator-oauth.ts'
import type { Scene } from './simulator-scene.ts'
import { lastUpdated, textOf, wholeSecond } from './simulator-values.ts'

/** The company that the sample is connected to, and another one to choose on the consent screen. */
const main: Company = { realm: '4620816365001234567', name: 'Tieline Sandbox Co.' }
const companies: readonly Company[] = [main, { realm: '4620816365007654321', name: 'Second Street Bakery' }]

const sample: Sample = {
  provider: 'quickbooks',
  name: 'QuickBooks sandbox',
  auth: 'oauth',
  settings: { realm_id: main.realm, environment: 'production' },
  secrets: {
    access_token: 'sandbox-quickbooks-access-token-0123456789',
    refresh_token: 'sandbox-quickbooks-refresh-token-0123456789',
    expires_at: '2999-01-01T00:00:00.000Z',
    refresh_expires_at: '2999-01-01T00:00:00.000Z',
    scope: accountingScope,
  },
  origins: [
    'https://quickbooks.api.intuit.com',
    'https://sandbox-quickbooks.api.intuit.com',
    'https://oauth.platform.intuit.com',
    'https://appcenter.intuit.com',
    'https://developer.api.intuit.com',
    'https://accounts.platform.intuit.com',
  ],
}

const defaultLimits = { minute: 500, second: 10, batch: 40 }

export const quickbooksSimulator: Simulator = {
  slug: 'quickbooks',
  sample,
  app,
  defaultSize,
  refusals,
  createWorld,
}

/** A company at work. */
interface Office {
  readonly company: Company
  readonly books: Books
  readonly editor: Editor
  tick(): number
}

function createWorld(options: SimulatorOptions): World {
  const { now } = options
  const limits: Record<string, number> = { ...defaultLimits, ...options.limits }
  const windows = createWindows(now)
  const offices = new Map<string, Office>()
  const answers = new Map<string, SimulatorReply>()
  let calls = 0
  let reads = 0
  let { editEveryReads } = options
  const secretsOf = (secrets: Readonly<Record<string, string>>) => ({
    access: secrets['access_token'] ?? '',
    refresh: secrets['refresh_token'] ?? '',
  })
  const state = createOAuthState({
    seed: options.seed,
    now,
    record: options.record,
    realm: main.realm,
    scope: accountingScope,
    first: secretsOf(sample.secrets),
  })
  /** Made when it is first asked for: most runs of the sandbox look at other providers. */
  const officeOf = (realm: string): Office | undefined => {
    const known = offices.get(realm)
    const company = companies.find((one) => one.realm === realm)
    if (known || !company) return known
    const office = openOffice(company, options)
    offices.set(realm, office)
    return office
  }
  const mainOffice = (): Office => officeOf(main.realm) ?? openOffice(main, options)
  const scene = (realm: string): Scene | undefined => {
    const office = officeOf(realm)
    if (!office) return undefined
    const { books, company, tick } = office
    return {
      books,
      realm,
      company: company.name,
      began: options.epoch,
      now,
      tick,
      page: Math.min(1000, limits['page'] ?? 1000),
      changes: Math.min(1000, limits['changes'] ?? 1000),
    }
  }
  const door: Door = {
    windows,
    limits,
    signIn: { state, companies, now },
    now,
    scene,
    answered: (key) => answers.get(key),
    keepAnswer: (key, reply) => {
      answers.set(key, reply)
      options.record({ requestid: key, reply: { status: reply.status, body: reply.body ?? null } })
    },
    count: () => ++calls,
  }

  return {
    edit: (wish) => mainOffice().editor.edit(wish),
    editExactly: (edit) => mainOffice().editor.editExactly(edit),
    handle: (request) => {
      const isPage = request.method === 'GET' && /\/(query|cdc)$/.test(request.path)
      if (isPage && editEveryReads > 0 && ++reads % editEveryReads === 0) mainOffice().editor.editSomething()
      return answer(door, request)
    },
    state: (resource) => {
      const entity = entityOfResource(resource)
      const rows = entity === undefined ? [] : mainOffice().books.allShown(entity)
      return Object.fromEntries(rows.map((row) => [textOf(row['Id']), row]))
    },
    settle: () => void (editEveryReads = 0),
    setSecrets: (next) => state.reset(secretsOf({ ...sample.secrets, ...next })),
    setLimits: (next) => void Object.assign(limits, next),
    replay: (entry) => {
      if (!isJsonObject(entry)) return
      if ('oauth' in entry) state.restore(entry)
      else if (isJsonObject(entry['reply']))
        answers.set(textOf(entry['requestid']), {
          status: Number(entry['reply']['status']),
          body: entry['reply']['body'] ?? null,
        })
      else restore(officeOf(textOf(entry['realm']))?.books, entry)
    },
  }
}

/** Opens the books of a company: its history from the seed, then told of every change. */
function openOffice(company: Company, options: SimulatorOptions): Office {
  let isOpen = false
  let changes = 0
  let last = 0
  const books: Books = createBooks((change) => {
    if (!isOpen) return
    changes++
    options.record(toEntry(company.realm, change))
  })
  const isMain = company.realm === main.realm
  const sizes: Sizes = { ...defaultSize, ...options.size }
  writeHistory(books, {
    seed: isMain ? options.seed : options.seed + 1000,
    sizes: isMain ? sizes : smaller(sizes),
    epoch: options.epoch,
  })
  isOpen = true
  const tick = (): number => (last = Math.max(last, wholeSecond(options.now().getTime())))
  const noting: Books = {
    ...books,
    restore: (change) => {
      changes++
      last = Math.max(last, 'object' in change ? lastUpdated(change.object) : change.removed.at)
      books.restore(change)
    },
  }
  const editor = createEditor({ books: noting, seed: options.seed, tick, changes: () => changes })
  return { company, books: noting, editor, tick }
}

const smaller = (sizes: Sizes): Sizes => ({
  ...sizes,
  customers: 30,
  invoices: 90,
  payments: 60,
  deposits: 12,
})

const toEntry = (realm: string, change: Change): JsonObject =>
  'object' in change
    ? { realm, entity: change.entity, object: change.object }
    : { realm, entity: change.entity, removed: { ...change.removed } }

function restore(books: Books | undefined, entry: Readonly<Record<string, JsonValue>>): void {
  const { entity, object, removed } = entry
  const name = textOf(entity)
  if (!books || !isEntity(name)) return
  if (isJsonObject(object)) books.restore({ entity: name, object })
  else if (isJsonObject(removed))
    books.restore({ entity: name, removed: { id: textOf(removed['id']), at: Number(removed['at']) } })
}

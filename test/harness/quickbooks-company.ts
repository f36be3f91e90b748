/** A small simulated QuickBooks company over HTTP, and reading what it answers. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { samples } from '../../sandbox/samples.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/server.ts'
import { simulators } from '../../sandbox/simulators.ts'

export const slug = 'quickbooks'
const sample = samples.find((one) => one.provider === slug)
const known = simulators.find((one) => one.slug === slug)?.app
if (!sample || !known) throw new Error('QuickBooks is missing')
export const app = known
const { settings, secrets } = sample
export const realm = settings['realm_id'] ?? ''
export const otherRealm = '4620816365007654321'
export const size = {
  customers: 40,
  invoices: 160,
  payments: 120,
  items: 12,
  vendors: 10,
  bills: 20,
  purchases: 20,
  credit_memos: 10,
  deposits: 30,
  journal_entries: 6,
}
export const hour = 3_600_000
export const day = 24 * hour

export interface Asked {
  readonly query?: Record<string, string>
  readonly body?: object
  readonly form?: Record<string, string>
  readonly text?: string
  readonly token?: string
  readonly headers?: Record<string, string>
}

const open: Sandbox[] = []
/** Ends every company that `start` began; for `afterEach`. */
export async function closeAll(): Promise<void> {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()))
}

/** A directory for journals that is gone after the work. */
export async function withHome(work: (home: string) => Promise<void>): Promise<void> {
  const home = mkdtempSync(path.join(tmpdir(), 'tieline-quickbooks-'))
  try {
    await work(home)
  } finally {
    rmSync(home, { recursive: true })
  }
}

/** @param options of the sandbox; limits are wide unless they are given. */
export async function start(options: Partial<SandboxOptions> = {}) {
  let time = Date.parse('2026-06-01T12:00:00Z')
  const limits = { minute: 1e9, second: 1e9, batch: 1e9, ...options.limits }
  const sandbox = await startSandbox({ port: 0, size, now: () => new Date(time), ...options, limits })
  open.push(sandbox)
  const ask = async (method: string, target: string, asked: Asked = {}) => {
    const { query = {}, body, form, text: plain, token = secrets['access_token'] ?? '', headers = {} } = asked
    const sent = form ? new URLSearchParams(form).toString() : body ? JSON.stringify(body) : plain
    const response = await fetch(`${sandbox.url}/${slug}${target}?${new URLSearchParams(query).toString()}`, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    const answer: unknown = isJson ? JSON.parse(text) : {}
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJsonObject(answer) ? answer : {},
    }
  }
  const call = (method: string, target: string, asked: Asked = {}) =>
    ask(method, `/v3/company/${realm}${target}`, asked)
  const query = async (statement: string) =>
    (await call('GET', '/query', { query: { query: statement } })).body
  const rows = async (entity: string, rest = ''): Promise<JsonObject[]> =>
    list(part(await query(`select * from ${entity} ${rest}`), 'QueryResponse')[entity])
  return { sandbox, ask, call, query, rows, pass: (ms: number) => void (time += ms), now: () => time }
}

export type Company = Awaited<ReturnType<typeof start>>

export const part = (object: JsonObject, name: string): JsonObject => {
  const found = object[name]
  return isJsonObject(found) ? found : {}
}
export const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : [])
export const firstOf = (rows: readonly JsonObject[]): JsonObject => {
  const [row] = rows
  if (!row) throw new Error('nothing was found')
  return row
}
export const word = (object: JsonObject, name: string): string => {
  const value = object[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
export const refOf = (object: JsonObject, name: string): string => word(part(object, name), 'value')
export const codeOf = (body: JsonObject): string => word(firstOf(list(part(body, 'Fault')['Error'])), 'code')
export const cents = (object: JsonObject, name: string): number => Math.round(Number(object[name] ?? 0) * 100)

/** An invoice over one line, for the first customer in home currency. */
export async function newInvoice(bench: Company, amount: number, query = {}) {
  const customer = await homeCustomer(bench)
  const { status, body } = await bench.call('POST', '/invoice', {
    query,
    body: {
      CustomerRef: { value: word(customer, 'Id') },
      Line: [
        {
          Amount: amount,
          DetailType: 'SalesItemLineDetail',
          SalesItemLineDetail: { ItemRef: { value: '1' } },
        },
      ],
    },
  })
  return { status, body, invoice: part(body, 'Invoice'), customer: word(customer, 'Id') }
}

export const homeCustomer = async ({ rows }: Company): Promise<JsonObject> =>
  firstOf((await rows('Customer', 'maxresults 100')).filter((one) => refOf(one, 'CurrencyRef') === 'USD'))

export const payBody = (customer: string, total: number, invoice: string, amount = total) => ({
  CustomerRef: { value: customer },
  TotalAmt: total,
  Line: [{ Amount: amount, LinkedTxn: [{ TxnId: invoice, TxnType: 'Invoice' }] }],
})

/** What the tests of this folder share: a company behind the real transport, answered by a small scripted server. */
import type { ProviderContext, Resource, Action, Report } from '../contract.ts'
import { json, openBench, startServer, type Received } from '../http/test-server.ts'
import { quickbooks } from './index.ts'

const realm = '4620816365001234567'
export const now = new Date('2026-11-23T20:00:00Z')

export interface Asked extends Omit<Received, 'body'> {
  /** Below the company: `/query`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Readonly<Record<string, unknown>>
}

/** `status` 200 when left out. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

export interface Company {
  readonly asked: Asked[]
  /** Answers the calls from now on. */
  answer(serve: (asked: Asked) => Answer): void
  open(settings?: Readonly<Record<string, string>>): ProviderContext
  close(): Promise<void>
}

const askedOf = (received: Received): Asked => {
  const url = new URL(received.url, 'http://company')
  const isJson = received.headers['content-type'] === 'application/json'
  return {
    ...received,
    path: url.pathname.replace(`/v3/company/${realm}`, ''),
    query: url.searchParams,
    body: isJson ? (JSON.parse(received.body) as Record<string, unknown>) : {},
  }
}

export async function startCompany(): Promise<Company> {
  const server = await startServer()
  const asked: Asked[] = []
  return {
    asked,
    answer(serve) {
      asked.length = 0
      server.answer((response, received) => {
        const one = askedOf(received)
        asked.push(one)
        const { status = 200, headers, body } = serve(one)
        json(response, status, body, { intuit_tid: '1-abc-def', ...headers })
      })
    },
    open: (settings = {}) =>
      openBench(
        server,
        {
          originMap: { 'https://quickbooks.api.intuit.com': server.url },
          clock: { now: () => now, sleep: async () => undefined },
        },
        {
          provider: quickbooks,
          auth: quickbooks.auth[0],
          settings: { realm_id: realm, environment: 'production', home_currency: 'USD', ...settings },
          credential: {
            current: async () => ({ generation: 1, secrets: { access_token: 'not-a-real-token' } }),
            renew: async () => undefined,
          },
        },
      ),
    close: () => server.close(),
  }
}

function named<T extends { readonly name: string }>(list: readonly T[], name: string): T {
  const found = list.find((one) => one.name === name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}
export const resource = (name: string): Resource => named(quickbooks.resources, name)
export const action = (name: string): Action => named(quickbooks.actions, name)
export const report = (name: string): Report => named(quickbooks.reports, name)

export const fault = (code: string, type = 'ValidationFault', message = 'No', detail = 'Not so') => ({
  Fault: { Error: [{ Message: message, Detail: detail, code }], type },
  time: now.toISOString(),
})

/** A row that fits its schema. */
export const invoice = (id: number, more: Readonly<Record<string, unknown>> = {}) => ({
  Id: String(id),
  SyncToken: '0',
  MetaData: { CreateTime: '2026-11-01T00:00:00-07:00', LastUpdatedTime: '2026-11-01T00:00:00-07:00' },
  TxnDate: '2026-11-01',
  DueDate: '2026-12-01',
  TotalAmt: 100,
  Balance: 100,
  CustomerRef: { value: '1' },
  CurrencyRef: { value: 'USD' },
  Line: [
    {
      Id: '1',
      Amount: 100,
      DetailType: 'SalesItemLineDetail',
      SalesItemLineDetail: { ItemRef: { value: '5' }, Qty: 1, UnitPrice: 100 },
    },
    { Amount: 100, DetailType: 'SubTotalLineDetail', SubTotalLineDetail: {} },
  ],
  ...more,
})

export const answerOf = (name: string, rows: readonly unknown[]): Answer => ({
  body: {
    QueryResponse: rows.length === 0 ? {} : { [name]: rows, startPosition: 1, maxResults: rows.length },
    time: now.toISOString(),
  },
})

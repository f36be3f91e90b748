/** What the tests of this folder share: an organisation behind the real transport, answered by a small scripted server. */
import type { ProviderContext, Resource } from '../contract.ts'
import { json, openBench, startServer, type Received } from '../http/test-server.ts'
import { xero } from './index.ts'

export const now = new Date('2026-11-24T10:00:00Z')
export const tenant = 'c2cc9b6e-9458-4c7d-93cc-f02b81b0594f'

export interface Asked extends Received {
  readonly path: string
  readonly query: URLSearchParams
}

export interface Answer {
  /** 200 when left out. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

export interface ScriptedOrganisation {
  readonly asked: Asked[]
  /** Answers the calls from now on. */
  answer(serve: (asked: Asked) => Answer): void
  open(settings?: Readonly<Record<string, string>>): ProviderContext
  close(): Promise<void>
}

export async function startOrganisation(): Promise<ScriptedOrganisation> {
  const server = await startServer()
  const asked: Asked[] = []
  return {
    asked,
    answer(serve) {
      asked.length = 0
      server.answer((response, received) => {
        const url = new URL(received.url, 'http://organisation')
        const one = { ...received, path: url.pathname, query: url.searchParams }
        asked.push(one)
        const { status = 200, headers, body } = serve(one)
        json(response, status, body, headers)
      })
    },
    open: (settings = { tenant_id: tenant }) =>
      openBench(
        server,
        {
          originMap: { 'https://api.xero.com': server.url },
          clock: { now: () => now, sleep: async () => undefined },
        },
        {
          provider: xero,
          auth: xero.auth[0],
          settings,
          credential: {
            current: async () => ({ generation: 1, secrets: { access_token: 'not-a-real-token' } }),
            renew: async () => undefined,
          },
        },
      ),
    close: () => server.close(),
  }
}

export function resource(name: string): Resource {
  const found = xero.resources.find((one) => one.name === name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}

export const idOf = (number: number): string => `00000000-0000-4000-a000-${String(number).padStart(12, '0')}`

/** A row that fits its schema. */
export const invoice = (number: number, ms: number, more: Readonly<Record<string, unknown>> = {}) => ({
  Type: 'ACCREC',
  InvoiceID: idOf(number),
  InvoiceNumber: `INV-${number}`,
  Contact: { ContactID: idOf(1), Name: 'Ana' },
  Date: '/Date(1793491200000+0000)/',
  DueDate: '/Date(1795219200000+0000)/',
  Status: 'AUTHORISED',
  LineAmountTypes: 'Exclusive',
  LineItems: [],
  SubTotal: 100,
  TotalTax: 15,
  Total: 115,
  AmountDue: 115,
  AmountPaid: 0,
  CurrencyCode: 'NZD',
  UpdatedDateUTC: `/Date(${ms}+0000)/`,
  ...more,
})

/**
 * The bare loop for each provider: page, parse, hand over. No checks, no mapping, no hashes, no safety between pages. It waits
 * where the provider says so, as any client has to.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { hubspotSimulator } from '../providers/hubspot/simulator.ts'
import { mixpanelSimulator } from '../providers/mixpanel/simulator.ts'
import { quickbooksSimulator } from '../providers/quickbooks/simulator.ts'
import { zendeskSimulator } from '../providers/zendesk/simulator.ts'
import type { Sample } from '../sandbox/kit.ts'

export interface BareRow {
  readonly id: string
  readonly updatedAt: string | null
  readonly raw: unknown
}

export interface BarePage {
  readonly rows: readonly BareRow[]
  /** Undefined at the end. */
  readonly next: string | undefined
  /** Where a later read goes on, when this is the end. */
  readonly last?: string
}

export interface BareLoop {
  readonly slug: string
  readonly resource: string
  /** How many objects a bench reads when nobody says. */
  readonly records: number
  /** Sizes of the simulated account. */
  size(records: number): Readonly<Record<string, number>>
  /** True when `page` goes on from where an earlier read ended. */
  readonly followsCursor?: boolean
  /** Limits of the simulated account that are wider than its plan's. */
  readonly limits: Readonly<Record<string, number>>
  /** Settings of the hub's connection, over the sample's. */
  readonly settings: Readonly<Record<string, string>>
  page(url: string, from: string | undefined): Promise<BarePage>
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly retryAfter: number
}

async function ask(url: string, init: RequestInit): Promise<Answer> {
  for (;;) {
    const answer = await fetch(url, init)
    const text = await answer.text()
    if (answer.status !== 429) return { status: answer.status, text, retryAfter: 0 }
    await delay(Number(answer.headers.get('retry-after') ?? 1) * 1000)
  }
}

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const secret = ({ secrets }: Sample, name: string): string => secrets[name] ?? ''

const zendesk: BareLoop = {
  slug: 'zendesk',
  resource: 'tickets',
  records: 100_000,
  followsCursor: true,
  size: (tickets) => ({ tickets, users: 100, organizations: 10, comments: 0 }),
  limits: { support: 1_000_000, export: 1_000_000, help_center: 1_000_000 },
  settings: { exports_per_minute: '999999' },
  async page(url, from) {
    const { sample } = zendeskSimulator
    const query = from === undefined ? 'start_time=0' : `cursor=${encodeURIComponent(from)}`
    const authorization = basic(`${sample.settings['email'] ?? ''}/token`, secret(sample, 'token'))
    const { text } = await ask(`${url}/api/v2/incremental/tickets/cursor?${query}&per_page=1000`, {
      headers: { authorization },
    })
    const page = JSON.parse(text) as {
      tickets: { id: number; updated_at: string }[]
      after_cursor: string
      end_of_stream: boolean
    }
    const rows = page.tickets.map((raw) => ({ id: String(raw.id), updatedAt: raw.updated_at, raw }))
    return { rows, next: page.end_of_stream ? undefined : page.after_cursor, last: page.after_cursor }
  },
}

const quickbooks: BareLoop = {
  slug: 'quickbooks',
  resource: 'invoices',
  records: 20_000,
  size: (invoices) => ({
    invoices,
    payments: 10,
    customers: 200,
    bills: 1,
    purchases: 1,
    credit_memos: 1,
    deposits: 1,
    journal_entries: 1,
  }),
  limits: {},
  settings: {},
  async page(url, from = '1') {
    const { sample } = quickbooksSimulator
    const query = `select * from Invoice orderby Id startposition ${from} maxresults 1000`
    const { text } = await ask(
      `${url}/v3/company/${sample.settings['realm_id'] ?? ''}/query?query=${encodeURIComponent(query)}`,
      {
        headers: {
          authorization: `Bearer ${secret(sample, 'access_token')}`,
          accept: 'application/json',
          'x-tieline-origin': 'https://quickbooks.api.intuit.com',
        },
      },
    )
    const { Invoice: invoices = [] } = (
      JSON.parse(text) as {
        QueryResponse: { Invoice?: { Id: string; MetaData: { LastUpdatedTime: string } }[] }
      }
    ).QueryResponse
    return {
      rows: invoices.map((raw) => ({ id: raw.Id, updatedAt: raw.MetaData.LastUpdatedTime, raw })),
      next: invoices.length < 1000 ? undefined : String(Number(from) + 1000),
    }
  },
}

const hubspot: BareLoop = {
  slug: 'hubspot',
  resource: 'contacts',
  records: 10_000,
  size: (contacts) => ({ contacts, companies: 20, deals: 20 }),
  limits: {},
  settings: {},
  async page(url, from) {
    const after = from === undefined ? '' : `&after=${from}`
    const { text } = await ask(
      `${url}/crm/objects/2026-03/contacts?limit=100&properties=email,firstname,lastname,phone,company,lifecyclestage,lastmodifieddate${after}`,
      {
        headers: {
          authorization: `Bearer ${secret(hubspotSimulator.sample, 'token')}`,
          'x-tieline-origin': 'https://api.hubapi.com',
        },
      },
    )
    const page = JSON.parse(text) as {
      results: { id: string; updatedAt: string }[]
      paging?: { next?: { after: string } }
    }
    return {
      rows: page.results.map((raw) => ({ id: raw.id, updatedAt: raw.updatedAt, raw })),
      next: page.paging?.next?.after,
    }
  },
}

const mixpanel: BareLoop = {
  slug: 'mixpanel',
  resource: 'events',
  records: 20_000,
  size: (events) => ({ events, profiles: 50 }),
  limits: {},
  settings: {},
  async page(url, from) {
    const { sample } = mixpanelSimulator
    const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10)
    const ago = Number(from ?? 30)
    const query = new URLSearchParams({
      project_id: sample.settings['project_id'] ?? '',
      from_date: day(ago),
      to_date: day(ago),
    })
    const { text } = await ask(`${url}/api/2.0/export?${query.toString()}`, {
      headers: {
        authorization: basic(sample.settings['username'] ?? '', secret(sample, 'secret')),
        'x-tieline-origin': 'https://data.mixpanel.com',
      },
    })
    const rows = text
      .split('\n')
      .filter((line) => line !== '')
      .map(
        (line) =>
          JSON.parse(line) as {
            event: string
            properties: { $insert_id: string; distinct_id: string; time: number }
          },
      )
      .map((raw) => ({
        id: `${raw.event}/${raw.properties.distinct_id}/${raw.properties.$insert_id}/${raw.properties.time}`,
        updatedAt: null,
        raw,
      }))
    return { rows, next: ago <= 1 ? undefined : String(ago - 1) }
  },
}

export const bareLoops: readonly BareLoop[] = [zendesk, quickbooks, hubspot, mixpanel]

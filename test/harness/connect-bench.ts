/** The API with a provider that only this test knows, and short ways through the connect page. */
import { sql } from 'kysely'
import type { WorkflowHandle } from '@temporalio/client'
import { asTenant, type Db } from '../../db/client.ts'
import { getConnectSession } from '../../db/connect-sessions.ts'
import { getConnection, setConnectionState } from '../../db/connections.ts'
import { ensureAccount, ensurePartner } from '../../db/partners.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { decodePayloads, type JsonPayload } from '../../platform/temporal/codec.ts'
import { startTestApi, until, type ApiAnswer, type TestApi } from './api.ts'
import { createBrowser, type Browser, type Page } from './browser.ts'
import {
  startOAuthProvider,
  tinybooks,
  tinybooksVariables,
  type Decision,
  type OAuthProvider,
} from './oauth-provider.ts'

type Schemas = components['schemas']
type Link = Schemas['ConnectLink']

export interface ConnectBench {
  readonly api: TestApi
  readonly db: Db
  readonly provider: OAuthProvider
  readonly partnerId: string
  /** POST /admin/v1/connect-sessions. */
  ask(wish: object): Promise<ApiAnswer>
  link(wish: object): Promise<{ readonly link: Link; readonly browser: Browser }>
  session(link: Link): Promise<Schemas['ConnectSession']>
  connection(connectionId: string): Promise<Schemas['Connection']>
  /** Goes to the consent screen and decides; answers where the browser would be sent. */
  approve(browser: Browser, link: Link, decision: Decision): Promise<string>
  /** The same, and goes there. */
  consent(browser: Browser, link: Link, decision: Decision): Promise<Page>
  /** The page once the test is over. */
  ended(browser: Browser, link: Link): Promise<Page>
  /** Names of the sealed columns that hold something. */
  secretsOf(link: Link): Promise<string[]>
  cursorsOf(connectionId: string): Promise<unknown[]>
  /** A connection with a cursor that needs attention. */
  markTroubled(connectionId: string): Promise<void>
  historyInClear(handle: WorkflowHandle): Promise<string>
  withoutTemporal<T>(work: () => Promise<T>): Promise<T>
  sql(text: string): Promise<unknown>
  close(): Promise<void>
}

export async function startConnectBench(wish: { readonly worker?: boolean } = {}): Promise<ConnectBench> {
  const provider = await startOAuthProvider()
  let isTemporalAway = false
  const api = await startTestApi({
    ...wish,
    more: { providers: [tinybooks], originMap: provider.originMap, variables: tinybooksVariables },
    deps: ({ temporal }) => ({
      temporal: {
        ...temporal,
        startConnectAccount: (session) => {
          if (isTemporalAway) throw new HubError('TemporalUnavailable', 'away')
          return temporal.startConnectAccount(session)
        },
      },
    }),
  })
  const { db } = api.database.database
  const { partnerId, accountId } = await createAccount({ db }, 'Partner of Tinybooks <b>')
  const ask: ConnectBench['ask'] = (wish) =>
    api.request('POST', '/admin/v1/connect-sessions', {
      body: { provider: 'tinybooks', ...('connectionId' in wish ? {} : { accountId }), ...wish },
    })
  const pageOf = (link: Link) => `${api.url}/connect/s/${link.sessionId}`
  const approve: ConnectBench['approve'] = async (browser, link, decision) => {
    const form = await browser.open(browser.cookies.size === 0 ? link.url : pageOf(link))
    const away = await browser.send(form, '/setup', { 'field.environment': 'production' })
    return await provider.decide(away.headers.get('location') ?? '', decision)
  }
  return {
    api,
    db,
    provider,
    partnerId,
    ask,
    link: async (wish) => {
      const { status, body } = await ask(wish)
      if (status !== 201) throw new Error(JSON.stringify(body))
      return { link: body as Link, browser: createBrowser(api.url) }
    },
    session: async ({ sessionId }) =>
      (await api.request('GET', `/admin/v1/connect-sessions/${sessionId}`)).body as Schemas['ConnectSession'],
    connection: async (connectionId) =>
      (await api.request('GET', `/admin/v1/connections/${connectionId}`)).body as Schemas['Connection'],
    approve,
    consent: async (browser, link, decision) => browser.open(await approve(browser, link, decision)),
    ended: (browser, link) =>
      until(
        () => browser.open(pageOf(link)),
        ({ text }) => !text.includes('http-equiv="refresh"'),
      ),
    secretsOf: async ({ sessionId }) => {
      const found = await sql<Record<string, Buffer | null>>`
        select sealed_given, sealed_callback, sealed_tokens, state_hash from connect_sessions where session_id = ${sessionId}
      `.execute(db)
      return Object.entries(found.rows[0] ?? {}).flatMap(([name, value]) => (value === null ? [] : [name]))
    },
    cursorsOf: async (connectionId) =>
      (await sql`select resource, position from cursors where connection_id = ${connectionId}`.execute(db))
        .rows,
    markTroubled: async (connectionId) => {
      await sql`
        insert into cursors (connection_id, resource, partner_id, position, run_id)
        values (${connectionId}, 'invoices', ${partnerId}, '{"after": "7"}', 'run_1')
      `.execute(db)
      await setConnectionState(db, connectionId, 'needs_attention', 'The credential was refused.', 'account')
      if (!(await getConnection(db, connectionId))) throw new Error('no such connection')
    },
    historyInClear: async (handle) => {
      const raw = JSON.parse(JSON.stringify(await handle.fetchHistory())) as unknown
      return JSON.stringify(await inClear(api, raw))
    },
    withoutTemporal: async (work) => {
      isTemporalAway = true
      try {
        return await work()
      } finally {
        isTemporalAway = false
      }
    },
    sql: (text) => sql.raw(text).execute(db),
    close: async () => {
      await api.close()
      await provider.close()
    },
  }
}

export async function createAccount(
  { db }: Pick<ConnectBench, 'db'>,
  partnerName: string,
): Promise<{ readonly partnerId: string; readonly accountId: string }> {
  const partnerId = newId('partner')
  const accountId = newId('account')
  await ensurePartner(db, { partnerId, name: partnerName })
  await ensureAccount(db, { accountId, partnerId, name: 'Account' })
  return { partnerId, accountId }
}

/** A session as a tenant sees it. */
export const sessionOf = ({ db }: Pick<ConnectBench, 'db'>, partnerId: string, sessionId: string) =>
  asTenant(db, partnerId, (tx) => getConnectSession(tx, sessionId))

const isPayload = (value: object): value is JsonPayload => 'metadata' in value && 'data' in value

async function inClear(api: TestApi, value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return await Promise.all(value.map((one) => inClear(api, one)))
  if (typeof value !== 'object' || value === null) return value
  if (isPayload(value)) {
    const { payloads } = await decodePayloads(api.hub.temporal.codec, { payloads: [value] })
    return payloads.map(({ data }) => Buffer.from(data ?? '', 'base64').toString('utf8'))
  }
  const entries = Object.entries(value).map(async ([name, one]) => [name, await inClear(api, one)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

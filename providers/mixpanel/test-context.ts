/** What the tests of this folder share: a Mixpanel that answers as told, reached through the real transport. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { createTestLimiter, openBench, startServer, type TestServer } from '../http/test-server.ts'
import type { Action, Page, Position, ProviderContext, Report, Resource, Row, Settings } from '../contract.ts'
import { mixpanel } from './index.ts'

export const now = new Date('2026-11-23T20:00:00Z')
export const settings: Settings = {
  region: 'eu',
  project_id: '3000001',
  workspace_id: '4000001',
  organization_id: '5000001',
  project_token: 'sandboxprojecttoken0123456789abcd',
  username: 'tieline.a1b2c3.mp-service-account',
}
const secret = 'sandbox-mixpanel-service-secret-0123456789'

/** A request as Mixpanel sees it: `export /api/2.0/export`, its query, and its body as JSON, form or text. */
export interface Asked {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
  readonly body: unknown
  readonly headers: Readonly<Record<string, unknown>>
}

export interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
  /** In place of `body`, as it is. */
  readonly text?: string
}

export type Serve = (asked: Asked, n: number) => Answer

const hosts = ['https://eu.mixpanel.com', 'https://data-eu.mixpanel.com', 'https://api-eu.mixpanel.com']

export interface Stage {
  readonly server: TestServer
  /** A context whose calls are answered by `serve`; `asked` fills as they come. */
  open(
    serve: Serve,
    more?: Settings,
  ): { context: ProviderContext; asked: Asked[]; limiter: ReturnType<typeof createTestLimiter> }
}

export async function startStage(): Promise<Stage> {
  const server = await startServer()
  const open: Stage['open'] = (serve, more = {}) => {
    const asked: Asked[] = []
    server.answer((response, { method, url, headers, body }, n) => {
      const { pathname, searchParams } = new URL(url, 'http://127.0.0.1')
      const isForm = headers['content-type'] === 'application/x-www-form-urlencoded'
      const request: Asked = {
        method,
        host: String(headers['x-tieline-origin']),
        path: pathname,
        query: Object.fromEntries(searchParams),
        form: isForm ? Object.fromEntries(new URLSearchParams(body)) : {},
        body: isForm || body === '' ? undefined : JSON.parse(body),
        headers,
      }
      asked.push(request)
      answerWith(response, serve(request, n))
    })
    const limiter = createTestLimiter()
    const all = { ...settings, ...more }
    const credential = {
      current: async () => ({ generation: 1, secrets: { secret } }),
      renew: async () => undefined,
    }
    const [auth] = mixpanel.auth
    const clock = { now: () => now, sleep: async () => undefined }
    const originMap = Object.fromEntries(hosts.map((host) => [host, server.url]))
    const context = openBench(
      server,
      { originMap, clock, limiter },
      { provider: mixpanel, auth, settings: all, credential },
    )
    return { context: { ...context, settings: all }, asked, limiter }
  }
  return { server, open }
}

type ServerResponse = Parameters<Parameters<TestServer['answer']>[0]>[0]

function answerWith(response: ServerResponse, { status = 200, headers = {}, body, text }: Answer): void {
  response.writeHead(status, headers).end(text ?? JSON.stringify(body ?? null))
}

const named = <T extends { readonly name: string }>(list: readonly T[], name: string): T => {
  const found = list.find((each) => each.name === name)
  if (!found) throw new Error(`no ${name}`)
  return found
}
export const resource = (name: string): Resource => named(mixpanel.resources, name)
export const action = (name: string): Action => named(mixpanel.actions, name)
export const report = (name: string): Report => named(mixpanel.reports, name)

export async function readAll(of: Resource, context: ProviderContext, from: Position) {
  const pages: Page[] = []
  const rows: Row[] = []
  for (let position = from; pages.length < 200; position = pages.at(-1)?.next ?? position) {
    const page = await of.readPage(context, JSON.parse(JSON.stringify(position)) as Position)
    pages.push(page)
    rows.push(...page.rows)
    if (page.done) return { pages, rows, next: page.next }
  }
  throw new Error('the read does not end')
}

export const ajv = addFormats.default(new Ajv2020({ allErrors: true, strict: false }))

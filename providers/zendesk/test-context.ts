/** What the tests of this folder share: a context whose calls go to a function that plays Zendesk. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type {
  Action,
  Page,
  Position,
  ProviderContext,
  ProviderRequest,
  ProviderResponse,
  Resource,
  Row,
} from '../contract.ts'
import { HubError } from '../../platform/errors.ts'
import { zendesk } from './index.ts'

export const now = new Date('2026-11-23T20:00:00Z')
export const nowSeconds = now.getTime() / 1000

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** A context whose calls go to `serve`; refusals become errors as in the transport. Keeps the requests. */
export function contextOf(serve: (request: ProviderRequest) => Answer | undefined) {
  const requests: ProviderRequest[] = []
  const context: ProviderContext = {
    settings: { subdomain: 'acme', email: 'ana@acme.com' },
    now: () => now,
    async call(request) {
      requests.push(request)
      const {
        status = 200,
        headers = {},
        body,
      } = serve(request) ?? { status: 404, body: { error: 'RecordNotFound' } }
      const response: ProviderResponse = { status, headers, body, readAt: now }
      if (status < 300 || request.accept?.includes(status)) return response
      const fault = zendesk.explainError(response)
      throw new HubError(
        fault?.code ?? 'Unavailable',
        fault?.message ?? `status ${String(status)}`,
        fault?.fields ? { fields: fault.fields } : {},
      )
    },
  }
  return { context, requests }
}

export function resource(name: string): Resource {
  const found = zendesk.resources.find((each) => each.name === name)
  if (!found) throw new Error(`no resource ${name}`)
  return found
}

export function action(name: string): Action {
  const found = zendesk.actions.find((each) => each.name === name)
  if (!found) throw new Error(`no action ${name}`)
  return found
}

export async function readAll(
  of: Pick<Resource, 'readPage'>,
  context: ProviderContext,
  from: Position,
  limit = 500,
) {
  const rows: Row[] = []
  let position = from
  let pages = 0
  for (; pages < limit; pages++) {
    const page: Page = await of.readPage(context, position)
    rows.push(...page.rows)
    position = page.next
    if (page.done) return { rows, position, pages: pages + 1 }
  }
  throw new Error('the read does not end')
}

export const ajv = addFormats.default(new Ajv2020({ allErrors: true, allowUnionTypes: true }))

export const liveTicket = {
  id: 1,
  status: 'open',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
}

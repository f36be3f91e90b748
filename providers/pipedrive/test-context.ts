/** What the tests of this folder share: a context whose calls go straight to the simulated company. */
import type { JsonValue } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { SimulatorRequest, World } from '../../sandbox/kit.ts'
import type {
  Page,
  Position,
  ProviderContext,
  ProviderRequest,
  ProviderResponse,
  Resource,
  Row,
} from '../contract.ts'
import { pipedrive } from './index.ts'
import { pipedriveSimulator } from './simulator.ts'

const secrets = pipedriveSimulator.sample.secrets

export interface Bench {
  readonly world: World
  readonly context: ProviderContext
  /** `GET /api/v2/deals?limit=500`, in order. */
  readonly asked: string[]
  readonly now: () => Date
  pass(ms: number): void
}

/** A company with `size` objects of each kind that is named, and pages of at most `page` rows. */
export function openBench(
  size: Readonly<Record<string, number>> = {},
  limits: Readonly<Record<string, number>> = {},
): Bench {
  let time = Date.parse('2026-06-01T12:00:00Z')
  const now = () => new Date(time)
  const none = Object.fromEntries(Object.keys(pipedriveSimulator.defaultSize).map((name) => [name, 0]))
  const world = pipedriveSimulator.createWorld({
    seed: 7,
    size: { ...none, users: 2, pipelines: 1, ...size },
    limits: { burst: 1e6, page: 5, ...limits },
    editEveryReads: 0,
    epoch: now(),
    now,
    minuteRule: 'off',
    record: () => undefined,
  })
  const asked: string[] = []
  const context: ProviderContext = {
    settings: pipedriveSimulator.sample.settings,
    now,
    call: async (request) => {
      const sent = simulated(request)
      asked.push(decodeURIComponent(`${sent.method} ${sent.path}?${sent.query.toString()}`))
      return await Promise.resolve(answerOf(request, world, sent, now()))
    },
  }
  return { world, context, asked, now, pass: (ms) => void (time += ms) }
}

function simulated({ method, path, query = {}, body }: ProviderRequest): SimulatorRequest {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return {
    method,
    path,
    query: given,
    headers: { 'x-api-token': secrets['api_token'] ?? '' },
    body,
    text: body === undefined ? '' : JSON.stringify(body),
    origin: undefined,
  }
}

function answerOf(
  request: ProviderRequest,
  world: World,
  sent: SimulatorRequest,
  readAt: Date,
): ProviderResponse {
  const { status, headers = {}, body } = world.handle(sent)
  const response = { status, headers, body: body as JsonValue, readAt }
  if (status < 300 || request.accept?.includes(status)) return response
  const fault = pipedrive.explainError(response)
  throw new HubError(fault?.code ?? 'RateLimited', fault?.message ?? `status ${String(status)}`)
}

export function resource(name: string): Resource {
  const found = pipedrive.resources.find((one) => one.name === name)
  if (!found) throw new Error(`no resource ${name}`)
  return found
}

/** Reads to the end. @param between called after each page but the last. */
export async function readAll(
  of: Resource,
  context: ProviderContext,
  from: Position = {},
  between: (page: number) => void = () => undefined,
): Promise<{ readonly rows: readonly Row[]; readonly position: Position; readonly pages: number }> {
  const rows: Row[] = []
  let position = from
  for (let pages = 1; pages < 200; pages++) {
    const page: Page = await of.readPage(context, position)
    rows.push(...page.rows)
    position = page.next
    if (page.done) return { rows, position, pages }
    between(pages)
  }
  throw new Error('the read does not end')
}

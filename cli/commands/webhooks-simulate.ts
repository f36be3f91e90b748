/** `tieline webhooks simulate` and `test`: a correctly signed sample through the real door, followed to its effect. */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError, type ExitCode } from '../cli-error.ts'
import { need, openApi, type Api, type GlobalOptions, type Schemas } from '../client.ts'
import { homeFolder } from '../home-folder.ts'
import { count, nearest, type Out } from '../print.ts'
import { equationLine } from './webhooks.ts'
import { readHubFile } from '../up/home.ts'

type Source = Schemas['HookSource']
type Sample = Source['samples'][number]

export interface SimulateOptions extends GlobalOptions {
  readonly connection?: string
  readonly object?: string
  /** So many different events. */
  readonly events?: string
  /** Each is delivered so often. */
  readonly times?: string
  readonly follow?: boolean
  readonly tamper?: boolean
}

export async function simulate(
  provider: string,
  event: string | undefined,
  options: SimulateOptions,
  out: Out,
): Promise<ExitCode> {
  const events = wholeNumber(options.events, '--events')
  const times = wholeNumber(options.times, '--times')
  const api = openApi(options)
  const source = await sourceOf(api, provider)
  const sample = sampleOf(source, event)
  const connectionId = options.connection ?? (await connectionFor(api, source, out))
  await makeReady(api, source, connectionId)
  const wish: Wish = {
    source,
    sample,
    connectionId,
    events,
    times,
    tamper: options.tamper === true,
    ...(options.object === undefined ? {} : { object: options.object }),
  }
  const since = new Date(Date.now() - 1_000).toISOString()
  const statuses = await deliver(api, wish, out)
  const [refusal] = [...statuses.keys()].filter((status) => status >= 300)
  if (refusal !== undefined) {
    if (options.json) out.json({ status: refusal, statuses: Object.fromEntries(statuses) })
    else out.line(`The door answered ${told(statuses)}. "tieline audit list --json" says why.`)
    return options.tamper ? 0 : 1
  }
  const sent: Sent = { connectionId, since, statuses }
  if (options.follow === false) return await unfollowed(api, sent, options, out)
  return events > 1 ? await followMany(api, sent, options, out) : await follow(api, sent, options, out)
}

function wholeNumber(text = '1', option: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 100_000) return value
  throw new CliError(`${option} takes a whole number from 1 to 100000.`, 2)
}

interface Wish {
  readonly source: Source
  readonly sample: Sample
  readonly connectionId: string
  readonly object?: string
  readonly events: number
  readonly times: number
  readonly tamper: boolean
}

/** How often the door gave which answer. */
type Statuses = ReadonlyMap<number, number>

/** Deliveries under way at the same time, as a provider has them. */
const parallel = 8

async function deliver(api: Api, wish: Wish, out: Out): Promise<Statuses> {
  const { source, sample, connectionId, events, times, tamper } = wish
  const statuses = new Map<number, number>()
  let left = events
  const sender = async (): Promise<void> => {
    while (left-- > 0) {
      const externalId = wish.object ?? (await editAtSandbox(source, sample, events === 1 ? out : undefined))
      const made = await need(
        api.POST('/admin/v1/connections/{connectionId}/webhook/samples', {
          params: { path: { connectionId } },
          body: { event: sample.event, ...(externalId === undefined ? {} : { externalId }) },
        }),
      )
      for (let n = 0; n < times; n++) {
        const status = await post(made, tamper)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, events) }, sender))
  return statuses
}

/** "200", "200 to each of 5 deliveries", "200 to 990 and 429 to 10 deliveries". */
function told(statuses: Statuses): string {
  const [[status = 0, times = 0] = [], ...more] = statuses
  if (more.length === 0)
    return times === 1 ? String(status) : `${status} to each of ${count(times)} deliveries`
  return `${[...statuses].map(([one, n]) => `${one} to ${count(n)}`).join(' and ')} deliveries`
}

async function sourceOf(api: Api, provider: string): Promise<Source> {
  const { items } = await need(api.GET('/admin/v1/webhook-sources'))
  const source = items.find((one) => one.provider === provider)
  if (source) return source
  const names = items.map((one) => one.provider)
  const meant = nearest(provider, names)
  throw new CliError(
    `"${provider}" sends no webhooks.${meant === undefined ? '' : ` Did you mean "${meant}"?`} There are: ${names.join(', ')}.`,
    2,
  )
}

function sampleOf(source: Source, event: string | undefined): Sample {
  const [first] = source.samples
  const found = event === undefined ? first : source.samples.find((one) => one.event === event)
  if (found) return found
  throw new CliError(
    `${source.name} has no sample "${event ?? ''}". There are: ${source.samples.map((one) => one.event).join(', ')}.`,
    2,
  )
}

/** The first connection of the provider, best one that can read there. One that only receives is made when there is none. */
async function connectionFor(api: Api, source: Source, out: Out): Promise<string> {
  const { items } = await need(
    api.GET('/admin/v1/connections', { params: { query: { provider: source.provider, limit: 100 } } }),
  )
  const first = items.find(({ auth }) => auth !== 'webhooks') ?? items[0]
  if (first) return first.connectionId
  if (source.isComplete)
    throw new CliError(
      `There is no connection to ${source.name}. Make one to the sandbox: tieline connections create ${source.provider} --sandbox`,
      2,
    )
  const body = { provider: source.provider, name: `${source.name} (simulated)`, externalAccount: '1' }
  const made = await need(api.POST('/admin/v1/connections', { body }))
  out.note(`Made ${made.connectionId}, a connection that receives the webhooks of ${source.name}.`)
  return made.connectionId
}

/** Secrets that are missing: the hub makes its own, a provider's is made up here, as the provider would. */
async function makeReady(api: Api, source: Source, connectionId: string): Promise<void> {
  const path = { connectionId }
  const hook = await need(api.GET('/admin/v1/connections/{connectionId}/webhook', { params: { path } }))
  const held = new Map(hook.secrets.map(({ name, values, shared }) => [name, values.length + shared]))
  const missing = source.secrets.filter(({ name, madeBy }) => madeBy === 'provider' && !held.get(name))
  if (hook.isSetUp && missing.length === 0) return
  const secrets = Object.fromEntries(missing.map(({ name }) => [name, randomBytes(24).toString('base64url')]))
  const body = missing.length > 0 ? { secrets } : {}
  await need(api.PUT('/admin/v1/connections/{connectionId}/webhook', { params: { path, header: {} }, body }))
}

/** Where the sandbox plays the provider: something happens there first, so that the webhook is true. */
async function editAtSandbox(
  { provider, isComplete }: Source,
  { resource, effect }: Sample,
  out: Out | undefined,
): Promise<string | undefined> {
  const sandbox = readHubFile(homeFolder(process.env))?.sandbox
  if (!isComplete || resource === undefined || sandbox == null) return undefined
  const verb = { created: 'create', updated: 'update', deleted: 'delete' }[effect ?? 'updated']
  const response = await fetch(`${sandbox}/_sandbox/${provider}/edits`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resource, [verb]: 1 }),
  }).catch(() => undefined)
  if (!response?.ok) return undefined
  const { edits } = (await response.json()) as {
    edits?: { id: string; resource: string; fields: string[] }[]
  }
  const edit = edits?.find((one) => one.resource === resource) ?? edits?.[0]
  if (!edit) return undefined
  const fields = effect === 'updated' && edit.fields.length > 0 ? ` (${edit.fields.join(', ')})` : ''
  out?.note(`${provider}: ${edit.resource} ${edit.id} ${effect ?? 'updated'}${fields}`)
  return edit.id
}

async function post({ url, method, headers, body }: Schemas['HookSample'], tamper: boolean): Promise<number> {
  const sent = tamper ? `${body.slice(0, -1)} ${body.slice(-1)}` : body
  const response = await fetch(url, { method, headers, body: sent })
  await response.arrayBuffer()
  return response.status
}

interface Sent {
  readonly connectionId: string
  readonly since: string
  readonly statuses: Statuses
}

async function follow(api: Api, sent: Sent, options: SimulateOptions, out: Out): Promise<ExitCode> {
  const { connectionId, since } = sent
  const until = Date.now() + 30_000
  for (;;) {
    const { items } = await need(
      api.GET('/admin/v1/inbox-events', { params: { query: { connectionId, since, limit: 10 } } }),
    )
    const isSettled = items.length > 0 && items.every(({ state }) => state !== 'waiting')
    if (isSettled || Date.now() > until || items.length === 0) {
      if (options.json) out.json({ status: firstOf(sent), statuses: statusesOf(sent), events: items })
      else report(sent, items, out)
      return items.length === 0 || isSettled ? 0 : 1
    }
    await delay(200)
  }
}

const firstOf = ({ statuses }: Sent): number => [...statuses.keys()][0] ?? 0
const statusesOf = ({ statuses }: Sent) => Object.fromEntries(statuses)

const equationOf = (api: Api, { connectionId }: Sent) =>
  need(api.GET('/admin/v1/inbox-equation', { params: { query: { connectionId } } }))

async function unfollowed(api: Api, sent: Sent, options: SimulateOptions, out: Out): Promise<ExitCode> {
  const equation = await equationOf(api, sent)
  if (options.json) out.json({ status: firstOf(sent), statuses: statusesOf(sent), equation })
  else {
    out.line(`The door answered ${told(sent.statuses)}.`)
    out.line(equationLine(equation))
  }
  return 0
}

/** Of many events the equation is followed, until nothing waits, as long as it goes on. */
async function followMany(api: Api, sent: Sent, options: SimulateOptions, out: Out): Promise<ExitCode> {
  if (!options.json) out.note(`The door answered ${told(sent.statuses)}.`)
  let waiting = Infinity
  let until = 0
  for (;;) {
    const equation = await equationOf(api, sent)
    if (equation.waiting < waiting) {
      waiting = equation.waiting
      until = Date.now() + 30_000
    }
    if (waiting === 0 || Date.now() > until) {
      if (options.json) out.json({ status: firstOf(sent), statuses: statusesOf(sent), equation })
      else out.line(equationLine(equation))
      if (waiting > 0)
        out.note('Some still wait, and none went on for 30 s: "tieline status" says what is away.')
      return waiting === 0 ? 0 : 1
    }
    await delay(500)
  }
}

function report({ statuses }: Sent, items: readonly Schemas['InboxEvent'][], out: Out): void {
  out.line(`The door answered ${told(statuses)}.`)
  if (items.length === 0)
    out.line('It asked for no event to be kept (a handshake, or one that was delivered before).')
  for (const event of items) {
    const object = event.resource === null ? '' : `  ${event.resource} ${event.externalId ?? ''}`
    out.line(
      `${event.eventId}  ${event.type}${object}  ${event.state}: ${event.outcome ?? event.failure?.message ?? ''}`,
    )
    if (event.temporalUrl !== null) out.line(`  ${event.temporalUrl}`)
  }
  if (items.some(({ state }) => state === 'waiting'))
    out.note('It is kept and waits: "tieline status" says what is away.')
}

/**
 * One process that serves every provider's simulator: `/<slug>/<the provider's own path>`, and `/_sandbox/…` to steer it
 * (see README "The sandbox"). Binds to loopback only.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { JsonValue } from '../model/json.ts'
import { createChaos, noChaos, type ChaosSettings, type Fault } from './chaos.ts'
import { steer, type Control } from './control.ts'
import type { SimulatorReply, World } from './kit.ts'
import { simulators } from './simulators.ts'

export interface SandboxOptions {
  /** 0: any free port. */
  readonly port: number
  readonly host?: string
  readonly seed?: number
  readonly size?: Readonly<Record<string, number>>
  readonly limits?: Readonly<Record<string, number>>
  readonly editEveryReads?: number
  readonly chaos?: Partial<ChaosSettings>
  /** Where edits are kept across restarts; nowhere when left out. */
  readonly home?: string
  readonly now?: () => Date
}

export interface Sandbox {
  readonly url: string
  /** For the transport: the samples' real origins → this server. */
  readonly originMap: Readonly<Record<string, string>>
  readonly control: Control
  close(): Promise<void>
}

export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const store = createStore(options.home)
  const worlds = new Map(
    simulators.map((simulator) => [simulator.slug, openWorld(simulator.slug, options, store)]),
  )
  let chaos: ChaosSettings = { ...noChaos, ...options.chaos }
  let nextFault = createChaos(chaos)
  let calls = 0
  const worldOf = (slug: string): World => {
    const world = worlds.get(slug)
    if (!world) throw new Error(`the sandbox has no ${slug}`)
    return world
  }
  const control: Control = {
    edit: (slug, wish) => keeping(slug, worldOf(slug).edit(wish)),
    state: (slug, resource) => worldOf(slug).state(resource),
    settle: (slug) => worldOf(slug).settle(),
    chaos: (settings) => {
      chaos = { ...chaos, ...settings }
      nextFault = createChaos(chaos)
      return chaos
    },
    setSecrets: (slug, secrets) => worldOf(slug).setSecrets(secrets),
    setLimits: (slug, limits) => worldOf(slug).setLimits(limits),
    calls: () => calls,
    knows: (slug) => worlds.has(slug),
  }
  const keeping = <T>(slug: string, result: T): T => {
    store.save(slug, worldOf(slug))
    return result
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://sandbox')
    const body = await readJson(request)
    if (url.pathname.startsWith('/_sandbox/'))
      return void send(response, steer(control, request.method ?? 'GET', url, body))
    const [, slug = '', rest = ''] = /^\/([\w-]+)(\/.*)?$/.exec(url.pathname) ?? []
    const world = worlds.get(slug)
    if (!world)
      return void send(response, { status: 404, body: { error: `no simulator serves ${url.pathname}` } })
    calls++
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    )
    const call = {
      method: request.method ?? 'GET',
      path: rest || '/',
      query: url.searchParams,
      headers,
      body,
      origin: headers['x-tieline-origin'],
    }
    await faulty(response, nextFault(), () =>
      call.method === 'GET' ? world.handle(call) : keeping(slug, world.handle(call)),
    )
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) =>
      send(response, { status: 500, body: { error: String(error) } }),
    )
  })
  const url = await listen(server, options.port, options.host ?? '127.0.0.1')
  return {
    url,
    originMap: Object.fromEntries(simulators.map(({ slug, sample }) => [sample.origin, `${url}/${slug}`])),
    control,
    close: () => close(server),
  }
}

function openWorld(slug: string, options: SandboxOptions, store: ReturnType<typeof createStore>): World {
  const simulator = simulators.find((one) => one.slug === slug)
  if (!simulator) throw new Error(`the sandbox has no ${slug}`)
  const saved = store.load(slug)
  const now = options.now ?? (() => new Date())
  const epoch = saved ? new Date(saved.epoch) : now()
  const world = simulator.createWorld({
    seed: options.seed ?? 1,
    size: options.size ?? {},
    limits: options.limits ?? {},
    editEveryReads: options.editEveryReads ?? 0,
    epoch,
    now,
  })
  store.remember(slug, epoch)
  if (saved) world.load(saved.world)
  else store.save(slug, world)
  return world
}

interface Saved {
  readonly epoch: string
  readonly world: JsonValue
}

/** Keeps what was edited, so that the second `npm start` finds the same provider. */
function createStore(home: string | undefined) {
  const epochs = new Map<string, Date>()
  const fileOf = (slug: string) => path.join(home ?? '', 'sandbox', `${slug}.json`)
  return {
    remember: (slug: string, epoch: Date) => void epochs.set(slug, epoch),
    load: (slug: string): Saved | undefined => {
      if (home === undefined) return undefined
      try {
        return JSON.parse(readFileSync(fileOf(slug), 'utf8')) as Saved
      } catch {
        return undefined
      }
    },
    save: (slug: string, world: World): void => {
      if (home === undefined) return
      mkdirSync(path.dirname(fileOf(slug)), { recursive: true })
      const saved: Saved = { epoch: (epochs.get(slug) ?? new Date()).toISOString(), world: world.save() }
      writeFileSync(`${fileOf(slug)}.new`, JSON.stringify(saved))
      renameSync(`${fileOf(slug)}.new`, fileOf(slug))
    },
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  if (chunks.length === 0) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

/** Answers through a fault. A fault that refuses comes before the work; one that loses the answer comes after it. */
async function faulty(response: ServerResponse, fault: Fault, work: () => SimulatorReply): Promise<void> {
  if (fault.kind === 'status') {
    const headers = fault.status === 429 || fault.status === 503 ? { 'retry-after': '1' } : undefined
    return void send(response, {
      status: fault.status,
      ...(headers ? { headers } : {}),
      body: { error: 'ChaosError', description: 'asked for' },
    })
  }
  const reply = work()
  if (fault.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms))
  if (fault.kind === 'html')
    return void send(response, {
      status: 200,
      headers: { 'content-type': 'text/html' },
      text: '<!DOCTYPE html><title>Be right back</title>',
    })
  if (fault.kind === 'cut') return void cut(response, reply, fault.inBody)
  send(response, fault.kind === 'drift' ? drifted(reply, fault.row) : reply)
}

const textOf = (reply: SimulatorReply): string =>
  reply.text ?? (reply.body === undefined ? '' : JSON.stringify(reply.body))

function send(response: ServerResponse, reply: SimulatorReply): void {
  const text = textOf(reply)
  response.writeHead(reply.status, {
    'content-type': 'application/json',
    ...reply.headers,
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

function cut(response: ServerResponse, reply: SimulatorReply, inBody: boolean): void {
  if (!inBody) return void response.destroy()
  const text = textOf(reply)
  response.writeHead(reply.status, {
    'content-type': 'application/json',
    ...reply.headers,
    'content-length': Buffer.byteLength(text),
  })
  response.write(text.slice(0, Math.floor(text.length / 2)), () => response.destroy())
}

/** The same answer with one row whose id is of another type than ever documented. */
function drifted(reply: SimulatorReply, row: number): SimulatorReply {
  if (reply.status !== 200) return reply
  const body = JSON.parse(textOf(reply)) as Record<string, JsonValue>
  const list = Object.values(body).find(
    (value): value is JsonValue[] => Array.isArray(value) && value.length > 0,
  )
  const victim = list?.[row % list.length]
  if (typeof victim !== 'object' || victim === null || Array.isArray(victim) || !('updated_at' in victim))
    return reply
  victim['updated_at'] = { drifted: true }
  return { ...reply, text: JSON.stringify(body) }
}

function listen(server: Server, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(`http://${host}:${(server.address() as AddressInfo).port}`))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/**
 * One process that serves every provider's simulator: `/<slug>/<the provider's own path>`, and `/_sandbox/…` to steer it
 * (see control.ts). Binds to loopback only.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { createChaos, noChaos, type ChaosSettings } from './chaos.ts'
import { steer, type Control } from './control.ts'
import { send, sendThrough } from './faults.ts'
import { openJournal, type Journal } from './journal.ts'
import type { Simulator, World } from './kit.ts'
import { originMapTo, simulators } from './simulators.ts'

export interface SandboxOptions {
  /** 0: any free port. */
  readonly port: number
  readonly host?: string
  /** 1 when left out. The same seed makes the same accounts. */
  readonly seed?: number
  /** Objects per resource. */
  readonly size?: Readonly<Record<string, number>>
  /** Calls a minute per bucket; `page` is the most that any page holds. */
  readonly limits?: Readonly<Record<string, number>>
  /** One random edit after so many reads of a page. */
  readonly editEveryReads?: number
  readonly chaos?: Partial<ChaosSettings>
  /** Whether providers hold back what is new; `off` when left out. */
  readonly minuteRule?: 'real' | 'off'
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

/** A simulator at work, and the journal of what was edited in it. */
interface Stage {
  readonly simulator: Simulator
  readonly world: World
  readonly journal: Journal
  /** Of this provider alone; where it has no fault for a call, the dial of all may have one. */
  readonly dial: ReturnType<typeof createDial>
}

/**
 * Starts the sandbox.
 * @throws the error of `listen`, when the port is taken.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  let aheadMs = 0
  const realNow = options.now ?? (() => new Date())
  const now = () => new Date(realNow().getTime() + aheadMs)
  const stages = new Map(simulators.map((simulator) => [simulator.slug, openStage(simulator, options, now)]))
  const chaos = createDial({ ...noChaos, ...options.chaos })
  let calls = 0
  const control: Control = {
    edit: (slug, wish) => kept(stageOf(stages, slug), ({ world }) => world.edit(wish)),
    editExactly: (slug, edit) => kept(stageOf(stages, slug), ({ world }) => world.editExactly(edit)),
    state: (slug, resource) => stageOf(stages, slug).world.state(resource),
    settle: (slug) => stageOf(stages, slug).world.settle(),
    chaos: chaos.turn,
    chaosOf: (slug, settings) => stageOf(stages, slug).dial.turn(settings),
    setSecrets: (slug, secrets) => stageOf(stages, slug).world.setSecrets(secrets),
    setLimits: (slug, limits) => stageOf(stages, slug).world.setLimits(limits),
    advance: (ms) => {
      aheadMs += ms
      return now()
    },
    calls: () => calls,
    slugs: () => [...stages.keys()],
    knows: (slug) => stages.has(slug),
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://sandbox')
    const text = await readText(request)
    const body = jsonOf(text)
    if (url.pathname === '/' || url.pathname.startsWith('/_sandbox'))
      return send(response, steer(control, request.method ?? 'GET', url, body))
    const [, slug = '', path = '/'] = /^\/([\w-]+)(\/.*)?$/.exec(url.pathname) ?? []
    const stage = stages.get(slug)
    if (!stage) return send(response, { status: 404, body: { error: `no simulator serves ${url.pathname}` } })
    calls++
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    )
    const origin = headers['x-tieline-origin']
    const call = {
      method: request.method ?? 'GET',
      path,
      query: url.searchParams,
      headers,
      body,
      text,
      origin,
    }
    const own = stage.dial.next()
    await sendThrough(response, own.kind === 'none' ? chaos.next() : own, stage.simulator.refusals, () =>
      kept(stage, ({ world }) => world.handle(call)),
    )
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else send(response, { status: 500, body: { error: `the sandbox failed: ${String(error)}` } })
    })
  })
  const url = await listen(server, options.port, options.host ?? '127.0.0.1')
  return {
    url,
    originMap: originMapTo(url),
    control,
    close: () => close(server),
  }
}

function openStage(simulator: Simulator, options: SandboxOptions, now: () => Date): Stage {
  const journal = openJournal(
    options.home,
    simulator.slug,
    { seed: options.seed, size: options.size ?? {} },
    { seed: 1, size: simulator.defaultSize, epoch: now() },
  )
  const world = simulator.createWorld({
    ...journal.origin,
    limits: options.limits ?? {},
    editEveryReads: options.editEveryReads ?? 0,
    minuteRule: options.minuteRule ?? 'off',
    now,
    record: journal.append,
  })
  for (const entry of journal.entries) world.replay(entry)
  return { simulator, world, journal, dial: createDial(noChaos) }
}

function stageOf(stages: ReadonlyMap<string, Stage>, slug: string): Stage {
  const stage = stages.get(slug)
  if (!stage) throw new Error(`the sandbox has no ${slug}`)
  return stage
}

/** What was changed is on disk before anybody is told of it. */
function kept<T>(stage: Stage, work: (stage: Stage) => T): T {
  const result = work(stage)
  stage.journal.flush()
  return result
}

function createDial(first: ChaosSettings) {
  let settings = first
  let next = createChaos(first)
  return {
    next: () => next(),
    /** Begins anew from the seed whenever it is turned; `undefined` only looks. */
    turn: (wish?: Partial<ChaosSettings>): ChaosSettings => {
      if (wish === undefined) return settings
      settings = { ...settings, ...wish }
      next = createChaos(settings)
      return settings
    },
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8')
}

function jsonOf(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
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

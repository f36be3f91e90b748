/** What simulators share: the shape they have, seeded chance, rate limits with real windows. No provider is named here. */
import type { JsonObject, JsonValue } from '../model/json.ts'

export interface SimulatorRequest {
  readonly method: string
  /** The provider's own path, without the sandbox's prefix. */
  readonly path: string
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed JSON, or undefined. */
  readonly body: unknown
  /** What was sent, decompressed: forms, JSON lines, queries as text. */
  readonly text: string
  /** The origin that the caller meant: `https://acme.example.com`. */
  readonly origin: string | undefined
}

export interface SimulatorReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; `text` and `bytes` win. */
  readonly body?: JsonValue
  /** Sent as it is: JSON that was serialised before, JSON lines, or a page of HTML. */
  readonly text?: string
  readonly bytes?: Uint8Array
}

/** One edit that a simulator made, as a plan or a test wants to see it. */
export interface Edit {
  readonly resource: string
  readonly id: string
  /** `touched`: the system wrote to the object, and nothing that a person sees is different. */
  readonly effect: 'created' | 'updated' | 'deleted' | 'touched'
  /** Names of the fields that changed. */
  readonly fields: readonly string[]
}

export interface EditWish {
  /** The simulator's main resource when left out. */
  readonly resource?: string
  readonly create?: number
  readonly update?: number
  readonly delete?: number
  readonly touch?: number
}

/** One edit by name: these fields of this object, or its end. */
export interface ExactEdit {
  readonly resource: string
  readonly id: string
  readonly fields?: JsonObject
  readonly delete?: boolean
}

/** A sample connection to a simulator: what a person would type in. */
export interface Sample {
  readonly provider: string
  readonly name: string
  /** Name of the auth method that the secrets are for. */
  readonly auth: string
  readonly settings: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  /** The real origins that the sandbox stands in for, that of the main base URL first. */
  readonly origins: readonly string[]
  /** Connected when the hub starts for the first time, without anybody asking. */
  readonly isFirst?: boolean
}

/** The hub's own app at a simulated provider, as its developer portal would give it. */
export interface SandboxApp {
  readonly clientId: string
  readonly clientSecret: string
}

export interface SimulatorOptions {
  readonly seed: number
  /** Objects per resource; a resource that is not named has its default size. */
  readonly size: Readonly<Record<string, number>>
  /** Calls a minute per bucket, in place of the defaults. */
  readonly limits: Readonly<Record<string, number>>
  /** One random edit after so many reads of a page; 0: none. */
  readonly editEveryReads: number
  /** When the account began: all its times follow from it. */
  readonly epoch: Date
  readonly now: () => Date
  /**
   * `off`: what was edited is shown at once, whatever the provider holds back. `real`: as the provider does it; move the
   * clock to see it.
   */
  readonly minuteRule: 'real' | 'off'
  /** Told of each change; `World.replay` takes them again in the same order. */
  readonly record: (entry: JsonValue) => void
}

/** A running simulator: a small world behind HTTP. */
export interface World {
  handle(request: SimulatorRequest): SimulatorReply
  /** Applies random edits, the same ones for the same seed. */
  edit(wish: EditWish): Edit[]
  /** Applies one edit; undefined when there is no such object. */
  editExactly(edit: ExactEdit): Edit | undefined
  /** The truth: id → object for what is alive. */
  state(resource: string): Record<string, JsonObject>
  /** Ends the edits that happen while pages are read. */
  settle(): void
  /** Replaces the secrets that are accepted. */
  setSecrets(secrets: Readonly<Record<string, string>>): void
  setLimits(limits: Readonly<Record<string, number>>): void
  /** Takes a recorded change again, without recording it. */
  replay(entry: JsonValue): void
}

export interface Simulator {
  readonly slug: string
  readonly sample: Sample
  /** For providers with OAuth: the app that the consent screen and the token endpoint know. */
  readonly app?: SandboxApp
  /** Objects per resource of an account that was not given sizes. */
  readonly defaultSize: Readonly<Record<string, number>>
  /** The provider's own bodies for faults by status. */
  readonly refusals: Readonly<Record<number, JsonValue>>
  createWorld(options: SimulatorOptions): World
}

/** A source of chance that gives the same for the same seed (mulberry32). */
export interface Chance {
  /** In [0, 1). */
  next(): number
  /** A whole number in [0, n). */
  below(n: number): number
  pick<T>(list: readonly T[]): T
}

export function createChance(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    next,
    below,
    pick: <T>(list: readonly T[]): T => {
      const found = list[below(list.length)]
      if (found === undefined) throw new Error('nothing to pick from')
      return found
    },
  }
}

/** Calls per window, as a provider counts them: a fixed window that begins with its first call. */
export interface Window {
  readonly limit: number
  readonly remaining: number
  /** Seconds until the window ends, at least 1. */
  readonly resetSeconds: number
  readonly isOver: boolean
}

export interface Windows {
  /** Counts a call; `windowMs` is a minute when left out. */
  take(bucket: string, limit: number, windowMs?: number): Window
}

export function createWindows(now: () => Date): Windows {
  const counts = new Map<string, { began: number; used: number }>()
  return {
    take: (bucket, limit, windowMs = 60_000) => {
      const at = now().getTime()
      const known = counts.get(bucket)
      const window = known && at - known.began < windowMs ? known : { began: at, used: 0 }
      counts.set(bucket, window)
      const isOver = window.used >= limit
      if (!isOver) window.used++
      const resetSeconds = Math.max(1, Math.ceil((window.began + windowMs - at) / 1000))
      return { limit, remaining: Math.max(0, limit - window.used), resetSeconds, isOver }
    },
  }
}

/** Answers one endpoint; `parts` are what the `:names` of its path matched, in order. */
export type Handler<Scene> = (
  scene: Scene,
  request: SimulatorRequest,
  parts: readonly string[],
) => SimulatorReply

/** An endpoint: `['GET', '/tickets/:id/comments', handler]`. `:id` matches digits, any other `:name` one segment. */
export type Route<Scene> = readonly [method: string, path: string, handler: Handler<Scene>]

/** Finds the first route that fits, in the order of the list; undefined when none does. */
export function createRouter<Scene>(routes: readonly Route<Scene>[]) {
  const compiled = routes.map(([method, path, handler]) => ({
    method,
    handler,
    pattern: new RegExp(`^${path.replace(/:id\b/g, '(\\d+)').replace(/:\w+/g, '([^/]+)')}$`),
  }))
  return (scene: Scene, request: SimulatorRequest, path: string): SimulatorReply | undefined => {
    for (const { method, pattern, handler } of compiled) {
      const match = method === request.method ? pattern.exec(path) : null
      if (match) return handler(scene, request, match.slice(1))
    }
    return undefined
  }
}

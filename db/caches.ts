/**
 * What a process may remember of settings, keys, brands, mappings, limits: bounded, and forgotten within a second of a change made
 * anywhere. Triggers tell of changes on the channel `tieline_changed` (migration 0013); a process that missed one, because its
 * connection was away, forgets everything when it listens again, and a poll of `cache_epochs` finds what went by unheard.
 */
import { LRUCache } from 'lru-cache'
import pg from 'pg'
import { sql } from 'kysely'
import type { Log } from '../platform/log.ts'
import type { Database } from './client.ts'

export interface CacheOptions<V> {
  /** What the triggers call it: `api_key`, `partner`. */
  readonly topics: readonly string[]
  /** Entries at most; the least recently used go first. */
  readonly max: number
  /** Asks the store. Undefined: there is none; that is remembered too. */
  load(key: string): Promise<V | undefined>
  /** Which entries a change concerns; all of the cache when left out or undefined, or when the change names no id. */
  keysOf?(id: string, topic: string): readonly string[] | undefined
}

export interface Cache<V> {
  /** From memory, or loaded; callers that ask for the same at once share one load. */
  get(key: string): Promise<V | undefined>
  forget(key?: string): void
}

export interface Caches {
  cache<V extends object>(options: CacheOptions<V>): Cache<V>
  /** Calls back for every change of a topic; with undefined when changes may have been missed. */
  onChange(topic: string, heard: (id: string | undefined) => void): void
  close(): Promise<void>
}

/** However sure we are: what is older than this is asked for again. */
const longestMs = 5 * 60_000
const pollMs = 2_000
const patienceMs = 1_000

type Listener = (id: string | undefined) => void

/** @param url of the database: the listener has a connection of its own, outside of the pool. */
export function openCaches({ db }: Pick<Database, 'db'>, url: string, log?: Log): Caches {
  const listeners = new Map<string, Listener[]>()
  const epochs = new Map<string, number>()
  const tell = (topic: string, id: string | undefined): void => {
    for (const heard of listeners.get(topic) ?? []) heard(id)
  }
  const tellAll = (): void => {
    for (const topic of listeners.keys()) tell(topic, undefined)
  }
  const onChange: Caches['onChange'] = (topic, heard) => {
    listeners.set(topic, [...(listeners.get(topic) ?? []), heard])
  }
  const ear = listen(url, { heard: ({ topic, id }) => tell(topic, id), deaf: tellAll, log })
  const poll = setInterval(() => void lookAtEpochs().catch(tellAll), pollMs)
  poll.unref()

  /** Also what was heard of makes an epoch pass: forgetting it twice costs a query, missing one would cost more. */
  async function lookAtEpochs(): Promise<void> {
    if (listeners.size === 0) return
    const found = await sql<{ topic: string; epoch: number }>`select topic, epoch from cache_epochs`.execute(
      db,
    )
    for (const { topic, epoch } of found.rows) {
      const known = epochs.get(topic)
      epochs.set(topic, epoch)
      if (known !== epoch && (known !== undefined || epoch > 1)) tell(topic, undefined)
    }
  }

  return {
    onChange,
    cache: (options) => createCache(options, onChange),
    close: async () => {
      clearInterval(poll)
      await ear.close()
    },
  }
}

function createCache<V extends object>(options: CacheOptions<V>, onChange: Caches['onChange']): Cache<V> {
  const { topics, max, load, keysOf } = options
  const nothing = Symbol('nothing')
  const lru = new LRUCache<string, { readonly value: V | typeof nothing }>({
    max,
    ttl: longestMs,
    // A load that is under way when its key is deleted is aborted by the library: what it brings is not kept.
    fetchMethod: async (key) => ({ value: (await load(key)) ?? nothing }),
  })
  const forget: Cache<V>['forget'] = (key) => {
    if (key === undefined) lru.clear()
    else lru.delete(key)
  }
  for (const topic of topics) {
    onChange(topic, (id) => {
      const keys = id === undefined ? undefined : keysOf?.(id, topic)
      if (keys) for (const key of keys) forget(key)
      else forget()
    })
  }
  return {
    forget,
    get: async (key) => {
      const held = await fetched(lru, key)
      const value = held ?? { value: (await load(key)) ?? nothing }
      return value.value === nothing ? undefined : value.value
    },
  }
}

/** Undefined when the load was aborted because its key changed meanwhile. */
async function fetched<T extends object>(lru: LRUCache<string, T>, key: string): Promise<T | undefined> {
  try {
    return await lru.fetch(key)
  } catch (error) {
    if (error instanceof Error && /^(deleted|evicted|replaced)$/.test(error.message)) return undefined
    throw error
  }
}

interface Ear {
  heard(change: { readonly topic: string; readonly id: string | undefined }): void
  /** Changes may have been missed. */
  deaf(): void
  readonly log: Log | undefined
}

/** One connection that listens, made again whenever it breaks. */
function listen(url: string, { heard, deaf, log }: Ear): { close(): Promise<void> } {
  let closing = false
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  const again = (): void => {
    if (closing || timer) return
    deaf()
    timer = setTimeout(() => {
      timer = undefined
      begin()
    }, patienceMs)
    timer.unref()
  }
  const begin = (): void => {
    const fresh = new pg.Client({
      connectionString: url,
      application_name: 'tieline-caches',
      keepAlive: true,
    })
    client = fresh
    fresh.on('notification', ({ payload }) => {
      const change = parse(payload)
      if (change) heard(change)
    })
    fresh.on('error', (err) => log?.debug({ err }, 'the connection that hears of changes broke'))
    fresh.on('end', again)
    fresh
      .connect()
      .then(() => fresh.query('listen tieline_changed'))
      // What changed before the ear was there.
      .then(deaf)
      .catch((err: unknown) => {
        log?.debug({ err }, 'changes cannot be heard of')
        void fresh.end().catch(() => {})
        again()
      })
  }
  begin()
  return {
    close: async () => {
      closing = true
      clearTimeout(timer)
      await client?.end().catch(() => {})
    },
  }
}

function parse(payload: string | undefined): { topic: string; id: string | undefined } | undefined {
  try {
    const { topic, id } = JSON.parse(payload ?? '') as { topic?: unknown; id?: unknown }
    return typeof topic === 'string' ? { topic, id: typeof id === 'string' ? id : undefined } : undefined
  } catch {
    return undefined
  }
}

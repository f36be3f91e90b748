/**
 * What was edited, kept as lines at the end of a file, so that the second `npm start` finds the same provider: the seed
 * makes the account, the journal makes its history. The first line says which seed and sizes it belongs to.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'

/** What an account is made from. */
export interface Origin {
  readonly seed: number
  readonly size: Readonly<Record<string, number>>
  readonly epoch: Date
}

/** What was asked for; what is left out is taken from the journal, or else from the defaults. */
export interface WantedOrigin {
  readonly seed: number | undefined
  readonly size: Readonly<Record<string, number>>
}

export interface Journal {
  readonly origin: Origin
  /** Entries of earlier processes, oldest first. */
  readonly entries: readonly JsonValue[]
  /** Keeps an entry in memory until `flush`. */
  append(entry: JsonValue): void
  /** Writes what was appended; called before a change is answered. */
  flush(): void
}

const version = 2

/**
 * Opens or begins the journal of a provider. A journal of another seed or size than asked for is put aside as `.old`; a last
 * line that was cut off by a crash was never answered and is dropped.
 * @param home where `sandbox/<slug>.jsonl` is kept; undefined keeps nothing.
 */
export function openJournal(
  home: string | undefined,
  slug: string,
  wanted: WantedOrigin,
  defaults: Origin,
): Journal {
  const fresh: Origin = {
    seed: wanted.seed ?? defaults.seed,
    size: { ...defaults.size, ...wanted.size },
    epoch: defaults.epoch,
  }
  if (home === undefined) return { origin: fresh, entries: [], append: () => {}, flush: () => {} }
  const file = path.join(home, 'sandbox', `${slug}.jsonl`)
  const known = read(file)
  if (known && fits(known.origin, wanted)) return writer(file, known.origin, known.entries)
  if (known) renameSync(file, `${file}.old`)
  mkdirSync(path.dirname(file), { recursive: true })
  const head: JsonObject = {
    version,
    seed: fresh.seed,
    size: { ...fresh.size },
    epoch: fresh.epoch.toISOString(),
  }
  writeFileSync(file, `${JSON.stringify(head)}\n`)
  return writer(file, fresh, [])
}

const fits = (origin: Origin, wanted: WantedOrigin): boolean =>
  (wanted.seed === undefined || wanted.seed === origin.seed) &&
  Object.entries(wanted.size).every(([name, size]) => origin.size[name] === size)

function writer(file: string, origin: Origin, entries: readonly JsonValue[]): Journal {
  let waiting: string[] = []
  return {
    origin,
    entries,
    append: (entry) => void waiting.push(`${JSON.stringify(entry)}\n`),
    flush: () => {
      if (waiting.length === 0) return
      appendFileSync(file, waiting.join(''))
      waiting = []
    },
  }
}

function read(file: string): { origin: Origin; entries: JsonValue[] } | undefined {
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole))
  const [head, ...entries] = whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonValue)
  if (!isJsonObject(head) || head['version'] !== version || !isJsonObject(head['size'])) return undefined
  if (typeof head['epoch'] !== 'string') return undefined
  const size = Object.fromEntries(Object.entries(head['size']).map(([name, count]) => [name, Number(count)]))
  return { origin: { seed: Number(head['seed']), size, epoch: new Date(head['epoch']) }, entries }
}

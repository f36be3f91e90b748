/** The hub's directory: who holds it, its secrets, what runs from it, what other programs may read about it. */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { newKeyRingText } from '../../platform/secrets/keyring.ts'
import { commandLineOf, stopLeftover } from './process.ts'
import { UpError } from './up-error.ts'

/** What the embedded hub makes once and keeps in `secrets.json` (mode 600). */
export interface HubSecrets {
  readonly encryptionKeys: string
  readonly adminToken: string
  readonly postgresPassword: string
}

/** What `hub.json` tells about the running hub; no secrets. Whether it is ready, `GET /readyz` of its API says. */
export interface HubFile {
  /** Of the supervisor. */
  readonly pid: number
  readonly startedAt: string
  readonly api: string
  readonly temporalUi: string
  readonly temporalAddress: string
  readonly temporalNamespace: string
  /** Without the password. */
  readonly databaseUrl: string
  /** Null when the hub was started without it. */
  readonly sandbox: string | null
  /** Process ids of the parts that run or are being started. */
  readonly parts: Readonly<Record<string, number>>
  /** Socket on which the supervisor takes orders. */
  readonly control: string
}

export interface Home {
  readonly folder: string
  readonly logs: string
  /** Path of a file or folder inside. */
  at(name: string): string
  /** Notes a process so that the next start can end it if this hub is killed. */
  noteProcess(name: string, pid: number): void
  /** Gives the directory up: hub.json and the lock go. */
  release(): void
}

interface Noted {
  readonly name: string
  readonly pid: number
  readonly command: string
}

/**
 * Takes the directory for this hub, and ends what a killed hub has left running from it.
 * @throws UpError when another hub runs from it.
 */
export async function takeHome(folder: string): Promise<Home> {
  const at = (name: string): string => path.join(folder, name)
  try {
    // Others may pass through (Postgres runs as a user of its own when root starts the hub), not look around.
    mkdirSync(folder, { recursive: true, mode: 0o711 })
    mkdirSync(at('logs'), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new UpError(`TIELINE_HOME: ${folder} cannot be written; name a directory that you may write`, {
      cause: error,
    })
  }
  lock(at('hub.lock'), folder)
  await endLeftovers(at('processes.json'))
  // By name: a part that is started again takes its old place, for the order tells who goes last.
  const noted = new Map<string, Noted>()
  return {
    folder,
    logs: at('logs'),
    at,
    noteProcess: (name, pid) => {
      noted.set(name, { name, pid, command: commandLineOf(pid) ?? '' })
      writePrivate(at('processes.json'), [...noted.values()])
    },
    release: () => {
      for (const name of ['hub.json', 'processes.json', 'hub.lock']) rmSync(at(name), { force: true })
    },
  }
}

function lock(file: string, folder: string): void {
  const mine = JSON.stringify({ pid: process.pid, command: commandLineOf(process.pid) })
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx', mode: 0o600 })
      return
    } catch (error) {
      if (!existsSync(file)) throw new UpError(`TIELINE_HOME: ${folder} cannot be written`, { cause: error })
      const holder = readHolder(file)
      if (holder !== undefined && commandLineOf(holder.pid) === holder.command) {
        throw new UpError(
          `TIELINE_HOME: a hub is already running from ${folder} (process ${holder.pid}); stop it, or give this one a TIELINE_HOME and ports of its own`,
        )
      }
      rmSync(file, { force: true })
    }
  }
  throw new UpError(`TIELINE_HOME: several hubs are being started from ${folder} at once`)
}

function readHolder(file: string): { pid: number; command: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { pid: number; command: string }
  } catch {
    return undefined
  }
}

async function endLeftovers(file: string): Promise<void> {
  if (!existsSync(file)) return
  const noted = JSON.parse(readFileSync(file, 'utf8')) as Noted[]
  // The database goes last: the others still write to it.
  for (const { pid, command } of noted.reverse()) if (command !== '') await stopLeftover(pid, command)
  rmSync(file, { force: true })
}

/**
 * The hub's secrets, made at the first start.
 * @throws UpError when they are gone but the data that they protect is there.
 */
export function loadSecrets(home: Home): HubSecrets {
  const file = home.at('secrets.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as HubSecrets
  if (existsSync(home.at('postgres'))) {
    throw new UpError(
      `TIELINE_HOME: ${file} is missing, and without it the data beside it cannot be read; restore it, or delete ${home.folder} to begin anew`,
    )
  }
  const secrets: HubSecrets = {
    encryptionKeys: newKeyRingText(),
    adminToken: `adm_${randomBytes(24).toString('base64url')}`,
    postgresPassword: randomBytes(18).toString('base64url'),
  }
  writePrivate(file, secrets)
  return secrets
}

export function writeHubFile(home: Home, hub: HubFile): void {
  writePrivate(home.at('hub.json'), hub)
}

/** What is known of the hub that runs (or was killed) in this directory; undefined when there is none. */
export function readHubFile(folder: string): (HubFile & { readonly running: boolean }) | undefined {
  try {
    const hub = JSON.parse(readFileSync(path.join(folder, 'hub.json'), 'utf8')) as HubFile
    const holder = readHolder(path.join(folder, 'hub.lock'))
    const running = holder?.pid === hub.pid && commandLineOf(holder.pid) === holder.command
    return { ...hub, running }
  } catch {
    return undefined
  }
}

/** The secrets of a hub's directory, for the command line on the same machine; undefined when there are none to read. */
export function readSecrets(folder: string): HubSecrets | undefined {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'secrets.json'), 'utf8')) as HubSecrets
  } catch {
    return undefined
  }
}

/** Puts another ring in place; the other secrets stay. The file is the old one or the new one, never half of either. */
export function replaceRing(folder: string, encryptionKeys: string): void {
  const secrets = readSecrets(folder)
  if (!secrets) throw new UpError(`TIELINE_HOME: ${folder} holds no secrets.json`)
  writePrivate(path.join(folder, 'secrets.json'), { ...secrets, encryptionKeys })
}

/** Readable by the owner only, and never half-written. */
function writePrivate(file: string, value: unknown): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush: true })
  chmodSync(`${file}.new`, 0o600)
  renameSync(`${file}.new`, file)
}

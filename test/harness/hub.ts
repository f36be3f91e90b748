/** A whole hub as a user runs it: `npm start` in a process group of its own, on ports and in a directory of its own. */
import { spawn, execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../../cli/up/ports.ts'
import { commandLineOf } from '../../cli/up/process.ts'

const root = path.resolve(import.meta.dirname, '../..')

export interface HubPlace {
  /** TIELINE_HOME. */
  readonly home: string
  /** The environment that leads every command to this hub. */
  readonly env: NodeJS.ProcessEnv
  readonly api: string
  remove(): void
}

/** A directory and five ports for a hub. */
export async function createHubPlace(): Promise<HubPlace> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tieline-hub-'))
  chmodSync(folder, 0o755)
  const [api = 0, temporal = 0, ui = 0, pg = 0, sandbox = 0] = await freePorts(5)
  const home = path.join(folder, 'home')
  const clean = Object.entries(process.env).filter(
    ([name]) => !/^(TIELINE_|DATABASE_URL$|NODE_ENV$)/.test(name),
  )
  const env = {
    ...Object.fromEntries(clean),
    TIELINE_HOME: home,
    TIELINE_PORT: String(api),
    TIELINE_TEMPORAL_PORT: String(temporal),
    TIELINE_TEMPORAL_UI_PORT: String(ui),
    TIELINE_PG_PORT: String(pg),
    TIELINE_SANDBOX_PORT: String(sandbox),
  }
  return {
    home,
    env,
    api: `http://127.0.0.1:${api}`,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export interface RunningHub {
  readonly pid: number
  /** All that it has printed so far. */
  output(): string
  /** Exit code, once it has ended; 130 also when npm ends itself by the signal that it was sent. */
  readonly ended: Promise<number>
  /** Resolves when /readyz says so. @throws with the output when the hub ends before that, or after three minutes. */
  ready(): Promise<void>
  /** Process ids of its parts, from hub.json. */
  parts(): Record<string, number>
  /** Ctrl-C at the terminal: the signal goes to the whole foreground group. Resolves to the exit code. */
  interrupt(): Promise<number>
}

/** Runs `npm start` with `args` after `--`. */
export function startHub(
  place: HubPlace,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): RunningHub {
  const child = spawn('npm', ['start', '--', ...args], {
    cwd: root,
    detached: true,
    env: { ...place.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const pid = child.pid ?? 0
  let over = false
  const ended = new Promise<number>((resolve) => {
    child.on('close', (code, signal) => {
      over = true
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1))
    })
  })
  const ready = async (): Promise<void> => {
    for (const until = Date.now() + 180_000; Date.now() < until && !over; await delay(200)) {
      const answer = await fetch(`${place.api}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(
        () => undefined,
      )
      if (answer?.ok) return
    }
    throw new Error(`the hub did not become ready:\n${text}`)
  }
  return {
    pid,
    output: () => text,
    ended,
    ready,
    parts: () =>
      (
        JSON.parse(readFileSync(path.join(place.home, 'hub.json'), 'utf8')) as {
          parts: Record<string, number>
        }
      ).parts,
    interrupt: () => {
      if (!over) process.kill(-pid, 'SIGINT')
      return ended
    },
  }
}

/** Runs `tieline <args>` against a hub. Never throws for an exit code. */
export function tieline(
  place: HubPlace,
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['tieline.mjs', ...args], { cwd: root, env: place.env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}

/** Those of the given processes that still run after `patienceMs`. */
export async function stillRunning(pids: readonly number[], patienceMs = 0): Promise<number[]> {
  const running = () => pids.filter((pid) => commandLineOf(pid) !== undefined)
  for (const until = Date.now() + patienceMs; Date.now() < until && running().length > 0;) await delay(100)
  return running()
}

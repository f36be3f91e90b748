/**
 * The supervisor's ear: a Unix socket in TIELINE_HOME that only the owner may open. One line of JSON asks, one answers.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { isJsonObject } from '../../model/json.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Home } from './home.ts'
import type { PartFacts } from './keeper.ts'
import type { Screen } from './screen.ts'
import type { Supervisor } from './supervisor.ts'

export const orders = ['list', 'stop', 'start', 'restart'] as const
export type Order = (typeof orders)[number]

export interface Request {
  readonly order: Order
  /** Not for `list`. */
  readonly part?: string
}

export type Answer =
  | { readonly ok: true; readonly parts: readonly PartFacts[] }
  /** `isInput`: what was asked for cannot be, whatever the hub does. */
  | {
      readonly ok: false
      readonly message: string
      readonly isInput?: boolean
      readonly known?: readonly string[]
    }

export interface ControlSocket {
  readonly path: string
  close(): Promise<void>
}

/** A socket's path may have about 100 bytes (sun_path), on some systems a few more. */
const longestPath = 100

export async function openControl(
  home: Home,
  supervisor: Supervisor,
  screen: Screen,
): Promise<ControlSocket> {
  const inHome = home.at('control.sock')
  const isShort = Buffer.byteLength(inHome) <= longestPath
  const folder = isShort ? undefined : mkdtempSync(path.join(tmpdir(), 'tieline-control-'))
  const place = folder === undefined ? inHome : path.join(folder, 'control.sock')
  // Left by a hub that was killed; this one holds the lock.
  rmSync(place, { force: true })
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    // Whoever has asked may be gone before the answer.
    socket.on('error', () => {})
    createInterface(socket).once('line', (line) => {
      void answer(line, supervisor, screen).then((said) => socket.end(`${JSON.stringify(said)}\n`))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The file is made within this call: nobody else can open it for a moment.
    const before = process.umask(0o177)
    try {
      server.listen(place, resolve)
    } finally {
      process.umask(before)
    }
  })
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of open) socket.destroy()
    await closed
    rmSync(folder ?? place, { recursive: true, force: true })
  }
  return { path: place, close }
}

async function answer(line: string, supervisor: Supervisor, screen: Screen): Promise<Answer> {
  try {
    const request = parse(line)
    if (request === undefined) return { ok: false, message: 'This order is not known.', isInput: true }
    return await carryOut(request, supervisor, screen)
  } catch (error) {
    return { ok: false, message: messageOf(error) }
  }
}

function parse(line: string): Request | undefined {
  const given: unknown = JSON.parse(line)
  if (!isJsonObject(given)) return undefined
  const order = orders.find((one) => one === given['order'])
  const part = given['part']
  if (order === undefined) return undefined
  return { order, ...(typeof part === 'string' ? { part } : {}) }
}

async function carryOut(
  { order, part: name = '' }: Request,
  supervisor: Supervisor,
  screen: Screen,
): Promise<Answer> {
  if (order === 'list') return { ok: true, parts: supervisor.parts() }
  const part = supervisor.part(name)
  if (!part) {
    const known = supervisor.parts().map((one) => one.part)
    return { ok: false, message: `This hub has no part "${name}".`, isInput: true, known }
  }
  const missing = order === 'stop' ? undefined : part.blockedBy()
  if (missing !== undefined) {
    const message = `${name} cannot be started without ${missing}, which does not run: tieline parts start ${missing}`
    return { ok: false, message }
  }
  if (order !== 'start' && part.facts().state !== 'stopped') {
    screen.line(`${name} is stopped by "tieline parts ${order}".`)
    await part.stop()
  }
  if (order !== 'stop') await part.start()
  return { ok: true, parts: [part.facts()] }
}

/** Asks the supervisor that listens at `place`. @throws when nobody listens, or it ends before it answers. */
export function askControl(place: string, request: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(place, () => socket.write(`${JSON.stringify(request)}\n`))
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (text += chunk))
    socket.on('error', reject)
    socket.on('close', () => {
      if (text.endsWith('\n')) resolve(JSON.parse(text) as Answer)
      else reject(new Error('the hub has ended'))
    })
  })
}

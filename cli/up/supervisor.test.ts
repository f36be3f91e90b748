import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { until } from '../../test/harness/api.ts'
import { askControl, openControl, type ControlSocket } from './control.ts'
import { takeHome, type Home } from './home.ts'
import { logFileOf } from './parts.ts'
import type { Patience } from './patience.ts'
import { commandLineOf, startProgram } from './process.ts'
import { createScreen, type Screen } from './screen.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'

/** A part as small as can be: it says that it is ready, and stays. */
const stays = `process.send({ ready: true }); process.on('disconnect', () => process.exit()); setInterval(() => {}, 1e6)`
const soon: Patience = { backOffMs: [10, 20], shortMs: 30_000, tooMany: 5, withinMs: 60_000 }

let folder: string
let home: Home
let screen: Screen
let supervisor: Supervisor
let text: string
let control: ControlSocket | undefined
const pids: number[] = []

async function setUp(patience: Patience = soon, under = ''): Promise<void> {
  folder = mkdtempSync(path.join(tmpdir(), 'tieline-supervisor-'))
  home = await takeHome(path.join(folder, under, 'home'))
  text = ''
  screen = createScreen({ write: (chunk) => (text += chunk) })
  supervisor = createSupervisor(home, screen, patience)
}
afterEach(async () => {
  await supervisor.stopAll()
  await control?.close()
  control = undefined
  home.release()
  expect(pids.splice(0).filter((pid) => commandLineOf(pid) !== undefined)).toEqual([])
  rmSync(folder, { recursive: true })
})

function adopt(name: string, code: string): Promise<void> {
  const logFile = logFileOf(home, name)
  return supervisor.adopt(name, logFile, async (spawned) => {
    const program = await startProgram({
      name,
      command: process.execPath,
      args: ['-e', code],
      logFile,
      ipc: true,
    })
    pids.push(program.pid)
    spawned(program)
    const ready = new Promise((resolve) => program.child.once('message', resolve))
    const how = await Promise.race([ready, program.ended])
    if (typeof how === 'string') throw new Error(`${name} did not start (${how})`)
    return program
  })
}
const factsOf = (name: string) => supervisor.part(name)?.facts()
const pidOf = (name: string): number => factsOf(name)?.pid ?? 0
const when = (is: () => boolean) =>
  until(
    () => Promise.resolve(supervisor.parts()),
    () => is(),
  )
const whenIn = (name: string, state: string) => when(() => factsOf(name)?.state === state)
const kill = (name: string) => process.kill(pidOf(name), 'SIGKILL')

/** Fails from the moment a file is there. */
const failsWhen = (file: string, otherwise = stays): string =>
  `if (require('node:fs').existsSync(${JSON.stringify(file)})) { console.error('no such luck'); process.exit(3) }; ${otherwise}`

describe('a part that ends by itself', () => {
  it('is started again, and the screen tells which, how, and what it said last', async () => {
    await setUp()
    const changes: number[] = []
    supervisor.onChange(() => changes.push(pidOf('api')))
    await adopt('api', `console.error('the last word'); ${stays}`)
    const first = pidOf('api')
    kill('api')
    await when(() => factsOf('api')?.restarts === 1 && factsOf('api')?.state === 'running')
    expect(pidOf('api')).not.toBe(first)
    expect(changes.at(-1)).toBe(pidOf('api'))
    expect(text).toMatch(/api ended unexpectedly \(signal SIGKILL\); see .*api\.log\n +the last word\n/)
    expect(text).toContain('started again in')
    expect(text).toContain(`api runs again (process ${pidOf('api')}).`)
  })

  it('ends the hub when it fails again and again', async () => {
    await setUp()
    const bad = path.join(folder, 'bad')
    await adopt('worker', failsWhen(bad))
    writeFileSync(bad, '')
    kill('worker')
    await expect(supervisor.over).rejects.toThrow(/worker .*\(exit code 3\)[^]*again and again: giving up/)
    expect(pids).toHaveLength(5)
    expect(factsOf('worker')).toMatchObject({ state: 'stopped', pid: null })
  })

  it('fails the start of the hub when it has never run', async () => {
    await setUp()
    await expect(adopt('worker', 'process.exit(3)')).rejects.toThrow('worker did not start (exit code 3)')
    expect(pids).toHaveLength(1)
  })

  it('waits for what it cannot do without, and that is not counted against it', async () => {
    await setUp({ ...soon, tooMany: 1 })
    await adopt('temporal', stays)
    await adopt('worker', stays)
    await supervisor.part('temporal')?.stop()
    kill('worker')
    await whenIn('worker', 'waiting')
    expect(factsOf('worker')?.waitsFor).toBe('temporal')
    expect(text).toContain('It is started again when temporal runs.')
    await supervisor.part('temporal')?.start()
    await whenIn('worker', 'running')
  })

  it('is not started again once the hub is stopping, also in the middle of its start', async () => {
    await setUp()
    const slow = path.join(folder, 'slow')
    const marker = JSON.stringify(slow)
    await adopt(
      'api',
      `if (require('node:fs').existsSync(${marker})) setInterval(() => {}, 1e6); else { ${stays} }`,
    )
    writeFileSync(slow, '')
    kill('api')
    await when(() => factsOf('api')?.state === 'starting' && pidOf('api') > 0)
    supervisor.interrupt()
    await supervisor.over
    await supervisor.stopAll()
    expect(factsOf('api')).toMatchObject({ state: 'stopped', pid: null })
    expect(pids).toHaveLength(2)
  })
})

describe('a part that is steered', () => {
  const ask = async (order: 'list' | 'stop' | 'start' | 'restart', part?: string) =>
    askControl(control?.path ?? '', { order, ...(part === undefined ? {} : { part }) })

  it('stays away when it was stopped, and runs when its start is answered', async () => {
    await setUp()
    control = await openControl(home, supervisor, screen)
    await adopt('sandbox', stays)
    const [first, second] = [await ask('stop', 'sandbox'), await ask('stop', 'sandbox')]
    expect(first).toMatchObject({ ok: true, parts: [{ part: 'sandbox', state: 'stopped', pid: null }] })
    expect(second).toEqual(first)
    expect(await Promise.all([ask('start', 'sandbox'), ask('start', 'sandbox')])).toEqual([
      {
        ok: true,
        parts: [expect.objectContaining({ state: 'running', pid: pidOf('sandbox'), restarts: 1 })],
      },
      {
        ok: true,
        parts: [expect.objectContaining({ state: 'running', pid: pidOf('sandbox'), restarts: 1 })],
      },
    ])
    expect(await ask('restart', 'sandbox')).toMatchObject({ parts: [{ state: 'running', restarts: 2 }] })
    expect(pids).toHaveLength(3)
    expect(text).toContain('sandbox is stopped by "tieline parts stop"')
  })

  it('does not wait for its turn when somebody starts it, and a start that fails is told', async () => {
    await setUp({ ...soon, backOffMs: [3_600_000] })
    control = await openControl(home, supervisor, screen)
    const bad = path.join(folder, 'bad')
    await adopt('api', failsWhen(bad))
    writeFileSync(bad, '')
    kill('api')
    await whenIn('api', 'waiting')
    expect(await ask('start', 'api')).toEqual({ ok: false, message: 'api did not start (exit code 3)' })
    rmSync(bad)
    await whenIn('api', 'waiting')
    expect(await ask('start', 'api')).toMatchObject({ ok: true, parts: [{ state: 'running' }] })
    writeFileSync(bad, '')
    kill('api')
    await whenIn('api', 'waiting')
    expect(await ask('stop', 'api')).toMatchObject({ ok: true, parts: [{ state: 'stopped' }] })
  })

  it('is refused clearly: an unknown part, an unknown order, one that lacks another', async () => {
    await setUp()
    control = await openControl(home, supervisor, screen)
    await adopt('postgres', stays)
    await adopt('api', stays)
    expect(await ask('stop', 'apu')).toMatchObject({ ok: false, isInput: true, known: ['postgres', 'api'] })
    expect(await ask('explode' as 'stop', 'api')).toMatchObject({ ok: false, isInput: true })
    await ask('stop', 'postgres')
    const refused = await ask('restart', 'api')
    expect(refused).toMatchObject({
      ok: false,
      message: expect.stringContaining('without postgres') as string,
    })
    expect(factsOf('api')?.state).toBe('running')
  })

  it.each([
    ['in TIELINE_HOME', ''],
    ['elsewhere when the path of TIELINE_HOME is too long for a socket', 'x'.repeat(120)],
  ])('is steered by the owner only, through a socket %s', async (_where, under) => {
    await setUp(soon, under)
    control = await openControl(home, supervisor, screen)
    const { path: place } = control
    expect(place.startsWith(home.folder)).toBe(under === '')
    expect((statSync(place).mode & 0o777).toString(8)).toBe('600')
    expect(await ask('list')).toEqual({ ok: true, parts: [] })
    await control.close()
    expect(existsSync(place)).toBe(false)
    await expect(ask('list')).rejects.toThrow()
  })
})

import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { commandLineOf } from '../../cli/up/process.ts'
import {
  createHubPlace,
  startHub,
  stillRunning,
  tieline,
  type HubPlace,
  type RunningHub,
} from '../harness/hub.ts'

const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8)

describe('npm start', () => {
  let place: HubPlace
  let hub: RunningHub | undefined

  beforeAll(async () => {
    place = await createHubPlace()
  })
  afterAll(async () => {
    await hub?.interrupt()
    place.remove()
  })

  const secrets = (): string => readFileSync(path.join(place.home, 'secrets.json'), 'utf8')
  let first = ''

  it('starts everything and says where it is and what to do next', async () => {
    hub = startHub(place)
    await hub.ready()
    for (const until = Date.now() + 10_000; Date.now() < until && !hub.output().includes('Ctrl-C stops');) {
      await new Promise((next) => setTimeout(next, 50))
    }
    expect(hub.output()).toMatch(/✓ Postgres .*\n.*✓ Database schema/s)
    expect(hub.output()).toContain(`${place.api}/docs`)
    expect(hub.output()).toMatch(/npm run -s tieline -- sync \w+/)
    expect(Object.keys(hub.parts()).sort()).toEqual(['api', 'postgres', 'sandbox', 'temporal', 'worker'])
    first = secrets()
  }, 200_000)

  it('keeps its secrets to the owner, and out of hub.json and the logs (INV-6)', () => {
    expect(modeOf(path.join(place.home, 'secrets.json'))).toBe('600')
    expect(modeOf(path.join(place.home, 'hub.json'))).toBe('600')
    const values = Object.values(JSON.parse(first) as Record<string, string>)
    const logs = ['api', 'worker', 'sandbox', 'temporal', 'postgres'].map((name) =>
      path.join(place.home, 'logs', `${name}.log`),
    )
    for (const file of [path.join(place.home, 'hub.json'), ...logs]) {
      const text = readFileSync(file, 'utf8')
      for (const value of values) expect(text.includes(value)).toBe(false)
    }
  })

  it('leads the commands of a newcomer to the hub: status, sync, sync again, a dry run, a mistyped service', async () => {
    const status = await tieline(place, 'status', '--json')
    expect(JSON.parse(status.out)).toMatchObject({ ready: true, api: place.api })
    const slug = /tieline -- sync (\w+)/.exec(hub?.output() ?? '')?.[1] ?? ''
    for (const args of [
      ['sync', slug],
      ['sync', slug],
      ['sync', slug, '--dry-run'],
    ]) {
      const { code, out, err } = await tieline(place, ...args)
      expect({ args, code, text: code === 0 ? '' : out + err }).toEqual({ args, code: 0, text: '' })
    }
    const mistyped = await tieline(place, 'sync', 'nosuchservice')
    expect(mistyped.code).toBe(2)
    expect(mistyped.err).toContain('nosuchservice')
  }, 180_000)

  it('refuses a second hub in the same directory, and one on taken ports, with one line and exit code 2', async () => {
    const same = startHub(place)
    expect(await same.ended).toBe(2)
    expect(same.output()).toMatch(/TIELINE_HOME: a hub is already running from .* \(process \d+\)/)
    const other = await createHubPlace()
    const taken = startHub(other, [], { TIELINE_PORT: place.env['TIELINE_PORT'] })
    expect(await taken.ended).toBe(2)
    expect(taken.output()).toContain(`TIELINE_PORT: port ${place.env['TIELINE_PORT']} is taken`)
    other.remove()
    await hub?.ready()
  }, 30_000)

  it('stops all of it on Ctrl-C, within 30 seconds, and leaves nothing', async () => {
    const parts = Object.values(hub?.parts() ?? {})
    const began = Date.now()
    // npm itself answers 130 to a Ctrl-C that reaches it too.
    expect([0, 130]).toContain(await hub?.interrupt())
    expect(Date.now() - began).toBeLessThan(30_000)
    expect(hub?.output()).toContain('Stopped.')
    expect(await stillRunning(parts)).toEqual([])
  }, 60_000)

  it('continues with the same data at the next start', async () => {
    hub = startHub(place)
    await hub.ready()
    expect(secrets()).toBe(first)
    expect(hub.output()).not.toContain('creating the database')
  }, 120_000)

  it('reports a part that dies by name, and ends the others', async () => {
    const parts = hub?.parts() ?? {}
    process.kill(parts['worker'] ?? 0, 'SIGKILL')
    expect(await hub?.ended).toBe(1)
    expect(hub?.output()).toContain('worker ended unexpectedly (signal SIGKILL); see ')
    expect(await stillRunning(Object.values(parts))).toEqual([])
  }, 60_000)

  it('cleans up after a hub that was killed, and starts again', async () => {
    hub = startHub(place)
    await hub.ready()
    const parts = hub.parts()
    const { pid } = JSON.parse(readFileSync(path.join(place.home, 'hub.json'), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
    await hub.ended
    const { api = 0, worker = 0, sandbox = 0, postgres = 0, temporal = 0 } = parts
    expect(await stillRunning([api, worker, sandbox], 20_000)).toEqual([])
    expect(commandLineOf(postgres)).toBeDefined()
    hub = startHub(place)
    await hub.ready()
    expect(await stillRunning([postgres, temporal])).toEqual([])
    expect([0, 130]).toContain(await hub.interrupt())
  }, 180_000)
})

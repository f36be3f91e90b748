import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { commandLineOf } from '../../cli/up/process.ts'
import { until } from '../harness/api.ts'
import {
  createHubPlace,
  startHub,
  stillRunning,
  tieline,
  type HubPlace,
  type RunningHub,
} from '../harness/hub.ts'

interface Runs {
  readonly items: readonly { readonly runId: string }[]
}

interface Run {
  readonly resources: readonly { readonly scanned: number }[]
}

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
  /** The service of the sample connection. */
  let service = ''

  /** What the hub's API answers. */
  async function ask(path: string): Promise<{ status: number; body: unknown }> {
    const { adminToken } = JSON.parse(secrets()) as { adminToken: string }
    const response = await fetch(`${place.api}${path}`, {
      headers: { authorization: `Bearer ${adminToken}` },
    })
    return { status: response.status, body: await response.json() }
  }
  async function slowSandbox(slowMs: number): Promise<void> {
    const { sandbox } = JSON.parse(readFileSync(path.join(place.home, 'hub.json'), 'utf8')) as {
      sandbox: string
    }
    const body = JSON.stringify({ slowRate: slowMs > 0 ? 1 : 0, slowMs })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${sandbox}/_sandbox/chaos`, { method: 'POST', headers, body })).status).toBe(200)
  }

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
    service = /tieline -- sync (\w+)/.exec(hub.output())?.[1] ?? ''
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
    for (const args of [
      ['sync', service],
      ['sync', service],
      ['sync', service, '--dry-run'],
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

  it('starts a part that dies again: the run that the worker was at goes on at its page', async () => {
    const before = hub?.parts() ?? {}
    await slowSandbox(300)
    const syncing = tieline(place, 'sync', service, '--force')
    const runId = await until(
      async () => ((await ask('/admin/v1/runs?state=running&limit=1')).body as Runs).items[0]?.runId,
      (id) => id !== undefined,
    )
    await until(
      async () => (await ask(`/admin/v1/runs/${runId}`)).body as Run,
      (run) => run.resources.some(({ scanned }) => scanned > 0),
    )
    process.kill(before['worker'] ?? 0, 'SIGKILL')
    await until(
      () => Promise.resolve(hub?.output() ?? ''),
      (text) => text.includes('worker runs again'),
    )
    await slowSandbox(0)
    const { code, out, err } = await syncing
    expect({ code, text: code === 0 ? '' : out + err }).toEqual({ code: 0, text: '' })
    expect(hub?.output()).toContain('worker ended unexpectedly (signal SIGKILL); see ')
    const after = hub?.parts() ?? {}
    expect(after).toEqual({ ...before, worker: after['worker'] })
    expect(after['worker']).not.toBe(before['worker'])
  }, 90_000)

  it('lives through the death of Postgres: the API answers 503 meanwhile', async () => {
    const { postgres = 0, api } = hub?.parts() ?? {}
    process.kill(postgres, 'SIGKILL')
    const seen = new Set<number>()
    await until(
      () => ask('/admin/v1/connections'),
      ({ status }) => {
        seen.add(status)
        return status === 200 && seen.size > 1
      },
    )
    expect([...seen].sort()).toEqual([200, 503])
    expect(hub?.parts()['api']).toBe(api)
    expect(hub?.parts()['postgres']).not.toBe(postgres)
    await hub?.ready()
  }, 60_000)

  it('loses no webhook while Temporal is away: stopped, 300 received, started again', async () => {
    const equation = async () => (await ask('/admin/v1/inbox-equation')).body as Record<string, number>
    const before = await equation()
    expect(await tieline(place, 'parts', 'stop', 'temporal')).toMatchObject({
      code: 0,
      out: 'temporal: stopped\n',
    })
    expect(Object.keys(hub?.parts() ?? {}).sort()).toEqual(['api', 'postgres', 'sandbox', 'worker'])
    const events = ['webhooks', 'simulate', service, '--events', '300', '--no-follow', '--json']
    const sent = JSON.parse((await tieline(place, ...events)).out) as { statuses: Record<string, number> }
    expect(sent.statuses).toEqual({ 200: 300 })
    expect(await equation()).toEqual({ ...before, received: 300, waiting: 300 })
    expect((await tieline(place, 'parts', 'start', 'temporal')).code).toBe(0)
    const after = await until(equation, ({ waiting }) => waiting === 0)
    expect(after).toEqual({ ...before, received: 300, processed: 300 })
    const listed = JSON.parse((await tieline(place, 'parts', '--json')).out) as {
      part: string
      state: string
    }[]
    expect(listed.every(({ state }) => state === 'running')).toBe(true)
  }, 90_000)

  it('cleans up after a hub that was killed, and starts again', async () => {
    const parts = hub?.parts() ?? {}
    const { pid } = JSON.parse(readFileSync(path.join(place.home, 'hub.json'), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
    await hub?.ended
    const { api = 0, worker = 0, sandbox = 0, postgres = 0, temporal = 0 } = parts
    expect(await stillRunning([api, worker, sandbox], 20_000)).toEqual([])
    expect(commandLineOf(postgres)).toBeDefined()
    hub = startHub(place)
    await hub.ready()
    expect(await stillRunning([postgres, temporal])).toEqual([])
    expect([0, 130]).toContain(await hub.interrupt())
  }, 180_000)
})

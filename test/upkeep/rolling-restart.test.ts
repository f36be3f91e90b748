/**
 * Two API servers behind a load balancer, restarted one after the other while callers ask: no call fails. The balancer does what such
 * programs do: it sends to those that are ready, and what never reached one (a connection that was refused or closed) to the other.
 */
import { Agent, request } from 'node:http'
import { closeServer, createApi, type Api } from '../../api/server.ts'
import { freePorts } from '../../cli/up/ports.ts'
import { createLog } from '../../platform/log.ts'
import { createStopper } from '../../platform/stop.ts'
import { adminToken, startTestApi, until, type TestApi } from '../harness/api.ts'

let api: TestApi
let one: Api
beforeAll(async () => {
  api = await startTestApi()
  one = createApi(api.deps)
}, 120_000)
afterAll(() => api?.close())

const log = createLog('test', 'silent')

/** A server of its own, stopped as `api/main.ts` stops it. The app is shared: to read the description takes seconds, and holds no state. */
async function startOne(port: number) {
  const stopper = createStopper(log)
  const server = await one.listen(port, '127.0.0.1')
  stopper.onStop('server', () => closeServer(server))
  return { stop: () => stopper.stop('restart') }
}

interface Answer {
  readonly status: number
  readonly body: string
}

function send(agent: Agent, port: number, method: string, path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${adminToken}`,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    }
    const sent = request({ host: '127.0.0.1', port, method, path, agent, headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function createBalancer(ports: readonly number[]) {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  let turn = 0
  const retried = { count: 0 }
  /** An answer that has begun is never asked for again; an error before it is, once per process. */
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    let last: unknown
    const first = turn++
    for (let attempt = 0; attempt < 6; attempt++) {
      const port = ports[(first + attempt) % ports.length] ?? 0
      try {
        return await send(agent, port, method, path, body)
      } catch (error) {
        last = error
        retried.count++
      }
    }
    throw last
  }
  const ready = async (port: number): Promise<boolean> =>
    await send(agent, port, 'GET', '/readyz').then(
      ({ status }) => status === 200,
      () => false,
    )
  return { ask, ready, retried, close: () => agent.destroy() }
}

describe('a rolling restart of two API processes', () => {
  it('fails no call, reads and writes alike, and loses no write', async () => {
    const connection = await api.connect()
    const ports = await freePorts(2)
    const running = await Promise.all(ports.map(startOne))
    const balancer = createBalancer(ports)
    const path = `/admin/v1/connections/${connection.connectionId}`
    const wrong: Answer[] = []
    let answered = 0
    let written = 0
    let isOver = false
    const caller = async (n: number): Promise<void> => {
      for (let turn = 0; !isOver; turn++) {
        const isWrite = n === 0 && turn % 5 === 0
        const answer = isWrite
          ? await balancer.ask('PATCH', path, { name: `Turn ${turn}` })
          : await balancer.ask('GET', turn % 2 ? path : '/admin/v1/connections?limit=5')
        answered++
        if (isWrite) written = turn
        if (answer.status !== 200) wrong.push(answer)
      }
    }
    const everybody = Promise.all(Array.from({ length: 8 }, (_, n) => caller(n))).finally(
      () => (isOver = true),
    )
    everybody.catch(() => undefined)
    for (const [index, port] of ports.entries()) {
      const before = answered
      await until(
        () => Promise.resolve(answered),
        (n) => isOver || n > before + 40,
      )
      await running[index]?.stop()
      running[index] = await startOne(port)
      await until(() => balancer.ready(port), Boolean)
    }
    const before = answered
    await until(
      () => Promise.resolve(answered),
      (n) => isOver || n > before + 40,
    )
    isOver = true
    await everybody
    expect(wrong).toEqual([])
    expect(answered).toBeGreaterThan(120)
    expect(written).toBeGreaterThan(0)
    // Something was really restarted under the callers.
    expect(balancer.retried.count).toBeGreaterThan(0)
    const { body } = await balancer.ask('GET', path)
    expect(JSON.parse(body)).toMatchObject({ name: `Turn ${written}` })
    for (const { stop } of running) await stop()
    balancer.close()
  }, 120_000)
})

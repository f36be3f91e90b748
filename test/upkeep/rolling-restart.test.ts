/**
 * Two API processes behind a load balancer, restarted one after the other while callers ask: no call fails. The balancer does what such
 * programs do: it sends to those that are ready, and what never reached one (a connection that was refused or closed) to the other.
 */
import { Agent, request } from 'node:http'
import { until } from '../harness/api.ts'
import { startProcesses, type Processes } from '../harness/processes.ts'

let hub: Processes
beforeAll(async () => {
  hub = await startProcesses({ sandbox: {}, apis: 2 })
}, 120_000)
afterAll(() => hub?.close())

interface Answer {
  readonly status: number
  readonly body: string
}

function send(agent: Agent, port: number, method: string, path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${hub.adminToken}`,
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
    const connection = await hub.connect()
    const ports = hub.apiPorts
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
      await hub.restartApi(index)
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
    balancer.close()
  }, 120_000)
})

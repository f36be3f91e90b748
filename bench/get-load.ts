/** Gets as fast as so many connections allow, or at a rate; keeps the time of each answer. A process of its own. */
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from './tools.ts'

export interface GetWish {
  /** Asked in turn. */
  readonly urls: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly requests: number
  readonly connections: number
  /** Requests a second; 0: as fast as it goes. */
  readonly rate: number
}

export interface GetResult {
  readonly seconds: number
  /** How many were answered with which status; 0: none came. */
  readonly statuses: Readonly<Record<number, number>>
  /** Milliseconds, from when a request was due. */
  readonly p50: number
  readonly p99: number
}

const get = (agent: Agent, url: string, headers: GetWish['headers']): Promise<number> =>
  new Promise((resolve) => {
    const outgoing = request(url, { agent, headers: { ...headers } }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode ?? 0))
    })
    outgoing.on('error', () => resolve(0))
    outgoing.end()
  })

async function load({ urls, headers, requests, connections, rate }: GetWish): Promise<GetResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const times: number[] = []
  const statuses: Record<number, number> = {}
  let n = 0
  const started = performance.now()
  const lane = async (): Promise<void> => {
    for (let mine = n++; mine < requests; mine = n++) {
      const due = rate > 0 ? started + (mine / rate) * 1000 : performance.now()
      if (due > performance.now()) await delay(due - performance.now())
      const from = rate > 0 ? due : performance.now()
      const status = await get(agent, urls[mine % urls.length] ?? '', headers)
      statuses[status] = (statuses[status] ?? 0) + 1
      times.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: connections }, lane))
  const seconds = (performance.now() - started) / 1000
  agent.destroy()
  times.sort((a, b) => a - b)
  return { seconds, statuses, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}

process.on('message', (wish: GetWish) => void load(wish).then((result) => process.send?.(result)))
process.on('disconnect', () => process.exit(0))

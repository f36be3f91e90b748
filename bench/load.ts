/** Posts as fast as so many connections allow, or at a rate; keeps the time of each answer. A process of its own. */
import { Agent, request } from 'node:http'
import { createHmac } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from './tools.ts'

export interface LoadWish {
  readonly url: string
  readonly posts: number
  readonly connections: number
  /** Posts a second; 0: as fast as it goes. */
  readonly rate: number
  /** Makes the ids of the events. */
  readonly mark: string
  /** Objects that the events are about. */
  readonly objects: readonly string[]
  readonly secret: string
}

export interface LoadResult {
  readonly seconds: number
  readonly accepted: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** A ticket event, signed as Zendesk signs. Both sides get the same bytes and headers. */
function sampleOf(
  wish: LoadWish,
  n: number,
): { readonly body: string; readonly headers: Record<string, string> } {
  const object = wish.objects[n % wish.objects.length] ?? '1'
  const time = new Date().toISOString()
  const body = JSON.stringify({
    type: 'zen:event-type:ticket.status_changed',
    account_id: 22129848,
    id: `${wish.mark}-${n}`,
    time,
    zendesk_event_version: '2022-06-20',
    subject: `zen:ticket:${object}`,
    detail: { id: object, subject: 'x'.repeat(300) },
    event: { current: 'OPEN', previous: 'NEW' },
  })
  const signature = createHmac('sha256', wish.secret).update(time).update(body).digest('base64')
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'x-zendesk-webhook-signature-timestamp': time,
      'x-zendesk-webhook-signature': signature,
    },
  }
}

function post(
  agent: Agent,
  wish: LoadWish,
  n: number,
): Promise<{ readonly ok: boolean; readonly ms: number }> {
  const { body, headers } = sampleOf(wish, n)
  const from = process.hrtime.bigint()
  return new Promise((resolve) => {
    const outgoing = request(wish.url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume()
      answer.on('end', () =>
        resolve({ ok: answer.statusCode === 200, ms: Number(process.hrtime.bigint() - from) / 1e6 }),
      )
    })
    outgoing.on('error', () => resolve({ ok: false, ms: Number(process.hrtime.bigint() - from) / 1e6 }))
    outgoing.end(body)
  })
}

export async function load(wish: LoadWish): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: wish.connections })
  const times: number[] = []
  let accepted = 0
  let n = 0
  const started = Date.now()
  const lane = async (): Promise<void> => {
    for (;;) {
      const mine = n++
      if (mine >= wish.posts) return
      if (wish.rate > 0) {
        const due = started + (mine / wish.rate) * 1000
        if (due > Date.now()) await delay(due - Date.now())
      }
      const { ok, ms } = await post(agent, wish, mine)
      if (ok) accepted++
      times.push(ms)
    }
  }
  await Promise.all(Array.from({ length: wish.connections }, lane))
  const seconds = (Date.now() - started) / 1000
  agent.destroy()
  times.sort((a, b) => a - b)
  return { seconds, accepted, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}

process.on('message', (wish: LoadWish) => void load(wish).then((result) => process.send?.(result)))
process.on('disconnect', () => process.exit(0))

/** A partner's receiver of webhooks on this machine: answers as told, keeps what came. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Webhook {
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly event: {
    readonly id: string
    readonly type: string
    readonly timestamp: string
    readonly data: unknown
  }
}

export interface Receiver {
  readonly url: string
  /** In the order in which they came. */
  readonly received: Webhook[]
  /** The most that were being answered at the same time. */
  readonly mostAtOnce: () => number
  /** What it does from now on; 204 when left out. */
  answer(script?: (response: ServerResponse, webhook: Webhook, n: number) => void): void
  close(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const received: Webhook[] = []
  const fine = (response: ServerResponse): void => void response.writeHead(204).end()
  let script: Parameters<Receiver['answer']>[0] = fine
  let open = 0
  let most = 0
  const server = createServer((request, response) => {
    most = Math.max(most, ++open)
    response.on('close', () => open--)
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString()
      const webhook = {
        path: request.url ?? '',
        headers: request.headers as Record<string, string>,
        body,
        event: (body === '' ? {} : JSON.parse(body)) as Webhook['event'],
      }
      ;(script ?? fine)(response, webhook, received.push(webhook) - 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    mostAtOnce: () => most,
    answer: (next) => {
      script = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Provider } from '../../providers/contract.ts'

export interface TinyAnswer {
  readonly status?: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Answer so much later. */
  readonly delayMs?: number
}

export interface TinyRequest {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly authorization: string | undefined
}

export interface TinyProvider {
  readonly provider: Provider
  readonly originMap: Readonly<Record<string, string>>
  readonly requests: TinyRequest[]
  /** What is answered from now on. */
  answer(how: (request: TinyRequest) => TinyAnswer): void
  close(): Promise<void>
}

const origin = 'https://api.tiny.example'

/** A provider as small as the contract allows, with a real server behind it: for tests of what lies between. */
export async function startTinyProvider(): Promise<TinyProvider> {
  let how: (request: TinyRequest) => TinyAnswer = () => ({ body: { ok: true } })
  const requests: TinyRequest[] = []
  const server = createServer((request, response) => {
    void read(request).then((one) => {
      requests.push(one)
      const answer = how(one)
      setTimeout(() => send(response, answer), answer.delayMs ?? 0).unref()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    provider: tiny,
    originMap: { [origin]: `http://127.0.0.1:${port}` },
    requests,
    answer: (next) => {
      how = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function read(request: IncomingMessage): Promise<TinyRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
    authorization: request.headers.authorization,
  }
}

function send(response: ServerResponse, { status = 200, body = {}, headers = {} }: TinyAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

const noteSchema = {
  type: 'object',
  required: ['text'],
  properties: { text: { type: 'string', minLength: 1 } },
  additionalProperties: false,
}

const tiny: Provider = {
  slug: 'tiny',
  name: 'Tiny',
  category: 'support',
  apiVersion: '1',
  docs: [],
  auth: [
    {
      kind: 'token',
      name: 'token',
      title: 'Token',
      setup: [],
      headers: (secrets) => ({ authorization: `Bearer ${secrets['token'] ?? ''}` }),
    },
  ],
  baseUrl: () => origin,
  limits: { buckets: {}, groups: { all: [] }, learn: () => [] },
  explainError: () => undefined,
  resources: [],
  actions: [
    {
      name: 'create_note',
      title: 'Create a note',
      description: 'Writes a note.',
      input: noteSchema,
      output: { type: 'object' },
      run: async ({ call }, input, key) => {
        const answer = await call({
          method: 'POST',
          path: '/notes',
          group: 'all',
          body: { ...input, key },
          repeatable: true,
        })
        return { note: JSON.stringify(answer.body) }
      },
    },
  ],
  reports: [
    {
      name: 'count',
      title: 'Count notes',
      description: 'Counts notes.',
      input: { type: 'object' },
      output: { type: 'object' },
      cacheSeconds: 0,
      run: async ({ call }) => ({
        answer: JSON.stringify((await call({ method: 'GET', path: '/count', group: 'all' })).body),
      }),
    },
  ],
  health: {
    check: async ({ call }) => {
      await call({ method: 'GET', path: '/me', group: 'all' })
      return { proves: 'signed in', facts: { role: 'admin' } }
    },
  },
}

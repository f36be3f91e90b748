/** The codec server as the Temporal CLI and the Temporal UI use it. */
import { request as httpRequest } from 'node:http'
import { defaultPayloadConverter } from '@temporalio/common'
import { admitEmbeddedUi, codecCors } from '../../api/codec.ts'
import { startTestApi, uiOrigin, type TestApi } from '../harness/api.ts'

let api: TestApi

beforeAll(async () => {
  api = await startTestApi({ worker: false })
}, 120_000)

afterAll(async () => {
  await api?.close()
})

interface Payloads {
  readonly payloads: readonly { readonly metadata: Record<string, string>; readonly data: string }[]
}

const clear = {
  metadata: { encoding: Buffer.from('json/plain').toString('base64') },
  data: Buffer.from('{"a":1}').toString('base64'),
}

describe('the codec server', () => {
  it('encrypts and decrypts as clients and workers do', async () => {
    const body = { payloads: [clear, clear] }
    const headers = { 'X-Namespace': api.deps.config.temporal.namespace }
    const encoded = await api.request('POST', '/codec/encode', { body, headers })
    const sealed = encoded.body as Payloads
    expect(encoded.status).toBe(200)
    expect(sealed.payloads).toHaveLength(2)
    expect(JSON.stringify(sealed)).not.toContain(clear.data)
    // As the Temporal UI 2.54 asks, read off its requests in a real browser.
    const decoded = await api.request('POST', '/codec/decode?preserveStorageRefs=true', {
      body: sealed,
      headers,
    })
    expect(decoded).toMatchObject({ status: 200, body })
    const [payload] = await api.deps.codec.encode([defaultPayloadConverter.toPayload({ b: 2 }) ?? {}])
    const wire = {
      metadata: Object.fromEntries(
        Object.entries(payload?.metadata ?? {}).map(([name, value]) => [
          name,
          Buffer.from(value).toString('base64'),
        ]),
      ),
      data: Buffer.from(payload?.data ?? []).toString('base64'),
    }
    const opened = await api.request('POST', '/codec/decode', { body: { payloads: [wire] } })
    const [first] = (opened.body as Payloads).payloads
    expect(Buffer.from(first?.data ?? '', 'base64').toString()).toBe('{"b":2}')
  })

  it('refuses a payload that was changed, and another namespace', async () => {
    const encoded = await api.request('POST', '/codec/encode', { body: { payloads: [clear] } })
    const [sealed] = (encoded.body as Payloads).payloads
    const bytes = Buffer.from(sealed?.data ?? '', 'base64')
    bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1)
    const changed = { metadata: sealed?.metadata, data: bytes.toString('base64') }
    const answer = await api.request('POST', '/codec/decode', { body: { payloads: [changed] } })
    expect(answer).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    const elsewhere = { 'X-Namespace': 'elsewhere' }
    const other = await api.request('POST', '/codec/decode', { body: { payloads: [] }, headers: elsewhere })
    expect(other).toMatchObject({
      status: 400,
      body: { errors: [{ in: 'header', pointer: '/X-Namespace' }] },
    })
  })

  it('lets the embedded UI of this machine in without a token, and no other page', async () => {
    // fetch sets no Origin of one's choosing.
    expect((await post({ Origin: uiOrigin })).status).toBe(200)
    expect((await post({ Origin: uiOrigin.replace('127.0.0.1', 'localhost') })).status).toBe(200)
    for (const Origin of ['https://evil.example', `${uiOrigin}0`, 'null', '']) {
      expect((await post(Origin === '' ? {} : { Origin })).status).toBe(401)
    }
    expect((await post({ Origin: uiOrigin, Authorization: 'Bearer wrong-wrong-wrong-wrong' })).status).toBe(
      401,
    )
    const elsewhere = await post({ Origin: uiOrigin }, '/admin/v1/providers', 'GET')
    expect(elsewhere.status).toBe(401)
  })

  it('lets nobody in without a token in production or with a Temporal of its own', () => {
    const { config } = api.deps
    const context = (origin: string) => ({
      get: (name: string) => (name === 'Origin' ? origin : ''),
      req: { socket: { remoteAddress: '127.0.0.1' } },
    })
    const admits = (change: Partial<typeof config>): boolean => {
      const admit = admitEmbeddedUi({ ...config, ...change })
      const operation = { permission: 'codec.use' } as Parameters<typeof admit>[1]
      return admit(context(uiOrigin) as unknown as Parameters<typeof admit>[0], operation) !== undefined
    }
    expect(admits({})).toBe(true)
    expect(admits({ environment: 'production' })).toBe(false)
    const cluster = { address: 'temporal.acme.example:7233', namespace: 'default', connection: {} }
    expect(admits({ temporal: cluster })).toBe(false)
    expect(admits({ temporal: { ...cluster, address: '127.0.0.1:9' } })).toBe(false)
    expect(admits({ temporalUiUrl: 'https://temporal.acme.example' })).toBe(false)
    expect(codecCors(config)).toBeInstanceOf(Function)
  })

  it('answers the preflight of the UI and of nobody else', async () => {
    const ask = { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-namespace' }
    const ours = await post({ Origin: uiOrigin, ...ask }, '/codec/decode', 'OPTIONS')
    expect(ours.status).toBe(204)
    expect(ours.headers).toMatchObject({
      'access-control-allow-origin': uiOrigin,
      'access-control-allow-headers': 'content-type, x-namespace, authorization',
    })
    const theirs = await post({ Origin: 'https://evil.example', ...ask }, '/codec/decode', 'OPTIONS')
    expect(theirs.headers).not.toHaveProperty('access-control-allow-origin')
  })

  function post(headers: Record<string, string>, path = '/codec/decode', method = 'POST') {
    return new Promise<{ status: number | undefined; headers: object }>((resolve, reject) => {
      const all = { 'Content-Type': 'application/json', ...headers }
      const outgoing = httpRequest(api.url + path, { method, headers: all }, (answer) => {
        answer.resume()
        resolve({ status: answer.statusCode, headers: answer.headers })
      })
      outgoing.on('error', reject)
      outgoing.end(method === 'POST' ? '{"payloads":[]}' : undefined)
    })
  }
})

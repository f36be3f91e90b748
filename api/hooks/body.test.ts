import { createServer, request as call, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { ProblemError } from '../problem.ts'
import { readHook } from './body.ts'

const limit = 1000
let server: Server
let told: (outcome: { body?: Buffer; code?: unknown }) => void
beforeAll(async () => {
  server = createServer((request, response) => {
    readHook(request, limit, 300)
      .then(
        (body) => told({ body }),
        (error: unknown) => told({ code: error instanceof ProblemError ? error.failure.code : error }),
      )
      .finally(() => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(
  () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(resolve)
    }),
)

type Send = (request: ReturnType<typeof call>) => void

/** What came of a body that is sent so. */
async function read(headers: Record<string, string | number>, send: Send) {
  const outcome = new Promise<{ body?: Buffer; code?: unknown }>((resolve) => (told = resolve))
  const { port } = server.address() as AddressInfo
  const sending = call(
    { port, host: '127.0.0.1', method: 'POST', headers },
    (answer: IncomingMessage) => void answer.resume(),
  )
  sending.on('error', () => undefined)
  send(sending)
  return await outcome
}
const whole =
  (body: Buffer): Send =>
  (sending) =>
    sending.end(body)
const bytes = (length: number) => Buffer.alloc(length, 'é')

it.each([
  ['as they come', {}, (body: Buffer) => body],
  ['gzip', { 'content-encoding': 'gzip' }, (body: Buffer) => gzipSync(body)],
  ['x-gzip, in capitals', { 'content-encoding': 'X-GZIP' }, (body: Buffer) => gzipSync(body)],
  ['deflate', { 'content-encoding': 'deflate' }, (body: Buffer) => deflateSync(body)],
  ['br', { 'content-encoding': 'br' }, (body: Buffer) => brotliCompressSync(body)],
])('bytes are read %s, up to the limit and not beyond', async (_how, headers, packed) => {
  expect((await read(headers, whole(packed(bytes(limit))))).body).toEqual(bytes(limit))
  expect(await read(headers, whole(packed(bytes(limit + 1))))).toEqual({ code: 'TooLarge' })
})

it('chunks are put together', async () => {
  const { body } = await read({ 'transfer-encoding': 'chunked' }, (sending) => {
    sending.write('{"a":')
    setTimeout(() => sending.end('"\u{1f600}"}'), 20)
  })
  expect(body?.toString('utf8')).toBe('{"a":"\u{1f600}"}')
})

it('a bomb is given up at the limit, not when it is unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(200_000_000))
  const before = process.memoryUsage().arrayBuffers
  expect(await read({ 'content-encoding': 'gzip' }, whole(bomb))).toEqual({ code: 'TooLarge' })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
})

it('a length that is announced too large is refused before a byte is read', async () => {
  expect(await read({ 'content-length': limit + 1 }, (sending) => sending.flushHeaders())).toEqual({
    code: 'TooLarge',
  })
})

it('a body that is slow, breaks off or is not what its header says is given up', async () => {
  expect(
    await read({ 'content-length': 10 }, (sending) => {
      sending.write('12345')
    }),
  ).toEqual({ code: 'InvalidInput' })
  expect(
    await read({ 'content-length': 10 }, (sending) => {
      sending.write('12345', () => sending.destroy())
    }),
  ).toEqual({ code: 'InvalidInput' })
  expect(await read({ 'content-encoding': 'gzip' }, whole(Buffer.from('no gzip')))).toEqual({
    code: 'InvalidInput',
  })
  expect(await read({ 'content-encoding': 'gzip' }, whole(gzipSync(bytes(500)).subarray(0, -12)))).toEqual({
    code: 'InvalidInput',
  })
  expect(await read({ 'content-encoding': 'compress' }, whole(bytes(5)))).toEqual({
    code: 'UnsupportedMediaType',
  })
})

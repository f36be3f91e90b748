/** The raw bytes of a webhook: within a limit, within a time, decompressed with the same limit. */
import type { IncomingMessage } from 'node:http'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Readable, Transform } from 'node:stream'
import { edgeFailure } from '../problem.ts'

/** A body that takes longer to arrive is given up: nobody holds a connection open for nothing. */
const slowestMs = 10_000

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
}

/** @throws TooLarge (413), UnsupportedMediaType (415), InvalidInput (400) for one that breaks off, is slow or cannot be decompressed. */
export async function readHook(
  request: IncomingMessage,
  limitBytes: number,
  slowest = slowestMs,
): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes)
  let slow: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    slow = setTimeout(() => reject(broken('did not arrive in time')), slowest)
  })
  try {
    return await Promise.race([collect(decoded(request), limitBytes), late])
  } finally {
    clearTimeout(slow)
  }
}

function decoded(request: IncomingMessage): Readable {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (encoding === 'identity' || encoding === '') return request
  const decoder = decoders[encoding]?.()
  if (!decoder)
    throw edgeFailure('UnsupportedMediaType', 'Send the body with gzip, deflate, br or no content encoding.')
  request.on('error', (error) => decoder.destroy(error))
  return request.pipe(decoder)
}

async function collect(stream: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > limitBytes) throw tooLarge(limitBytes)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'ProblemError') throw error
    throw broken('broke off, or is not compressed as its header says')
  }
  return Buffer.concat(chunks)
}

// What is left unread of a refused body cannot be followed by another request on the same connection.
const tooLarge = (limitBytes: number) =>
  edgeFailure('TooLarge', `The body is larger than ${limitBytes} bytes.`, { Connection: 'close' })
const broken = (how: string) => edgeFailure('InvalidInput', `The body ${how}.`, { Connection: 'close' })

/** Reading a body: within a size, as JSON, with integers beyond 2^53 kept exact as text. */
import { isSafeNumber, parse as parseLossless } from 'lossless-json'
import { HubError } from '../../platform/errors.ts'

export interface ReadBody {
  readonly bytes: number
  readonly text: string
}

/** Reads a body. @throws HubError `Protocol` when it is larger than `maxBytes`; what the network throws otherwise. */
export async function readBody(response: Response, maxBytes: number): Promise<ReadBody> {
  if (!response.body) return { bytes: 0, text: '' }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > maxBytes)
      throw new HubError('Protocol', `The provider's answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return { bytes, text: Buffer.concat(chunks).toString('utf8') }
}

/** A number with 16 or more digits may be an integer that a double cannot hold; only then is the slow parser worth it. */
const longNumber = /[:[,\s]-?\d{16,}/

const exact = (text: string): number | string =>
  !isSafeNumber(text) && /^-?\d+$/.test(text) ? text : Number(text)

/**
 * JSON text as a value; undefined for an empty body. Integers beyond 2^53 become text.
 * @throws SyntaxError when it is not JSON.
 */
export function parseBody(text: string): unknown {
  if (text.trim() === '') return undefined
  return longNumber.test(text) ? parseLossless(text, undefined, exact) : (JSON.parse(text) as unknown)
}

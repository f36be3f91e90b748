/** Reads a JSON body: UTF-8, within a limit, with the place of a mistake. */
import type { IncomingMessage } from 'node:http'
import { HubError } from '../platform/errors.ts'
import { edgeFailure } from './problem.ts'

/**
 * The parsed body.
 * @throws UnsupportedMediaType (415), TooLarge (413), InvalidInput (400, with line and column).
 */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  checkType(request)
  const bytes = await readBytes(request, limitBytes)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new HubError('InvalidInput', 'The body is not UTF-8.')
  }
  if (text.trim() === '') throw new HubError('InvalidInput', 'The body is empty; send a JSON object.')
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const { line, column } = placeOf(brokenAt(text, error), text)
    throw new HubError('InvalidInput', `The body is not JSON: line ${line}, column ${column} is not valid.`)
  }
}

export const isForm = ({ headers }: IncomingMessage): boolean =>
  /^application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '')

/** Whether the request says that it has no body. */
export const isBodiless = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0

/**
 * A posted form.
 * @throws UnsupportedMediaType (415), TooLarge (413), InvalidInput (400) for one that broke off.
 */
export async function readForm(request: IncomingMessage, limitBytes: number): Promise<URLSearchParams> {
  const [type = ''] = (request.headers['content-type'] ?? '').toLowerCase().split(';')
  if (type.trim() !== 'application/x-www-form-urlencoded')
    throw edgeFailure('UnsupportedMediaType', 'Send the form of the page.')
  return new URLSearchParams((await readBytes(request, limitBytes)).toString('utf8'))
}

function checkType({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='))
  if (type.trim() !== 'application/json' || (charset && !/^charset="?utf-8"?$/.test(charset))) {
    throw edgeFailure('UnsupportedMediaType', 'Send the body as "Content-Type: application/json" in UTF-8.', {
      Accept: 'application/json',
    })
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw edgeFailure('UnsupportedMediaType', 'Send the body without a content encoding.')
  }
}

async function readBytes(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  // What is left unread of a refused body cannot be followed by another request on the same connection.
  const tooLarge = () =>
    edgeFailure('TooLarge', `The body is larger than ${limitBytes} bytes. Send less at once.`, {
      Connection: 'close',
    })
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limitBytes) break
      chunks.push(chunk)
    }
  } catch (cause) {
    throw new HubError('InvalidInput', 'The body broke off.', { cause })
  }
  if (size > limitBytes) throw tooLarge()
  return Buffer.concat(chunks)
}

/**
 * Where a text stops being the beginning of JSON. V8 names the position in some messages only, and quotes the text (which
 * may hold a secret) in the others, so the longest prefix that could go on is searched for.
 */
function brokenAt(text: string, error: unknown): number {
  if (isUnfinished(text, error)) return text.length
  let good = 0
  let bad = text.length
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (canGoOn(text.slice(0, middle))) good = middle
    else bad = middle
  }
  return good
}

function canGoOn(prefix: string): boolean {
  try {
    JSON.parse(prefix)
    return true
  } catch (error) {
    return isUnfinished(prefix, error)
  }
}

function isUnfinished(text: string, error: unknown): boolean {
  const message = error instanceof Error ? error.message : ''
  if (/Unexpected end|Unterminated string/.test(message)) return true
  const [, position] = /at position (\d+)/.exec(message) ?? []
  return position !== undefined && Number(position) >= text.length
}

function placeOf(offset: number, text: string): { line: number; column: number } {
  const lines = text.slice(0, offset).split('\n')
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
}

/** What is sent and how an answer is read: JSON unless the request says otherwise. */
import { gzipSync } from 'node:zlib'
import type { JsonLines, ProviderRequest } from '../contract.ts'
import { parseBody } from './body.ts'

export function contentTypeOf({ body, form, text }: ProviderRequest): string | undefined {
  if (text) return text.type
  if (form) return 'application/x-www-form-urlencoded'
  return body === undefined ? undefined : 'application/json'
}

/** For `fetch`; empty for a request without content. */
export function contentOf({ body, form, text, gzip }: ProviderRequest): { body?: string | Buffer } {
  const content =
    text?.content ??
    (form ? new URLSearchParams(form).toString() : body === undefined ? undefined : JSON.stringify(body))
  if (content === undefined) return {}
  return { body: gzip ? gzipSync(content) : content }
}

interface Read {
  readonly value: unknown
  /** What a body is that is not what was asked for. */
  readonly garbled: string | undefined
}

/** @param as `error`: JSON, or the text where it is none: some providers refuse in plain text. */
export function read(bytes: Buffer, as: NonNullable<ProviderRequest['answer']> | 'error'): Read {
  if (as === 'text') return { value: bytes.toString('utf8'), garbled: undefined }
  if (as === 'bytes') return { value: bytes.toString('base64'), garbled: undefined }
  if (as === 'lines') return { value: linesOf(bytes), garbled: undefined }
  try {
    return { value: parseBody(bytes), garbled: undefined }
  } catch {
    const start = bytes.subarray(0, 200).toString('utf8')
    const garbled = /^\s*</.test(start) ? 'an HTML page' : 'something that is not JSON'
    return { value: as === 'error' ? start : undefined, garbled }
  }
}

const newline = 10

/** Read line by line from the bytes: the text of a large export is never held as a whole. */
function linesOf(bytes: Buffer): JsonLines {
  const rows: unknown[] = []
  const rest: string[] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(newline, start)
    const line = bytes.subarray(start, end === -1 ? bytes.length : end)
    start += line.length + 1
    try {
      const row = parseBody(line)
      if (row !== undefined) rows.push(row)
    } catch {
      rest.push(line.subarray(0, 200).toString('utf8'))
    }
  }
  return { rows, rest }
}

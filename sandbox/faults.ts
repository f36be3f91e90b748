/** How an answer leaves the sandbox: whole, or through a fault of the chaos dial. */
import type { ServerResponse } from 'node:http'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import type { Fault } from './chaos.ts'
import type { SimulatorReply } from './kit.ts'

/**
 * Answers through a fault. A fault that refuses comes before the work; one that loses the answer comes after it, so that a
 * caller that repeats a write meets what the first one did.
 * @param refusals the provider's own bodies by status.
 */
export async function sendThrough(
  response: ServerResponse,
  fault: Fault,
  refusals: Readonly<Record<number, JsonValue>>,
  work: () => SimulatorReply,
): Promise<void> {
  if (fault.kind === 'status') {
    const { status } = fault
    const headers: Record<string, string> = status === 500 ? {} : { 'retry-after': '1' }
    return send(response, {
      status,
      headers,
      body: refusals[status] ?? { error: 'asked for by the chaos dial' },
    })
  }
  const reply = work()
  if (fault.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms))
  if (fault.kind === 'html') return send(response, htmlPage)
  if (fault.kind === 'cut') return cut(response, reply, fault.inBody)
  send(
    response,
    fault.kind === 'drift' || fault.kind === 'drop' ? spoil(reply, fault.kind, fault.row) : reply,
  )
}

const htmlPage: SimulatorReply = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  text: '<!DOCTYPE html><title>Be right back</title>',
}

const textOf = (reply: SimulatorReply): string =>
  reply.text ?? (reply.body === undefined ? '' : JSON.stringify(reply.body))

export function send(response: ServerResponse, reply: SimulatorReply): void {
  const text = textOf(reply)
  response.writeHead(reply.status, headersOf(reply, text))
  response.end(text)
}

const headersOf = (reply: SimulatorReply, text: string): Record<string, string> => ({
  ...(text === '' ? {} : { 'content-type': 'application/json; charset=utf-8' }),
  ...reply.headers,
  ...(reply.status === 204 ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
})

function cut(response: ServerResponse, reply: SimulatorReply, inBody: boolean): void {
  const text = textOf(reply)
  // An empty body cannot be cut: it would pass for whole.
  if (!inBody || text === '') return void response.destroy()
  response.writeHead(reply.status, headersOf(reply, text))
  response.write(text.slice(0, Math.floor(text.length / 2)), () => response.destroy())
}

/** Undefined for what is no JSON as a whole: an export in lines. */
function bodyIn(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject
  } catch {
    return undefined
  }
}

/** The same answer with one row that is not as documented: its time is an object, or its id is missing. */
function spoil(reply: SimulatorReply, how: 'drift' | 'drop', row: number): SimulatorReply {
  if (reply.status !== 200) return reply
  const body = bodyIn(textOf(reply))
  if (!body) return reply
  const list = listIn(body)
  const at = list ? row % list.length : 0
  const victim = list?.[at]
  if (!list || !isJsonObject(victim)) return reply
  const spoilt = how === 'drop' ? withoutId(victim) : withDriftedTime(victim)
  if (!spoilt) return reply
  list[at] = spoilt
  return { ...reply, text: JSON.stringify(body) }
}

/** The first list of objects in an answer, however deep its envelope puts it. */
function listIn(value: JsonValue): JsonValue[] | undefined {
  const inner = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : []
  const isRows = Array.isArray(value) && value.length > 0 && value.every(isRow)
  if (isRows) return value
  for (const one of inner) {
    const found = listIn(one)
    if (found) return found
  }
  return undefined
}

const idName = /^id$/i
const timeName = /^(updated_?at|last_?updated_?time)$/i

const isRow = (value: JsonValue): boolean =>
  isJsonObject(value) && Object.keys(value).some((name) => idName.test(name))

const withoutId = (row: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !idName.test(name)))

/** The row with an object for the time of its last change, which may stand one level below; undefined when it has none. */
function withDriftedTime(row: JsonObject, isInner = false): JsonObject | undefined {
  for (const [name, value] of Object.entries(row)) {
    if (timeName.test(name)) return { ...row, [name]: { drifted: true } }
    const inner = isJsonObject(value) && !isInner ? withDriftedTime(value, true) : undefined
    if (inner) return { ...row, [name]: inner }
  }
  return undefined
}

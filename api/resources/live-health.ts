/** The live status, as server-sent events. */
import { eventStreamHeaders } from '../event-stream.ts'
import type { Handler } from '../operation.ts'

export const streamHealth: Handler<'streamHealth'> = async ({ live }, { header }) => ({
  status: 200,
  body: live.read(header['Last-Event-ID']),
  headers: eventStreamHeaders,
})

/** The Temporal SDK's log lines as the hub's: one JSON object a line, through the same redaction. */
import type { LogLevel, LogMetadata, Logger } from '@temporalio/worker'
import type { Log } from '../platform/log.ts'

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const

/** True by design and no reason to warn: a provider's queue has activities only. */
const expected = new Set(['No workflows registered, not polling for workflow tasks'])

export function temporalLogger(log: Log): Logger {
  const child = log.child({ from: 'temporal' })
  const write = (level: LogLevel, message: string, meta: LogMetadata = {}): void => {
    // `error` is the SDK's name; pino's serializer, which prints the stack and its causes, knows `err`.
    const { error, taskToken: _, ...rest } = meta as Record<string, unknown>
    child[expected.has(message) ? 'debug' : levels[level]](
      { ...rest, ...(error === undefined ? {} : { err: error }) },
      message,
    )
  }
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  }
}

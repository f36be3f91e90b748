import { pino, type Logger } from 'pino'

export type Log = Logger

/** Fields that may hold a secret or personal payload wherever they stand; pino masks them (INV-6). */
const secretFields = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'secrets',
  'token',
  'credential',
  'apiKey',
  'raw',
  'body',
]
const redactPaths = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`, `*["${field}"]`])

/**
 * The process's structured log: one JSON object a line on standard output.
 * @param part name of the process ("api", "worker"); `level` as pino knows it ("debug" … "silent").
 */
export function createLog(part: string, level: string): Log {
  return pino({
    level,
    base: { part, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: [...new Set(redactPaths)], censor: '[redacted]' },
    serializers: { err: pino.stdSerializers.err },
  })
}

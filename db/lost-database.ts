/** Tells a database that cannot be reached, or asks to try again, from everything else that goes wrong with one. */

const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])
/** pg throws these without a code (pg 8: lib/client.js, pg-pool: index.js). */
const lostTexts =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/

/**
 * Errors of the driver and of Postgres that go away by themselves: no connection (class 08), the server stops or starts
 * (57P01-57P03), no slot or resource left (class 53), a deadlock or a lost serialisation (class 40).
 */
export function isLostDatabase(error: unknown): boolean {
  // Not `instanceof Error`: errors of Node's sockets may come from another realm (tests).
  if (typeof error !== 'object' || error === null) return false
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code !== 'string') return typeof message === 'string' && lostTexts.test(message)
  return socketCodes.has(code) || /^(08|53|40)...$|^57P0[123]$/.test(code)
}

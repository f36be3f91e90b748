/** Random bytes for ids and nonces, of which each webhook takes some dozens: drawn from the system in larger pieces. */
import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(4096)
let used = pool.length

/** Cryptographically strong, as `crypto.randomBytes`. What was handed out is wiped from the pool. @param size at most 256. */
export function randomBytesPooled(size: number): Buffer {
  if (used + size > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = Buffer.from(pool.subarray(used, used + size))
  pool.fill(0, used, used + size)
  used += size
  return bytes
}

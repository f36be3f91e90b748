/** The `Prefer` header (RFC 7240): of its preferences only `wait` means something here. */

/** The longest that an answer waits. */
export const longestWaitMs = 30_000

/** Milliseconds to wait, 30,000 at most; undefined when nothing is said. */
export function waitMsOf(prefer: string | undefined): number | undefined {
  const [, seconds] = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(prefer ?? '') ?? []
  return seconds === undefined ? undefined : Math.min(longestWaitMs, Number(seconds) * 1000)
}

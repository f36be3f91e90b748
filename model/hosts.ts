/** Names of hosts, and how long the proof that one belongs to a partner is waited for. */

const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/

/**
 * A host as a header names it: lower case, in ASCII, without port and trailing dot. Undefined for what is no name (an address too).
 */
export function hostName(text: string): string | undefined {
  const bare = text
    .trim()
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '')
  if (bare.length > 253 || !bare.includes('.')) return undefined
  const labels = bare.split('.')
  const isName = labels.every((one) => label.test(one)) && !/^\d+$/.test(labels.at(-1) ?? '')
  return isName ? bare : undefined
}

/** Where the proof is looked for. */
export const proofName = (domain: string): string => `_tieline.${domain}`

export const proofValue = (token: string): string => `tieline-verification=${token}`

const minute = 60_000
const hour = 60 * minute

/** A proof that has stood is missed three times, hours apart, before it is believed to be gone. Someone who sets up a record sees it found within minutes; a name that is given up on is asked for once an hour. */
export const patience = {
  pendingMs: 72 * hour,
  everyMs: 24 * hour,
  missesBeforeFailed: 3,
  missEveryMs: 6 * hour,
} as const

/** Until the next look at a domain that waits. @param waitedMs since it was asked for. */
export function pauseBeforeLook(waitedMs: number): number {
  if (waitedMs < 10 * minute) return 30_000
  if (waitedMs < hour) return 2 * minute
  if (waitedMs < 6 * hour) return 10 * minute
  return hour
}

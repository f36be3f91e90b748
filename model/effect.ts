/** What reading an object means for the store: one rule, used by the real write, the dry run and the webhook lane. */

/** What the store holds of an object. Times in milliseconds since the epoch. */
export interface Stored {
  readonly fingerprint: string
  readonly sourceUpdatedAt: number | undefined
  readonly readAt: number
  readonly deleted: boolean
}

/** What was just read of it. */
export interface Incoming {
  readonly fingerprint: string
  readonly sourceUpdatedAt: number | undefined
  readonly readAt: number
  readonly deleted: boolean
}

/**
 * `buried`: a tombstone of an object that was never known, or a later one of an object that is deleted already. It is kept
 * so that a late, older reading does not bring the object to life; nobody is told of it.
 */
export type Effect = 'created' | 'updated' | 'deleted' | 'restored' | 'buried' | 'unchanged' | 'stale'

/**
 * Older than what is stored? By the provider's own time where both have one; at equal times (a change without a new
 * `updated_at`, or two within its resolution) by when the answer was asked for (INV-3).
 */
function isOlder(incoming: Incoming, stored: Stored): boolean {
  if (incoming.sourceUpdatedAt !== undefined && stored.sourceUpdatedAt !== undefined) {
    if (incoming.sourceUpdatedAt !== stored.sourceUpdatedAt)
      return incoming.sourceUpdatedAt < stored.sourceUpdatedAt
  }
  return incoming.readAt < stored.readAt
}

const isLater = (a: Incoming, b: Stored): boolean =>
  a.sourceUpdatedAt !== undefined && b.sourceUpdatedAt !== undefined && a.sourceUpdatedAt > b.sourceUpdatedAt

/**
 * The effect of `incoming` on `stored`.
 * @param reread true in a forced run: the provider was asked after the stored copy was read, so its answer stands even if
 *   its time is older (an account restored from a backup).
 */
export function effectOf(stored: Stored | undefined, incoming: Incoming, reread = false): Effect {
  if (!stored) return incoming.deleted ? 'buried' : 'created'
  const same =
    stored.deleted === incoming.deleted && (incoming.deleted || stored.fingerprint === incoming.fingerprint)
  // The content of a living object holds its time; a tombstone's does not, and a later one has to be remembered as later.
  if (same) return incoming.deleted && isLater(incoming, stored) ? 'buried' : 'unchanged'
  if (isOlder(incoming, stored) && !(reread && incoming.readAt > stored.readAt)) return 'stale'
  if (incoming.deleted) return 'deleted'
  return stored.deleted ? 'restored' : 'updated'
}

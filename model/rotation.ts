/** Rotations of secrets: what there is to rotate, the states that each goes through, and when an old secret may go. */

export const rotationKinds = [
  'webhook_secret',
  'endpoint_secret',
  'signing_key',
  'encryption_key',
  'client_secret',
] as const
export type RotationKind = (typeof rotationKinds)[number]

export const rotationStates = [
  'preparing',
  'waiting_for_person',
  'overlap',
  'working',
  'done',
  'failed',
  'cancelled',
] as const
export type RotationState = (typeof rotationStates)[number]

export const signingPurposes = ['access', 'proof'] as const
export type SigningPurpose = (typeof signingPurposes)[number]

/** How long old and new live side by side when nobody says otherwise, and at most, in seconds. */
export const graceSeconds = { usual: 7 * 86_400, most: 30 * 86_400 } as const
/** So long without a use, the old one is taken for unused. */
export const usualQuietSeconds = 3_600
/** A door remembers secrets for 5 s and notes their use within another one: what is shorter would see quiet where there is none. */
export const leastQuietSeconds = 10

export interface Overlap {
  readonly now: number
  readonly deadline: number
  readonly quietMs: number
  /** The new one is where it is to be used: put there by API, confirmed by a person, or seen in use. Since when. */
  readonly inPlaceSince: number | null
  /** When the old one was used last, as far as is known. */
  readonly oldUsedAt: number | null
  /** Nobody can see which one is used: only the deadline or a person ends the overlap. */
  readonly isUnseen: boolean
}

/**
 * What becomes of the old secret now. It goes when it is quiet, or at the deadline; never while nothing shows that the new one is
 * where it is to be used: what is signed with the old one alone would be refused (`keep`: the time is over, both stay).
 */
export function decideOverlap(overlap: Overlap): 'drop' | 'wait' | 'keep' {
  const { now, deadline, quietMs, inPlaceSince, oldUsedAt, isUnseen } = overlap
  if (inPlaceSince === null) return now < deadline ? 'wait' : 'keep'
  if (now >= deadline) return 'drop'
  if (isUnseen) return 'wait'
  return now - Math.max(inPlaceSince, oldUsedAt ?? 0) >= quietMs ? 'drop' : 'wait'
}

/** A new signing key is published for so long before it signs: longer than anybody may keep the published keys. */
export const publishSeconds = 900

/**
 * How long an old key is believed after its last signature: until the last token has expired, with some minutes for clocks that differ.
 * Proofs are believed for ever; of their old key only the private half goes.
 */
export const retireSeconds = (purpose: SigningPurpose, tokenSeconds: number): number =>
  purpose === 'access' ? tokenSeconds + 300 : publishSeconds

/** What the rotation of API keys takes and answers. Callers import it from messages.ts. */

export interface RotateApiKeyInput {
  readonly keyId: string
  /** How long the old key lives on beside the new one, 0 to 2,592,000; the policy's when left out. 0: it ends at once. */
  readonly overlapSeconds?: number
  /** The old key ends before the overlap does once nobody has used it for so long, 300 to 2,592,000; the policy's when left out. */
  readonly quietSeconds?: number
  /** Of the new key (RFC 3339); null: never. The old one's when left out. */
  readonly expiresAt?: string | null
  readonly reason?: 'asked' | 'leak' | 'age'
  readonly startedBy?: string
  /** How often it is looked who uses which key, 1 to 86,400. */
  readonly lookEverySeconds?: number
}

/** How a rotation ended. `done`: the new key is in force alone. `cancelled`, `failed`: the old one is. */
export interface RotateApiKeyResult {
  readonly keyId: string
  readonly newKeyId: string
  readonly state: 'done' | 'cancelled' | 'failed'
  readonly outcome: string
}

export interface StartedKeyRotation {
  readonly newKeyId: string
  readonly deadlineAt: string
}

/** Who steers, as the audit chain names them. */
export interface SteeringOfKeys {
  readonly by?: string
}

export interface EnforceKeyAgeInput {
  /** Carried over by continue-as-new; not for callers. */
  readonly continued?: EnforceKeyAgeContinuation
}

export interface EnforceKeyAgeContinuation {
  readonly kind: 'left' | 'aged'
  readonly after: string | null
  readonly result: EnforceKeyAgeResult
}

export interface EnforceKeyAgeResult {
  /** Rotations of keys over age. */
  readonly started: number
  /** Rotations whose workflow had gone. */
  readonly takenUp: number
  /** New keys that nobody has fetched. */
  readonly erased: number
}

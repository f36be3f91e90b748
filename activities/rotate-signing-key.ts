/** Replacing a key that the hub signs with: published, then current, then only checked, then retired (`db/signing-keys.ts`). */
import { inTransaction } from '../db/client.ts'
import { changeRotation, openRotationOf } from '../db/rotations.ts'
import { promoteSigningKey, publishSigningKey, retireSigningKey } from '../db/signing-keys.ts'
import { retireSeconds, type SigningPurpose } from '../model/rotation.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { factsOf, livingRotation, type RotationFacts, type RotationKey } from './rotations.ts'

const actor = 'rotateSigningKey'

export interface SigningFacts extends RotationFacts {
  /** The key that is published, or signs already when this goes on where it was left. */
  readonly keyId: string
  /** RFC 3339: when it was published; nobody may be signed to before everybody can know it. */
  readonly publishedAt: string
  /** How long the old one is believed after its last signature. */
  readonly retireSeconds: number
}

interface Wish {
  readonly purpose: SigningPurpose
  readonly startedBy?: string
}

/** Begins, or goes on: the key that an earlier attempt has published is the one. */
async function begin(deps: ActivityDeps, { purpose, startedBy }: Wish): Promise<SigningFacts> {
  const { database, vault } = deps
  const { rotation } = await openRotationOf(database.db, {
    ...{ kind: 'signing_key', subject: purpose, partnerId: null, facts: {} },
    ...{ graceSeconds: null, mostGraceSeconds: null, startedBy: startedBy ?? 'temporal' },
  })
  const believed = { retireSeconds: retireSeconds(purpose, deps.config.accessTokenSeconds) }
  const known = rotation.facts['keyId']
  const publishedAt = rotation.facts['publishedAt']
  if (typeof known === 'string' && typeof publishedAt === 'string')
    return { ...factsOf(rotation), keyId: known, publishedAt, ...believed }
  const key = await publishSigningKey(database.db, vault, purpose, actor)
  // It may have been published long ago, and be taken out of no cache since.
  const facts = { keyId: key.keyId, publishedAt: key.createdAt.toISOString() }
  const after = await inTransaction(database.db, (tx) => changeRotation(tx, rotation.rotationId, { facts }))
  return { ...factsOf(after), ...facts, ...believed }
}

interface Step extends RotationKey {
  readonly keyId: string
}

/** Lets it sign. Answers the key that has ceased to, if there was one, and when that was. */
async function promote(
  deps: ActivityDeps,
  { rotationId, keyId }: Step,
): Promise<{ readonly old: string | null; readonly since: string }> {
  await livingRotation(deps, { rotationId })
  return await inTransaction(deps.database.db, async (tx) => {
    const { retiring, current } = await promoteSigningKey(tx, keyId, actor)
    const since = (current.currentAt ?? deps.clock.now()).toISOString()
    const old = retiring?.keyId ?? null
    await changeRotation(tx, rotationId, {
      state: 'overlap',
      facts: { oldKeyId: old },
      inPlaceAt: new Date(since),
    })
    return { old, since }
  })
}

export function createSigningRotationActivities(deps: ActivityDeps) {
  return {
    beginSigningRotation: failing((input: Wish) => begin(deps, input)),
    promoteNewSigningKey: failing((input: Step) => promote(deps, input)),
    /** Of the old one, or of the new one that is taken back before it signs. Repeatable. */
    retireOldSigningKey: failing(async ({ keyId }: { readonly keyId: string }) => {
      await retireSigningKey(deps.database.db, keyId, actor)
    }),
  }
}

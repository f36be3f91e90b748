/** Which limits hold for somebody, from memory: worked out once, and again within a second of a change of tier, partner or key. */
import type { Cache, Caches } from '../../db/caches.ts'
import type { Db } from '../../db/client.ts'
import { findKeyLimits, getTier } from '../../db/tiers.ts'
import {
  peopleTier,
  rateClasses,
  type ClassRates,
  type Limits,
  type Rate,
  type RateClass,
} from '../../model/limits.ts'
import { policyField } from './fields.ts'
import type { LimitedBucket } from './leases.ts'

export interface AppliedLimit extends LimitedBucket {
  /** As the fields of an answer name it: `caller-reads-burst`. */
  readonly name: string
  readonly class: RateClass
  readonly scope: 'caller' | 'partner' | 'address'
  readonly kind: 'burst' | 'sustained'
  readonly limit: number
  readonly windowSeconds: number
}

export interface ClassPlan {
  readonly limits: readonly AppliedLimit[]
  /** `RateLimit-Policy`. */
  readonly policy: string
}

export interface Plan {
  readonly tier: string
  readonly ofClass: Readonly<Record<RateClass, ClassPlan>>
  /** Of the partner of a key; null for others, whose calls no quota counts. */
  readonly quotas: Limits['quotas'] | null
}

export interface Plans {
  /** Undefined for a key or a tier that is gone. */
  ofKey(keyId: string): Promise<Plan | undefined>
  ofPerson(personId: string): Promise<Plan | undefined>
  /** Of somebody who asks for a credential. */
  ofAddress(address: string): Promise<Plan | undefined>
}

export function createPlans(db: Db, caches: Caches): Plans {
  const keys: Cache<Plan> = caches.cache<Plan>({
    topics: ['api_key'],
    max: 20_000,
    load: (keyId) => planOfKey(db, keyId),
    keysOf: (keyId) => [keyId],
  })
  const others: Cache<Plan> = caches.cache<Plan>({
    topics: ['tier'],
    max: 20_000,
    load: (who) => planOfOther(db, who),
  })
  for (const topic of ['tier', 'partner']) caches.onChange(topic, () => keys.forget())
  return {
    ofKey: (keyId) => keys.get(keyId),
    ofPerson: (personId) => others.get(`person:${personId}`),
    ofAddress: (address) => others.get(`address:${address}`),
  }
}

async function planOfKey(db: Db, keyId: string): Promise<Plan | undefined> {
  const found = await findKeyLimits(db, keyId)
  if (!found) return undefined
  const { partnerId, tier, limits } = found
  const { perCaller, perPartner, quotas } = limits
  const ofClass = classPlans(
    (name) => [
      ...applied('caller', `key:${keyId}`, name, perCaller),
      ...applied('partner', `partner:${partnerId}`, name, perPartner),
    ],
    quotas.calls.hard,
  )
  return { tier, ofClass, quotas }
}

async function planOfOther(db: Db, who: string): Promise<Plan | undefined> {
  const tier = await getTier(db, peopleTier)
  if (!tier) return undefined
  const scope = who.startsWith('person:') ? 'caller' : 'address'
  const ofClass = classPlans((name) => applied(scope, who, name, tier.limits.perCaller), null)
  return { tier: tier.tier, ofClass, quotas: null }
}

function classPlans(
  limitsOf: (name: RateClass) => AppliedLimit[],
  callsOfMonth: number | null,
): Plan['ofClass'] {
  const plan = (name: RateClass): ClassPlan => {
    const limits = limitsOf(name)
    return { limits, policy: policyField(limits, callsOfMonth) }
  }
  const [reads, writes, heavy, auth] = rateClasses.map(plan)
  if (!reads || !writes || !heavy || !auth) throw new Error('a class has no plan')
  return { reads, writes, heavy, auth }
}

const windows = { burst: 10, sustained: 60 } as const

function applied(
  scope: AppliedLimit['scope'],
  who: string,
  name: RateClass,
  rates: ClassRates,
): AppliedLimit[] {
  const rate: Rate = rates[name]
  return (['burst', 'sustained'] as const).flatMap((kind) => {
    const limit = rate[kind]
    if (limit === null) return []
    const windowSeconds = windows[kind]
    return [
      {
        key: `${who}:${name}:${kind}`,
        rate: { capacity: limit, windowMs: windowSeconds * 1000 },
        name: `${scope}-${name}-${kind}`,
        class: name,
        scope,
        kind,
        limit,
        windowSeconds,
      },
    ]
  })
}

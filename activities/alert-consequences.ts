/**
 * What follows from an outage is no news to those who hear of the outage itself: its failed calls burn the budget of errors, and go on
 * to be seen in the hours that are looked at when it is over. One cause is one alert.
 */
import type { Finding } from '../db/alert-conditions.ts'
import { listOutages, type Outage } from '../db/incidents.ts'
import type { Db } from '../db/client.ts'
import { complete, tellsOf, type ConditionKind, type Policy } from '../model/alert-policy.ts'

const hourMs = 3_600_000
/** The longest that a condition looks back. */
const longestHours = 168

export type IsConsequence = (policy: Policy, finding: Finding) => boolean

export async function findConsequences(
  db: Db,
  policies: readonly Policy[],
  now: Date,
): Promise<IsConsequence> {
  const outages = await listOutages(db, new Date(now.getTime() - (longestHours + 1) * hourMs))
  return (policy, { provider }) => {
    const from = seenFrom(policy, now)
    if (from === undefined || provider === null) return false
    return outages.some(
      (outage) =>
        (outage.kind === 'network' || outage.provider === provider) &&
        (outage.resolvedAt === null || outage.resolvedAt >= from) &&
        policies.some((other) => isTold(other, policy, outage)),
    )
  }
}

/** How many hours a condition looks back, besides the one under way; one that is not here counts no failures. */
const hoursBack: Partial<Record<ConditionKind, string>> = { burn_rate: 'shortHours', error_rate: 'hours' }

/** Failures since then are what the condition finds; undefined for one that has nothing to do with failures. */
function seenFrom(policy: Policy, now: Date): Date | undefined {
  const condition = complete(policy.condition)
  if (condition.kind === 'state') return now
  const field = hoursBack[condition.kind]
  if (field === undefined) return undefined
  // Whole hours are counted.
  return new Date((Math.floor(now.getTime() / hourMs) - Number(condition[field])) * hourMs)
}

/** Whether another policy tells the receivers of this one of the outage. */
const isTold = (other: Policy, policy: Policy, outage: Outage): boolean =>
  other.escalationId === policy.escalationId &&
  other.partnerId === policy.partnerId &&
  [...other.channels].sort().join() === [...policy.channels].sort().join() &&
  tellsOf(other, { ...outage, partners: [] })

/** One look at a domain's proof, and what follows from it. */
import { appendAudit } from '../db/audit.ts'
import {
  getBrandDomain,
  settleBrandDomain,
  type BrandDomain,
  type DomainFinding,
} from '../db/brand-domains.ts'
import { inTransaction } from '../db/client.ts'
import { patience, pauseBeforeLook, proofName, proofValue } from '../model/hosts.ts'
import { HubError, messageOf } from '../platform/errors.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'

export interface DomainLook {
  readonly domain: string
  readonly partnerId: string
  readonly state: BrandDomain['state']
  readonly reason: string | null
  /** Until the next look; null: there will be none. */
  readonly againInMs: number | null
}

/** Null: the domain was removed. */
async function lookAtDomain(
  deps: ActivityDeps,
  { domainId }: { readonly domainId: string },
): Promise<DomainLook | null> {
  const before = await getBrandDomain(deps.database.db, domainId)
  if (!before) return null
  if (before.state === 'failed') return shown(before, null)
  const { isFound, seen } = await ask(deps, before)
  const now = deps.clock.now()
  const finding = findingOf(before, isFound, seen, now)
  const after = await settle(deps, before, finding)
  // Changed while it was looked at: what is there now is looked at anew, at once.
  if (after === undefined) return shown(before, 1_000)
  if (after.state === 'failed') return shown(after, null)
  const waited = now.getTime() - after.askedAt.getTime()
  const isSteady = after.state === 'verified' && after.misses === 0
  return shown(
    after,
    isSteady
      ? patience.everyMs
      : after.state === 'verified'
        ? patience.missEveryMs + 60_000
        : pauseBeforeLook(waited),
  )
}

const shown = ({ domain, partnerId, state, reason }: BrandDomain, againInMs: number | null): DomainLook => ({
  ...{ domain, partnerId, state, reason, againInMs },
})

/** @throws HubError `Unavailable` when nobody could be asked: that is tried again and changes nothing. */
async function ask(
  { txtOf }: ActivityDeps,
  { domain, token }: BrandDomain,
): Promise<{ readonly isFound: boolean; readonly seen: number }> {
  try {
    const texts = await txtOf(proofName(domain))
    return { isFound: texts.some((text) => text.trim() === proofValue(token)), seen: texts.length }
  } catch (error) {
    throw new HubError('Unavailable', 'DNS does not answer.', { cause: error, internal: messageOf(error) })
  }
}

function findingOf(before: BrandDomain, isFound: boolean, seen: number, now: Date): DomainFinding {
  if (isFound) return { state: 'verified', reason: null, misses: 0 }
  // Who has it looked at again and again does not use up its patience.
  const sinceLook = now.getTime() - (before.checkedAt?.getTime() ?? 0)
  const isCounted = before.state !== 'verified' || before.misses === 0 || sinceLook > patience.missEveryMs
  const misses = before.misses + (isCounted ? 1 : 0)
  const name = proofName(before.domain)
  const reason =
    seen === 0 ? `There is no TXT record at ${name}.` : `The TXT record at ${name} is another one.`
  if (before.state === 'verified')
    return { state: misses >= patience.missesBeforeFailed ? 'failed' : 'verified', reason, misses }
  const isOver = now.getTime() - before.askedAt.getTime() >= patience.pendingMs
  return { state: isOver ? 'failed' : 'pending', reason, misses }
}

async function settle(
  deps: ActivityDeps,
  before: BrandDomain,
  finding: DomainFinding,
): Promise<BrandDomain | undefined> {
  const { domainId, domain, partnerId } = before
  // The hub's own transaction: whether another partner has the domain is not a tenant's to see.
  const settled = await inTransaction(deps.database.db, async (tx) => {
    const after = await settleBrandDomain(tx, before, finding)
    const row =
      after === 'taken'
        ? await settleBrandDomain(tx, before, { ...takenFinding, misses: finding.misses })
        : after
    if (row === undefined || row === 'taken') return undefined
    if (row.state !== before.state) {
      await appendAudit(tx, {
        ...{ actor: 'verifyDomain', action: `brand_domain.${row.state}`, subject: domainId, partnerId },
        details: { domain, ...(row.reason === null ? {} : { reason: row.reason }) },
      })
    }
    return row
  })
  if (settled && settled.state !== before.state)
    deps.log.info({ domainId, partnerId, state: settled.state }, 'a domain has changed')
  return settled
}

const takenFinding = {
  state: 'failed',
  reason: 'Another partner of this hub has proved this domain.',
} as const

export function createBrandDomainActivities(deps: ActivityDeps) {
  return {
    lookAtDomain: failing((input: { readonly domainId: string }) => lookAtDomain(deps, input)),
  }
}

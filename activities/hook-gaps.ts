/** Webhooks that never came: found by the provider's own count where it keeps one. */
import { appendAudit } from '../db/audit.ts'
import { inTransaction } from '../db/client.ts'
import { hookGapsSince, noteHookGaps, type HookGap } from '../db/hook-gaps.ts'
import { hookSources } from '../providers/registry.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'

/** Deliveries that overtake each other, or are tried again after a moment, are no loss. */
const patienceMs = 10 * 60_000

export function createHookGapActivities(deps: ActivityDeps) {
  return {
    /**
     * Notes gaps that were not known, each with an audit entry. Repeatable: all that were found since the given moment (RFC 3339) are
     * returned, by whichever attempt.
     */
    findHookGaps: failing(async ({ since }: { readonly since: string }): Promise<readonly HookGap[]> => {
      const now = deps.clock.now()
      const counting = hookSources.filter(({ webhooks }) => webhooks.counts)
      for (const { slug } of counting) {
        const found = await inTransaction(deps.database.db, async (tx) => {
          const some = await noteHookGaps(tx, slug, now, new Date(now.getTime() - patienceMs))
          for (const { firstMissing, lastMissing } of some)
            await appendAudit(tx, {
              actor: 'keepSubscriptions',
              action: 'webhooks.gap_found',
              subject: slug,
              details: { firstMissing, lastMissing, missing: lastMissing - firstMissing + 1 },
            })
          return some
        })
        for (const { provider, firstMissing, lastMissing } of found)
          deps.metrics.hookGaps.inc({ provider }, lastMissing - firstMissing + 1)
      }
      return await hookGapsSince(deps.database.db, new Date(since))
    }),
  }
}

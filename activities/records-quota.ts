/**
 * The partner's month of records, between the pages of a run. A run whose partner has used up the hard limit waits where it is, and goes
 * on from there when the month turns or the limit is raised. Webhooks and writes that were accepted are not held: they are the partner's
 * already, and would only pile up.
 */
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { recordsUsed } from '../db/quotas.ts'
import { holdRun, releaseRun, type Run } from '../db/runs.ts'
import { countChanges } from '../db/usage-care.ts'
import { monthEnd, recordsQuotaWait } from '../model/quota.ts'
import type { ActivityDeps } from './deps.ts'

/** A limit that was raised wakes the runs (`api/held-runs.ts`); this is for a wake that was lost. */
const lookAgainMs = 600_000

/** What a slice may still bring in. Its own pages count at once, those of other runs when the next slice begins. */
export interface RecordsLeft {
  /** Notes what a page has changed. */
  spend(changes: number): void
  isUsedUp(): boolean
}

const unlimited: RecordsLeft = { spend: () => undefined, isUsedUp: () => false }

/** Looks what the month has used. The change feed is counted first: what the last slices brought is part of it. */
export async function openRecordsLeft({ database, clock }: ActivityDeps, run: Run): Promise<RecordsLeft> {
  const now = clock.now()
  if (!(await recordsUsed(database.db, run.partnerId, now))) return unlimited
  while (await countChanges(database.db));
  const records = await recordsUsed(database.db, run.partnerId, now)
  if (!records) return unlimited
  let { used } = records
  return { spend: (changes) => (used += changes), isUsedUp: () => used >= records.hard }
}

/** Notes that a run waits for the quota, and answers when it looks again. */
export async function holdForQuota(
  { database, clock }: ActivityDeps,
  { runId, partnerId, connectionId }: Run,
): Promise<{ readonly state: 'wait'; readonly until: string; readonly reason: string }> {
  const now = clock.now()
  const renewed = monthEnd(now)
  const message = `The partner's quota of changes of records is used up. The run waits at the page it has come to, and goes on when the quota is raised or renewed (${renewed.toISOString()}).`
  await asTenant(database.db, partnerId, async (tx) => {
    if (!(await holdRun(tx, runId, { code: 'TooManyRequests', message }))) return
    const details = { connectionId, quota: 'records' }
    await appendAudit(tx, { actor: 'syncConnection', action: 'run.held', subject: runId, partnerId, details })
  })
  const until = new Date(Math.min(renewed.getTime(), now.getTime() + lookAgainMs))
  return { state: 'wait', until: until.toISOString(), reason: recordsQuotaWait }
}

/** Of a run that goes on; nothing for one that was not held. */
export async function releaseFromQuota(
  { database }: ActivityDeps,
  { runId, partnerId, connectionId, failure }: Run,
): Promise<void> {
  if (failure === null) return
  await asTenant(database.db, partnerId, async (tx) => {
    if (!(await releaseRun(tx, runId))) return
    const details = { connectionId, quota: 'records' }
    await appendAudit(tx, {
      actor: 'syncConnection',
      action: 'run.released',
      subject: runId,
      partnerId,
      details,
    })
  })
}

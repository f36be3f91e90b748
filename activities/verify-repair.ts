/**
 * Mends what a verification has found: each object is asked for again, and what the provider answers goes into the store by the same
 * decisions as a page. Only findings of a full comparison delete, and only what the provider still does not have (INV-9).
 */
import { asTenant } from '../db/client.ts'
import { isRace } from '../db/pages.ts'
import { forgetFingerprints, openFindings, settleFindings, type FindingRow } from '../db/verifications.ts'
import { isHubError } from '../platform/errors.ts'
import { applyRows } from './apply-row.ts'
import type { ActivityDeps } from './deps.ts'
import { openVerifying, type Verifying } from './verify-open.ts'

const batchSize = 100
const sliceMs = 20_000

/** Batches for about 20 s. Answers whether something is left. */
export async function repairSlice(
  deps: ActivityDeps,
  { verificationId }: { readonly verificationId: string },
  signal: AbortSignal,
): Promise<{ readonly more: boolean }> {
  const until = deps.clock.now().getTime() + sliceMs
  for (;;) {
    signal.throwIfAborted()
    const findings = await openFindings(deps.database.db, { verificationId, limit: batchSize })
    const [first] = findings
    if (!first) return { more: false }
    if (deps.clock.now().getTime() > until) return { more: true }
    await repairBatch(
      await openVerifying(deps, { verificationId, resource: first.resource }, signal),
      findings,
    )
  }
}

async function repairBatch(verifying: Verifying, findings: readonly FindingRow[]): Promise<void> {
  const { deps, verification, connection, resource, context } = verifying
  const key = { verificationId: verification.verificationId, resource: resource.name }
  const settle = (outcomes: readonly { externalId: string; outcome: string }[]) =>
    asTenant(deps.database.db, verification.partnerId, (tx) => settleFindings(tx, key, outcomes))
  if (!resource.getMany) {
    const outcome = `${resource.title} cannot be read by id: run "tieline sync --force --resource ${resource.name}".`
    return await settle(findings.map(({ externalId }) => ({ externalId, outcome })))
  }
  const ids = findings.map(({ externalId }) => externalId)
  const { rows, readAt } = await resource.getMany(context, ids)
  const found = new Set(rows.map((row) => resource.externalId(row)))
  const wanted = new Set(findings.filter(({ kind }) => kind !== 'extra').map(({ externalId }) => externalId))
  const deletedIds = verification.mode === 'full' ? ids.filter((id) => !found.has(id) && !wanted.has(id)) : []
  const outcomes = ids.map((externalId) => ({
    externalId,
    outcome: outcomeOf(externalId, found, deletedIds, wanted),
  }))
  for (let attempt = 1; ; attempt++) {
    try {
      await asTenant(deps.database.db, verification.partnerId, async (tx) => {
        await forgetFingerprints(tx, { connectionId: connection.connectionId, resource: resource.name }, [
          ...found,
        ])
        await applyRows(
          tx,
          connection,
          resource,
          { rows, deletedIds, readAt },
          `repair:${verification.verificationId}`,
        )
        await settleFindings(tx, key, outcomes)
      })
      return
    } catch (error) {
      if (isHubError(error) || !isRace(error) || attempt === 10) throw error
    }
  }
}

function outcomeOf(
  id: string,
  found: ReadonlySet<string>,
  deletedIds: readonly string[],
  wanted: ReadonlySet<string>,
): string {
  if (found.has(id) || deletedIds.includes(id)) return 'repaired'
  // The provider had it a moment ago: its deletion is the next sync's to bring.
  if (wanted.has(id)) return 'gone'
  return 'Only a comparison in full may delete: run "tieline verify --full --repair".'
}

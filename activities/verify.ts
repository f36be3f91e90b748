/** Verification of a connection: what its provider has beside what the store has, resource by resource; the signed report; the incident. */
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { activeConnectionIds, getConnection } from '../db/connections.ts'
import { openIncident, resolveProblem } from '../db/incidents.ts'
import { countLiving } from '../db/run-resources.ts'
import {
  addFindings,
  addVerifiedResources,
  beginVerification,
  driftOf,
  endVerifiedResource,
  keepVerificationReport,
  listVerifiedResources,
  orphansOf,
  setVerificationState,
  type RepairWish,
  type Verification,
  type VerificationMode,
  type VerificationState,
  type VerifiedResource,
} from '../db/verifications.ts'
import {
  integrityPercent,
  integrityTarget,
  linksOf,
  sumOfCounts,
  type IntegrityCounts,
} from '../model/integrity.ts'
import type { FailureNote } from '../model/failures.ts'
import type { JsonObject } from '../model/json.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import { sha256 } from '../platform/secrets/hash.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { signReport } from './proof.ts'
import { whileBeating } from './steady.ts'
import { inReadingOrder } from './sync-open.ts'
import { compareNextPage, compareSample, compareUnseen } from './verify-compare.ts'
import { loadVerification, openVerifying, type VerifyKey, type Verifying } from './verify-open.ts'
import { repairSlice } from './verify-repair.ts'

export interface OpenVerificationInput {
  readonly verificationId: string
  readonly connectionId: string
  readonly mode: VerificationMode
  readonly repair: RepairWish
  readonly resources?: readonly string[]
  readonly startedBy: string
}

export interface VerificationPlan {
  readonly verificationId: string
  readonly provider: string
  readonly providerName: string
  readonly connectionName: string
  readonly partnerId: string
  readonly accountId: string
  readonly resources: readonly string[]
}

async function open(deps: ActivityDeps, input: OpenVerificationInput): Promise<VerificationPlan> {
  const { db } = deps.database
  const connection = await getConnection(db, input.connectionId)
  const provider = connection && deps.findProvider(connection.provider)
  if (!connection || !provider || connection.state === 'deleted')
    throw new HubError('InvalidInput', `There is no connection "${input.connectionId}" that syncs.`)
  if (connection.state === 'paused')
    throw new HubError('StateConflict', `The connection "${connection.name}" is paused. Resume it first.`)
  const resources = inReadingOrder(provider, input.resources)
  const { verificationId, mode, repair, startedBy } = input
  await asTenant(db, connection.partnerId, async (tx) => {
    const isNew = !(await listVerifiedResources(tx, verificationId)).length
    await beginVerification(tx, {
      verificationId,
      connection,
      mode,
      repair,
      resources: input.resources,
      startedBy,
    })
    await addVerifiedResources(tx, { verificationId, partnerId: connection.partnerId }, resources)
    if (isNew)
      await audit(tx, connection.partnerId, startedBy, 'verification.started', verificationId, {
        connectionId: connection.connectionId,
        mode,
        repair,
      })
  })
  return {
    ...{
      verificationId,
      provider: provider.slug,
      providerName: provider.name,
      connectionName: connection.name,
    },
    ...{ partnerId: connection.partnerId, accountId: connection.accountId, resources },
  }
}

const audit = (
  tx: Parameters<typeof appendAudit>[0],
  partnerId: string,
  actor: string,
  action: string,
  subject: string,
  details: JsonObject,
) => appendAudit(tx, { actor, action, subject, partnerId, details })

export interface VerifySlice {
  readonly state: 'more' | 'done' | 'wait'
  readonly until?: string
  readonly reason?: string
  readonly checked: number
  readonly wrong: number
}

const sliceMs = 25_000

/** Compares a resource for about 25 s; each page is written down with its place. */
async function verifySlice(deps: ActivityDeps, key: VerifyKey, signal: AbortSignal): Promise<VerifySlice> {
  const verifying = await openVerifying(deps, key, signal)
  try {
    const isDone = await compare(verifying, signal)
    return { state: isDone ? 'done' : 'more', ...sumOf(await verifying.load()) }
  } catch (error) {
    if (!isHubError(error) || error.retryAt === undefined) throw error
    return {
      state: 'wait',
      until: error.retryAt.toISOString(),
      reason: error.code,
      ...sumOf(await verifying.load()),
    }
  }
}

const sumOf = (state: VerifiedResource) => ({
  checked: state.checked,
  wrong: state.missing + state.extra + state.stale + state.different,
})

async function compare(verifying: Verifying, signal: AbortSignal): Promise<boolean> {
  const { deps, verification } = verifying
  const first = await verifying.load()
  if (first.endedAt) return true
  if (verification.mode === 'sample') {
    const note = await compareSample(verifying, pivotOf(verification), signal)
    await finish(verifying, note)
    return true
  }
  const until = deps.clock.now().getTime() + sliceMs
  for (let state = first; deps.clock.now().getTime() < until; state = await verifying.load()) {
    signal.throwIfAborted()
    if (!(await compareNextPage(verifying, state))) continue
    await compareUnseen(verifying, first.startedAt ?? verification.startedAt, signal)
    await finish(verifying, null)
    return true
  }
  return false
}

/** Another place for each verification, the same for its repetitions. Most ids begin with a digit. */
const pivotOf = ({ verificationId }: Verification): string =>
  String(sha256(verificationId).readUInt32BE() % 1_000_000_000).padStart(9, '1')

/** Counts on both sides, links that lead nowhere; then the resource is done. */
async function finish(verifying: Verifying, note: string | null): Promise<void> {
  const { deps, verification, connection, resource, context } = verifying
  const { db } = deps.database
  const place = { connectionId: connection.connectionId, resource: resource.name }
  const providerCount = (await resource.count?.(context).catch(ignoreRefusal)) ?? null
  const storeCount = await countLiving(db, place.connectionId, place.resource)
  const scope = { ...verification, resource: resource.name }
  let orphans = 0
  for (const { field, to } of linksOf(resource.model)) {
    const { total, ids } = await orphansOf(db, { ...place, field, to })
    orphans += total
    const findings = ids.map((externalId) => ({ externalId, kind: 'orphan' as const, fields: [field] }))
    await asTenant(db, verification.partnerId, (tx) => addFindings(tx, scope, findings))
  }
  await asTenant(db, verification.partnerId, (tx) =>
    endVerifiedResource(tx, scope, { state: 'done', providerCount, storeCount, note, orphans }),
  )
}

/** A connection that may list objects but not count them is compared all the same. */
function ignoreRefusal(error: unknown): undefined {
  if (isHubError(error) && ['Forbidden', 'NotFound', 'Invalid'].includes(error.code)) return undefined
  throw error
}

async function failResourceOf(
  deps: ActivityDeps,
  { failure, ...key }: VerifyKey & { readonly failure: FailureNote },
): Promise<void> {
  const { partnerId } = await loadVerification(deps, key.verificationId)
  await asTenant(deps.database.db, partnerId, (tx) =>
    endVerifiedResource(tx, key, { state: 'failed', note: failure.message }),
  )
}

export interface VerificationReport {
  readonly accuracyPercent: number
  readonly counts: IntegrityCounts
  /** Objects that a repair could mend. */
  readonly repairable: number
}

/** Sums up, signs the report, opens or closes the incident; says what there is to repair. Repeatable. */
async function report(
  deps: ActivityDeps,
  { verificationId }: { readonly verificationId: string },
): Promise<VerificationReport> {
  const { db } = deps.database
  const verification = await loadVerification(deps, verificationId)
  const resources = await listVerifiedResources(db, verificationId)
  const counts = sumOfCounts(resources)
  const accuracyPercent = integrityPercent(counts)
  const drift = await driftOf(db, verification.connectionId)
  const { connectionId, provider, mode, startedAt } = verification
  const signed = await signReport(db, deps.vault, 'tieline-integrity+json', {
    ...{ verificationId, connectionId, provider, mode, accuracyPercent, drift },
    startedAt: startedAt.toISOString(),
    resources: resources.map(({ position: _position, startedAt: from, endedAt: to, ...one }) => ({
      ...one,
      startedAt: from?.toISOString() ?? null,
      endedAt: to?.toISOString() ?? null,
    })),
  })
  await asTenant(db, verification.partnerId, (tx) =>
    keepVerificationReport(tx, verificationId, { ...signed, drift }),
  )
  await tell(deps, verification, accuracyPercent, counts)
  return {
    accuracyPercent,
    counts,
    repairable: counts.missing + counts.extra + counts.stale + counts.different,
  }
}

async function tell(
  deps: ActivityDeps,
  { connectionId, partnerId, provider, verificationId }: Verification,
  accuracyPercent: number,
  { missing, extra, stale, different }: IntegrityCounts,
): Promise<void> {
  const dedupeKey = `integrity:${connectionId}`
  const actor = 'verifyIntegrity'
  if (accuracyPercent >= integrityTarget) {
    await resolveProblem(deps.database.db, dedupeKey, {
      actor,
      resolution: `${accuracyPercent} % of what was compared is right.`,
    })
    return
  }
  await openIncident(deps.database.db, actor, {
    ...{ dedupeKey, kind: 'integrity', severity: 'warning', provider, partnerId, connectionId },
    title: `The copy of ${deps.findProvider(provider)?.name ?? provider} is not right`,
    summary: `${accuracyPercent} % are right: ${missing} missing, ${extra} extra, ${stale} stale, ${different} different. "tieline verify --connection ${connectionId} --full --repair" mends them.`,
    details: { verificationId, accuracyPercent, missing, extra, stale, different },
  })
}

async function moveOn(
  deps: ActivityDeps,
  input: {
    readonly verificationId: string
    readonly from: readonly VerificationState[]
    readonly state: VerificationState
    readonly by?: string
    readonly decision?: 'approved' | 'rejected'
    readonly failure?: FailureNote | null
  },
): Promise<void> {
  const { verificationId, from, state, by, decision, failure } = input
  const verification = await loadVerification(deps, verificationId)
  await asTenant(deps.database.db, verification.partnerId, async (tx) => {
    const change = {
      state,
      ...(by === undefined ? {} : { decidedBy: by }),
      ...(decision ? { decision } : {}),
    }
    if (!(await setVerificationState(tx, verificationId, from, { ...change, failure: failure ?? null })))
      return
    const { connectionId } = verification
    await audit(
      tx,
      verification.partnerId,
      by ?? 'verifyIntegrity',
      `verification.${decision ?? state}`,
      verificationId,
      { connectionId },
    )
  })
}

/** What a repair has come to; a repaired copy is right again, and its incident over. */
async function afterRepair(deps: ActivityDeps, { verificationId }: { readonly verificationId: string }) {
  const { repaired, notRepaired, connectionId } = await loadVerification(deps, verificationId)
  if (notRepaired === 0)
    await resolveProblem(deps.database.db, `integrity:${connectionId}`, {
      actor: 'verifyIntegrity',
      resolution: `${repaired} objects were repaired.`,
    })
  return { repaired, notRepaired }
}

/** Connections whose copy is verified by night, in id order. */
const connectionsAtOnce = 200

export function createVerifyActivities(deps: ActivityDeps) {
  return {
    openVerification: failing((input: OpenVerificationInput) => open(deps, input)),
    verifySlice: failing((input: VerifyKey) => whileBeating((signal) => verifySlice(deps, input, signal))),
    failVerifiedResource: failing((input: Parameters<typeof failResourceOf>[1]) =>
      failResourceOf(deps, input),
    ),
    reportVerification: failing((input: { readonly verificationId: string }) => report(deps, input)),
    repairVerified: failing((input: { readonly verificationId: string }) =>
      whileBeating((signal) => repairSlice(deps, input, signal)),
    ),
    afterRepair: failing((input: { readonly verificationId: string }) => afterRepair(deps, input)),
    moveVerification: failing((input: Parameters<typeof moveOn>[1]) => moveOn(deps, input)),
    connectionsToVerify: failing(
      ({ provider, after }: { readonly provider?: string; readonly after?: string }) =>
        activeConnectionIds(deps.database.db, {
          ...(provider === undefined ? {} : { provider }),
          ...(after === undefined ? {} : { after }),
          limit: connectionsAtOnce,
        }),
    ),
  }
}

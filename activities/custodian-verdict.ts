/** What a failed refresh means: for the next one who asks, for the connection, for the person who must act. */
import { appendAudit } from '../db/audit.ts'
import { asTenant, type Db } from '../db/client.ts'
import { getConnection, setConnectionState } from '../db/connections.ts'
import { newestGeneration } from '../db/credentials.ts'
import { noteRefreshFailure, noteRefused, type RefreshState } from '../db/credential-refreshes.ts'
import { failures, type FailureNote, type WhoMustAct } from '../model/failures.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import { isUnsent } from '../providers/http/oauth.ts'
import { alignSchedule } from './align-schedule.ts'
import { pauseMs } from './custodian-life.ts'
import type { Ward } from './custodian-ward.ts'
import type { ActivityDeps } from './deps.ts'
import { asHubError } from './failure.ts'

/** Failing for longer than this is not an outage that passes. */
const patienceMs = 24 * 3_600_000

/** Refusals by which the provider says that it has done nothing. After anything else the refresh token may be spent. */
const answered = new Set(['Unauthorized', 'NotConfigured', 'Forbidden', 'RateLimited'])

/** What is known when a refresh has failed. */
export interface Failed {
  readonly generation: number
  /** As it was before this attempt. */
  readonly state: RefreshState
  /** An earlier attempt with the same refresh token was sent, and its answer is lost. */
  readonly isHealing: boolean
}

/** Notes the failure and answers what every caller gets. */
export async function settle(
  deps: ActivityDeps,
  ward: Ward,
  failed: Failed,
  error: unknown,
): Promise<HubError> {
  const failure = isHubError(error) ? error : asHubError(error)
  if (failure.code === 'Unauthorized') return await giveUp(deps, ward, failed, failure)
  const now = deps.clock.now()
  const pause = new Date(now.getTime() + pauseMs(failed.state.failures))
  const retryAt = failure.retryAt && failure.retryAt > pause ? failure.retryAt : pause
  const note = { code: failure.code, message: failure.message }
  const since = await noteRefreshFailure(deps.database.db, ward, {
    failure: note,
    isAnswered: (answered.has(failure.code) || isUnsent(failure)) && !failed.isHealing,
    retryAt,
    now,
  })
  if (failure.code === 'NotConfigured') await needAttention(deps, ward, failed.generation, note, 'admin')
  else if (now.getTime() - since.getTime() >= patienceMs) {
    const message = `The access could not be renewed for more than a day: ${failure.message}`
    await needAttention(deps, ward, failed.generation, { ...note, message }, failures[failure.code].who)
  }
  return coolDown(note, retryAt, failure)
}

/** What those who come during a cool-down get: the provider is not asked. */
export function coolDown(note: FailureNote | null, retryAt: Date, cause?: unknown): HubError {
  const code = note?.code === 'NotConfigured' ? 'NotConfigured' : 'Unavailable'
  const text = note?.message ?? 'The access could not be renewed.'
  return new HubError(code, code === 'Unavailable' ? `${text} Trying again later.` : text, { retryAt, cause })
}

async function giveUp(deps: ActivityDeps, ward: Ward, failed: Failed, failure: HubError): Promise<HubError> {
  const message = isLost(deps, ward, failed) ? lostAnswer(ward, failed) : failure.message
  const note = { code: 'Unauthorized', message }
  await noteRefused(deps.database.db, ward, failed.generation, note)
  await needAttention(deps, ward, failed.generation, note, 'account')
  return new HubError('Unauthorized', message, { cause: failure })
}

/** Whether the lost answer is why: the provider's rules would not have let the old token live until now. */
function isLost(deps: ActivityDeps, { method }: Ward, { isHealing, state }: Failed): boolean {
  const { rotates, graceSeconds } = method.refresh
  const agoMs = deps.clock.now().getTime() - (state.startedAt?.getTime() ?? 0)
  return isHealing && rotates !== 'never' && agoMs >= graceSeconds * 1000
}

function lostAnswer({ providerName }: Ward, { state }: Failed): string {
  const at = state.startedAt ? ` of ${state.startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC` : ''
  return `The answer of ${providerName} to the renewal${at} was lost on the way, and it gives each one only once. Connect the account again.`
}

/**
 * Marks an active connection, pauses its schedule, tells the audit chain. One that a person has paused stays paused; one
 * that got another credential meanwhile is left alone. Repeatable.
 */
export async function needAttention(
  deps: ActivityDeps,
  { connectionId, partnerId }: Ward,
  generation: number,
  { code, message }: FailureNote,
  who: WhoMustAct,
): Promise<void> {
  const changed = await asTenant(deps.database.db, partnerId, async (tx) => {
    const connection = await getConnection(tx, connectionId)
    if (connection?.state !== 'active') return false
    if ((await newestGeneration(tx, connectionId)) !== generation) return false
    await setConnectionState(tx, connectionId, 'needs_attention', message, who)
    await appendAudit(tx, {
      actor: 'custodian',
      action: 'connection.needs_attention',
      subject: connectionId,
      partnerId,
      details: { code, who, reason: message, generation },
    })
    return true
  })
  if (changed) await alignSchedule(deps, connectionId)
}

/** The way back: a renewal went through after failures that had marked the connection. True when it is active again. */
export async function noteMended(
  tx: Db,
  { connectionId, partnerId }: Ward,
  before: RefreshState,
): Promise<boolean> {
  if (!before.lastFailure) return false
  const connection = await getConnection(tx, connectionId)
  if (connection?.state !== 'needs_attention') return false
  await setConnectionState(tx, connectionId, 'active', null)
  await appendAudit(tx, {
    actor: 'custodian',
    action: 'connection.active',
    subject: connectionId,
    partnerId,
    details: { before: before.lastFailure.code },
  })
  return true
}

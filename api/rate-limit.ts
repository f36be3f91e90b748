/**
 * Lets a request in, or says which limit or quota stands in its way. A key has limits of its own, its partner others for all of its keys
 * together; a person who is signed in has limits of their own and counts by no quota; who asks for a credential is limited by
 * address. The admin token is not limited.
 */
import type { ParameterizedContext } from 'koa'
import type { RateClass } from '../model/limits.ts'
import { hubRoles } from '../model/permissions.ts'
import { monthEnd } from '../model/quota.ts'
import { HubError } from '../platform/errors.ts'
import type { Caller } from './caller.ts'
import type { ApiDeps } from './deps.ts'
import type { Operation } from './description.ts'
import { limitField, quotaName, type LimitLeft } from './limits/fields.ts'
import type { Met } from './limits/leases.ts'
import type { ApiLimits } from './limits/limits.ts'
import type { AppliedLimit, Plan } from './limits/plan.ts'
import { checkRecordsLeft, quotaUsedUp } from './limits/records-quota.ts'
import { ProblemError } from './problem.ts'
import type { RequestState } from './request-state.ts'

type Context = ParameterizedContext<RequestState>
type Deps = Pick<ApiDeps, 'limits' | 'hubDatabase'>

/** @throws ProblemError `TooManyRequests` (429) with `limit` or `quota`. */
export async function admitCaller(
  deps: Deps,
  ctx: Context,
  operation: Operation,
  caller: Caller,
): Promise<void> {
  const { limits } = deps
  const plan = await planOf(limits, caller)
  if (!plan) return
  noteWhenOver(limits, ctx, operation, caller)
  try {
    if (plan.quotas && caller.partnerId !== null)
      await admitByQuota(limits, ctx, plan, caller.partnerId, operation.rateClass)
    else await admitByRate(limits, ctx, plan, operation.rateClass)
    await checkRecords(deps, operation, caller)
  } catch (error) {
    ctx.state.isRefused = true
    const isCounted = plan.quotas !== null && !isQuota(error, 'calls')
    if (isCounted && caller.partnerId !== null) limits.book.countCall(caller.partnerId, -1)
    throw error
  }
}

const isQuota = (error: unknown, quota: 'calls'): boolean =>
  error instanceof ProblemError && error.extras.quota?.quota === quota

/** Of whoever asks for a credential. @throws ProblemError `TooManyRequests`. */
export async function admitAddress({ limits }: Deps, ctx: Context, address: string): Promise<void> {
  const plan = await limits.plans.ofAddress(address)
  if (plan) await admitByRate(limits, ctx, plan, 'auth')
}

async function planOf({ plans }: ApiLimits, { kind, keyId, personId }: Caller): Promise<Plan | undefined> {
  if (kind === 'key' && keyId !== undefined) return await plans.ofKey(keyId)
  if (kind === 'person' && personId !== undefined) return await plans.ofPerson(personId)
  return undefined
}

async function admitByQuota(
  limits: ApiLimits,
  ctx: Context,
  plan: Plan,
  partnerId: string,
  name: RateClass,
): Promise<void> {
  const used = await limits.book.callsUsed(partnerId)
  const hard = plan.quotas?.calls.hard ?? null
  const now = new Date(limits.now())
  const seconds = Math.ceil((monthEnd(now).getTime() - now.getTime()) / 1000)
  const left = hard === null ? [] : [{ name: quotaName, remaining: Math.max(0, hard - used - 1), seconds }]
  if (hard !== null && used >= hard) {
    tell(limits, ctx, plan, name, left)
    limits.metrics.apiRefusals.inc({ class: name, scope: 'partner', limit: 'quota' })
    throw quotaUsedUp('calls', hard, used, now)
  }
  // Counted before it waits for a permit: many at once do not pass the quota together.
  limits.book.countCall(partnerId, 1)
  await admitByRate(limits, ctx, plan, name, left)
}

async function admitByRate(
  limits: ApiLimits,
  ctx: Context,
  plan: Plan,
  name: RateClass,
  quota: readonly LimitLeft[] = [],
): Promise<void> {
  const met = await limits.leases.take(plan.ofClass[name].limits)
  tell(limits, ctx, plan, name, quota, met)
  if (!met) return
  const { class: rateClass, scope, kind } = met.bucket
  limits.metrics.apiRefusals.inc({ class: rateClass, scope, limit: kind })
  throw limitMet(met)
}

/** The fields of the answer. */
function tell(
  { leases }: ApiLimits,
  ctx: Context,
  plan: Plan,
  name: RateClass,
  quota: readonly LimitLeft[],
  met?: Met<AppliedLimit>,
): void {
  const { limits, policy } = plan.ofClass[name]
  if (policy === '') return
  const left = limits.map((one): LimitLeft => {
    if (one === met?.bucket) return { name: one.name, remaining: 0, seconds: secondsOf(met.waitMs) }
    const { remaining, wholeInMs } = leases.look(one)
    return { name: one.name, remaining, seconds: Math.ceil(wholeInMs / 1000) }
  })
  ctx.set('RateLimit-Policy', policy)
  ctx.set('RateLimit', limitField([...left, ...quota]))
}

const secondsOf = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))
const inSeconds = (seconds: number): string => (seconds === 1 ? 'in a second' : `in ${seconds} seconds`)
const whose = { caller: 'this caller', partner: "the partner's keys together", address: 'this address' }

function limitMet({ bucket, waitMs }: Met<AppliedLimit>): ProblemError {
  const { name, class: rateClass, scope, limit, windowSeconds } = bucket
  const text = `The limit "${name}" is met: ${limit} ${rateClass} in ${windowSeconds} seconds for ${whose[scope]}. There is a call again ${inSeconds(secondsOf(waitMs))}.`
  const failure = new HubError('TooManyRequests', text, { retryAt: new Date(Date.now() + waitMs) })
  return new ProblemError(failure, { limit: { name, class: rateClass, scope, limit, windowSeconds } })
}

/** What brings records into the store is not begun when the month's changes are used up. */
const bringsRecords = new Set<string | undefined>(['runs.start', 'writes.write'])

async function checkRecords(
  deps: Deps,
  { permission, rateClass, method }: Operation,
  { partnerId }: Caller,
): Promise<void> {
  if (partnerId === null || method === 'get' || !bringsRecords.has(permission)) return
  await checkRecordsLeft(deps, partnerId, rateClass)
}

const isOfHub = ({ role }: Caller): boolean => hubRoles.some((one) => one === role)

/** Usage is the partner's own: what the hub's people do for it is none. */
function noteWhenOver({ book }: ApiLimits, ctx: Context, operation: Operation, caller: Caller): void {
  const { partnerId, keyId = '' } = caller
  if (partnerId === null || isOfHub(caller)) return
  ctx.res.once('close', () => {
    const { about, isRefused = false } = ctx.state
    book.note({
      partnerId,
      keyId,
      operation: operation.operationId,
      class: operation.rateClass,
      connectionId: about?.connectionId ?? '',
      accountId: about?.accountId ?? '',
      status: ctx.status,
      bytes: ctx.length ?? 0,
      isRefused,
    })
  })
}

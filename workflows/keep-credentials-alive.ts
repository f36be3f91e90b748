/**
 * Once a day: uses the refresh tokens that would die unused (paused connections have them too), tells of accesses that end
 * soon whatever the hub does, and erases what is left of deleted connections.
 */
import { ActivityFailure } from '@temporalio/common'
import { continueAsNew, isCancellation, proxyActivities, workflowInfo } from '@temporalio/workflow'
import type { DyingPage } from '../activities/custodian-keeping.ts'
import type { Activities } from '../activities/index.ts'
import {
  temporalPriority,
  type KeepCredentialsAliveInput,
  type KeepCredentialsAliveResult,
} from './messages.ts'
import { retry, times } from './retry.ts'

const { listDyingCredentials, warnOfEndingAccess, eraseLeftRevocations } = proxyActivities<Activities>({
  startToCloseTimeout: '1 minute',
  retry: retry.database,
})

/** Credentials that are renewed at the same time. */
const parallel = 5

/** Started by its schedule; `{}` by hand does the same. */
export async function keepCredentialsAlive(
  input: KeepCredentialsAliveInput = {},
): Promise<KeepCredentialsAliveResult> {
  let result = input.continued?.result ?? (await begin())
  let after = input.continued?.after ?? null
  for (;;) {
    const page = await listDyingCredentials({ after })
    result = await keepAll(page, result)
    if (page.next === null) return result
    after = page.next
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof keepCredentialsAlive>({ continued: { after, result } })
  }
}

async function begin(): Promise<KeepCredentialsAliveResult> {
  const warned = await warnOfEndingAccess({})
  const erased = await eraseLeftRevocations({})
  return { renewed: 0, skipped: 0, failed: 0, warned, erased }
}

async function keepAll(
  { credentials }: DyingPage,
  before: KeepCredentialsAliveResult,
): Promise<KeepCredentialsAliveResult> {
  const count = { renewed: before.renewed, skipped: before.skipped, failed: before.failed }
  let next = 0
  const lane = async (): Promise<void> => {
    for (;;) {
      const one = credentials[next++]
      if (!one) return
      count[await keep(one)]++
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, credentials.length) }, lane))
  return { ...before, ...count }
}

/** One that cannot be renewed today is tried again tomorrow; what it means for its connection is the custodian's to say. */
async function keep({
  connectionId,
  provider,
  generation,
}: DyingPage['credentials'][number]): Promise<'renewed' | 'skipped' | 'failed'> {
  const { keepCredentialAlive } = proxyActivities<Activities>({
    ...times.keepAlive,
    taskQueue: `${workflowInfo().taskQueue}-${provider}`,
    retry: retry.check,
    priority: { priorityKey: temporalPriority.backfill },
    summary: connectionId,
  })
  try {
    return (await keepCredentialAlive({ connectionId, generation })) ? 'renewed' : 'skipped'
  } catch (error) {
    if (error instanceof ActivityFailure && !isCancellation(error)) return 'failed'
    throw error
  }
}

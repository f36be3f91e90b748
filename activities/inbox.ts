/** The inbox: lanes drained, lanes found that nobody woke. */
import { Context } from '@temporalio/activity'
import { getConnection } from '../db/connections.ts'
import { overdueLanes } from '../db/inbox.ts'
import { HubError } from '../platform/errors.ts'
import { findHookSource } from '../providers/registry.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { drainLane, type DrainResult } from './inbox-drain.ts'
import { whileBeating } from './steady.ts'

export interface LaneFacts {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly providerName: string
  readonly name: string
  /** Whether the provider has a queue of its own. */
  readonly hasQueue: boolean
}

/** A lane that the sweeper wakes. */
export type OverdueLane = Pick<LaneFacts, 'connectionId' | 'provider' | 'partnerId' | 'accountId'>

/** Younger ones have a wake on its way. */
const overdueMs = 15_000
const lanesPerSweep = 500

export function createInboxActivities(deps: ActivityDeps) {
  return {
    /** @throws `InvalidInput` for a connection that is not there. */
    describeLane: failing(async ({ connectionId }: { readonly connectionId: string }): Promise<LaneFacts> => {
      const connection = await getConnection(deps.database.db, connectionId)
      if (!connection) throw new HubError('InvalidInput', `There is no connection "${connectionId}".`)
      const source = findHookSource(connection.provider, deps.findProvider)
      if (!source)
        throw new HubError('InvalidInput', `The hub receives no webhooks of "${connection.provider}".`)
      const { partnerId, accountId, provider, name } = connection
      const hasQueue = deps.providerSlugs.includes(provider)
      return { connectionId, partnerId, accountId, provider, providerName: source.name, name, hasQueue }
    }),
    drainInbox: failing(
      async ({ connectionId }: { readonly connectionId: string }): Promise<DrainResult> =>
        await whileBeating((signal) => {
          const { workflowExecution } = Context.current().info
          return drainLane(deps, connectionId, { workflowRunId: workflowExecution?.runId ?? '', signal })
        }),
    ),
    listOverdueLanes: failing(
      async (_input: Record<string, never>): Promise<readonly OverdueLane[]> =>
        await overdueLanes(deps.database.db, deps.clock.now(), overdueMs, lanesPerSweep),
    ),
  }
}

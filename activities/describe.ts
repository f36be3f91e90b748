/** What workflows must know of a connection to choose queues, summaries and search attributes. No settings, no secrets. */
import { getConnection } from '../db/connections.ts'
import { HubError } from '../platform/errors.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'

export interface ConnectionFacts {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly providerName: string
  readonly name: string
  readonly state: 'active' | 'paused' | 'needs_attention' | 'deleted'
}

/** @throws `InvalidInput` for a connection or provider that is not there. */
export async function describeConnection(
  deps: ActivityDeps,
  { connectionId }: { readonly connectionId: string },
): Promise<ConnectionFacts> {
  const connection = await getConnection(deps.database.db, connectionId)
  if (!connection) throw new HubError('InvalidInput', `There is no connection "${connectionId}".`)
  const provider = deps.findProvider(connection.provider)
  if (!provider) {
    throw new HubError('InvalidInput', `This hub does not know the provider "${connection.provider}".`)
  }
  const { partnerId, accountId, name, state } = connection
  return {
    connectionId,
    partnerId,
    accountId,
    provider: provider.slug,
    providerName: provider.name,
    name,
    state,
  }
}

export function createDescribeActivities(deps: ActivityDeps) {
  return {
    describeConnection: failing((input: { readonly connectionId: string }) =>
      describeConnection(deps, input),
    ),
  }
}

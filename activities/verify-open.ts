/** A verification's resource, opened for its comparison: rows, mapping, session and a count of calls brought together. */
import { getConnection, type Connection } from '../db/connections.ts'
import {
  getVerification,
  inStepSince,
  listVerifiedResources,
  type Verification,
  type VerifiedResource,
} from '../db/verifications.ts'
import type { FieldMapping } from '../model/mapping.ts'
import { HubError } from '../platform/errors.ts'
import type { Provider, ProviderContext, Resource } from '../providers/contract.ts'
import type { ActivityDeps } from './deps.ts'
import { mappingInForce } from './mapping-in-force.ts'
import { openSession } from './session.ts'

export interface VerifyKey {
  readonly verificationId: string
  readonly resource: string
}

export interface Verifying {
  readonly deps: ActivityDeps
  readonly verification: Verification
  readonly connection: Connection
  readonly provider: Provider
  readonly resource: Resource
  readonly mapping: FieldMapping
  /** See `inStepSince`. */
  readonly inStepAt: Date | null
  readonly context: ProviderContext
  /** Calls since they were last taken. */
  readonly calls: { take(): number }
  load(): Promise<VerifiedResource>
}

export async function loadVerification(deps: ActivityDeps, verificationId: string): Promise<Verification> {
  const verification = await getVerification(deps.database.db, verificationId)
  if (!verification) throw new HubError('InvalidInput', `There is no verification "${verificationId}".`)
  return verification
}

export async function openVerifying(
  deps: ActivityDeps,
  key: VerifyKey,
  signal: AbortSignal,
): Promise<Verifying> {
  const { db } = deps.database
  const verification = await loadVerification(deps, key.verificationId)
  if (verification.endedAt) throw new HubError('Superseded', 'The verification has ended.')
  const connection = await getConnection(db, verification.connectionId)
  let count = 0
  const { provider, context } = await openSession(deps, verification.connectionId, {
    ...{ priority: 'backfill', signal },
    onCall: () => void count++,
  })
  const resource = provider.resources.find(({ name }) => name === key.resource)
  if (!connection || !resource) throw new HubError('InvalidInput', `There is no resource "${key.resource}".`)
  const { mapping } = await mappingInForce(db, connection.connectionId, resource)
  const inStepAt = await inStepSince(db, connection.connectionId, resource.name)
  const take = (): number => {
    const taken = count
    count = 0
    return taken
  }
  const load = async (): Promise<VerifiedResource> => {
    const states = await listVerifiedResources(db, key.verificationId)
    const state = states.find((one) => one.resource === key.resource)
    if (!state) throw new HubError('Superseded', 'The verification is gone.')
    return state
  }
  return {
    deps,
    verification,
    connection,
    provider,
    resource,
    mapping,
    inStepAt,
    context,
    calls: { take },
    load,
  }
}

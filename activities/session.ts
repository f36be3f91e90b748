/** Opens a connection for calls to its provider: the row, its credential and the transport brought together. */
import { getConnection, type Connection } from '../db/connections.ts'
import { openCredential } from '../db/credentials.ts'
import { HubError } from '../platform/errors.ts'
import {
  authMethod,
  type AuthMethod,
  type Priority,
  type Provider,
  type ProviderContext,
} from '../providers/contract.ts'
import type { CallTrace, CredentialSource, CredentialVersion } from '../providers/http/session.ts'
import { lifeOf } from './custodian-life.ts'
import { currentCredential, renewCredential } from './custodian.ts'
import { wardOf, type Ward } from './custodian-ward.ts'
import type { ActivityDeps } from './deps.ts'

export interface OpenedSession {
  readonly connection: Connection
  readonly provider: Provider
  readonly context: ProviderContext
}

export interface SessionWish {
  readonly priority: Priority
  /** Asks whether the provider is back: the only one that calls it while its lanes are paused. */
  readonly isCanary?: boolean
  /** Aborts the call that is under way. */
  readonly signal?: AbortSignal
  /** Called after each attempt of each call. */
  readonly onCall?: (trace: CallTrace) => void
}

/**
 * @throws HubError `NoSuchThing` for a connection that is unknown or deleted, `NotConfigured` for one whose provider is not
 *   in this build, `Unavailable` while its lanes are paused, `Unauthorized` (at the first call) for one without a credential.
 */
export async function openSession(
  deps: ActivityDeps,
  connectionId: string,
  wish: SessionWish,
): Promise<OpenedSession> {
  const connection = await getConnection(deps.database.db, connectionId)
  if (!connection || connection.state === 'deleted') {
    throw new HubError('NoSuchThing', `There is no connection "${connectionId}".`)
  }
  const provider = deps.findProvider(connection.provider)
  if (!provider)
    throw new HubError('NotConfigured', `This hub does not know the provider "${connection.provider}".`)
  const auth = authMethod(provider, connection.auth)
  if (!wish.isCanary) await deps.gate.pass(provider)
  if (!auth)
    throw new HubError(
      'NotConfigured',
      `${provider.name} has no way to connect that is called "${connection.auth}".`,
    )
  const context = deps.transport.open({
    provider,
    auth,
    connectionId,
    settings: connection.settings,
    isSandbox: connection.sandbox,
    credential: credentialOf(deps, connection, provider, auth),
    priority: wish.priority,
    ...(wish.signal ? { signal: wish.signal } : {}),
    onCall: (trace) => {
      deps.callStats.count(connection, trace)
      wish.onCall?.(trace)
    },
  })
  return { connection, provider, context }
}

/**
 * The connection's credential, read once and kept for as long as the session lives (for OAuth: as long as the token does).
 * After a refusal the store is read again: somebody may have put in a newer one meanwhile.
 */
function credentialOf(
  deps: ActivityDeps,
  connection: Connection,
  provider: Provider,
  auth: AuthMethod,
): CredentialSource {
  if (auth.kind === 'oauth2') return tended(deps, wardOf(connection, provider, auth))
  const { connectionId } = connection
  let known: Promise<CredentialVersion> | undefined
  const read = async (): Promise<CredentialVersion> => {
    const credential = await openCredential(deps.database.db, deps.vault, connectionId)
    if (!credential) throw new HubError('Unauthorized', 'The connection has no credential. Connect it again.')
    return credential
  }
  const fresh = (): Promise<CredentialVersion> => {
    const reading = read()
    known = reading
    reading.catch(() => {
      if (known === reading) known = undefined
    })
    return reading
  }
  return {
    current: () => known ?? fresh(),
    renew: async (refused) => {
      const cached = await known
      if (cached && cached.generation > refused) return cached
      const credential = await fresh()
      return credential.generation > refused ? credential : undefined
    },
  }
}

/** A token in its last minutes that could not be renewed is not asked about at every call. */
const lookAgainMs = 5_000

/** A credential in the custodian's care. */
function tended(deps: ActivityDeps, ward: Ward): CredentialSource {
  let known: CredentialVersion | undefined
  let lookedAt = 0
  return {
    current: async () => {
      const now = deps.clock.now()
      const life = known ? lifeOf(ward.method, known.secrets, now) : 'dead'
      const isRecent = now.getTime() - lookedAt < lookAgainMs
      if (known && (life === 'fresh' || (life === 'aging' && isRecent))) return known
      lookedAt = now.getTime()
      known = await currentCredential(deps, ward)
      return known
    },
    renew: async (refused) => {
      if (known && known.generation > refused) return known
      const newer = await renewCredential(deps, ward, refused)
      known = newer ?? known
      return newer
    },
  }
}

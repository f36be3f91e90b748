/** Ending the access of a deleted connection at its provider. */
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { getConnection } from '../db/connections.ts'
import { eraseRevocation, openRevocation } from '../db/credential-revocations.ts'
import type { FailureNote } from '../model/failures.ts'
import { HubError } from '../platform/errors.ts'
import { authMethod } from '../providers/contract.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { removeHooks } from './hook-removal.ts'
import { whileBeating } from './steady.ts'

interface Key {
  readonly connectionId: string
}

/** Its webhooks first, as long as they can be reached. Repeatable: an access that is gone is no error. */
async function revokeAtProvider(deps: ActivityDeps, { connectionId }: Key): Promise<void> {
  const { database, vault } = deps
  const connection = await getConnection(database.db, connectionId)
  const kept = await openRevocation(database.db, vault, connectionId)
  if (!connection || !kept) return
  const secrets = await whileBeating((signal) => removeHooks(deps, connection, kept, signal))
  const provider = deps.findProvider(connection.provider)
  const method = provider && authMethod(provider, connection.auth)
  if (!provider || method?.kind !== 'oauth2' || !method.endpoints(connection.settings).revoke) return
  const app = await deps.appOf(provider.slug, method)
  if (!app)
    throw new HubError('NotConfigured', `The hub’s own app at ${provider.name} is not configured any more.`)
  await whileBeating(() => deps.oauth.revoke(method, connection.settings, app, secrets))
}

/** Erases the secrets, whether the provider has ended the access or not, and tells the audit chain. */
async function endRevocation(
  deps: ActivityDeps,
  { connectionId, failure }: Key & { readonly failure: FailureNote | null },
): Promise<void> {
  const connection = await getConnection(deps.database.db, connectionId)
  if (!connection) return
  const { partnerId, provider } = connection
  await asTenant(deps.database.db, partnerId, async (tx) => {
    if (!(await eraseRevocation(tx, connectionId))) return
    await appendAudit(tx, {
      actor: 'revokeCredential',
      action: failure ? 'credential.revocation_failed' : 'credential.revoked',
      subject: connectionId,
      partnerId,
      details: { provider, ...(failure ? { code: failure.code } : {}) },
    })
  })
}

export function createRevocationActivities(deps: ActivityDeps) {
  return {
    revokeAtProvider: failing((input: Key) => revokeAtProvider(deps, input)),
    endRevocation: failing((input: Parameters<typeof endRevocation>[1]) => endRevocation(deps, input)),
  }
}

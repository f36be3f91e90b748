/** The webhooks of a deleted connection at its provider are removed, with the credential that was set aside for it. */
import { type Connection } from '../db/connections.ts'
import { replaceRevocation } from '../db/credential-revocations.ts'
import { noteSubscription, openHookSettings } from '../db/hook-settings.ts'
import { failures } from '../model/failures.ts'
import { isHubError, messageOf } from '../platform/errors.ts'
import { authMethod, type OAuth2Auth, type ProviderContext, type Secrets } from '../providers/contract.ts'
import type { HookSubscriptions } from '../providers/contract-webhook.ts'
import type { CredentialSource, CredentialVersion } from '../providers/http/session.ts'
import { lifeOf } from './custodian-life.ts'
import type { ActivityDeps } from './deps.ts'

/**
 * Repeatable: what is gone already is no error. A provider that lets nobody in any more is told to the log and left alone.
 * @returns the secrets as they are afterwards: a token that had to be renewed for it is another one now.
 */
export async function removeHooks(
  deps: ActivityDeps,
  connection: Connection,
  secrets: Secrets,
  signal: AbortSignal,
): Promise<Secrets> {
  const provider = deps.findProvider(connection.provider)
  const subscriptions = provider?.webhooks?.subscriptions
  const auth = provider && authMethod(provider, connection.auth)
  const { connectionId } = connection
  const stored = await openHookSettings(deps.database.db, deps.vault, connectionId)
  if (!provider || !subscriptions || !auth || stored?.settings.subscriptionState !== 'active') return secrets
  const credential =
    auth.kind === 'oauth2' ? renewing(deps, connection, auth, secrets) : holding({ generation: 1, secrets })
  const context = deps.transport.open({
    provider,
    auth,
    connectionId,
    settings: connection.settings,
    isSandbox: connection.sandbox,
    credential,
    priority: 'interactive',
    signal,
  })
  try {
    const path = `/hooks/${provider.slug}/${connectionId}`
    await removeOurs(context, subscriptions, (url) => isAt(url, deps.config.publicUrl, path))
    await noteSubscription(deps.database.db, connectionId, { id: null, state: 'none' })
  } catch (error) {
    if (!isHubError(error) || failures[error.code].retry !== 'no') throw error
    deps.log.warn({ connectionId, reason: messageOf(error) }, 'a webhook stays at its provider')
    await noteSubscription(deps.database.db, connectionId, {
      id: stored.settings.subscriptionId,
      state: 'failed',
      error: error.message,
    })
  }
  return (await credential.current()).secrets
}

/** Those whose URL is one of ours, whatever key it holds. */
export async function removeOurs(
  context: ProviderContext,
  subscriptions: HookSubscriptions,
  isOurs: (url: string) => boolean,
): Promise<void> {
  for (const { id, url } of await subscriptions.list(context))
    if (isOurs(url)) await subscriptions.remove(context, id)
}

function isAt(url: string, publicUrl: string, path: string): boolean {
  if (!URL.canParse(url)) return false
  const { origin, pathname } = new URL(url)
  return origin === new URL(publicUrl).origin && pathname === path
}

const holding = (credential: CredentialVersion): CredentialSource => ({
  current: () => Promise.resolve(credential),
  renew: () => Promise.resolve(undefined),
})

/** The connection is deleted: nobody else renews this token, so that no lock is needed. What is renewed is kept for a repetition. */
function renewing(
  deps: ActivityDeps,
  { connectionId, provider, settings }: Connection,
  method: OAuth2Auth,
  secrets: Secrets,
): CredentialSource {
  let known: CredentialVersion = { generation: 1, secrets }
  const renew = async (): Promise<CredentialVersion | undefined> => {
    const app = await deps.appOf(provider, method)
    if (!app || !known.secrets['refresh_token']) return undefined
    const answer = await deps.oauth.refresh(method, settings, app, known.secrets)
    await replaceRevocation(deps.database.db, deps.vault, connectionId, answer.secrets)
    known = { generation: known.generation + 1, secrets: answer.secrets }
    return known
  }
  return {
    current: async () =>
      lifeOf(method, known.secrets, deps.clock.now()) === 'dead' ? ((await renew()) ?? known) : known,
    renew: async (refused) => (known.generation > refused ? known : await renew()),
  }
}

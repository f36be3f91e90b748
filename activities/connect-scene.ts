/** A connect session as its activities see it: the row, its provider, and what is sealed in it. */
import { getConnectSession, openSealed, type ConnectSession } from '../db/connect-sessions.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import {
  authMethod,
  type AuthMethod,
  type Provider,
  type Secrets,
  type Settings,
} from '../providers/contract.ts'
import type { ActivityDeps } from './deps.ts'

export interface SessionKey {
  readonly sessionId: string
}

export interface Scene {
  readonly session: ConnectSession
  readonly provider: Provider
  readonly method: AuthMethod
}

/** @throws HubError `InvalidInput` for a session that is not there or has no way to connect yet. */
export async function sceneOf(deps: ActivityDeps, { sessionId }: SessionKey): Promise<Scene> {
  const session = await getConnectSession(deps.database.db, sessionId)
  if (!session) throw new HubError('InvalidInput', `There is no connect session "${sessionId}".`)
  const provider = deps.findProvider(session.provider)
  if (!provider)
    throw new HubError('NotConfigured', `This hub does not know the provider "${session.provider}".`)
  const method = session.auth === null ? undefined : authMethod(provider, session.auth)
  if (!method) throw new HubError('InvalidInput', 'No way to connect has been chosen yet.')
  return { session, provider, method }
}

/** What the person entered, and what the token endpoint will want to see of the consent. */
export interface Entered {
  readonly settings: Settings
  readonly secrets: Secrets
  readonly consent: Readonly<Record<string, string>>
}

export async function enteredIn(deps: ActivityDeps, { session }: Scene): Promise<Entered> {
  const sealed = await openSealed(deps.database.db, deps.vault, session, 'sealed_given')
  if (!sealed) throw new HubError('InvalidInput', 'Nothing has been entered yet.')
  return {
    settings: texts(sealed['settings']),
    secrets: texts(sealed['secrets']),
    consent: texts(sealed['consent']),
  }
}

/** Parameters of the provider's redirect. */
export async function callbackOf(
  deps: ActivityDeps,
  { session }: Scene,
): Promise<Readonly<Record<string, string>>> {
  const sealed = await openSealed(deps.database.db, deps.vault, session, 'sealed_callback')
  if (!sealed) throw new HubError('InvalidInput', 'The provider has not sent the person back yet.')
  return texts(sealed)
}

/** The provider's answer to the code, as it was kept. */
export interface Tokens {
  readonly secrets: Secrets
  readonly token: JsonObject
  readonly grantedScopes: readonly string[] | undefined
}

export async function tokensOf(deps: ActivityDeps, { session }: Scene): Promise<Tokens> {
  const sealed = await openSealed(deps.database.db, deps.vault, session, 'sealed_tokens')
  const token = sealed?.['token']
  if (!sealed || !isJsonObject(token))
    throw new HubError('InvalidInput', 'The provider has not given its tokens yet.')
  const scopes = sealed['grantedScopes']
  return {
    secrets: texts(sealed['secrets']),
    token,
    grantedScopes: Array.isArray(scopes) ? scopes.map(String) : undefined,
  }
}

const texts = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(isJsonObject(value) ? value : {}).flatMap(([name, one]) =>
      typeof one === 'string' ? [[name, one]] : [],
    ),
  )

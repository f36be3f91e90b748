/** The calls to the provider that connecting takes: the code for tokens, which account it is, does it work. */
import { asTenant } from '../db/client.ts'
import { keepFinding, keepTokens, sealForSession, type Identity } from '../db/connect-sessions.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import { missingScopes } from '../providers/contract-oauth.ts'
import type {
  OAuth2Auth,
  OAuthScope,
  Provider,
  ProviderContext,
  Secrets,
  Settings,
} from '../providers/contract.ts'
import { callbackOf, enteredIn, sceneOf, tokensOf, type Scene, type SessionKey } from './connect-scene.ts'
import type { ActivityDeps } from './deps.ts'
import { whileBeating } from './steady.ts'

const superseded = () => new HubError('Superseded', 'Another attempt has taken over.')

/**
 * Exchanges the code, once: what comes back is committed before anything else is done with it. A repetition finds it
 * there. A worker that dies before it could keep the answer costs the approval (the provider gives a code's tokens once):
 * the repetition is refused, and the person is asked to approve once more.
 * @param attempt of the activity.
 */
export async function exchangeConsent(deps: ActivityDeps, key: SessionKey, attempt: number): Promise<void> {
  const scene = await sceneOf(deps, key)
  const { session, method, provider } = scene
  if (method.kind !== 'oauth2' || session.hasTokens) return
  const { settings, consent } = await enteredIn(deps, scene)
  const callback = await callbackOf(deps, scene)
  const { redirectUri = '', state = '', codeVerifier } = consent
  const app = await deps.appOf(provider.slug, method)
  if (!app) {
    const { idVariable, secretVariable } = method.client
    throw new HubError('NotConfigured', `The app of this service at ${provider.name} is not set up.`, {
      internal: `${idVariable}, ${secretVariable}`,
    })
  }
  const tokens = await whileBeating(() =>
    deps.oauth.exchangeCode(method, settings, app, {
      callback,
      redirectUri,
      state,
      codeVerifier,
    }),
  ).catch((error: unknown) => {
    throw inOtherWords(error, provider, attempt)
  })
  await asTenant(deps.database.db, session.partnerId, async (tx) => {
    const { secrets, token, grantedScopes } = tokens
    const sealed = await sealForSession(tx, deps.vault, session, 'sealed_tokens', {
      secrets: { ...secrets },
      token,
      ...(grantedScopes ? { grantedScopes: [...grantedScopes] } : {}),
    })
    if (!(await keepTokens(tx, session, sealed))) throw superseded()
  })
}

/** A refused code, for the person who approved. */
function inOtherWords(error: unknown, { name }: Provider, attempt: number): unknown {
  const isRefusal = ['Unauthorized', 'Invalid', 'Forbidden'] as const
  if (!isHubError(error) || !isRefusal.some((code) => code === error.code)) return error
  const text =
    attempt > 1
      ? `The answer of ${name} got lost on the way, and it gives it only once. Please approve the access once more.`
      : `${name} did not take its own approval: it is too old or was used already. Please approve the access once more.`
  return new HubError('Unauthorized', text, { cause: error, internal: error.internal ?? error.message })
}

/**
 * Finds out which account it is and whether the fresh credential works, and keeps both with the session.
 * @throws HubError `Forbidden` that names the required access that was not granted; what the provider's calls throw.
 */
export async function proveAccount(deps: ActivityDeps, key: SessionKey): Promise<void> {
  const scene = await sceneOf(deps, key)
  const { session, provider, method } = scene
  const entered = await enteredIn(deps, scene)
  await whileBeating(async (signal) => {
    const open = opener(deps, scene, signal)
    const { secrets, identity, without } =
      method.kind === 'oauth2'
        ? await identifyAccount(deps, scene, method, entered.settings, open)
        : {
            secrets: entered.secrets,
            identity: { settings: entered.settings, externalAccount: null, label: null },
            without: [],
          }
    const { proves, facts } = await provider.health.check(open(secrets, identity.settings))
    const kept = await asTenant(deps.database.db, session.partnerId, (tx) =>
      keepFinding(tx, session, identity, { proves, facts, without }),
    )
    if (!kept) throw superseded()
  })
}

type Open = (secrets: Secrets, settings: Settings) => ProviderContext

/** The transport with a credential that is not stored as a connection's yet. */
const opener =
  (deps: ActivityDeps, { session, provider, method }: Scene, signal: AbortSignal): Open =>
  (secrets, settings) =>
    deps.transport.open({
      provider,
      auth: method,
      connectionId: session.connectionId,
      settings,
      isSandbox: session.sandbox,
      credential: { current: async () => ({ generation: 0, secrets }), renew: async () => undefined },
      priority: 'interactive',
      signal,
    })

async function identifyAccount(
  deps: ActivityDeps,
  scene: Scene,
  method: OAuth2Auth,
  settings: Settings,
  open: Open,
): Promise<{
  readonly secrets: Secrets
  readonly identity: Identity
  readonly without: readonly string[]
}> {
  const tokens = await tokensOf(deps, scene)
  const callback = await callbackOf(deps, scene)
  const found = await method.identify(open(tokens.secrets, settings), { callback, token: tokens.token })
  const missing = missingScopes(method, scene.session.askedScopes, found.scopes ?? tokens.grantedScopes)
  if (missing.required.length > 0) throw lacking(scene.provider, missing.required)
  return {
    secrets: tokens.secrets,
    identity: {
      settings: { ...settings, ...found.settings },
      externalAccount: found.externalAccount,
      label: found.label,
    },
    without: [...new Set(missing.optional.map(({ feature }) => feature))],
  }
}

function lacking({ name }: Provider, scopes: readonly OAuthScope[]): HubError {
  const told = scopes.map(({ feature, scope }) => `${feature} (${scope})`).join('; ')
  return new HubError(
    'Forbidden',
    `${name} did not grant all that is needed. Missing: ${told}. Approve once more and leave it switched on.`,
  )
}

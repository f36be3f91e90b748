/** The consent at the provider: the way there, and the way back (`/oauth/callback`). */
import { calculatePKCECodeChallenge, generateRandomCodeVerifier, generateRandomState } from 'oauth4webapi'
import { asTenant } from '../../db/client.ts'
import {
  beginConsent,
  findByOAuthState,
  openSealed,
  refuseConsent,
  sealForSession,
  takeCallback,
  type ConnectSession,
} from '../../db/connect-sessions.ts'
import type { FailureNote } from '../../model/failures.ts'
import { isJsonObject } from '../../model/json.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import { sha256 } from '../../platform/secrets/hash.ts'
import { authorizeUrl } from '../../providers/contract-oauth.ts'
import type { AuthMethod, OAuth2Auth, Settings } from '../../providers/contract.ts'
import type { ApiDeps } from '../deps.ts'
import { missingApp } from '../resources/setup-values.ts'
import { addressAt, domainOf } from './domain.ts'
import type { Given } from './fields.ts'
import { start } from './start.ts'
import type { PageAnswer, PageCall, PageHandler } from './page-route.ts'
import { strangerPage, type View } from './pages.ts'
import { strangerAnswer, toSeal, viewFor } from './session-access.ts'

/** Always the hub's own address: it is what was registered with the hub's app at the provider, whichever domain the pages have. */
const redirectUri = ({ config }: ApiDeps): string => `${config.publicUrl}/oauth/callback`
const hashOf = (state: string): Buffer => sha256(`oauth state:${state}`)

function addressOf(
  { env, config }: ApiDeps,
  method: OAuth2Auth,
  settings: Settings,
  consent: {
    readonly redirectUri: string
    readonly state: string
    readonly codeChallenge: string | undefined
  },
): URL {
  const missing = missingApp(method, env)
  const clientId = env[method.client.idVariable]?.trim()
  if (missing.length > 0 || clientId === undefined)
    throw new HubError(
      'NotConfigured',
      'This way to connect is not set up here. Tell whoever sent you the link.',
      {
        internal: `not set: ${missing.join(', ')}`,
      },
    )
  return authorizeUrl(method, settings, config.originMap, { ...consent, clientId })
}

/**
 * Where the form of an OAuth method leads. Providers send people on to sign-in hosts of theirs, and a browser may hold
 * these to the list too: any https address is allowed, and outside production the sandbox.
 */
export function consentTargets(deps: ApiDeps, method: AuthMethod, settings: Settings): readonly string[] {
  if (method.kind !== 'oauth2') return []
  try {
    const consent = { redirectUri: redirectUri(deps), state: 'x', codeChallenge: undefined }
    const { protocol, origin } = addressOf(deps, method, settings, consent)
    // The way back leads over the hub's own address, which outside production may not be https either.
    return protocol === 'https:' ? ['https:'] : ['https:', origin, new URL(deps.config.publicUrl).origin]
  } catch (error) {
    // Settings that do not pass yet name no host.
    if (!isHubError(error)) throw error
    return ['https:', ...new Set(Object.values(deps.config.originMap).map((to) => new URL(to).origin))]
  }
}

/** Sends the person to the provider, with a state and a verifier that only this attempt knows. */
export async function sendToProvider(
  { deps, host }: PageCall,
  { session }: View,
  method: OAuth2Auth,
  given: Given,
): Promise<PageAnswer> {
  const state = generateRandomState()
  const codeVerifier = method.pkce ? generateRandomCodeVerifier() : undefined
  const codeChallenge =
    codeVerifier === undefined ? undefined : await calculatePKCECodeChallenge(codeVerifier)
  const returnTo = redirectUri(deps)
  const url = addressOf(deps, method, given.settings, { redirectUri: returnTo, state, codeChallenge })
  const domain = await domainOf(deps, host, session.partnerId)
  const consent = {
    state,
    redirectUri: returnTo,
    ...(codeVerifier === undefined ? {} : { codeVerifier }),
    ...(domain === undefined ? {} : { domain }),
  }
  const isBegun = await asTenant(deps.database.db, session.partnerId, async (tx) =>
    beginConsent(tx, session.sessionId, {
      stateHash: hashOf(state),
      sealedGiven: await sealForSession(tx, deps.vault, session, 'sealed_given', toSeal(given, consent)),
      askedScopes: method.scopes.map(({ scope }) => scope),
    }),
  )
  return { redirect: isBegun ? url.href : `/connect/s/${session.sessionId}` }
}

async function lostAnswer(call: PageCall): Promise<PageAnswer> {
  const dress = await call.dress()
  const { t } = dress.texts
  return { status: 400, page: strangerPage(dress, t('lost.title'), t('lost.text')) }
}

/**
 * The provider's redirect. Only the browser that was sent there may bring it, once. What it brought is committed, sealed,
 * before anything is done with it; then the address with the code in it leaves the browser's bar.
 */
export const takeAnswer: PageHandler = async (call) => {
  const { deps, query } = call
  const state = query.get('state') ?? ''
  if (state === '' || state.length > 500) return await lostAnswer(call)
  const stateHash = hashOf(state)
  const session = await findByOAuthState(deps.database.db, stateHash)
  if (!session) return await lostAnswer(call)
  const view = await viewFor(call, session)
  if (!view) return (await backToDomain(call, session)) ?? (await strangerAnswer(call))
  const { sessionId, partnerId } = session
  const failure = refusalIn(query, view.provider.name)
  const isTaken = await asTenant(deps.database.db, partnerId, async (tx) => {
    if (failure) return await refuseConsent(tx, sessionId, stateHash, failure)
    const callback = callbackOf(query)
    const sealed = await sealForSession(tx, deps.vault, session, 'sealed_callback', callback)
    return await takeCallback(tx, sessionId, stateHash, sealed)
  })
  if (isTaken && !failure) await start(deps, session)
  return { redirect: `/connect/s/${sessionId}` }
}

/**
 * The answer of a person who went away from a domain of the partner comes to the hub's own address, where the cookie that proves the
 * browser is not: it is asked for there again. The code is of no use to others on the way: it wants the app's secret.
 */
async function backToDomain(
  { deps, host, query }: PageCall,
  session: ConnectSession,
): Promise<PageAnswer | undefined> {
  const given = await openSealed(deps.database.db, deps.vault, session, 'sealed_given')
  const consent = given?.['consent']
  const kept = isJsonObject(consent) ? consent['domain'] : undefined
  if (typeof kept !== 'string' || kept === host) return undefined
  const domain = await domainOf(deps, kept, session.partnerId)
  if (domain === undefined) return undefined
  return {
    redirect: `${addressAt(deps, domain)}/oauth/callback?${new URLSearchParams(callbackOf(query)).toString()}`,
  }
}

/** The parameters of a redirect: a code, a state, and a few words such as a realm. */
function callbackOf(query: URLSearchParams): Record<string, string> {
  const entries = [...query].filter(([name]) => name.length <= 100).slice(0, 30)
  if (entries.reduce((sum, [, value]) => sum + value.length, 0) > 16_000)
    throw new HubError('InvalidInput', 'The answer of the provider is too long.')
  return Object.fromEntries(entries)
}

const refusals: Readonly<Record<string, (name: string) => FailureNote>> = {
  access_denied: (name) => ({
    code: 'Forbidden',
    message: `The access was not allowed at ${name}. Nothing has been connected.`,
  }),
  invalid_scope: (name) => ({
    code: 'NotConfigured',
    message: `${name} does not offer this access to the app of this service.`,
  }),
  unauthorized_client: (name) => ({
    code: 'NotConfigured',
    message: `${name} does not let the app of this service ask for access.`,
  }),
  temporarily_unavailable: (name) => ({ code: 'Unavailable', message: `${name} is not available just now.` }),
  server_error: (name) => ({ code: 'Unavailable', message: `${name} had a problem of its own.` }),
}

/** What a redirect without a code says. Its free text is not shown: anybody could have written it. */
function refusalIn(query: URLSearchParams, name: string): FailureNote | undefined {
  const error = query.get('error')
  if (error === null && (query.get('code') ?? '') !== '') return undefined
  const known = error === null ? undefined : refusals[error]
  if (known) return known(name)
  const word = error !== null && /^[\w.-]{1,60}$/.test(error) ? ` (${error})` : ''
  return { code: 'Protocol', message: `${name} sent you back without an approval${word}.` }
}

/**
 * Signing in at an identity provider: `/auth/v1/oidc/start` sends the browser there, `/auth/v1/oidc/callback` answers like
 * `POST /auth/v1/sessions`. A cookie binds the way back to the browser that went; nothing else of the hub takes cookies.
 */
import type { Middleware, ParameterizedContext } from 'koa'
import { generateRandomCodeVerifier, generateRandomNonce, generateRandomState } from 'oauth4webapi'
import { insertOidcSignIn, takeOidcSignIn } from '../db/oidc-sign-ins.ts'
import { findPersonByEmail } from '../db/people.ts'
import { HubError, messageOf } from '../platform/errors.ts'
import { createOidcClient, type Identity, type OidcClient } from '../platform/oidc.ts'
import { sha256, timingSafeEqualText } from '../platform/secrets/hash.ts'
import { clientAddress, networksOf } from './address.ts'
import type { ApiDeps } from './deps.ts'
import { edgeFailure } from './problem.ts'
import type { RequestState } from './request-state.ts'
import { challenge, openSession } from './resources/sign-in.ts'

const base = '/auth/v1/oidc'
const cookie = 'tieline_oidc'
const lifetimeMs = 10 * 60_000

type Context = ParameterizedContext<RequestState>

export function oidcRoutes(deps: ApiDeps): readonly (readonly [path: string, Middleware<RequestState>])[] {
  const { oidc, publicUrl } = deps.config
  const client = oidc && createOidcClient(oidc, `${publicUrl}${base}/callback`)
  const needed = (): OidcClient => {
    if (client) return client
    throw edgeFailure('NoSuchThing', 'This hub has no identity provider: sign in with a password.')
  }
  return [
    [`${base}/start`, (ctx) => start(deps, needed(), ctx)],
    [`${base}/callback`, (ctx) => comeBack(deps, needed(), ctx)],
  ]
}

const place = (state: string) => ({
  table: 'oidc_sign_ins',
  column: 'verifier',
  row: sha256(state).toString('hex'),
})

const cookieOf = ({ config }: ApiDeps, value: string, ageSeconds: number): string =>
  `${cookie}=${value}; Path=${base}; HttpOnly; SameSite=Lax; Max-Age=${ageSeconds}${config.publicUrl.startsWith('https:') ? '; Secure' : ''}`

async function start(deps: ApiDeps, client: OidcClient, ctx: Context): Promise<void> {
  ctx.state.route = `${base}/start`
  const { db } = deps.hubDatabase
  const [state, nonce, verifier] = [
    generateRandomState(),
    generateRandomNonce(),
    generateRandomCodeVerifier(),
  ]
  const url = await client.authorizationUrl({ state, nonce, verifier }).catch(unavailable(deps))
  const verifierSealed = await deps.vault.seal(db, 'hub', place(state), verifier)
  await insertOidcSignIn(db, sha256(state), { nonce, verifierSealed }, new Date(Date.now() + lifetimeMs))
  ctx.set({ 'Set-Cookie': cookieOf(deps, state, lifetimeMs / 1000), 'Cache-Control': 'no-store' })
  ctx.redirect(url)
}

const unavailable =
  ({ log }: ApiDeps) =>
  (err: unknown): never => {
    log.warn({ err }, 'the identity provider could not be asked')
    throw new HubError('Unavailable', 'The identity provider does not answer. Try again, or use a password.')
  }

const over = (internal: string) =>
  new HubError('Unauthenticated', 'This sign-in does not hold, or took too long. Begin again.', { internal })

async function comeBack(deps: ApiDeps, client: OidcClient, ctx: Context): Promise<void> {
  ctx.state.route = `${base}/callback`
  ctx.set({
    ...{ 'Set-Cookie': cookieOf(deps, '', 0), 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' },
  })
  const { db } = deps.hubDatabase
  const state = ctx.cookies.get(cookie) ?? ''
  const url = new URL(ctx.originalUrl, deps.config.publicUrl)
  if (state === '' || !timingSafeEqualText(state, url.searchParams.get('state') ?? ''))
    throw over('another browser, or no cookie')
  const signIn = await takeOidcSignIn(db, sha256(state))
  if (!signIn) throw over('used, late or never begun')
  const { nonce, verifierSealed } = signIn
  const verifier = (await deps.vault.open(db, 'hub', place(state), verifierSealed)).toString('utf8')
  const identity = await client.identityOf(url, { state, nonce, verifier }).catch((error: unknown) => {
    throw over(messageOf(error))
  })
  const person = await personOf(deps, identity)
  const address = clientAddress(ctx.req, networksOf(deps.config.trustedProxies))
  const browser = { address, userAgent: ctx.get('User-Agent').slice(0, 300) }
  const body = person.hasSecondFactor
    ? await challenge(deps, person.personId, browser)
    : await openSession(deps, person.personId, browser, 'openid')
  ctx.status = 201
  ctx.type = 'application/json'
  ctx.body = JSON.stringify(body)
}

/** Whom the hub knows by a verified address. @throws HubError `NotPermitted` for anybody else. */
async function personOf({ hubDatabase, config }: ApiDeps, { email, isVerified }: Identity) {
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase()
  const allowed = config.oidc?.allowedDomains ?? []
  const isAllowed = isVerified && email.includes('@') && (allowed.length === 0 || allowed.includes(domain))
  const person = isAllowed ? await findPersonByEmail(hubDatabase.db, email) : undefined
  if (person?.state === 'active') return person
  throw new HubError('NotPermitted', 'The hub knows nobody with this verified address: ask to be invited.')
}

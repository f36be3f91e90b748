/** The hub as a client of an OpenID Connect provider: authorization code with PKCE, state and nonce. The protocol is `oauth4webapi`'s. */
import * as oauth from 'oauth4webapi'
import type { OidcConfig } from './config.ts'

const patienceMs = 10_000
const remembersMs = 10 * 60_000
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

export interface Identity {
  readonly email: string
  readonly isVerified: boolean
}

export interface OidcClient {
  /** Where the browser goes. */
  authorizationUrl(wish: {
    readonly state: string
    readonly nonce: string
    readonly verifier: string
  }): Promise<string>
  /** Who has come back. @throws when anything of it does not hold. */
  identityOf(
    callback: URL,
    expected: { readonly state: string; readonly nonce: string; readonly verifier: string },
  ): Promise<Identity>
}

/** @param redirectUri as the app is registered with. */
export function createOidcClient(config: OidcConfig, redirectUri: string): OidcClient {
  const issuer = new URL(config.issuer)
  // Plain HTTP only to this machine.
  const options = () => ({
    signal: AbortSignal.timeout(patienceMs),
    [oauth.allowInsecureRequests]: issuer.protocol === 'http:' && loopback.test(issuer.hostname),
  })
  const client: oauth.Client = { client_id: config.clientId }
  let known: { readonly server: oauth.AuthorizationServer; readonly until: number } | undefined
  const server = async (): Promise<oauth.AuthorizationServer> => {
    if (known && known.until > Date.now()) return known.server
    const answer = await oauth.discoveryRequest(issuer, options())
    const found = await oauth.processDiscoveryResponse(issuer, answer)
    known = { server: found, until: Date.now() + remembersMs }
    return found
  }
  return {
    authorizationUrl: async ({ state, nonce, verifier }) => {
      const { authorization_endpoint: endpoint } = await server()
      if (endpoint === undefined) throw new Error('the provider names no authorization endpoint')
      const url = new URL(endpoint)
      const parameters = {
        ...{ client_id: config.clientId, redirect_uri: redirectUri, response_type: 'code' },
        ...{ scope: 'openid email', state, nonce, code_challenge_method: 'S256' },
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      }
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
      return url.href
    },
    identityOf: async (callback, { state, nonce, verifier }) => {
      const as = await server()
      const parameters = oauth.validateAuthResponse(as, client, callback, state)
      const auth = oauth.ClientSecretBasic(config.clientSecret)
      const answer = await oauth.authorizationCodeGrantRequest(
        ...([as, client, auth, parameters, redirectUri, verifier, options()] as const),
      )
      const expected = { expectedNonce: nonce, requireIdToken: true }
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, expected)
      await oauth.validateApplicationLevelSignature(as, answer, options())
      const claims = oauth.getValidatedIdTokenClaims(tokens)
      const email = claims?.['email']
      return {
        email: typeof email === 'string' ? email : '',
        isVerified: claims?.['email_verified'] === true,
      }
    },
  }
}

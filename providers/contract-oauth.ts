/** The consent in the browser: where a person is sent, and what came back compared with what was asked. Pure. */
import type { OAuth2Auth, OAuthScope, Settings } from './contract.ts'
import { targetOf, type OriginMap } from './http/origin-map.ts'

export interface Consent {
  readonly clientId: string
  readonly redirectUri: string
  /** Random, bound to the session. */
  readonly state: string
  /** S256 of the code verifier, where the method uses PKCE. */
  readonly codeChallenge: string | undefined
}

/**
 * The address of the provider's consent screen (RFC 6749 §4.1.1, RFC 7636); redirected by the origin map like any call.
 * @throws HubError `Protocol` for an endpoint that is not a safe https URL: a mistake in a provider's folder.
 */
export function authorizeUrl(
  method: OAuth2Auth,
  settings: Settings,
  originMap: OriginMap,
  consent: Consent,
): URL {
  const endpoint = new URL(method.endpoints(settings).authorize)
  const required = method.scopes.filter((one) => one.required)
  const optional = method.scopes.filter((one) => !one.required)
  const apart = method.optionalScopeParameter
  const asked = apart === undefined ? method.scopes : required
  const { url } = targetOf(originMap, endpoint.origin, endpoint.pathname, {
    ...Object.fromEntries(endpoint.searchParams),
    response_type: 'code',
    client_id: consent.clientId,
    redirect_uri: consent.redirectUri,
    scope: scopeText(method, asked) || undefined,
    ...(apart === undefined ? {} : { [apart]: scopeText(method, optional) || undefined }),
    state: consent.state,
    ...(consent.codeChallenge === undefined
      ? {}
      : { code_challenge: consent.codeChallenge, code_challenge_method: 'S256' }),
    ...method.authorizeParameters,
  })
  return url
}

const scopeText = ({ scopeSeparator }: OAuth2Auth, scopes: readonly OAuthScope[]): string =>
  scopes.map(({ scope }) => scope).join(scopeSeparator ?? ' ')

/**
 * Scopes that were asked for and not granted. None when the provider does not tell what it granted.
 * @param asked as they were at the consent: a release in between may have added some.
 */
export function missingScopes(
  method: OAuth2Auth,
  asked: readonly string[] | null,
  granted: readonly string[] | undefined,
): { readonly required: readonly OAuthScope[]; readonly optional: readonly OAuthScope[] } {
  const missing = granted
    ? method.scopes.filter(({ scope }) => (asked?.includes(scope) ?? true) && !granted.includes(scope))
    : []
  return {
    required: missing.filter((one) => one.required),
    optional: missing.filter((one) => !one.required),
  }
}

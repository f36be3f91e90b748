import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { OAuth2Auth, ProviderContext, Settings, TokenAuth } from '../contract.ts'
import { idIn, protocolError, textIn } from './answer.ts'
import { readMe } from './me.ts'
import { domainPattern, oauthSetup, tokenSetup } from './setup.ts'

const domain = new RegExp(domainPattern)
const day = 24 * 3600

/** Of one user in one company, who has one at a time; it does not expire (Authentication page; README). */
export const apiToken: TokenAuth = {
  kind: 'token',
  name: 'api_token',
  title: 'API token',
  setup: tokenSetup,
  headers({ api_token: token }) {
    if (!token) throw new HubError('NotConfigured', 'The Pipedrive connection has no API token.')
    return { 'x-api-token': token }
  },
}

/** `https://acme.pipedrive.com` → `acme`. */
function domainOf(apiDomain: string | undefined): string {
  const [, name = ''] = /^https:\/\/([^./]+)\.pipedrive\.com\/?$/.exec(apiDomain ?? '') ?? []
  if (!domain.test(name)) throw protocolError('the token came without the company it is for (api_domain)')
  return name
}

async function identify(context: ProviderContext, { token }: { readonly token: JsonObject }) {
  const company_domain = domainOf(textIn(token, 'api_domain'))
  const me = await readMe(context)
  const company_id = idIn(me, 'company_id')
  if (company_id === undefined) throw protocolError('users/me names no company')
  return {
    settings: { company_domain, company_id },
    externalAccount: company_id,
    label: textIn(me, 'company_name') ?? company_domain,
  }
}

/** `deals:full,contacts:read,base`. Full access holds read access. */
export const scopesIn = (text: string): string[] => {
  const named = text.split(/[\s,]+/).filter((scope) => scope !== '')
  const held = named
    .filter((scope) => scope.endsWith(':full'))
    .map((scope) => scope.replace(':full', ':read'))
  return [...new Set([...named, ...held])]
}

/**
 * OAuth 2.0 of the Marketplace: client in the Basic header, no PKCE. A person takes all scopes of the app or none: which ones
 * is set in the Developer Hub. The refresh token stays the same and dies after 60 days without use (README, "Connecting").
 */
export const oauth: OAuth2Auth = {
  kind: 'oauth2',
  name: 'oauth',
  title: 'Sign in with Pipedrive',
  setup: oauthSetup,
  client: {
    idVariable: 'PIPEDRIVE_CLIENT_ID',
    secretVariable: 'PIPEDRIVE_CLIENT_SECRET',
    secretChange: {
      keepsBoth: 'unproven',
      where: 'Developer Hub of the developer sandbox, the app, "OAuth & access scopes"',
      source: 'pipedrive.readme.io/docs/client-id-and-client-secret',
    },
  },
  endpoints: () => ({
    authorize: 'https://oauth.pipedrive.com/oauth/authorize',
    token: 'https://oauth.pipedrive.com/oauth/token',
    revoke: 'https://oauth.pipedrive.com/oauth/revoke',
  }),
  clientAuthentication: 'basic',
  pkce: false,
  scopes: [
    { scope: 'base', feature: 'Know the user and the company', required: true },
    { scope: 'deals:read', feature: 'Read deals, pipelines and notes', required: true },
    { scope: 'contacts:read', feature: 'Read persons and organizations', required: true },
    { scope: 'activities:read', feature: 'Read activities', required: true },
    { scope: 'leads:read', feature: 'Read leads', required: false },
    { scope: 'products:read', feature: 'Read products', required: false },
    { scope: 'users:read', feature: 'Read users', required: false },
    { scope: 'deals:full', feature: 'Move deals', required: false },
    { scope: 'admin', feature: 'Keep the webhook', required: false },
  ],
  accessLifetimeSeconds: 3600,
  refresh: { rotates: 'never', graceSeconds: 0, idleSeconds: 60 * day },
  readToken(token, now) {
    const scope = textIn(token, 'scope')
    return {
      // The answer does not say when; each use moves the end.
      refreshExpiresAt: new Date(now.getTime() + 60 * day * 1000),
      ...(scope === undefined ? {} : { scopes: scopesIn(scope) }),
    }
  },
  identify,
  headers({ access_token: token }) {
    if (!token)
      throw new HubError('NotConfigured', 'The Pipedrive connection has no access token. Connect it again.')
    return { authorization: `Bearer ${token}` }
  },
}

/** The company's own host; that of all while it is not known yet, which is only during the consent. */
export function baseUrl(settings: Settings): string {
  const name = settings['company_domain']
  if (name === undefined) return 'https://api.pipedrive.com'
  if (domain.test(name)) return `https://${name}.pipedrive.com`
  throw new HubError(
    'NotConfigured',
    'The company domain must be the first part of the address only: "acme" of acme.pipedrive.com',
  )
}

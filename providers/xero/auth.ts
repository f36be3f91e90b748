import type { OAuth2Auth, ProviderContext, Settings } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { isJsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { isFields, isId, protocolError, textIn, type Fields } from './answer.ts'
import { setup } from './setup.ts'

const day = 24 * 3600

/**
 * The consent that a token comes from: a claim of the access token, which is a JWT. Read and not verified: it came from Xero over
 * TLS, and only narrows a list that Xero answers for this same token.
 */
function consentOf(token: unknown): string | undefined {
  const [, payload = ''] = typeof token === 'string' ? token.split('.') : []
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    const id = isJsonObject(claims) ? claims['authentication_event_id'] : undefined
    return typeof id === 'string' && isId(id) ? id : undefined
  } catch {
    return undefined
  }
}

/** Organisations that the token reaches; those of one consent where it is given. */
async function organisationsOf(context: ProviderContext, consent: string | undefined): Promise<Fields[]> {
  const { body } = await context.call({
    method: 'GET',
    path: '/connections',
    query: { authEventId: consent },
    group: 'identity',
  })
  if (!Array.isArray(body)) throw protocolError('/connections is not a list')
  return body.filter(isFields).filter((one) => textIn(one, 'tenantType') === 'ORGANISATION')
}

function chosenOf(organisations: readonly Fields[], settings: Settings): Fields {
  const wanted = settings['organisation']?.trim().toLowerCase()
  const fitting = wanted
    ? organisations.filter((one) => textIn(one, 'tenantName')?.trim().toLowerCase() === wanted)
    : organisations
  const [only, ...others] = fitting
  if (only && others.length === 0) return only
  const names = organisations.map((one) => textIn(one, 'tenantName') ?? 'one without a name').join(', ')
  throw new HubError(
    'NotConfigured',
    organisations.length === 0
      ? 'No organisation was chosen in Xero. Connect again and choose one.'
      : `Xero connected ${names}. Connect again and choose one organisation, or name it exactly beforehand.`,
  )
}

/**
 * A consent adds organisations to those that the person has connected before: the claim tells which are its own. When it added
 * none (all were connected already), all of them count.
 */
async function identify(context: ProviderContext, { token }: { readonly token: JsonObject }) {
  const consent = consentOf(token['access_token'])
  const fresh = consent === undefined ? [] : await organisationsOf(context, consent)
  const organisations = fresh.length > 0 ? fresh : await organisationsOf(context, undefined)
  const chosen = chosenOf(organisations, context.settings)
  const tenant = textIn(chosen, 'tenantId') ?? ''
  if (!isId(tenant)) throw protocolError('/connections: no tenantId')
  return {
    settings: { tenant_id: tenant },
    externalAccount: tenant,
    label: textIn(chosen, 'tenantName') ?? `Organisation ${tenant}`,
  }
}

/**
 * OAuth 2.0 at Xero: client in the Basic header, access token half an hour; each refresh answers a new refresh token, the old one
 * works for another half hour, and one that is not used dies after 60 days (sources: README, "Connecting"). Revoking would
 * disconnect all organisations of the person, those of other connections too: it is not done.
 */
export const oauth: OAuth2Auth = {
  kind: 'oauth2',
  name: 'oauth',
  title: 'Sign in with Xero',
  setup,
  client: {
    idVariable: 'XERO_CLIENT_ID',
    secretVariable: 'XERO_CLIENT_SECRET',
    secretChange: {
      keepsBoth: 'unproven',
      where: 'developer.xero.com/app/manage, the app, "Configuration", "Generate another secret"',
      source: 'cliksoftware.com/kb/integrating-with-xero, which names the button,',
    },
  },
  endpoints: () => ({
    authorize: 'https://login.xero.com/identity/connect/authorize',
    token: 'https://identity.xero.com/connect/token',
  }),
  clientAuthentication: 'basic',
  pkce: false,
  scopes: [
    { scope: 'offline_access', feature: 'Stay connected', required: true },
    { scope: 'accounting.contacts.read', feature: 'Read contacts', required: true },
    {
      scope: 'accounting.invoices',
      feature: 'Read invoices, bills and credit notes; void invoices',
      required: true,
    },
    { scope: 'accounting.settings.read', feature: 'Read the name of the organisation', required: true },
  ],
  accessLifetimeSeconds: 1800,
  refresh: { rotates: 'always', graceSeconds: 1800, idleSeconds: 60 * day },
  readToken: (_token, now) => ({ refreshExpiresAt: new Date(now.getTime() + 60 * day * 1000) }),
  identify,
  headers({ access_token: token }, { tenant_id: tenant }) {
    if (!token)
      throw new HubError('NotConfigured', 'The Xero connection has no access token. Connect it again.')
    return { authorization: `Bearer ${token}`, ...(tenant ? { 'xero-tenant-id': tenant } : {}) }
  },
}

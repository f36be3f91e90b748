import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { OAuth2Auth, ProviderContext, Settings } from '../contract.ts'
import { bodyOf, get, protocolError, rowsOf, textIn } from './answer.ts'
import { dataCentres, setup } from './setup.ts'

/** @throws HubError `NotConfigured` for a data centre that is none of Zoho's. */
function centreOf(settings: Settings) {
  const name = settings['data_center'] ?? ''
  const centre = Object.hasOwn(dataCentres, name) ? dataCentres[name] : undefined
  if (!centre)
    throw new HubError(
      'NotConfigured',
      `The data centre of Zoho must be one of ${Object.keys(dataCentres).join(', ')}.`,
    )
  return centre
}

export const baseUrl = (settings: Settings): string => centreOf(settings).api

/** The organization is the tenant; a token of another data centre than the one that was named is refused by Zoho itself. */
async function identify(context: ProviderContext) {
  const [org] = rowsOf(bodyOf(await get(context, '/crm/v8/org'), 'org'), 'org')
  const id = org && textIn(org, 'id')
  if (org === undefined || id === undefined) throw protocolError('org has no id')
  return {
    settings: { org_id: id },
    externalAccount: id,
    label: textIn(org, 'company_name') ?? `Zoho CRM ${id}`,
  }
}

/** OAuth 2.0; the refresh token stays the same until it is revoked (README, "Connecting"). */
export const oauth: OAuth2Auth = {
  kind: 'oauth2',
  name: 'oauth',
  title: 'Sign in with Zoho',
  setup,
  client: {
    idVariable: 'ZOHO_CLIENT_ID',
    secretVariable: 'ZOHO_CLIENT_SECRET',
    secretChange: {
      keepsBoth: 'unproven',
      where: 'api-console.zoho.com, the client, its client secret',
      source: 'zoho.com/accounts/protocol/oauth-setup.html',
      warning:
        'With several data centres switched on, a client may have a secret for each: replace the one that is entered here.',
    },
  },
  endpoints: (settings) => {
    const { accounts } = centreOf(settings)
    return { authorize: `${accounts}/oauth/v2/auth`, token: `${accounts}/oauth/v2/token` }
  },
  clientAuthentication: 'post',
  pkce: false,
  scopeSeparator: ',',
  scopes: [
    {
      scope: 'ZohoCRM.modules.READ',
      feature: 'Read leads, contacts, accounts, deals, activities',
      required: true,
    },
    { scope: 'ZohoCRM.users.READ', feature: 'Read users', required: true },
    { scope: 'ZohoCRM.org.READ', feature: 'Know the organization', required: true },
    { scope: 'ZohoCRM.notifications.ALL', feature: 'Keep the channel of notifications', required: false },
    { scope: 'ZohoCRM.modules.deals.UPDATE', feature: 'Move deals', required: false },
  ],
  // Without them there is no refresh token, or none at the second consent.
  authorizeParameters: { access_type: 'offline', prompt: 'consent' },
  accessLifetimeSeconds: 3600,
  refresh: { rotates: 'never', graceSeconds: 0 },
  readToken: (token: JsonObject) => {
    const scope = textIn(token, 'scope')
    return scope === undefined ? {} : { scopes: scope.split(/[\s,]+/).filter((one) => one !== '') }
  },
  identify,
  headers({ access_token: token }) {
    if (!token)
      throw new HubError('NotConfigured', 'The Zoho CRM connection has no access token. Connect it again.')
    return { authorization: `Zoho-oauthtoken ${token}` }
  },
}

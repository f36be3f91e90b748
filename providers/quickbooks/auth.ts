import type { OAuth2Auth, ProviderContext, Settings } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { ask, fieldsIn, refIn, textIn } from './answer.ts'
import { setup } from './setup.ts'

const day = 24 * 3600

const after = (seconds: unknown, now: Date): Date | undefined =>
  typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0
    ? new Date(now.getTime() + seconds * 1000)
    : undefined

/** Name, country, zone and home currency of the company. Two calls. */
export async function readCompany(context: ProviderContext): Promise<{
  readonly name: string
  readonly settings: Settings
}> {
  const realm = context.settings['realm_id'] ?? ''
  const company = fieldsIn((await ask(context, 'read', `/companyinfo/${realm}`)).fields, 'CompanyInfo')
  const preferences = fieldsIn((await ask(context, 'read', '/preferences')).fields, 'Preferences')
  const money = fieldsIn(preferences, 'CurrencyPrefs')
  const facts = {
    country: textIn(company, 'Country'),
    time_zone: textIn(company, 'DefaultTimeZone'),
    home_currency: refIn(money, 'HomeCurrency'),
  }
  const known = Object.entries(facts).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return {
    name: textIn(company, 'CompanyName') ?? textIn(company, 'LegalName') ?? `Company ${realm}`,
    settings: Object.fromEntries(known),
  }
}

async function identify(
  context: ProviderContext,
  { callback }: { readonly callback: Readonly<Record<string, string>>; readonly token: JsonObject },
) {
  const realm = callback['realmId'] ?? ''
  if (!/^[0-9]{5,25}$/.test(realm))
    throw new HubError(
      'Protocol',
      'Intuit did not say which company was chosen (realmId). Connect again and pick a company.',
    )
  const settings = { ...context.settings, realm_id: realm }
  const company = await readCompany({ ...context, settings })
  return {
    settings: { realm_id: realm, ...company.settings },
    externalAccount: realm,
    label: company.name,
  }
}

/**
 * OAuth 2.0 at Intuit: client in the Basic header, no PKCE (not in its documentation nor in its discovery document), access
 * token one hour. The refresh token lives 100 days from its last use; its value changes about once a day, and from 2025 on
 * it ends after five years whatever happens (sources: README, "Connecting").
 */
export const oauth: OAuth2Auth = {
  kind: 'oauth2',
  name: 'oauth',
  title: 'Sign in with QuickBooks',
  setup,
  client: {
    idVariable: 'QUICKBOOKS_CLIENT_ID',
    secretVariable: 'QUICKBOOKS_CLIENT_SECRET',
    secretChange: {
      keepsBoth: 'unproven',
      where: 'developer.intuit.com, the app, "Keys & OAuth", Production',
      source: 'developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/faq',
    },
  },
  endpoints: () => ({
    authorize: 'https://appcenter.intuit.com/connect/oauth2',
    token: 'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer',
    revoke: 'https://developer.api.intuit.com/v2/oauth2/tokens/revoke',
  }),
  clientAuthentication: 'basic',
  // Without it the answer does not tell when the five years end.
  tokenHeaders: { 'x-include-refresh-token-hard-expires-in': 'true' },
  pkce: false,
  scopes: [
    {
      scope: 'com.intuit.quickbooks.accounting',
      feature: 'Read and write customers, invoices, payments, bills and the ledger',
      required: true,
    },
  ],
  accessLifetimeSeconds: 3600,
  // The old value goes on working for a while after a change; how long is said nowhere we could read: an hour is counted on.
  refresh: { rotates: 'sometimes', graceSeconds: 3600, idleSeconds: 100 * day },
  readToken(token, now) {
    const refreshExpiresAt = after(token['x_refresh_token_expires_in'], now)
    const refreshHardExpiresAt = after(token['x_refresh_token_hard_expires_in'], now)
    return {
      ...(refreshExpiresAt ? { refreshExpiresAt } : {}),
      ...(refreshHardExpiresAt ? { refreshHardExpiresAt } : {}),
    }
  },
  revokeBody: 'json',
  identify,
  headers({ access_token: token }) {
    if (!token)
      throw new HubError('NotConfigured', 'The QuickBooks connection has no access token. Connect it again.')
    return { authorization: `Bearer ${token}` }
  },
}

/** Production, unless the setup said sandbox. */
export const baseUrl = (settings: Settings): string =>
  settings['environment'] === 'sandbox'
    ? 'https://sandbox-quickbooks.api.intuit.com'
    : 'https://quickbooks.api.intuit.com'

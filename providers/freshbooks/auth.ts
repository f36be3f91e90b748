import { HubError } from '../../platform/errors.ts'
import type { OAuth2Auth, ProviderContext } from '../contract.ts'
import { readMe, type Business } from './me.ts'

const described = (businesses: readonly Business[]): string =>
  businesses.map(({ name, accountId }) => `${name} (${accountId})`).join(', ')

/** A person may belong to several businesses, and a token reaches all of them: which one is meant is asked before the consent. */
async function identify(context: ProviderContext) {
  const { businesses } = await readMe(context)
  const wished = context.settings['account_id']
  const found = wished === undefined ? businesses : businesses.filter(({ accountId }) => accountId === wished)
  const [one, ...others] = found
  if (!one)
    throw new HubError(
      'InvalidInput',
      `This FreshBooks user has no business${wished === undefined ? '' : ` with the account id ${wished}`}. There are: ${described(businesses) || 'none'}.`,
    )
  if (others.length > 0)
    throw new HubError(
      'InvalidInput',
      `This FreshBooks user belongs to several businesses. Connect again with the account id of one: ${described(businesses)}.`,
    )
  return {
    settings: { account_id: one.accountId, business_id: one.businessId },
    externalAccount: one.accountId,
    label: one.name,
  }
}

/** OAuth 2.0; a refresh token does not expire and works once (README, "Connecting"). */
export const oauth: OAuth2Auth = {
  kind: 'oauth2',
  name: 'oauth',
  title: 'Sign in with FreshBooks',
  setup: [
    {
      title: 'Your business',
      text: 'Only where you belong to several businesses in FreshBooks: which one is to be connected.',
      fields: [
        {
          name: 'account_id',
          label: 'Account id',
          help: 'Leave empty if you have one business. Otherwise connecting without it lists yours.',
          secret: false,
          required: false,
          pattern: '^[A-Za-z0-9]{2,20}$',
          patternHint: 'Letters and digits: ABC123',
          example: 'ABC123',
        },
      ],
    },
  ],
  client: {
    idVariable: 'FRESHBOOKS_CLIENT_ID',
    secretVariable: 'FRESHBOOKS_CLIENT_SECRET',
    secretChange: {
      keepsBoth: 'unproven',
      where: 'my.freshbooks.com/#/developer, the app, its settings',
      source: 'docs.nexla.com, a third party,',
      warning:
        'That third party has it that a new secret ends all tokens the app was given, so that every connection would have to be connected again: ask FreshBooks before.',
    },
  },
  endpoints: () => ({
    authorize: 'https://auth.freshbooks.com/oauth/authorize/',
    token: 'https://api.freshbooks.com/auth/oauth/token',
  }),
  clientAuthentication: 'post',
  pkce: false,
  scopes: [
    { scope: 'user:profile:read', feature: 'Know the user and the businesses', required: true },
    { scope: 'user:clients:read', feature: 'Read clients', required: true },
    { scope: 'user:invoices:read', feature: 'Read invoices', required: true },
    { scope: 'user:payments:read', feature: 'Read payments', required: true },
    { scope: 'user:expenses:read', feature: 'Read expenses', required: true },
    { scope: 'user:invoices:write', feature: 'Send invoices', required: false },
  ],
  accessLifetimeSeconds: 12 * 3600,
  refresh: { rotates: 'always', graceSeconds: 0 },
  identify,
  headers({ access_token: token }) {
    if (!token)
      throw new HubError('NotConfigured', 'The FreshBooks connection has no access token. Connect it again.')
    return { authorization: `Bearer ${token}`, 'api-version': 'alpha' }
  },
}

export const baseUrl = (): string => 'https://api.freshbooks.com'

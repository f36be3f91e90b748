import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { OAuth2Auth, OAuthScope, ProviderContext, TokenAuth } from '../contract.ts'
import { idIn, protocolError, textIn } from './answer.ts'
import { readAccount } from './account.ts'
import { oauthSetup, privateAppSetup } from './setup.ts'
import { oauthUrls } from './versions.ts'

const needs = (scope: string, feature: string): OAuthScope => ({ scope, feature, required: true })
const may = (scope: string, feature: string): OAuthScope => ({ scope, feature, required: false })

/**
 * By feature. Notes, tasks, calls and meetings go with the contacts' scopes (each of the 79 scopes of an activity's
 * endpoint will do: OpenAPI 2026-09). Optional ones depend on the account's plan, so they are asked for as such.
 */
const scopes: readonly OAuthScope[] = [
  needs('oauth', 'Sign in and read the account’s name, time zone and currency'),
  needs('crm.objects.contacts.read', 'Read contacts and their activities'),
  needs('crm.objects.companies.read', 'Read companies'),
  needs('crm.objects.deals.read', 'Read deals and pipelines'),
  needs('crm.objects.owners.read', 'Read owners'),
  may('crm.objects.contacts.write', 'Write contacts, notes, tasks, calls and meetings'),
  may('crm.objects.companies.write', 'Write companies'),
  may('crm.objects.deals.write', 'Write deals and move them'),
  may('crm.schemas.contacts.read', 'See custom properties of contacts'),
  may('crm.schemas.companies.read', 'See custom properties of companies'),
  may('crm.schemas.deals.read', 'See custom properties of deals'),
  may('crm.schemas.contacts.write', 'Add the property that keeps a contact from being created twice'),
  may('crm.schemas.companies.write', 'Add the property that keeps a company from being created twice'),
  may('crm.schemas.deals.write', 'Add the property that keeps a deal from being created twice'),
  may('tickets', 'Read and write tickets'),
  may('sales-email-read', 'Read the text of e-mails'),
  may('crm.lists.read', 'Read lists and their members'),
  may('crm.lists.write', 'Add to and remove from static lists'),
  may('automation', 'Enrol contacts in workflows'),
  may('automation.sequences.read', 'Read sequences'),
  may('automation.sequences.enrollments.write', 'Enrol contacts in sequences'),
  may('content', 'Read marketing e-mails, sends, opens and clicks'),
  may('transactional-email', 'Send transactional e-mails'),
  may('analytics.behavioral_events.send', 'Send custom events'),
  may('behavioral_events.event_definitions.read_write', 'Define custom events'),
]

const bearer = (value: string | undefined): Readonly<Record<string, string>> => {
  if (!value)
    throw new HubError('NotConfigured', 'The HubSpot connection has no access token. Connect it again.')
  return { authorization: `Bearer ${value}` }
}

const scopesOf = (token: JsonObject): readonly string[] | undefined => {
  const list = token['scopes']
  return Array.isArray(list) ? list.filter((scope) => typeof scope === 'string') : undefined
}

/** The token answer names the account (`hub_id`, since August 2025); account-info says the rest. */
async function identify(context: ProviderContext, { token }: { readonly token: JsonObject }) {
  const account = await readAccount(context)
  const portalId = idIn(token, 'hub_id') ?? account.portalId
  if (portalId === undefined) throw protocolError('neither the token nor the account names the portal')
  const hubDomain = textIn(token, 'hub_domain')
  const granted = scopesOf(token)
  return {
    settings: {
      portal_id: portalId,
      plan: 'oauth',
      ...(account.timeZone === undefined ? {} : { time_zone: account.timeZone }),
      ...(account.currency === undefined ? {} : { currency: account.currency }),
      ...(hubDomain === undefined ? {} : { hub_domain: hubDomain }),
    },
    externalAccount: portalId,
    label: hubDomain ?? account.name ?? `HubSpot account ${portalId}`,
    ...(granted ? { scopes: granted } : {}),
  }
}

/**
 * OAuth, dated API: every parameter in the body. Access tokens live 30 minutes (`expires_in` 1800); the refresh token stays
 * the same and ends only when the app is uninstalled (OAuth guide, OpenAPI Auth/Oauth 2026-09, read 2026-11-23).
 */
export const oauth: OAuth2Auth = {
  kind: 'oauth2',
  name: 'oauth',
  title: 'Sign in with HubSpot',
  setup: oauthSetup,
  client: {
    idVariable: 'HUBSPOT_CLIENT_ID',
    secretVariable: 'HUBSPOT_CLIENT_SECRET',
    secretChange: {
      keepsBoth: 'unproven',
      where:
        'the app at HubSpot, its credentials, "Rotate" beside the client secret (some apps do not show it)',
      source: 'developers.hubspot.com/docs/apps/developer-platform/build-apps/manage-apps-in-hubspot',
    },
  },
  endpoints: () => oauthUrls,
  clientAuthentication: 'post',
  pkce: true,
  scopes,
  optionalScopeParameter: 'optional_scope',
  accessLifetimeSeconds: 1800,
  refresh: { rotates: 'never', graceSeconds: 0 },
  readToken: (token) => {
    const granted = scopesOf(token)
    return granted ? { scopes: granted } : {}
  },
  identify,
  headers: (secrets) => bearer(secrets['access_token']),
}

/** Token of a private app, or a service key of a newer account: the same to the API. */
export const privateApp: TokenAuth = {
  kind: 'token',
  name: 'private_app',
  title: 'Private app or service key',
  setup: privateAppSetup,
  headers: (secrets) => bearer(secrets['token']),
}

/** One origin for all accounts, whatever their data centre. */
export const baseUrl = (): string => 'https://api.hubapi.com'

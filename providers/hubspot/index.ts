/** HubSpot: everything that the hub knows of it. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { actions } from './actions.ts'
import { baseUrl, oauth, privateApp } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { reports } from './reports.ts'
import { resources } from './resources.ts'
import { apiVersion } from './versions.ts'
import { webhooks } from './webhook.ts'

export const hubspot = {
  slug: 'hubspot',
  name: 'HubSpot',
  category: 'crm',
  apiVersion,
  docs: [
    { title: 'API reference', url: 'https://developers.hubspot.com/docs/api-reference/latest/overview' },
    {
      title: 'CRM search',
      url: 'https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm',
    },
    {
      title: 'Usage guidelines and limits',
      url: 'https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines',
    },
    {
      title: 'OAuth tokens',
      url: 'https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens',
    },
  ],
  auth: [oauth, privateApp],
  baseUrl,
  limits,
  explainError,
  resources,
  actions,
  reports,
  webhooks,
  health,
} as const satisfies Provider

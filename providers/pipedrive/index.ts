/** Pipedrive: everything that the hub knows of it. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { actions } from './actions.ts'
import { apiToken, baseUrl, oauth } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { reports } from './reports.ts'
import { resources } from './resources.ts'
import { webhooks } from './webhook.ts'

export const pipedrive = {
  slug: 'pipedrive',
  name: 'Pipedrive',
  category: 'crm',
  apiVersion: 'v2',
  docs: [
    { title: 'API reference', url: 'https://developers.pipedrive.com/docs/api/v1' },
    { title: 'API v2', url: 'https://pipedrive.readme.io/docs/pipedrive-api-v2' },
    { title: 'Pagination', url: 'https://pipedrive.readme.io/docs/core-api-concepts-pagination' },
    { title: 'Rate limiting', url: 'https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting' },
    {
      title: 'OAuth authorization',
      url: 'https://pipedrive.readme.io/docs/marketplace-oauth-authorization',
    },
    { title: 'Webhooks v2', url: 'https://pipedrive.readme.io/docs/guide-for-webhooks-v2' },
  ],
  auth: [apiToken, oauth],
  baseUrl,
  limits,
  explainError,
  resources,
  actions,
  reports,
  webhooks,
  health,
} as const satisfies Provider

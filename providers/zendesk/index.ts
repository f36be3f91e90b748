/** Zendesk Support and Help Center: everything that the hub knows of them. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { actions } from './actions.ts'
import { apiToken, baseUrl } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { reports } from './reports.ts'
import { resources } from './resources.ts'
import { webhooks } from './webhook.ts'

export const zendesk = {
  slug: 'zendesk',
  name: 'Zendesk',
  category: 'support',
  apiVersion: 'v2',
  docs: [
    { title: 'Ticketing API', url: 'https://developer.zendesk.com/api-reference/ticketing/introduction/' },
    {
      title: 'Incremental exports',
      url: 'https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/',
    },
    {
      title: 'Help Center API',
      url: 'https://developer.zendesk.com/api-reference/help_center/help-center-api/introduction/',
    },
    { title: 'Rate limits', url: 'https://developer.zendesk.com/api-reference/introduction/rate-limits/' },
  ],
  auth: [apiToken],
  baseUrl,
  limits,
  explainError,
  resources,
  actions,
  reports,
  webhooks,
  health,
} as const satisfies Provider

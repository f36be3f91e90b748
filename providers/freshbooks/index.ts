/** FreshBooks: everything that the hub knows of it. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { actions } from './actions.ts'
import { baseUrl, oauth } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { reports } from './reports.ts'
import { resources } from './resources.ts'
import { webhooks } from './webhook.ts'

export const freshbooks = {
  slug: 'freshbooks',
  name: 'FreshBooks',
  category: 'billing',
  apiVersion: 'alpha',
  docs: [
    { title: 'API reference', url: 'https://www.freshbooks.com/api/start' },
    { title: 'Search, paging and includes', url: 'https://www.freshbooks.com/api/parameters' },
    { title: 'Authentication', url: 'https://www.freshbooks.com/api/authentication' },
    { title: 'Webhook callbacks', url: 'https://www.freshbooks.com/api/webhooks' },
  ],
  auth: [oauth],
  baseUrl,
  limits,
  explainError,
  resources,
  actions,
  reports,
  webhooks,
  health,
} as const satisfies Provider

/** Xero: everything that the hub knows of it. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { actions } from './actions.ts'
import { oauth } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { reports } from './reports.ts'
import { resources } from './resources.ts'
import { webhooks } from './webhook.ts'

export const xero = {
  slug: 'xero',
  name: 'Xero',
  category: 'billing',
  apiVersion: '2.0',
  docs: [
    { title: 'Accounting API', url: 'https://developer.xero.com/documentation/api/accounting/overview' },
    {
      title: 'Requests and responses',
      url: 'https://developer.xero.com/documentation/api/requests-and-responses',
    },
    { title: 'OAuth 2.0 limits', url: 'https://developer.xero.com/documentation/oauth2/limits' },
    { title: 'Webhooks', url: 'https://developer.xero.com/documentation/guides/webhooks/overview/' },
    { title: 'OpenAPI', url: 'https://github.com/XeroAPI/Xero-OpenAPI' },
  ],
  auth: [oauth],
  baseUrl: () => 'https://api.xero.com',
  limits,
  explainError,
  resources,
  actions,
  reports,
  webhooks,
  health,
} as const satisfies Provider

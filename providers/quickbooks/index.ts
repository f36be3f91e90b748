/** QuickBooks Online: everything that the hub knows of it. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { actions } from './actions.ts'
import { baseUrl, oauth } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { reports } from './reports.ts'
import { webhooks } from './webhook.ts'
import { resources } from './resources.ts'

export const quickbooks = {
  slug: 'quickbooks',
  name: 'QuickBooks Online',
  category: 'billing',
  apiVersion: 'v3',
  docs: [
    {
      title: 'Accounting API',
      url: 'https://developer.intuit.com/app/developer/qbo/docs/api/accounting/most-commonly-used/account',
    },
    {
      title: 'Change data capture',
      url: 'https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture',
    },
    {
      title: 'Data queries',
      url: 'https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries',
    },
    {
      title: 'OAuth 2.0',
      url: 'https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0',
    },
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

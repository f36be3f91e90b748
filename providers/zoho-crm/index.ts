/** Zoho CRM: everything that the hub knows of it. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { actions } from './actions.ts'
import { baseUrl, oauth } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { reports } from './reports.ts'
import { resources } from './resources.ts'
import { webhooks } from './webhook.ts'

export const zohoCrm = {
  slug: 'zoho-crm',
  name: 'Zoho CRM',
  category: 'crm',
  apiVersion: 'v8',
  docs: [
    { title: 'Get records', url: 'https://www.zoho.com/crm/developer/docs/api/v8/get-records.html' },
    { title: 'API limits', url: 'https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html' },
    { title: 'Data centres', url: 'https://www.zoho.com/crm/developer/docs/api/v8/multi-dc.html' },
    {
      title: 'Notifications',
      url: 'https://www.zoho.com/crm/developer/docs/api/v8/notifications/overview.html',
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

/** Freshdesk: everything that the hub knows of it. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { actions } from './actions.ts'
import { apiKey, baseUrl } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { reports } from './reports.ts'
import { resources } from './resources.ts'
import { webhooks } from './webhook.ts'

export const freshdesk = {
  slug: 'freshdesk',
  name: 'Freshdesk',
  category: 'support',
  apiVersion: 'v2',
  docs: [
    { title: 'API reference', url: 'https://developers.freshdesk.com/api/' },
    {
      title: 'Webhooks in automation rules',
      url: 'https://support.freshdesk.com/support/solutions/articles/132589-using-webhooks-in-automation-rules',
    },
    {
      title: 'Rules that run on ticket updates',
      url: 'https://support.freshdesk.com/support/solutions/articles/99047',
    },
  ],
  auth: [apiKey],
  baseUrl,
  limits,
  explainError,
  resources,
  actions,
  reports,
  webhooks,
  health,
} as const satisfies Provider

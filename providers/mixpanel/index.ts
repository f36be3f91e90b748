/** Mixpanel: everything that the hub knows of it. Facts and sources: README.md. */
import type { Provider } from '../contract.ts'
import { actions } from './actions.ts'
import { baseUrl, serviceAccount } from './auth.ts'
import { explainError } from './errors.ts'
import { health } from './health.ts'
import { limits } from './limits.ts'
import { reports } from './reports.ts'
import { resources } from './resources.ts'
import { webhooks } from './webhook.ts'

export const mixpanel = {
  slug: 'mixpanel',
  name: 'Mixpanel',
  category: 'analytics',
  apiVersion: '2.0',
  docs: [
    { title: 'Overview', url: 'https://docs.mixpanel.com/reference/overview' },
    { title: 'Service accounts', url: 'https://docs.mixpanel.com/reference/service-accounts' },
    { title: 'Raw event export', url: 'https://docs.mixpanel.com/reference/raw-event-export' },
    { title: 'Import events', url: 'https://docs.mixpanel.com/reference/import-events' },
    { title: 'Rate limits', url: 'https://docs.mixpanel.com/reference/rate-limits' },
  ],
  auth: [serviceAccount],
  baseUrl,
  limits,
  explainError,
  resources,
  actions,
  reports,
  health,
  webhooks,
} as const satisfies Provider

/** Xero: so far only webhooks are received. Facts and sources: README.md. */
import type { Receiver } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

export const xero: Receiver = {
  slug: 'xero',
  name: 'Xero',
  category: 'billing',
  docs: [
    { title: 'Webhooks', url: 'https://developer.xero.com/documentation/guides/webhooks/overview/' },
    { title: 'Webhooks API (OpenAPI)', url: 'https://github.com/XeroAPI/Xero-OpenAPI' },
  ],
  webhooks,
}

/** FreshBooks: so far only webhooks are received. Facts and sources: README.md. */
import type { Receiver } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

export const freshbooks: Receiver = {
  slug: 'freshbooks',
  name: 'FreshBooks',
  category: 'billing',
  docs: [{ title: 'Webhook callbacks', url: 'https://www.freshbooks.com/api/webhooks' }],
  webhooks,
}

/** Help Scout: so far only its webhooks are received. Facts and sources: README.md. */
import type { Receiver } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

export const helpscout: Receiver = {
  slug: 'helpscout',
  name: 'Help Scout',
  category: 'support',
  docs: [
    { title: 'Webhooks', url: 'https://developer.helpscout.com/webhooks' },
    {
      title: 'Webhooks by API',
      url: 'https://developer.helpscout.com/mailbox-api/endpoints/webhooks/create',
    },
  ],
  webhooks,
}

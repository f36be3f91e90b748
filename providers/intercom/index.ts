/** Intercom: so far only webhooks are received. Facts and sources: README.md. */
import type { Receiver } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

export const intercom: Receiver = {
  slug: 'intercom',
  name: 'Intercom',
  category: 'support',
  docs: [
    { title: 'Webhooks', url: 'https://developers.intercom.com/docs/webhooks/setting-up-webhooks' },
    { title: 'Topics', url: 'https://developers.intercom.com/docs/references/2.16/webhooks/webhook-models' },
  ],
  webhooks,
}

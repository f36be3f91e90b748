/** Amplitude: so far only its webhooks are received. Facts and sources: README.md. */
import type { Receiver } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

export const amplitude: Receiver = {
  slug: 'amplitude',
  name: 'Amplitude',
  category: 'analytics',
  docs: [
    { title: 'Event streaming', url: 'https://amplitude.com/docs/data/destination-catalog/webhooks' },
    { title: 'Cohort webhooks', url: 'https://amplitude.com/docs/data/destination-catalog/cohort-webhooks' },
    {
      title: 'Signatures of experiment alerts (Knock)',
      url: 'https://docs.knock.app/developer-tools/outbound-webhooks/overview#verifying-the-signature',
    },
  ],
  webhooks,
}

/** Pipedrive: so far only webhooks are received. Facts and sources: README.md. */
import type { Receiver } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

export const pipedrive: Receiver = {
  slug: 'pipedrive',
  name: 'Pipedrive',
  category: 'crm',
  docs: [{ title: 'Webhooks v2', url: 'https://pipedrive.readme.io/docs/guide-for-webhooks-v2' }],
  webhooks,
}

/** Freshdesk: so far only the webhooks of its automation rules are received. Facts and sources: README.md. */
import type { Receiver } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

export const freshdesk: Receiver = {
  slug: 'freshdesk',
  name: 'Freshdesk',
  category: 'support',
  docs: [
    {
      title: 'Webhooks in automation rules',
      url: 'https://support.freshdesk.com/support/solutions/articles/132589-using-webhooks-in-automation-rules',
    },
    {
      title: 'Rules that run on ticket updates',
      url: 'https://support.freshdesk.com/support/solutions/articles/99047',
    },
  ],
  webhooks,
}

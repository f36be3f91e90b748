/** Zoho CRM: so far only its notifications are received. Facts and sources: README.md. */
import type { Receiver } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

export const zohoCrm: Receiver = {
  slug: 'zoho-crm',
  name: 'Zoho CRM',
  category: 'crm',
  docs: [
    {
      title: 'Notification APIs',
      url: 'https://zoho.com/crm/developer/docs/api/v8/notifications/overview.html',
    },
    {
      title: 'Questions about notifications',
      url: 'https://help.zoho.com/portal/en-gb/community/topic/kaizen-170-faqs-on-notification-apis',
    },
  ],
  webhooks,
}

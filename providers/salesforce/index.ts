/** Salesforce: so far only its outbound messages are received. Facts and sources: README.md. */
import type { Receiver } from '../contract-webhook.ts'
import { webhooks } from './webhook.ts'

export const salesforce: Receiver = {
  slug: 'salesforce',
  name: 'Salesforce',
  category: 'crm',
  docs: [
    {
      title: 'Outbound messaging',
      url: 'https://developer.salesforce.com/docs/platform/api/guide/sforce-api-om-outboundmessaging.html',
    },
    {
      title: 'Outbound message actions',
      url: 'https://help.salesforce.com/apex/HTViewHelpDoc?id=platform.workflow_managing_outbound_messages.htm',
    },
  ],
  webhooks,
}

/** Webhooks of the app, for every portal that has installed it. Sources: README, "Webhooks". */
import type { Webhooks } from '../contract-webhook.ts'
import { sample, samples } from './webhook-sample.ts'
import { split } from './webhook-split.ts'
import { verify } from './webhook-verify.ts'

export const webhooks: Webhooks = {
  scope: 'app',
  secrets: [
    {
      name: 'clientSecret',
      title: 'Client secret',
      help: 'Of the app, on its page in the developer account; of a private app on its page in the portal.',
      madeBy: 'provider',
      env: 'HUBSPOT_CLIENT_SECRET',
    },
  ],
  tenantSetting: 'portal_id',
  contentTypes: ['application/json'],
  maxBytes: 2_000_000,
  unguessableUrl: false,
  verify,
  split,
  setup: [
    'In the project of the app add a webhooks component (`webhooks-hsmeta.json`) with `targetUrl` `{url}` and `maxConcurrentRequests` 10; for a private app open its **Webhooks** tab.',
    'Subscribe to creation, deletion, privacy deletion, merge, restore, property change and association change of contacts, companies, deals and tickets; where generic types (`object.*`) are offered, of calls, emails, meetings, notes, tasks and communications too.',
    'The client secret of the app signs: `HUBSPOT_CLIENT_SECRET` for all portals, {secret:clientSecret} for a private app.',
    'Behind a proxy set `TIELINE_PUBLIC_URL`: the URL that HubSpot calls is part of what is signed.',
  ],
  samples,
  sample,
}

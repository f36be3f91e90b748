/** Webhooks v2 of a company: not signed, Basic authentication that was chosen when they were made. Sources: README, "Webhooks". */
import type { Webhooks } from '../contract-webhook.ts'
import { checkBasic } from '../hooks/verify.ts'
import { sample, samples, user } from './webhook-sample.ts'
import { split } from './webhook-split.ts'
import { subscriptions } from './webhook-subscriptions.ts'

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'password',
      title: 'Password',
      help: `Made here; entered at Pipedrive as the HTTP Auth password of the user ${user}. Whoever replaces it replaces the URL's key too: the hub then makes the webhook anew at once.`,
      madeBy: 'hub',
    },
  ],
  tenantSetting: 'company_id',
  contentTypes: ['application/json'],
  maxBytes: 2_000_000,
  unguessableUrl: true,
  verify: (request, secrets) => [checkBasic(request, user, secrets['password'])],
  split,
  subscriptions,
  setup: [
    'In Pipedrive choose **Settings → Tools and apps → Webhooks → Create new webhook** as an administrator, so that every object is told of.',
    'Event action `*`, event object `*`, version **2.0**, endpoint URL `{url}`.',
    `HTTP Auth username \`${user}\`, HTTP Auth password {secret:password}. A user may have 40 webhooks; the URL must not redirect.`,
  ],
  samples,
  sample,
}

/** Webhooks of the app, for every workspace that has installed it; the whole object comes along. Sources: README, "Webhooks". */
import type { Webhooks } from '../contract-webhook.ts'
import { checkSignature, onlyHeader } from '../hooks/verify.ts'
import { received } from './webhook-resources.ts'
import { how, sample, samples, signatureHeader } from './webhook-sample.ts'
import { split } from './webhook-split.ts'

export const webhooks: Webhooks = {
  scope: 'app',
  secrets: [
    {
      name: 'clientSecret',
      title: 'Client secret',
      help: 'On the page "Basic information" of the app in the Developer Hub.',
      madeBy: 'provider',
      env: 'INTERCOM_CLIENT_SECRET',
    },
  ],
  tenantSetting: 'app_id',
  contentTypes: ['application/json'],
  maxBytes: 4_000_000,
  unguessableUrl: false,
  // The URL is looked at before it is saved.
  unsignedHandshake: (request) => (request.method === 'HEAD' ? { status: 200 } : undefined),
  verify(request, secrets) {
    const given = onlyHeader(request, signatureHeader)
    if (typeof given !== 'string') return [given]
    if (!given.startsWith('sha1='))
      return [{ name: 'signature', passed: false, detail: 'it does not begin with sha1=' }]
    return [checkSignature(how, given.slice('sha1='.length), secrets['clientSecret'], [request.body])]
  },
  split,
  setup: [
    'Open the app in the Intercom Developer Hub, choose **Configure → Webhooks** and enter `{url}`.',
    'Subscribe to the topics of contacts (merged and deleted too), companies, conversations and tickets. Of these, subscribe to all: a topic that is left out is a change that nobody hears of.',
    'The client secret of the app signs: enter it into the hub as `INTERCOM_CLIENT_SECRET`.',
  ],
  samples,
  sample,
  received,
}

/** Webhooks of a Help Scout account: signed over the body, whole objects in it. Sources: README, "Webhooks". */
import type { HookCheck, HookRequest, HookSecrets, Webhooks } from '../contract-webhook.ts'
import { checkSignature, digest, onlyHeader } from '../hooks/verify.ts'
import { received } from './webhook-resources.ts'
import { sampleBody, samples } from './webhook-sample.ts'
import { eventHeader, split } from './webhook-split.ts'
import { subscriptions } from './webhook-subscriptions.ts'

const signatureHeader = 'x-helpscout-signature'
const how = { algorithm: 'sha1', encoding: 'base64' } as const

/** No time is sent: what is sent again is known by its key. */
function verify(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  const signature = onlyHeader(request, signatureHeader)
  if (typeof signature !== 'string') return [signature]
  return [checkSignature(how, signature, secrets['signingSecret'], [request.body])]
}

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'signingSecret',
      title: 'Secret key',
      help: 'A text of at most 40 letters and digits that nobody can guess: make one up (`openssl rand -hex 20`), enter it here and at Help Scout. The hub makes one itself where it makes the webhook.',
      madeBy: 'provider',
    },
  ],
  // The one that is sent is not documented; what comes is signed.
  contentTypes: [],
  // A conversation may carry 100 threads.
  maxBytes: 10_000_000,
  unguessableUrl: false,
  verify,
  split,
  subscriptions,
  setup: [
    'In Help Scout open **Manage › Apps** and install **Webhooks** (administrators and owners only).',
    'Make up a secret key of at most 40 characters, for example with `openssl rand -hex 20`; enter it as **Secret Key**, and here: {secret:signingSecret}.',
    'Enter `{url}` as the **Callback URL**.',
    'Choose the events of **Conversations**, **Customers**, **Organizations** and **Ratings**, payload version **V2**, all inboxes; leave notifications without content off.',
    'Save.',
  ],
  samples,
  sample(wish) {
    const body = JSON.stringify(sampleBody(wish))
    return {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        [eventHeader]: wish.event,
        [signatureHeader]: digest(how, wish.secrets['signingSecret'] ?? '', [body]),
      },
      body,
    }
  },
  received,
}

/**
 * Webhooks of Amplitude: streamed events and users, cohorts, changes of flags. The first three are not signed: a header of ours holds a
 * token, next to an unguessable URL. Changes of flags are signed, in Knock's way. Sources: README, "Webhooks".
 */
import type { HookCheck, HookRequest, HookSecrets, Webhooks } from '../contract-webhook.ts'
import { sampleNamed } from '../hooks/sample.ts'
import { checkAge, checkSignature, checkToken, digest, onlyHeader } from '../hooks/verify.ts'
import { received } from './webhook-resources.ts'
import { isOfFlag, sampleBody, samples } from './webhook-sample.ts'
import { signatureHeader, signatureOf, split } from './webhook-split.ts'

/** One of the five headers that may be added to a destination. */
const tokenHeader = 'x-tieline-token'
const how = { algorithm: 'sha256', encoding: 'base64' } as const

function verify(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  // Whoever comes with a signature is judged by it alone.
  return request.headers.has(signatureHeader)
    ? checkSigned(request, secrets['signingKey'])
    : [checkToken(onlyHeader(request, tokenHeader), secrets['token'])]
}

/** `t=<milliseconds>,s=<base64>`: HMAC-SHA256 over the time as it is written, a dot and the body. */
function checkSigned(request: HookRequest, keys: readonly string[] | undefined): HookCheck[] {
  const header = onlyHeader(request, signatureHeader)
  if (typeof header !== 'string') return [header]
  const parts = signatureOf(header)
  if (!parts)
    return [
      {
        name: 'signature',
        passed: false,
        detail: `the header ${signatureHeader} is not t=…,s=… as it should`,
      },
    ]
  return [
    checkSignature(how, parts.signature, keys, [`${parts.time}.`, request.body]),
    checkAge(request, Number(parts.time)),
  ]
}

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'token',
      title: 'Token',
      help: `Made here; sent along by Amplitude in the header ${tokenHeader} that you add to each destination.`,
      madeBy: 'hub',
    },
    {
      name: 'signingKey',
      title: 'Signing key',
      help: 'Made here; entered with each experiment alert. Amplitude signs changes of flags with it.',
      madeBy: 'hub',
    },
  ],
  // Those of experiment alerts are not documented.
  contentTypes: [],
  // A cohort's batch with up to 50 properties of each user; how many users it holds is not documented.
  maxBytes: 10_000_000,
  unguessableUrl: true,
  verify,
  split,
  setup: [
    'For events and users: in Amplitude Data open **Catalog › Destinations › Event Streaming › Webhook** and create a sync.',
    `Enter \`{url}\` as the URL and add the header \`${tokenHeader}\` with the value \`{secret:token}\`.`,
    'Switch on **Send Events** and **Send Users** as wished, leave both payloads at their default, set the status to **Enabled** and save.',
    'For cohorts (paid plans): **Catalog › Destinations › Cohorts › Webhook** with the same URL, header and default payload. Then open each cohort, choose **Sync › Webhook** and a cadence.',
    'For changes of feature flags and experiments: **Experiment › Experiments › Alerts › Add alert**, choose **Webhook**, enter `{url}` and the signing key `{secret:signingKey}`.',
  ],
  samples,
  sample(wish) {
    sampleNamed(samples, wish.event)
    const body = JSON.stringify(sampleBody(wish))
    const time = String(wish.now.getTime())
    const signature = digest(how, wish.secrets['signingKey'] ?? '', [`${time}.`, body])
    const proof = isOfFlag(wish.event)
      ? { [signatureHeader]: `t=${time},s=${signature}` }
      : { [tokenHeader]: wish.secrets['token'] ?? '', 'user-agent': 'Amplitude/Webhook/1.0' }
    return { method: 'POST', headers: { 'content-type': 'application/json', ...proof }, body }
  },
  received,
}

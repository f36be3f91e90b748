/**
 * Callbacks of an account: forms that name an object. Signed over the JSON text of the form's fields, as Python writes it, with the
 * verifier that FreshBooks sends once, when the callback is made. Sources: README, "Webhooks".
 */
import type {
  HookCheck,
  HookEvent,
  HookRequest,
  HookSampleWish,
  HookSecrets,
  Webhooks,
} from '../contract-webhook.ts'
import { textIn, unreadable } from '../hooks/parse.ts'
import { sampleNamed, samplesOf } from '../hooks/sample.ts'
import { checkSignature, digest, onlyHeader } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import { subscriptions, verifyCallback } from './callbacks.ts'
import { received } from './webhook-resources.ts'

const header = 'x-freshbooks-hmac-sha256'
const how = { algorithm: 'sha256', encoding: 'base64' } as const
const verification = 'callback.verify'
const minuteMs = 60_000

type Fields = readonly (readonly [name: string, value: string])[]

/** The form's fields in their order; undefined for what is no form. One text per form: nothing can be added that changes no field. */
function fieldsOf(body: Buffer): Fields | undefined {
  const text = body.toString('latin1')
  if (!/^[\w.%*+-]+=[\w.%*+-]*(&[\w.%*+-]+=[\w.%*+-]*)*$/.test(text)) return undefined
  const fields = [...new URLSearchParams(text)]
  return formText(fields) === text ? fields : undefined
}

/** Python's `json.dumps` of a dict of strings: `", "` and `": "`, everything outside ASCII escaped. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
// DEL is ASCII: Python leaves it as it is.
const pythonText = (text: string): string => quoted(text).replaceAll('\\u007f', '\u007f')
const signedText = (fields: Fields): string =>
  `{${fields.map(([name, value]) => `${pythonText(name)}: ${pythonText(value)}`).join(', ')}}`

const formText = (fields: Fields): string =>
  new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString()

const fieldIn = (fields: Fields, name: string): string | undefined =>
  fields.find(([one]) => one === name)?.[1] || undefined

function verify(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  const fields = fieldsOf(request.body)
  if (!fields) return [{ name: 'form', passed: false, detail: 'the body is no form' }]
  // The first post of a callback brings its verifier and nothing else: it is let in by the key in the URL, and the verifier counts
  // only once FreshBooks has taken it back.
  const isFirst = fieldIn(fields, 'name') === verification && fieldIn(fields, 'verifier') !== undefined
  if (isFirst) return [{ name: 'verification', passed: true, detail: 'it brings a verifier, to be proved' }]
  const given = onlyHeader(request, header)
  return typeof given === 'string'
    ? [checkSignature(how, given, secrets['verifier'], [signedText(fields)])]
    : [given]
}

const resources: Readonly<Record<string, string>> = {
  client: 'clients',
  invoice: 'invoices',
  payment: 'payments',
  expense: 'expenses',
  estimate: 'estimates',
  time_entry: 'time_entries',
}

function split(request: HookRequest): HookEvent[] {
  const fields = fieldsOf(request.body)
  if (!fields) throw unreadable('it is no form')
  const type = fieldIn(fields, 'name')
  if (type === undefined) throw unreadable('the event has no name')
  const [noun = '', verb = ''] = type.split('.')
  const id = fieldIn(fields, 'object_id')
  const payload: JsonObject = Object.fromEntries(fields)
  // No id and no time: what comes again within the same minute is taken for a repetition; later it is read again, which harms nothing.
  const minute = Math.floor(request.receivedAt.getTime() / minuteMs)
  const key = [type, id, fieldIn(fields, 'account_id'), fieldIn(fields, 'user_id'), minute].join('/')
  if (type === verification)
    return [
      { key: `${type}/${id ?? ''}/${fieldIn(fields, 'verifier') ?? ''}`, type, about: 'notice', payload },
    ]
  const resource = resources[noun]
  if (resource === undefined || id === undefined) return [{ key, type, about: 'unknown', payload }]
  return [{ key, type, about: verb === 'delete' ? 'deleted' : 'changed', resource, externalId: id, payload }]
}

const samples = samplesOf({ invoice: 'invoices', client: 'clients', payment: 'payments' })
const verbs = { created: 'create', updated: 'update', deleted: 'delete' } as const

function sampleFields({ event, tenant, externalId, id }: HookSampleWish): Fields {
  const { effect = 'updated' } = sampleNamed(samples, event)
  const [noun = ''] = event.split('.')
  return [
    ['name', `${noun}.${verbs[effect]}`],
    ['object_id', externalId],
    ['account_id', tenant],
    ['business_id', '6543'],
    ['identity_id', '1234'],
    ['user_id', id],
  ]
}

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'verifier',
      title: 'Verifier',
      help: 'Of each callback, by its first post. The hub sends it back and keeps it; by hand: `tieline webhooks list --type callback.verify`, then `show`.',
      madeBy: 'provider',
    },
  ],
  contentTypes: ['application/x-www-form-urlencoded'],
  maxBytes: 100_000,
  repeatWindowMs: minuteMs,
  unguessableUrl: true,
  verify,
  split,
  subscriptions,
  async onNotice(context, { type, payload }) {
    const [id, verifier] = [textIn(payload, 'object_id'), textIn(payload, 'verifier')]
    if (type !== verification || id === undefined || verifier === undefined) return undefined
    if (!/^\d{1,18}$/.test(id))
      throw new HubError('Invalid', 'A callback without a number cannot be verified.')
    await verifyCallback(context, id, verifier)
    return { secrets: { verifier } }
  },
  setup: [
    'With a connection that is signed in the hub does all of this by itself. For one that only receives:',
    'Make the callback by API: `POST /events/account/<account>/events/callbacks` with `{"callback": {"event": "invoice", "uri": "{url}"}}`; likewise for client, payment, expense and time_entry.',
    'FreshBooks posts `callback.verify` at once: look it up with `tieline webhooks list --type callback.verify` and `show`, and enter its `verifier` here: {secret:verifier}.',
    'Send it back: `PUT /events/account/<account>/events/callbacks/<object_id>` with `{"callback": {"verifier": "…"}}`. Only then the callback is active.',
  ],
  samples,
  sample(wish) {
    const fields = sampleFields(wish)
    const signature = digest(how, wish.secrets['verifier'] ?? '', [signedText(fields)])
    return {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', [header]: signature },
      body: formText(fields),
    }
  },
  received,
}

/**
 * Outbound messages: SOAP that a flow or a workflow rule of Salesforce sends when a record was saved. Not signed: the organization's id
 * in the message must be the right one, next to an unguessable URL. Sources: README, "Webhooks".
 */
import type { HookCheck, HookRequest, HookSecrets, Webhooks } from '../contract-webhook.ts'
import { isOneOf } from '../hooks/verify.ts'
import { caseSafeId } from './ids.ts'
import { received } from './webhook-resources.ts'
import { sampleBody, samples } from './webhook-sample.ts'
import {
  notificationsOf,
  organizationIdOf,
  outboundNamespace,
  soapNamespace,
  split,
} from './webhook-split.ts'

/** Anything else, an empty 200 too, and Salesforce sends the message again for 24 hours. */
const acknowledgement = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="${soapNamespace}"><soapenv:Body><notificationsResponse xmlns="${outboundNamespace}"><Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>`

const failed = (detail: string): HookCheck[] => [{ name: 'tenant', passed: false, detail }]

function verify(request: HookRequest, secrets: HookSecrets): HookCheck[] {
  const known = (secrets['organizationId'] ?? []).filter((id) => id !== '')
  if (known.length === 0) return failed('the hub does not know the id of the organization')
  let given: string
  try {
    given = organizationIdOf(notificationsOf(request))
  } catch {
    return failed('the body is not an outbound message with one OrganizationId')
  }
  return isOneOf(caseSafeId(given), known.map(caseSafeId))
    ? [{ name: 'tenant', passed: true }]
    : failed('it comes from another organization')
}

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'organizationId',
      title: 'Organization ID',
      help: 'Setup › Company Information › Salesforce.com Organization ID: 15 or 18 characters that begin with 00D.',
      madeBy: 'provider',
    },
  ],
  contentTypes: ['text/xml', 'application/xml', 'application/soap+xml'],
  // 100 records with hundreds of fields each.
  maxBytes: 10_000_000,
  unguessableUrl: true,
  verify,
  accepted: () => ({
    status: 200,
    headers: { 'content-type': 'text/xml; charset=utf-8' },
    body: acknowledgement,
  }),
  split,
  setup: [
    'In Salesforce open **Setup › Company Information** and enter the **Salesforce.com Organization ID** here.',
    'Open **Setup › Outbound Messages › New Outbound Message** and choose an object: Account, Contact, Lead, Opportunity, Task, Event or Case.',
    'Enter `{url}` as the **Endpoint URL**, choose a **User to send as** who may read every record, leave **Send Session ID** off, and select all available fields: without **SystemModstamp** or **LastModifiedDate** the hub cannot put messages in order and keeps them until it reads Salesforce itself.',
    'Open **Setup › Flows › New Flow › Record-Triggered Flow** for the same object, let it run when a record is **created or updated**, add an action of the type **Outbound Message** with this message, and activate the flow.',
    'Repeat both for each object. **Setup › Outbound Messages › View Message Delivery Status** shows what has not arrived yet.',
  ],
  samples,
  sample: (wish) => ({
    method: 'POST',
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: '""' },
    body: sampleBody(wish),
  }),
  received,
}

/**
 * Webhooks of Freshdesk's automation rules: a rule calls the URL when a ticket was made or changed, with the body that the rule holds. Not
 * signed: Basic authentication of the rule, next to an unguessable URL. Sources: README, "Webhooks".
 */
import type { HookSampleSpec, HookSampleWish, Webhooks } from '../contract-webhook.ts'
import { sampleNamed } from '../hooks/sample.ts'
import { basicHeader, checkBasic } from '../hooks/verify.ts'
import type { JsonObject } from '../../model/json.ts'
import { split, template } from './webhook-split.ts'

/** What stands in the rule's field "Username". */
const user = 'tieline'

const samples: readonly HookSampleSpec[] = [
  { event: 'ticket.created', title: 'A ticket was made', resource: 'tickets', effect: 'created' },
  { event: 'ticket.updated', title: 'A ticket was changed', resource: 'tickets', effect: 'updated' },
  { event: 'ticket.deleted', title: 'A ticket was deleted', resource: 'tickets', effect: 'deleted' },
  {
    event: 'ticket.simple',
    title: 'A ticket was changed, told by a rule with chosen fields',
    resource: 'tickets',
    effect: 'updated',
  },
]

/** `from` and `to` of a change are numbers; the sample's name makes one of them. */
const numberOf = (id: string): number =>
  [...id].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997, 7)

function sampleBody({ event, externalId, now, id }: HookSampleWish): JsonObject {
  const { effect } = sampleNamed(samples, event)
  const change = `{custom_field:{from:${numberOf(id)},to:${now.getTime()}}}`
  if (event === 'ticket.simple')
    return {
      freshdesk_webhook: { ticket_id: Number(externalId), ticket_status: 'Pending', triggered_event: change },
    }
  return {
    ticket_id: externalId,
    event: effect ?? 'updated',
    updated_at: now.toISOString(),
    change: effect === 'updated' ? change : `{ticket_action:${effect ?? ''}}`,
  }
}

const rule = (tab: string, event: string): string =>
  `**Admin › Workflows › Automations › ${tab} › New rule**. As the action choose **Trigger webhook**, request type POST, \`{url}\`, tick **Requires authentication**, user name \`${user}\`, password \`{secret:password}\`, encoding **JSON**, content **Advanced** with \`${template(event)}\`.`

export const webhooks: Webhooks = {
  scope: 'connection',
  secrets: [
    {
      name: 'password',
      title: 'Password',
      help: `Made here; entered with each rule as the password of the user ${user}.`,
      madeBy: 'hub',
    },
  ],
  // A rule may have headers of its own.
  contentTypes: [],
  maxBytes: 1_000_000,
  unguessableUrl: true,
  verify: (request, secrets) => [checkBasic(request, user, secrets['password'])],
  split,
  setup: [
    'You need to be an administrator, on a plan from Growth.',
    `${rule('Ticket creation', 'created')} A rule needs conditions; these hold for every ticket: match **any**, **Source is Email**, **Source is not Email**.`,
    `${rule('Ticket updates', 'updated')} As the performer choose **Agent or requester**; as events add all that matter: status, priority, type, group and agent are changed, a note is added, a reply is sent, the ticket is updated. The same two conditions.`,
    'For deletions, where the events offer **Ticket is deleted**: one more rule on ticket updates, with this event and `"event":"deleted"` in the content.',
    'Set the execution rule of each tab so that all matching rules are run, and reorder these ones to the end.',
  ],
  samples,
  sample(wish) {
    return {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: basicHeader(user, wish.secrets['password'] ?? ''),
      },
      body: JSON.stringify(sampleBody(wish)),
    }
  },
}

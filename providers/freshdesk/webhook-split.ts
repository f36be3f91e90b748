/**
 * What a rule has sent: the body of `setup` ("Advanced"), or one that the form of Freshdesk has made of chosen fields ("Simple"). Both
 * name a ticket; neither has all of it.
 */
import { createHash } from 'node:crypto'
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { momentOf, objectIn, objectOf, textIn } from '../hooks/parse.ts'
import type { JsonObject } from '../../model/json.ts'
import { offsetOf } from '../../model/times.ts'

/** Our body for one rule. Texts of people may be in the change (a field's new value): it comes last. */
export const template = (event: string): string =>
  `{"ticket_id":"{{ticket.id}}","event":"${event}","updated_at":"{{ticket.modified_on}}","change":"{{triggered_event}}"}`

const filledIn =
  /^\s*\{\s*"ticket_id"\s*:\s*"?(\d+)"?\s*,\s*"event"\s*:\s*"(\w+)"\s*,\s*"updated_at"\s*:\s*"([^"]*)"\s*,\s*"change"\s*:\s*"([\s\S]*)"\s*\}\s*$/

const hashOf = (value: string | Buffer): string => createHash('sha256').update(value).digest('hex')

export function split(request: HookRequest): HookEvent[] {
  const body = bodyOf(request)
  const told = objectIn(body, 'freshdesk_webhook') ?? body
  const id = textIn(told, 'ticket_id')
  // Nothing in it names the event: the same content is the same event.
  const hash = hashOf(JSON.stringify(body))
  if (id === undefined || !/^\d+$/.test(id))
    return [{ key: `unknown/${hash}`, type: 'unknown', about: 'unknown', payload: body }]
  const happening = happeningOf(told)
  const at = timeOf(textIn(told, 'updated_at'))
  return [
    {
      key: `ticket/${id}/${hash}`,
      type: `ticket.${happening}`,
      about: happening === 'deleted' ? 'deleted' : 'changed',
      resource: 'tickets',
      externalId: id,
      ...(at ? { occurredAt: at } : {}),
      payload: body,
    },
  ]
}

/** Placeholders are put in as they are [unverified]: a quotation mark in a new value would end the text too early. */
function bodyOf(request: HookRequest): JsonObject {
  try {
    return objectOf(request)
  } catch (error) {
    const [, ticketId, event, updatedAt, change] = filledIn.exec(request.body.toString('utf8')) ?? []
    if (ticketId === undefined) throw error
    return { ticket_id: ticketId, event: event ?? '', updated_at: updatedAt ?? '', change: change ?? '' }
  }
}

/** Our word for the rule, or `{ticket_action:created}`, `{status:{from:4,to:6}}`, which is no JSON. */
function happeningOf(told: JsonObject): 'created' | 'updated' | 'deleted' {
  const event = textIn(told, 'event') ?? textIn(told, 'triggered_event') ?? ''
  const [, word] = /^(?:\{ticket_action:)?(created|deleted)\}?$/.exec(event) ?? []
  return word === 'created' || word === 'deleted' ? word : 'updated'
}

/** The form of the time is not documented; only one with an offset is certain. */
const timeOf = (at: string | undefined): Date | undefined =>
  at !== undefined && offsetOf(at) !== undefined ? momentOf(at) : undefined

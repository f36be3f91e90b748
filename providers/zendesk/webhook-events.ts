/** What Zendesk's webhooks tell: events by name, or what a trigger sends with the body that we have written (`setup`). */
import type { HookEvent, HookRequest } from '../contract-webhook.ts'
import { momentOf, objectIn, objectOf, textIn } from '../hooks/parse.ts'
import type { JsonObject } from '../../model/json.ts'

/** Resources by the domain of an event: `zen:event-type:ticket.created`. All of them are read by id. */
const resources: Readonly<Record<string, string>> = {
  ticket: 'tickets',
  user: 'users',
  organization: 'organizations',
  article: 'articles',
}

const ends = new Set(['deleted', 'soft_deleted', 'permanently_deleted'])

/** Happenings that change what is read of an object. Left out: sign-ins, passwords, votes, comments of articles, service targets. */
const happenings: Readonly<Record<string, string>> = {
  ticket:
    'created agent_assignment_changed brand_changed comment_added comment_made_private comment_redacted ' +
    'attachment_linked_to_comment attachment_redacted_from_comment custom_field_changed custom_status_changed ' +
    'description_changed email_ccs_changed external_id_changed followers_changed form_changed ' +
    'group_assignment_changed marked_as_spam merged organization_changed permanently_deleted priority_changed ' +
    'problem_link_changed requester_changed soft_deleted status_changed subject_changed submitter_changed ' +
    'tags_changed task_due_at_changed type_changed undeleted',
  user:
    'created active_changed alias_changed custom_field_changed custom_role_changed default_group_changed deleted ' +
    'details_changed external_id_changed identity_changed identity_created identity_deleted merged name_changed ' +
    'notes_changed organization_membership_created organization_membership_deleted photo_changed role_changed ' +
    'suspended_changed tags_changed time_zone_changed',
  organization: 'created custom_field_changed deleted external_id_changed name_changed tags_changed',
  article: 'author_changed published unpublished',
}

/** What a webhook subscribes to: one subscribes to events, or is connected to triggers, for ever. */
export const topics: readonly string[] = Object.entries(happenings).flatMap(([domain, list]) =>
  list.split(' ').map((happening) => `zen:event-type:${domain}.${happening}`),
)

/** Stays the same when a delivery is tried again: one invocation, several attempts. */
export const invocationHeader = 'x-zendesk-webhook-invocation-id'

export function split(request: HookRequest): HookEvent[] {
  const body = objectOf(request)
  const type = textIn(body, 'type')
  return [type?.startsWith('zen:') ? fromEvent(body, type) : fromTrigger(body, request)]
}

/** `type`, `id`, `time`, `subject` ("zen:user:6596848315901"), `detail` with the object's id. */
function fromEvent(body: JsonObject, type: string): HookEvent {
  // The reference writes a few names with a slash: `zen:event-type/user.merged`.
  const [, domain = '', happening = ''] = /^zen:event-type[:/](\w+)\.(\w+)$/.exec(type) ?? []
  const resource = Object.hasOwn(resources, domain) ? resources[domain] : undefined
  const id = textIn(objectIn(body, 'detail') ?? {}, 'id') ?? textIn(body, 'subject')?.split(':').at(-1)
  const occurredAt = momentOf(body['time'])
  const base = {
    key: textIn(body, 'id') ?? `${type}/${id ?? ''}/${textIn(body, 'time') ?? ''}`,
    type,
    payload: body,
    ...(occurredAt ? { occurredAt } : {}),
  }
  if (resource === undefined || id === undefined) return { ...base, about: 'unknown' }
  return { ...base, about: ends.has(happening) ? 'deleted' : 'changed', resource, externalId: id }
}

/** Ticket and time of its change. The time tells minutes only, so that the invocation names the event. */
function fromTrigger(body: JsonObject, request: HookRequest): HookEvent {
  const id = textIn(body, 'ticket_id')
  const at = textIn(body, 'updated_at')
  const [invocation] = request.headers.get(invocationHeader) ?? []
  if (id === undefined) return { key: JSON.stringify(body), type: 'unknown', about: 'unknown', payload: body }
  const occurredAt = momentOf(at)
  return {
    key: `trigger/${id}/${invocation ?? at ?? ''}`,
    type: 'trigger.ticket',
    about: 'changed',
    resource: 'tickets',
    externalId: id,
    payload: body,
    ...(occurredAt ? { occurredAt } : {}),
  }
}

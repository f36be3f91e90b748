/** Default mappings from the hub's models to Zendesk's fields: the way back of `mapping.ts`, without what Zendesk only lets read. */
import type { FieldRule, OutwardMapping } from '../../model/mapping.ts'

const to = (target: string, from: string): FieldRule => ({ to: target, from })

/** Ids go as text here; `write-body.ts` makes numbers of them, where a number can hold them. */
export const ticketOutward: OutwardMapping = {
  model: 'ticket',
  rules: [
    to('external_id', 'externalRef'),
    to('subject', 'subject'),
    to('comment.body', 'description'),
    to('status', 'status'),
    to('custom_status_id', 'customStatusId'),
    to('priority', 'priority'),
    to('type', 'type'),
    to('requester_id', 'requesterId'),
    to('assignee_id', 'assigneeId'),
    to('group_id', 'groupId'),
    to('organization_id', 'organizationId'),
    to('tags', 'tags'),
    to('custom_fields', 'customFields'),
  ],
}

export const userOutward: OutwardMapping = {
  model: 'user',
  rules: [
    to('external_id', 'externalRef'),
    to('name', 'name'),
    to('email', 'email'),
    to('phone', 'phone'),
    to('role', 'role'),
    to('organization_id', 'organizationId'),
    to('suspended', 'isSuspended'),
    to('time_zone', 'timeZone'),
    to('locale', 'locale'),
    to('tags', 'tags'),
  ],
}

export const organizationOutward: OutwardMapping = {
  model: 'organization',
  rules: [
    to('external_id', 'externalRef'),
    to('name', 'name'),
    to('domain_names', 'domains'),
    to('details', 'details'),
    to('notes', 'notes'),
    to('tags', 'tags'),
  ],
}

/** Who may edit and who may read an article has no field in the model: given as custom fields. */
export const articleOutward: OutwardMapping = {
  model: 'article',
  rules: [
    to('title', 'title'),
    to('body', 'bodyHtml'),
    to('locale', 'locale'),
    to('section_id', 'sectionId'),
    to('author_id', 'authorId'),
    to('draft', 'isDraft'),
    to('label_names', 'labels'),
    to('permission_group_id', 'custom.permissionGroupId'),
    to('user_segment_id', 'custom.userSegmentId'),
  ],
}

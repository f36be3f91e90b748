/** Default mappings from Zendesk's objects to the hub's models (fact sheet §11). */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const time = (to: string, from: string): FieldRule => ({ to, from, convert: 'time' })
const flag = (to: string, from: string): FieldRule => ({ to, from, convert: 'boolean' })
const texts = (to: string, from: string): FieldRule => ({ to, from, convert: 'texts', fallback: [] })
const asIs = (to: string, from: string): FieldRule => ({ to, from })
const life = [time('createdAt', 'created_at'), time('updatedAt', 'updated_at')]

export const ticketMapping: FieldMapping = {
  model: 'ticket',
  rules: [
    text('id', 'id'),
    text('externalRef', 'external_id'),
    text('subject', 'subject'),
    text('description', 'description'),
    text('status', 'status'),
    text('customStatusId', 'custom_status_id'),
    text('priority', 'priority'),
    text('type', 'type'),
    text('requesterId', 'requester_id'),
    text('assigneeId', 'assignee_id'),
    text('groupId', 'group_id'),
    text('organizationId', 'organization_id'),
    texts('tags', 'tags'),
    asIs('customFields', 'custom_fields'),
    // Older answers say `false` for "not rated".
    { to: 'satisfaction', from: 'satisfaction_rating', values: { false: null } },
    text('channel', 'via.channel'),
    ...life,
  ],
}

export const messageMapping: FieldMapping = {
  model: 'message',
  rules: [
    text('id', 'id'),
    text('ticketId', 'ticket_id'),
    text('authorId', 'author_id'),
    text('body', 'body'),
    text('bodyHtml', 'html_body'),
    flag('isPublic', 'public'),
    asIs('attachments', 'attachments'),
    time('createdAt', 'created_at'),
  ],
}

export const userMapping: FieldMapping = {
  model: 'user',
  rules: [
    text('id', 'id'),
    text('externalRef', 'external_id'),
    text('name', 'name'),
    text('email', 'email'),
    text('phone', 'phone'),
    text('role', 'role'),
    text('organizationId', 'organization_id'),
    flag('isActive', 'active'),
    flag('isSuspended', 'suspended'),
    text('timeZone', 'time_zone'),
    text('locale', 'locale'),
    texts('tags', 'tags'),
    ...life,
  ],
}

export const organizationMapping: FieldMapping = {
  model: 'organization',
  rules: [
    text('id', 'id'),
    text('externalRef', 'external_id'),
    text('name', 'name'),
    texts('domains', 'domain_names'),
    text('details', 'details'),
    text('notes', 'notes'),
    texts('tags', 'tags'),
    ...life,
  ],
}

export const ratingMapping: FieldMapping = {
  model: 'satisfaction',
  rules: [
    text('id', 'id'),
    text('ticketId', 'ticket_id'),
    text('score', 'score'),
    text('comment', 'comment'),
    text('reason', 'reason'),
    text('requesterId', 'requester_id'),
    text('assigneeId', 'assignee_id'),
    ...life,
  ],
}

/** A survey response keeps its answers in a list; `derived` holds what was read out of it (see satisfaction.ts). */
export const surveyMapping: FieldMapping = {
  model: 'satisfaction',
  rules: [
    text('id', 'id'),
    text('ticketId', 'derived.ticket_id'),
    text('score', 'derived.rating'),
    text('comment', 'derived.comment'),
    text('reason', 'derived.reason'),
    text('requesterId', 'responder_id'),
    time('createdAt', 'derived.created_at'),
    time('updatedAt', 'derived.updated_at'),
  ],
}

export const sectionMapping: FieldMapping = {
  model: 'section',
  rules: [
    text('id', 'id'),
    text('name', 'name'),
    text('description', 'description'),
    text('locale', 'locale'),
    text('categoryId', 'category_id'),
    text('url', 'html_url'),
    ...life,
  ],
}

export const articleMapping: FieldMapping = {
  model: 'article',
  rules: [
    text('id', 'id'),
    text('title', 'title'),
    text('bodyHtml', 'body'),
    text('locale', 'locale'),
    text('sectionId', 'section_id'),
    text('authorId', 'author_id'),
    flag('isDraft', 'draft'),
    texts('labels', 'label_names'),
    text('url', 'html_url'),
    ...life,
  ],
}

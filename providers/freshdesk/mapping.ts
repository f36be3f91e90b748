/** Default mappings from Freshdesk's objects to the hub's models. */
import type { FieldMapping, FieldRule } from '../../model/mapping.ts'

const text = (to: string, from: string): FieldRule => ({ to, from, convert: 'text' })
const time = (to: string, from: string): FieldRule => ({ to, from, convert: 'time' })
const flag = (to: string, from: string): FieldRule => ({ to, from, convert: 'boolean' })
const texts = (to: string, from: string): FieldRule => ({ to, from, convert: 'texts', fallback: [] })
const life = [time('createdAt', 'created_at'), time('updatedAt', 'updated_at')]

/** Codes: README, "Reading". */
export const statuses = { 2: 'open', 3: 'pending', 4: 'solved', 5: 'closed' } as const
export const priorities = { 1: 'low', 2: 'normal', 3: 'high', 4: 'urgent' } as const
/** The number that stands for a name in one of these tables. */
export const codeOf = (
  table: Readonly<Record<number, string>>,
  name: string | undefined,
): number | undefined => {
  const found = Object.entries(table).find(([, one]) => one === name)
  return found && Number(found[0])
}

const sources = {
  1: 'email',
  2: 'portal',
  3: 'phone',
  7: 'chat',
  9: 'feedback_widget',
  10: 'outbound_email',
} as const

export const ticketMapping: FieldMapping = {
  model: 'ticket',
  rules: [
    text('id', 'id'),
    text('subject', 'subject'),
    text('description', 'description_text'),
    // Own statuses begin at 6: they pass as their number, and as the custom status.
    { ...text('status', 'status'), values: statuses },
    { ...text('customStatusId', 'status'), values: { 2: null, 3: null, 4: null, 5: null } },
    { ...text('priority', 'priority'), values: priorities },
    text('type', 'type'),
    text('requesterId', 'requester_id'),
    text('assigneeId', 'responder_id'),
    text('groupId', 'group_id'),
    text('organizationId', 'company_id'),
    texts('tags', 'tags'),
    { ...text('channel', 'source'), values: sources },
    ...life,
  ],
}

export const contactMapping: FieldMapping = {
  model: 'user',
  rules: [
    text('id', 'id'),
    text('externalRef', 'unique_external_id'),
    text('name', 'name'),
    text('email', 'email'),
    text('phone', 'phone'),
    { to: 'role', constant: 'end-user' },
    text('organizationId', 'company_id'),
    flag('isActive', 'active'),
    text('timeZone', 'time_zone'),
    text('locale', 'language'),
    texts('tags', 'tags'),
    ...life,
  ],
}

export const agentMapping: FieldMapping = {
  model: 'user',
  rules: [
    text('id', 'id'),
    text('name', 'contact.name'),
    text('email', 'contact.email'),
    text('phone', 'contact.phone'),
    { to: 'role', constant: 'agent' },
    flag('isActive', 'contact.active'),
    text('timeZone', 'contact.time_zone'),
    text('locale', 'contact.language'),
    ...life,
  ],
}

export const companyMapping: FieldMapping = {
  model: 'organization',
  rules: [
    text('id', 'id'),
    text('name', 'name'),
    texts('domains', 'domains'),
    text('details', 'description'),
    text('notes', 'note'),
    ...life,
  ],
}

/**
 * The common models: one shape per kind of object, whatever the provider. A mapped record has exactly these fields (all
 * optional but `id`), plus `custom` for fields that a connection's mapping adds. Times are RFC 3339 in UTC, ids text.
 */
export type FieldType = 'text' | 'number' | 'boolean' | 'time' | 'texts' | 'object' | 'objects'

export interface ModelField {
  readonly type: FieldType
  readonly meaning: string
}

export type Model = Readonly<Record<string, ModelField>>

const text = (meaning: string): ModelField => ({ type: 'text', meaning })
const time = (meaning: string): ModelField => ({ type: 'time', meaning })
const flag = (meaning: string): ModelField => ({ type: 'boolean', meaning })

const support = {
  ticket: {
    id: text("The provider's id"),
    externalRef: text('Id that another system gave it'),
    subject: text('Subject line'),
    description: text('First message'),
    status: text('new, open, pending, hold, solved, closed'),
    customStatusId: text('Id of a custom status'),
    priority: text('low, normal, high, urgent'),
    type: text('question, incident, problem, task'),
    requesterId: text('User who asked'),
    assigneeId: text('User who works on it'),
    groupId: text('Group that works on it'),
    organizationId: text('Organization of the requester'),
    tags: { type: 'texts', meaning: 'Tags' },
    customFields: { type: 'objects', meaning: 'Custom fields: id and value' },
    satisfaction: { type: 'object', meaning: 'Satisfaction as the ticket carries it' },
    channel: text('How it came in'),
    createdAt: time('Created at the provider'),
    updatedAt: time('Last change at the provider'),
  },
  message: {
    id: text("The provider's id"),
    ticketId: text('Ticket it belongs to'),
    authorId: text('User who wrote it'),
    body: text('Plain text'),
    bodyHtml: text('HTML'),
    isPublic: flag('Seen by the requester'),
    attachments: { type: 'objects', meaning: 'Attachments: id, name, type, size, url' },
    createdAt: time('Written at'),
  },
  user: {
    id: text("The provider's id"),
    externalRef: text('Id that another system gave it'),
    name: text('Full name'),
    email: text('Primary e-mail address'),
    phone: text('Phone number'),
    role: text('end-user, agent, admin'),
    organizationId: text('Organization'),
    isActive: flag('False when deleted'),
    isSuspended: flag('True when suspended'),
    timeZone: text('IANA or provider name of the time zone'),
    locale: text('Language tag'),
    tags: { type: 'texts', meaning: 'Tags' },
    createdAt: time('Created at the provider'),
    updatedAt: time('Last change at the provider'),
  },
  organization: {
    id: text("The provider's id"),
    externalRef: text('Id that another system gave it'),
    name: text('Name'),
    domains: { type: 'texts', meaning: 'E-mail domains' },
    details: text('Details'),
    notes: text('Notes'),
    tags: { type: 'texts', meaning: 'Tags' },
    createdAt: time('Created at the provider'),
    updatedAt: time('Last change at the provider'),
  },
  satisfaction: {
    id: text("The provider's id"),
    ticketId: text('Ticket that was rated'),
    score: text('good, bad, offered, unoffered, or a rating as text'),
    comment: text('What the customer wrote'),
    reason: text('Reason that was chosen'),
    requesterId: text('Who rated'),
    assigneeId: text('Who was rated'),
    createdAt: time('Created at the provider'),
    updatedAt: time('Last change at the provider'),
  },
  section: {
    id: text("The provider's id"),
    name: text('Name'),
    description: text('Description'),
    locale: text('Language tag'),
    categoryId: text('Category it stands in'),
    url: text('Where readers find it'),
    createdAt: time('Created at the provider'),
    updatedAt: time('Last change at the provider'),
  },
  article: {
    id: text("The provider's id"),
    title: text('Title'),
    bodyHtml: text('HTML'),
    locale: text('Language tag'),
    sectionId: text('Section it stands in'),
    authorId: text('Author'),
    isDraft: flag('Not published'),
    labels: { type: 'texts', meaning: 'Labels' },
    url: text('Where readers find it'),
    createdAt: time('Created at the provider'),
    updatedAt: time('Last change at the provider'),
  },
} as const satisfies Record<string, Model>

export const models = { ...support } as const satisfies Record<string, Model>
export type ModelName = keyof typeof models

export function isModelName(text: string): text is ModelName {
  return Object.hasOwn(models, text)
}

/** Creating and archiving records. */
import type { JsonObject } from '../../model/json.ts'
import type { Action, ProviderContext } from '../contract.ts'
import {
  idSchema,
  kindIn,
  kindSchema,
  objectSchema,
  propertiesOf,
  propertiesSchema,
  recordsSchema,
  requireText,
  textSchema,
  timeSchema,
  typeOfKind,
  type Kind,
} from './action-input.ts'
import { link } from './association-writes.ts'
import { archiveObject, upsertObject } from './write-one.ts'
import { asValues } from './write-values.ts'

const currency = { type: 'string', pattern: '^[A-Z]{3}$' }

interface Creation {
  readonly kind: Kind
  readonly title: string
  readonly description: string
  /** HubSpot's property → field of the input. */
  readonly names: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, unknown>>
  readonly required: readonly string[]
  readonly example: JsonObject
  /** Properties that the caller need not give. */
  defaults?(context: ProviderContext): JsonObject
}

/** Archives what was created. A contact that was there before is not to be archived: `isNew` says so, and then nothing is done. */
const undo = (kind: Kind): NonNullable<Action['undo']> => ({
  action: 'archive_record',
  input: (_input, output) => ({
    kind,
    id: output['id'] ?? '',
    ...(output['isNew'] === false ? { isKept: true } : {}),
  }),
})

function creation(of: Creation): Action {
  return {
    name: `create_${of.kind}`,
    title: of.title,
    description: of.description,
    input: objectSchema(
      { ...of.fields, properties: propertiesSchema, associateWith: recordsSchema },
      of.required,
      [of.example],
    ),
    output: objectSchema(
      { id: idSchema, isNew: { type: 'boolean' } },
      ['id', 'isNew'],
      [{ id: '512', isNew: true }],
    ),
    async run(context, input, idempotencyKey) {
      const type = typeOfKind(of.kind)
      const properties = { ...of.defaults?.(context), ...propertiesOf(input, of.names) }
      const { id, isNew } = await upsertObject(context, type, asValues(properties), idempotencyKey)
      await associate(context, type.name, id, input)
      return { id, isNew }
    },
    undo: undo(of.kind),
  }
}

async function associate(
  context: ProviderContext,
  type: string,
  id: string,
  input: JsonObject,
): Promise<void> {
  const records = input['associateWith']
  for (const record of Array.isArray(records) ? records : []) {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) continue
    const other = typeOfKind(kindIn(record, 'kind'))
    await link(context, { type, id }, { type: other.name, id: requireText(record, 'id') })
  }
}

const createContact = creation({
  kind: 'contact',
  title: 'Create a contact',
  description:
    'Creates a contact; one with the same e-mail address is updated instead (isNew: false), since an address can belong to one contact only.',
  names: {
    email: 'email',
    firstname: 'givenName',
    lastname: 'familyName',
    phone: 'phone',
    company: 'companyName',
    jobtitle: 'jobTitle',
    hubspot_owner_id: 'ownerId',
  },
  fields: {
    email: { type: 'string', format: 'email', maxLength: 255 },
    givenName: textSchema(255),
    familyName: textSchema(255),
    phone: textSchema(64),
    companyName: textSchema(255),
    jobTitle: textSchema(255),
    ownerId: idSchema,
  },
  required: ['email'],
  example: { email: 'ana@example.com', givenName: 'Ana', familyName: 'Silva' },
})

const createCompany = creation({
  kind: 'company',
  title: 'Create a company',
  description: 'Creates a company. Repeating with the same idempotency key finds the one that was created.',
  names: {
    name: 'name',
    domain: 'domain',
    phone: 'phone',
    industry: 'industry',
    city: 'city',
    country: 'country',
    hubspot_owner_id: 'ownerId',
  },
  fields: {
    name: textSchema(255),
    domain: textSchema(255),
    phone: textSchema(64),
    industry: textSchema(100),
    city: textSchema(100),
    country: textSchema(100),
    ownerId: idSchema,
  },
  required: ['name'],
  example: { name: 'Acme', domain: 'acme.example' },
})

const createDeal = creation({
  kind: 'deal',
  title: 'Create a deal',
  description:
    'Creates a deal in a stage of a pipeline, associated with contacts and companies where they are given.',
  names: {
    dealname: 'name',
    amount: 'amount',
    deal_currency_code: 'currency',
    pipeline: 'pipelineId',
    dealstage: 'stageId',
    closedate: 'closesAt',
    hubspot_owner_id: 'ownerId',
  },
  fields: {
    name: textSchema(255),
    amount: { type: 'number' },
    currency,
    pipelineId: textSchema(64),
    stageId: textSchema(64),
    closesAt: timeSchema,
    ownerId: idSchema,
  },
  required: ['name', 'stageId'],
  example: {
    name: 'Acme: 20 seats',
    amount: 4800,
    stageId: 'qualifiedtobuy',
    associateWith: [{ kind: 'company', id: '77' }],
  },
})

/** HubSpot refuses an activity without the time at which it took place. */
const now = (context: ProviderContext): JsonObject => ({ hs_timestamp: context.now().toISOString() })

const createNote = creation({
  kind: 'note',
  title: 'Write a note',
  description: 'Writes a note on records of the CRM.',
  names: { hs_note_body: 'body', hs_timestamp: 'at', hubspot_owner_id: 'ownerId' },
  fields: { body: textSchema(65_536), at: timeSchema, ownerId: idSchema },
  required: ['body'],
  example: { body: 'Asked for an offer', associateWith: [{ kind: 'contact', id: '512' }] },
  defaults: now,
})

const createTask = creation({
  kind: 'task',
  title: 'Create a task',
  description: 'Creates a task with a time at which it is due, on records of the CRM.',
  names: {
    hs_task_subject: 'subject',
    hs_task_body: 'body',
    hs_timestamp: 'dueAt',
    hs_task_priority: 'priority',
    hs_task_type: 'type',
    hubspot_owner_id: 'ownerId',
  },
  fields: {
    subject: textSchema(255),
    body: textSchema(65_536),
    dueAt: timeSchema,
    priority: { type: 'string', enum: ['LOW', 'MEDIUM', 'HIGH'] },
    type: { type: 'string', enum: ['TODO', 'CALL', 'EMAIL'] },
    ownerId: idSchema,
  },
  required: ['subject', 'dueAt'],
  example: {
    subject: 'Call Ana',
    dueAt: '2026-12-01T09:00:00Z',
    associateWith: [{ kind: 'contact', id: '512' }],
  },
  defaults: () => ({ hs_task_status: 'NOT_STARTED' }),
})

const archiveRecord: Action = {
  name: 'archive_record',
  title: 'Archive a record',
  description:
    'Moves a record to the recycle bin, where HubSpot keeps it for 90 days. One that is gone already stays so.',
  input: objectSchema(
    {
      kind: kindSchema,
      id: idSchema,
      isKept: { type: 'boolean', description: 'True: the record was there before, and nothing is done' },
    },
    ['kind', 'id'],
    [{ kind: 'note', id: '9001' }],
  ),
  output: objectSchema({ isArchived: { type: 'boolean' } }, ['isArchived'], [{ isArchived: true }]),
  async run(context, input) {
    if (input['isKept'] === true) return { isArchived: false }
    await archiveObject(context, typeOfKind(kindIn(input, 'kind')).name, requireText(input, 'id'))
    return { isArchived: true }
  },
}

export const recordActions: readonly Action[] = [
  createContact,
  createCompany,
  createDeal,
  createNote,
  createTask,
  archiveRecord,
]

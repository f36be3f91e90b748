/** Workflows, sequences, single e-mails and custom events. */
import { createHash } from 'node:crypto'
import type { Action, ProviderContext } from '../contract.ts'
import {
  idSchema,
  objectIn,
  objectSchema,
  optionalText,
  requireText,
  textSchema,
  textsIn,
  timeSchema,
  wrongInput,
} from './action-input.ts'
import { bodyOf, fieldsIn, get, idIn, textIn } from './answer.ts'
import { paths } from './versions.ts'
import { asValues } from './write-values.ts'

/** The contact's address: enrolment goes by it. Callers give the id, so that no address is kept in inputs. */
async function emailOf(context: ProviderContext, contactId: string): Promise<string> {
  const response = await get(context, paths.object('contacts', contactId), { properties: 'email' })
  const email = textIn(fieldsIn(bodyOf(response, 'the contact'), 'properties'), 'email')
  if (email === undefined) throw wrongInput('contactId', 'names a contact without an e-mail address')
  return email
}

const workflowInput = objectSchema(
  { workflowId: idSchema, contactId: idSchema },
  ['workflowId', 'contactId'],
  [{ workflowId: '494848', contactId: '512' }],
)

function enrolment(
  of: Pick<Action, 'name' | 'title' | 'description'>,
  method: 'POST' | 'DELETE',
  undo: string,
): Action {
  return {
    ...of,
    input: workflowInput,
    output: objectSchema(
      { isEnrolled: { type: 'boolean' } },
      ['isEnrolled'],
      [{ isEnrolled: method === 'POST' }],
    ),
    async run(context, input) {
      const email = await emailOf(context, requireText(input, 'contactId'))
      await context.call({
        method,
        path: paths.workflowEnrollment(requireText(input, 'workflowId'), email),
        group: 'crm',
        // A contact that is in the workflow already is not enrolled twice at a time; one that is not cannot be removed again.
        repeatable: true,
      })
      return { isEnrolled: method === 'POST' }
    },
    undo: { action: undo, input: (input) => ({ ...input }) },
  }
}

const enrollInWorkflow = enrolment(
  {
    name: 'enroll_in_workflow',
    title: 'Enrol in a workflow',
    description:
      'Enrols a contact in a contact-based workflow (legacy automation API v2, the only documented way; scope automation). The id is that of the v2/v3 workflows API.',
  },
  'POST',
  'unenroll_from_workflow',
)

const unenrollFromWorkflow = enrolment(
  {
    name: 'unenroll_from_workflow',
    title: 'Remove from a workflow',
    description: 'Takes a contact out of a contact-based workflow.',
  },
  'DELETE',
  'enroll_in_workflow',
)

const enrollInSequence: Action = {
  name: 'enroll_in_sequence',
  title: 'Enrol in a sequence',
  description:
    'Enrols a contact in a sales sequence, sent from the connected mailbox of a user. There is no way to take a contact out again by API. A contact that is in this sequence already is left there.',
  input: objectSchema(
    {
      sequenceId: idSchema,
      contactId: idSchema,
      userId: { ...idSchema, description: 'User whose sequence and mailbox it is' },
      senderEmail: { type: 'string', format: 'email', maxLength: 255 },
      senderAliasAddress: { type: 'string', format: 'email', maxLength: 255 },
    },
    ['sequenceId', 'contactId', 'userId', 'senderEmail'],
    [{ sequenceId: '71', contactId: '512', userId: '9', senderEmail: 'sales@example.com' }],
  ),
  output: objectSchema(
    { enrollmentId: textSchema(64), isNew: { type: 'boolean' } },
    ['enrollmentId', 'isNew'],
    [{ enrollmentId: '880', isNew: true }],
  ),
  async run(context, input) {
    const sequenceId = requireText(input, 'sequenceId')
    const contactId = requireText(input, 'contactId')
    const before = await get(context, paths.sequenceEnrollmentOf(contactId), {}, [404])
    const present = before.status < 400 ? bodyOf(before, 'enrolment') : {}
    const presentId = idIn(present, 'id')
    if (presentId !== undefined && idIn(present, 'sequenceId') === sequenceId)
      return { enrollmentId: presentId, isNew: false }
    const senderAliasAddress = optionalText(input, 'senderAliasAddress')
    const response = await context.call({
      method: 'POST',
      path: paths.sequenceEnrollments,
      query: { userId: requireText(input, 'userId') },
      body: {
        sequenceId,
        contactId,
        senderEmail: requireText(input, 'senderEmail'),
        ...(senderAliasAddress === undefined ? {} : { senderAliasAddress }),
      },
      group: 'crm',
    })
    return { enrollmentId: idIn(bodyOf(response, 'enrolment'), 'id') ?? '', isNew: true }
  },
}

const emailSchema = { type: 'string', format: 'email', maxLength: 255 }
const emailsSchema = { type: 'array', items: emailSchema, maxItems: 20 }

const sendSingleEmail: Action = {
  name: 'send_single_email',
  title: 'Send a transactional e-mail',
  description:
    'Sends a transactional e-mail that was made in HubSpot to one recipient (scope transactional-email, an add-on). HubSpot sends no more than one per idempotency key.',
  input: objectSchema(
    {
      emailId: { ...idSchema, description: 'Content id of the e-mail, shown by HubSpot’s e-mail tool' },
      to: emailSchema,
      from: textSchema(255),
      replyTo: emailsSchema,
      cc: emailsSchema,
      bcc: emailsSchema,
      contactProperties: { type: 'object', description: 'Set on the contact as well' },
      customProperties: { type: 'object', description: 'Shown by the template as custom.NAME' },
    },
    ['emailId', 'to'],
    [{ emailId: '4126643121', to: 'ana@example.com', customProperties: { invoice: 'A-17' } }],
  ),
  output: objectSchema(
    { statusId: textSchema(200), status: textSchema(64), sendResult: { type: ['string', 'null'] } },
    ['statusId', 'status', 'sendResult'],
    [{ statusId: 'abc', status: 'PENDING', sendResult: null }],
  ),
  async run(context, input, idempotencyKey) {
    const from = optionalText(input, 'from')
    const response = await context.call({
      method: 'POST',
      path: paths.singleSend,
      body: {
        emailId: Number(requireText(input, 'emailId')),
        message: {
          to: requireText(input, 'to'),
          sendId: uuidOf(idempotencyKey),
          replyTo: textsIn(input, 'replyTo'),
          cc: textsIn(input, 'cc'),
          bcc: textsIn(input, 'bcc'),
          ...(from === undefined ? {} : { from }),
        },
        contactProperties: asValues(objectIn(input, 'contactProperties')),
        customProperties: objectIn(input, 'customProperties'),
      },
      group: 'send',
      repeatable: true,
    })
    const body = bodyOf(response, 'the send')
    return {
      statusId: textIn(body, 'statusId') ?? '',
      status: textIn(body, 'status') ?? 'PENDING',
      sendResult: textIn(body, 'sendResult') ?? null,
    }
  },
}

/** The same for the same key, in the form of a UUID. */
function uuidOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex')
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
  return parts.join('-')
}

const sendCustomEvent: Action = {
  name: 'send_custom_event',
  title: 'Send a custom event',
  description:
    'Records that something happened to a contact (Enterprise; scope analytics.behavioral_events.send). The event must be defined. Sent twice with one idempotency key it counts once.',
  input: objectSchema(
    {
      eventName: { ...textSchema(200), description: 'Fully qualified: pe33442211_trial_started' },
      contactId: idSchema,
      occurredAt: timeSchema,
      properties: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
    },
    ['eventName', 'contactId'],
    [{ eventName: 'pe33442211_trial_started', contactId: '512', properties: { plan: 'team' } }],
  ),
  output: objectSchema({ isSent: { type: 'boolean' } }, ['isSent'], [{ isSent: true }]),
  async run(context, input, idempotencyKey) {
    const occurredAt = optionalText(input, 'occurredAt') ?? context.now().toISOString()
    await context.call({
      method: 'POST',
      path: paths.eventSend,
      body: {
        eventName: requireText(input, 'eventName'),
        objectId: requireText(input, 'contactId'),
        occurredAt,
        uuid: uuidOf(idempotencyKey),
        properties: asValues(objectIn(input, 'properties')),
      },
      group: 'send',
      // The second of one uuid is refused by HubSpot within a year.
      repeatable: true,
      accept: [409],
    })
    return { isSent: true }
  },
}

const defineCustomEvent: Action = {
  name: 'define_custom_event',
  title: 'Define a custom event',
  description:
    'Defines a custom event of contacts with its properties (Enterprise; scope behavioral_events.event_definitions.read_write). One of the same name is left as it is.',
  input: objectSchema(
    {
      name: { type: 'string', pattern: '^[a-z][a-z0-9_-]{0,99}$' },
      label: textSchema(100),
      description: textSchema(500),
      properties: {
        type: 'array',
        maxItems: 50,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['name', 'label', 'type'],
          properties: {
            name: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,99}$' },
            label: textSchema(100),
            type: { type: 'string', enum: ['string', 'number', 'datetime'] },
          },
        },
      },
    },
    ['name', 'label'],
    [
      {
        name: 'trial_started',
        label: 'Trial started',
        properties: [{ name: 'plan', label: 'Plan', type: 'string' }],
      },
    ],
  ),
  output: objectSchema(
    { eventName: { type: ['string', 'null'] }, isNew: { type: 'boolean' } },
    ['eventName', 'isNew'],
    [{ eventName: 'pe33442211_trial_started', isNew: true }],
  ),
  async run(context, input) {
    const list = input['properties']
    const response = await context.call({
      method: 'POST',
      path: paths.eventDefinitions,
      body: {
        name: requireText(input, 'name'),
        label: requireText(input, 'label'),
        description: optionalText(input, 'description') ?? '',
        primaryObject: 'CONTACT',
        propertyDefinitions: Array.isArray(list) ? list : [],
      },
      group: 'crm',
      repeatable: true,
      accept: [409],
    })
    if (response.status === 409) return { eventName: null, isNew: false }
    return { eventName: textIn(bodyOf(response, 'the event'), 'fullyQualifiedName') ?? null, isNew: true }
  },
}

export const marketingActions: readonly Action[] = [
  enrollInWorkflow,
  unenrollFromWorkflow,
  enrollInSequence,
  sendSingleEmail,
  sendCustomEvent,
  defineCustomEvent,
]

import type { Action, ProviderContext } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { copyFields, copyIds, idSchema, objectSchema, textSchema } from './action-input.ts'
import { bodyOf, idText, objectIn, protocolError } from './answer.ts'

/**
 * `POST /api/v2/users/create_or_update`: an existing user is found by email address or external id, so that a repetition
 * updates it to what it is already. 201 created, 200 found (users.openapi.yaml).
 */
async function run(context: ProviderContext, input: JsonObject): Promise<JsonObject> {
  const user: JsonObject = {
    ...copyFields(input, {
      name: 'name',
      email: 'email',
      external_id: 'externalRef',
      phone: 'phone',
      role: 'role',
      time_zone: 'timeZone',
      tags: 'tags',
      user_fields: 'userFields',
    }),
    ...copyIds(input, { organization_id: 'organizationId' }),
    ...(input['isVerificationMailSent'] === true ? {} : { skip_verify_email: true }),
  }
  const response = await context.call({
    method: 'POST',
    path: '/api/v2/users/create_or_update',
    group: 'support',
    body: { user },
    repeatable: true,
  })
  const userId = idText(objectIn(bodyOf(response, 'user'), 'user')['id'])
  if (userId === undefined) throw protocolError('the user has no id')
  return { userId, isCreated: response.status === 201 }
}

export const createOrUpdateUser: Action = {
  name: 'create_or_update_user',
  title: 'Create or update a user',
  description:
    'Finds the user by email address or external reference and updates it, or creates it as an end user. No verification mail is sent ' +
    'unless asked for. Repeating changes nothing further.',
  input: objectSchema(
    {
      name: textSchema(255),
      email: { type: 'string', format: 'email', maxLength: 255 },
      externalRef: textSchema(255),
      phone: textSchema(64),
      role: { type: 'string', enum: ['end-user', 'agent', 'admin'] },
      timeZone: textSchema(100),
      organizationId: { ...idSchema, type: ['string', 'null'] },
      tags: { type: 'array', items: textSchema(255), maxItems: 100 },
      userFields: { type: 'object' },
      isVerificationMailSent: { type: 'boolean', default: false },
    },
    ['name'],
    [{ name: 'Ana Silva', email: 'ana@example.com', externalRef: 'crm-4711' }],
    { anyOf: [{ required: ['email'] }, { required: ['externalRef'] }] },
  ),
  output: objectSchema(
    { userId: idSchema, isCreated: { type: 'boolean' } },
    ['userId', 'isCreated'],
    [{ userId: '9873843', isCreated: true }],
  ),
  run,
}

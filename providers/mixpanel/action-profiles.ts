/** Actions on profiles and groups. Only operations that have the same effect when they come twice. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { HubError } from '../../platform/errors.ts'
import type { Action, ProviderContext } from '../contract.ts'
import { objectSchema, propertiesSchema, requireText, text } from './action-input.ts'
import { projectToken } from './call.ts'
import { refusalError, sendUpdates, updateOf } from './profile-write.ts'

const done = objectSchema({ updates: { type: 'integer' } }, ['updates'])

const listValues = {
  type: 'object',
  additionalProperties: { type: 'array', minItems: 1, items: { type: ['string', 'number'] } },
}

const changes = {
  set: { ...propertiesSchema, description: 'Properties and their new values' },
  setOnce: { ...propertiesSchema, description: 'Properties that are set only where they have no value' },
  unset: { type: 'array', items: text(255), description: 'Properties that are removed' },
  union: { ...listValues, description: 'Values that are added to lists where they are not in them' },
  remove: { ...propertiesSchema, description: 'One value per list that is taken out of it' },
}

const profileIdSchema = text(255, { description: 'Mixpanel’s distinct_id' })
const example = { set: { $email: 'ana@example.com', Plan: 'Pro' }, unset: ['Trial ends'] }

/** Mixpanel's operations by the input's words. `$add` and `$append` would count twice when repeated, and are missing. */
const operations: Readonly<Record<string, string>> = {
  set: '$set',
  setOnce: '$set_once',
  unset: '$unset',
  union: '$union',
  remove: '$remove',
}

const isEmpty = (value: JsonValue): boolean =>
  Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0

/** One update per operation: Mixpanel takes one in each. */
function operationsIn(input: JsonObject): JsonObject[] {
  const found = Object.entries(operations).flatMap(([ours, theirs]) => {
    const value = input[ours]
    return value === undefined || isEmpty(value) ? [] : [{ [theirs]: value }]
  })
  if (found.length === 0)
    throw new HubError('InvalidInput', `Nothing to change: give ${Object.keys(operations).join(', ')}`)
  return found
}

async function send(
  context: ProviderContext,
  path: '/engage' | '/groups',
  updates: readonly JsonObject[],
): Promise<JsonObject> {
  const [refusal] = await sendUpdates(context, path, updates)
  if (refusal) throw refusalError(refusal)
  return { updates: updates.length }
}

export const setProfile: Action = {
  name: 'set_profile',
  title: 'Change a profile',
  description: 'Sets and removes properties of a person; makes the profile where there is none.',
  input: objectSchema(
    { profileId: profileIdSchema, ...changes },
    ['profileId'],
    [{ profileId: 'user-4711', ...example }],
  ),
  output: done,
  run(context, input) {
    const token = projectToken(context.settings)
    const id = requireText(input, 'profileId')
    return send(
      context,
      '/engage',
      operationsIn(input).map((operation) => updateOf(token, id, operation)),
    )
  },
}

export const deleteProfile: Action = {
  name: 'delete_profile',
  title: 'Delete a profile',
  description: 'Deletes the profile of a person. The person’s events stay; see erase_user.',
  input: objectSchema({ profileId: profileIdSchema }, ['profileId'], [{ profileId: 'user-4711' }]),
  output: done,
  run(context, input) {
    const removal = { $delete: null, $ignore_alias: true }
    const token = projectToken(context.settings)
    return send(context, '/engage', [updateOf(token, requireText(input, 'profileId'), removal)])
  },
}

const groupFields = {
  groupKey: text(255, { description: 'Which kind of group: company_id' }),
  groupId: text(255, { description: 'Which one of that kind' }),
}

const groupOf = (context: ProviderContext, input: JsonObject): JsonObject => ({
  $token: projectToken(context.settings),
  $group_key: requireText(input, 'groupKey'),
  $group_id: requireText(input, 'groupId'),
})

export const setGroup: Action = {
  name: 'set_group',
  title: 'Change a group',
  description: 'Sets and removes properties of a group (a company, a team); makes it where there is none.',
  input: objectSchema(
    { ...groupFields, ...changes },
    ['groupKey', 'groupId'],
    [{ groupKey: 'company_id', groupId: 'acme', set: { $name: 'Acme', Plan: 'Pro' } }],
  ),
  output: done,
  run(context, input) {
    const group = groupOf(context, input)
    return send(
      context,
      '/groups',
      operationsIn(input).map((operation) => ({ ...group, ...operation })),
    )
  },
}

export const deleteGroup: Action = {
  name: 'delete_group',
  title: 'Delete a group',
  description: 'Deletes the profile of a group.',
  input: objectSchema(groupFields, ['groupKey', 'groupId'], [{ groupKey: 'company_id', groupId: 'acme' }]),
  output: done,
  run: (context, input) => send(context, '/groups', [{ ...groupOf(context, input), $delete: null }]),
}

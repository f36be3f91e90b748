/** Associations between records, and members of static lists. */
import type { JsonObject } from '../../model/json.ts'
import type { Action, ProviderContext } from '../contract.ts'
import {
  idSchema,
  kindIn,
  kindSchema,
  objectSchema,
  requireText,
  textsIn,
  typeOfKind,
} from './action-input.ts'
import { bodyOf } from './answer.ts'
import { link, unlink, type End, type Link } from './association-writes.ts'
import { paths } from './versions.ts'

const pair = {
  fromKind: kindSchema,
  fromId: idSchema,
  toKind: kindSchema,
  toId: idSchema,
  typeId: {
    type: 'integer',
    minimum: 1,
    description: 'Type of a labelled association; the plain one without it',
  },
  category: { type: 'string', enum: ['HUBSPOT_DEFINED', 'USER_DEFINED', 'INTEGRATOR_DEFINED'] },
}
const pairExample = { fromKind: 'contact', fromId: '512', toKind: 'company', toId: '77' }

function endsIn(input: JsonObject): readonly [End, End, Link | undefined] {
  const end = (kind: string, id: string): End => ({
    type: typeOfKind(kindIn(input, kind)).name,
    id: requireText(input, id),
  })
  const { typeId, category } = input
  const as =
    typeof typeId === 'number'
      ? { typeId, category: typeof category === 'string' ? category : 'HUBSPOT_DEFINED' }
      : undefined
  return [end('fromKind', 'fromId'), end('toKind', 'toId'), as]
}

const sameInput = (input: JsonObject): JsonObject => ({ ...input })

const associate: Action = {
  name: 'associate',
  title: 'Associate two records',
  description: 'Associates two records, with a label where a type is given. Other labels between them stay.',
  input: objectSchema(pair, ['fromKind', 'fromId', 'toKind', 'toId'], [pairExample]),
  output: objectSchema({ isAssociated: { type: 'boolean' } }, ['isAssociated'], [{ isAssociated: true }]),
  async run(context, input) {
    const [from, to, as] = endsIn(input)
    await link(context, from, to, as)
    return { isAssociated: true }
  },
  undo: { action: 'dissociate', input: sameInput },
}

const dissociate: Action = {
  name: 'dissociate',
  title: 'End an association',
  description: 'Ends one label between two records, or all that is between them when no type is given.',
  input: objectSchema(pair, ['fromKind', 'fromId', 'toKind', 'toId'], [pairExample]),
  output: objectSchema({ isAssociated: { type: 'boolean' } }, ['isAssociated'], [{ isAssociated: false }]),
  async run(context, input) {
    const [from, to, as] = endsIn(input)
    await unlink(context, from, to, as)
    return { isAssociated: false }
  },
  undo: { action: 'associate', input: sameInput },
}

// --------------------------------------------------------------------------------------------- lists

const members = {
  listId: idSchema,
  // None at all is what the undo of a change without effect asks for.
  recordIds: { type: 'array', items: idSchema, maxItems: 1000, uniqueItems: true },
}
const changed = { type: 'array', items: idSchema }
const memberExample = { listId: '24', recordIds: ['512', '513'] }

/** Answers the ids that HubSpot says it has added or removed; those that were so already are not among them. */
async function change(
  context: ProviderContext,
  input: JsonObject,
  operation: 'add' | 'remove',
): Promise<string[]> {
  const ids = textsIn(input, 'recordIds')
  if (ids.length === 0) return []
  const response = await context.call({
    method: 'PUT',
    path: paths.listChange(requireText(input, 'listId'), operation),
    body: ids,
    group: 'crm',
    repeatable: true,
  })
  // HubSpot's own spelling (OpenAPI Lists 2026-09, MembershipsUpdateResponse).
  const changed = bodyOf(response, 'change of a list')[
    operation === 'add' ? 'recordsIdsAdded' : 'recordIdsRemoved'
  ]
  return Array.isArray(changed) ? changed.map(String) : []
}

const addToList: Action = {
  name: 'add_to_list',
  title: 'Add to a list',
  description:
    'Adds records to a static list. A dynamic list fills itself and refuses. Those that are in it already stay.',
  input: objectSchema(members, ['listId', 'recordIds'], [memberExample]),
  output: objectSchema({ addedIds: changed }, ['addedIds'], [{ addedIds: ['512'] }]),
  async run(context, input) {
    return { addedIds: await change(context, input, 'add') }
  },
  undo: {
    action: 'remove_from_list',
    input: (input, output) => ({ listId: input['listId'] ?? '', recordIds: output['addedIds'] ?? [] }),
  },
}

const removeFromList: Action = {
  name: 'remove_from_list',
  title: 'Remove from a list',
  description: 'Removes records from a static list; they stay in the CRM.',
  input: objectSchema(members, ['listId', 'recordIds'], [memberExample]),
  output: objectSchema({ removedIds: changed }, ['removedIds'], [{ removedIds: ['512'] }]),
  async run(context, input) {
    return { removedIds: await change(context, input, 'remove') }
  },
  undo: {
    action: 'add_to_list',
    input: (input, output) => ({ listId: input['listId'] ?? '', recordIds: output['removedIds'] ?? [] }),
  },
}

export const linkActions: readonly Action[] = [associate, dissociate, addToList, removeFromList]

/** Associations of many records at once, with their labels. */
import type { JsonObject } from '../../model/json.ts'
import type { ProviderContext } from '../contract.ts'
import { afterIn, ask, bodyOf, fieldsIn, idIn, inChunks, objectsIn, rowsIn, type Fields } from './answer.ts'
import { paths } from './versions.ts'

/** One record at the other end, as HubSpot answered it: `{toObjectId, associationTypes: [{category, typeId, label}]}`. */
export interface Associated {
  readonly fromId: string
  readonly to: Fields
}

/** Records asked for in one call; HubSpot takes 1,000. */
const batchSize = 1000

/**
 * `POST crm/associations/…/{from}/{to}/batch/read`. A record without associations is missing from the answer (the call may
 * be answered 207 for it). One with more than fit has a cursor of its own and is asked for again.
 */
export async function readAssociations(
  context: ProviderContext,
  from: string,
  to: string,
  ids: readonly string[],
): Promise<Associated[]> {
  const found: Associated[] = []
  let inputs: JsonObject[] = ids.map((id) => ({ id }))
  while (inputs.length > 0) {
    const more: JsonObject[] = []
    for (const chunk of inChunks(inputs, batchSize)) {
      const response = await ask(context, paths.associationsRead(from, to), { inputs: chunk })
      for (const result of rowsIn(bodyOf(response, 'associations'), 'results')) {
        const fromId = idIn(fieldsIn(result, 'from'), 'id')
        if (fromId === undefined) continue
        for (const one of objectsIn(result, 'to')) found.push({ fromId, to: one })
        const after = afterIn(result)
        if (after !== undefined) more.push({ id: fromId, after })
      }
    }
    inputs = more
  }
  return found
}

/** Ids at the other end by id at this end; each once, in one order. */
export async function associatedIds(
  context: ProviderContext,
  from: string,
  to: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const byId = new Map<string, Set<string>>()
  for (const { fromId, to: one } of await readAssociations(context, from, to, ids)) {
    const toId = idIn(one, 'toObjectId')
    if (toId === undefined) continue
    const set = byId.get(fromId) ?? new Set<string>()
    byId.set(fromId, set.add(toId))
  }
  return new Map([...byId].map(([id, set]) => [id, inOrder(set)]))
}

/** Numeric ids by their size; shorter texts are smaller numbers. */
export const inOrder = (ids: Iterable<string>): string[] =>
  [...ids].sort((a, b) => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0))

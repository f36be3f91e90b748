/** Making and ending associations; both come to the same when they are repeated. */
import type { JsonObject } from '../../model/json.ts'
import type { ProviderContext } from '../contract.ts'
import { ask } from './answer.ts'
import { paths } from './versions.ts'

export interface End {
  /** As in the paths: `contacts`. */
  readonly type: string
  readonly id: string
}

/** A type of association; without one the plain association is meant. */
export interface Link {
  readonly category: string
  readonly typeId: number
}

/** The plain association by `PUT …/associations/default/…`, a labelled one beside it by batch, which keeps other labels. */
export async function link(context: ProviderContext, from: End, to: End, as?: Link): Promise<void> {
  if (!as) {
    await context.call({
      method: 'PUT',
      path: paths.associationDefault(from.type, from.id, to.type, to.id),
      group: 'crm',
      repeatable: true,
    })
    return
  }
  await ask(context, paths.associationsCreate(from.type, to.type), { inputs: [pairOf(from, to, as)] })
}

/** One label, or all that is between the two. */
export async function unlink(context: ProviderContext, from: End, to: End, as?: Link): Promise<void> {
  if (as)
    await ask(context, paths.associationLabelsArchive(from.type, to.type), { inputs: [pairOf(from, to, as)] })
  else
    await ask(context, paths.associationsArchive(from.type, to.type), {
      inputs: [{ from: { id: from.id }, to: [{ id: to.id }] }],
    })
}

const pairOf = (from: End, to: End, { category, typeId }: Link): JsonObject => ({
  from: { id: from.id },
  to: { id: to.id },
  types: [{ associationCategory: category, associationTypeId: typeId }],
})

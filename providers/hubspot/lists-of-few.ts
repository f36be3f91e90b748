/** Owners and pipelines: few of each, read whole in every run. */
import type { Page, Position, ProviderContext, Resource, Row } from '../contract.ts'
import { afterIn, bodyOf, get, idIn, objectsIn, rowsIn, textIn, timeIn } from './answer.ts'
import { ownerMapping, pipelineMapping } from './mapping-lists.ts'
import { ownerSchema, pipelineSchema } from './schemas.ts'
import { paths } from './versions.ts'

const withTeams = (row: Row): Row => ({
  ...row,
  derived: { teams: objectsIn(row, 'teams').flatMap((team) => textIn(team, 'name') ?? []) },
})

/** Position `{after}`. An owner whose user was removed is archived: it is gone from the list, and a scan finds that. */
async function readOwners(context: ProviderContext, position: Position): Promise<Page> {
  const response = await get(context, paths.owners, {
    limit: 100,
    after: textIn(position, 'after'),
    archived: false,
  })
  const body = bodyOf(response, 'owners')
  const after = afterIn(body)
  const rows = rowsIn(body, 'results').map(withTeams)
  return {
    rows,
    next: after === undefined ? {} : { after },
    done: after === undefined,
    readAt: response.readAt,
  }
}

async function ownersById(context: ProviderContext, ids: readonly string[]) {
  const readAt = context.now()
  const rows: Row[] = []
  for (const id of ids) {
    const response = await get(context, `${paths.owners}/${encodeURIComponent(id)}`, {}, [404])
    if (response.status < 400) rows.push(withTeams(bodyOf(response, 'owner')))
  }
  return { rows, readAt }
}

export const owners: Resource = {
  name: 'owners',
  title: 'Owners',
  model: 'owner',
  after: [],
  incremental: false,
  deletions: 'scan',
  schema: ownerSchema,
  volatile: [],
  start: () => ({}),
  readPage: readOwners,
  externalId: (row) => idIn(row, 'id') ?? '',
  updatedAt: (row) => timeIn(row, 'updatedAt'),
  isDeleted: (row) => row['archived'] === true,
  getMany: ownersById,
  mapping: ownerMapping,
}

/** What goes through pipelines, as the paths and the model call it. */
const piped = [
  { type: 'deals', objectType: 'deal' },
  { type: 'tickets', objectType: 'ticket' },
] as const

/** All pipelines of an object type; the answer has no pages. */
export async function pipelinesOf(
  context: ProviderContext,
  of: (typeof piped)[number],
): Promise<{ readonly rows: readonly Row[]; readonly readAt: Date }> {
  // Tickets have a scope of their own, which a connection may do without: it has no ticket pipelines then.
  const response = await get(context, paths.pipelines(of.type), {}, of.type === 'tickets' ? [403] : [])
  if (response.status === 403) return { rows: [], readAt: response.readAt }
  const rows = rowsIn(bodyOf(response, `${of.type} pipelines`), 'results')
  return {
    rows: rows.map((row) => ({ ...row, derived: { object_type: of.objectType } })),
    readAt: response.readAt,
  }
}

/** Position `{place}` in `piped`. */
async function readPipelines(context: ProviderContext, position: Position): Promise<Page> {
  const place = typeof position['place'] === 'number' ? position['place'] : 0
  const of = piped[place]
  if (!of) return { rows: [], next: {}, done: true, readAt: context.now() }
  const done = place + 1 >= piped.length
  return { ...(await pipelinesOf(context, of)), next: done ? {} : { place: place + 1 }, done }
}

async function pipelinesById(context: ProviderContext, ids: readonly string[]) {
  const readAt = context.now()
  if (ids.length === 0) return { rows: [], readAt }
  const all = await Promise.all(piped.map((of) => pipelinesOf(context, of)))
  const rows = all.flatMap((each) => each.rows).filter((row) => ids.includes(idIn(row, 'id') ?? ''))
  return { rows, readAt }
}

export const pipelines: Resource = {
  name: 'pipelines',
  title: 'Pipelines of deals and tickets',
  model: 'pipeline',
  after: [],
  incremental: false,
  deletions: 'scan',
  schema: pipelineSchema,
  volatile: [],
  start: () => ({}),
  readPage: readPipelines,
  externalId: (row) => idIn(row, 'id') ?? '',
  updatedAt: (row) => timeIn(row, 'updatedAt'),
  isDeleted: (row) => row['archived'] === true,
  getMany: pipelinesById,
  mapping: pipelineMapping,
}

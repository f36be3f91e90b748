/** What Mixpanel gives as one list: funnels, experiments, annotations. */
import type { Page, Position, ProviderContext, Resource, Row, Settings } from '../contract.ts'
import { idText, isFields, resultsOf, rowsOf, textIn } from './answer.ts'
import { callApp, getQuery, projectId } from './call.ts'
import { annotationMapping, experimentMapping, funnelMapping } from './mapping.ts'
import { annotationSchema, experimentSchema, funnelSchema } from './schemas.ts'
import { withZone } from './times.ts'

interface List {
  readonly rows: Row[]
  readonly readAt: Date
}

type Kind = Pick<
  Resource,
  'name' | 'title' | 'model' | 'schema' | 'volatile' | 'mapping' | 'externalId' | 'updatedAt'
>

/** A resource that is read whole each time, in one call. */
const listed = (
  kind: Kind & Partial<Resource>,
  list: (context: ProviderContext) => Promise<List>,
): Resource => ({
  after: [],
  incremental: false,
  deletions: 'scan',
  start: (): Position => ({}),
  async readPage(context): Promise<Page> {
    const { rows, readAt } = await list(context)
    return { rows, next: {}, done: true, readAt }
  },
  ...kind,
})

/** Saved funnels. One query. */
export async function listFunnels(context: ProviderContext): Promise<List> {
  const response = await getQuery(context, '/funnels/list')
  return { rows: rowsOf(response.body, 'funnels'), readAt: response.readAt }
}

export const funnels = listed(
  {
    name: 'funnels',
    title: 'Funnels',
    model: 'report',
    schema: funnelSchema,
    volatile: [],
    externalId: (row) => idText(row['funnel_id']) ?? '',
    updatedAt: () => undefined,
    mapping: funnelMapping,
  },
  listFunnels,
)

/** Some of the list by id: all are read, which costs one call of the App API. */
const someOf =
  (list: (context: ProviderContext) => Promise<List>): NonNullable<Resource['getMany']> =>
  async (context, ids) => {
    if (ids.length === 0) return { rows: [], readAt: context.now() }
    const wanted = new Set(ids)
    const { rows, readAt } = await list(context)
    return { rows: rows.filter((row) => wanted.has(idText(row['id']) ?? '')), readAt }
  }

/** Path of the experiments of the connection's workspace; undefined where none was given. */
export const experimentsPath = (settings: Settings): string | undefined =>
  settings['workspace_id'] ? `/workspaces/${settings['workspace_id']}/experiments` : undefined

/** Experiments, those in the bin included. Costs none of the hour's queries. */
export async function listExperiments(context: ProviderContext): Promise<List> {
  const path = experimentsPath(context.settings)
  if (path === undefined) return { rows: [], readAt: context.now() }
  const response = await callApp(context, { method: 'GET', path })
  const rows = rowsOf(resultsOf(response, 'experiments'), 'experiments')
  return { rows: rows.map(withVariants), readAt: response.readAt }
}

/** Names of the variants: what an element of `variants` looks like is not documented, so `name` or `key` is taken. */
function withVariants(row: Row): Row {
  const variants: readonly unknown[] = Array.isArray(row['variants']) ? row['variants'] : []
  const names = variants.flatMap(
    (one) => idText(one) ?? (isFields(one) ? (textIn(one, 'name') ?? textIn(one, 'key') ?? []) : []),
  )
  return { ...row, derived: { variants: names } }
}

export const experiments = listed(
  {
    name: 'experiments',
    title: 'Experiments',
    model: 'experiment',
    schema: experimentSchema,
    // Counts that Mixpanel computes anew, and what the asking account may do.
    volatile: [
      'exposures_cache',
      'results_cache',
      'can_share',
      'can_update_basic',
      'can_update_restricted',
      'can_update_visibility',
      'can_view',
      'is_favorited',
      'is_superadmin',
    ],
    externalId: (row) => idText(row['id']) ?? '',
    updatedAt: (row) => textIn(row, 'modified'),
    isDeleted: (row) => textIn(row, 'deleted') !== undefined,
    mapping: experimentMapping,
    getMany: someOf(listExperiments),
  },
  listExperiments,
)

export const annotationsPath = (settings: Settings): string => `/projects/${projectId(settings)}/annotations`

async function listAnnotations(context: ProviderContext): Promise<List> {
  const response = await callApp(context, { method: 'GET', path: annotationsPath(context.settings) })
  const rows = rowsOf(resultsOf(response, 'annotations'), 'annotations')
  return { rows: rows.map((row) => withZone(row, context.settings)), readAt: response.readAt }
}

export const annotations = listed(
  {
    name: 'annotations',
    title: 'Annotations',
    model: 'annotation',
    schema: annotationSchema,
    volatile: [],
    externalId: (row) => idText(row['id']) ?? '',
    updatedAt: () => undefined,
    mapping: annotationMapping,
    getMany: someOf(listAnnotations),
  },
  listAnnotations,
)

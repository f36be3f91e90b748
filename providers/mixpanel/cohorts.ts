/** Cohorts, and who is in them. */
import { isHubError } from '../../platform/errors.ts'
import type { Page, Position, ProviderContext, Resource, Row } from '../contract.ts'
import { idText, rowsOf } from './answer.ts'
import { postQuery } from './call.ts'
import { placeIn, readEngage, type EngagePage } from './engage.ts'
import { cohortMapping, memberMapping } from './mapping.ts'
import { cohortSchema, memberSchema } from './schemas.ts'
import { withZone } from './times.ts'

/** All cohorts. One query. */
export async function listCohorts(context: ProviderContext): Promise<{ rows: Row[]; readAt: Date }> {
  const response = await postQuery(context, '/cohorts/list')
  return { rows: rowsOf(response.body, 'cohorts'), readAt: response.readAt }
}

export const cohorts: Resource = {
  name: 'cohorts',
  title: 'Cohorts',
  model: 'segment',
  after: [],
  incremental: false,
  deletions: 'scan',
  schema: cohortSchema,
  volatile: [],
  start: () => ({}),
  async readPage(context): Promise<Page> {
    const { rows, readAt } = await listCohorts(context)
    return { rows: rows.map((row) => withZone(row, context.settings)), next: {}, done: true, readAt }
  },
  externalId: (row) => idText(row['id']) ?? '',
  updatedAt: () => undefined,
  mapping: cohortMapping,
}

/** The question for the members of a cohort. Ids without a profile count too; properties are the profiles' business. */
export const membersOf = (cohortId: string): Readonly<Record<string, string>> => ({
  filter_by_cohort: `{"id":${cohortId}}`,
  include_all_users: 'true',
  output_properties: '["$last_seen"]',
})

const chosenIds = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((id) => id.trim())
    .filter((id) => /^\d+$/.test(id))

/** Rows without a readable id are told besides: their members will be missing. */
async function cohortIds(
  context: ProviderContext,
): Promise<{ ids: string[]; unreadable: Row[]; readAt: Date }> {
  const { rows, readAt } = await listCohorts(context)
  const chosen = chosenIds(context.settings['cohort_ids'])
  const ids = rows.flatMap((row) => idText(row['id']) ?? []).filter((id) => /^\d+$/.test(id))
  const unreadable = rows.filter((row) => idText(row['id']) === undefined).map(() => ({ cohort_id: null }))
  return { unreadable, ids: chosen.length === 0 ? ids : ids.filter((id) => chosen.includes(id)), readAt }
}

const waitingIn = (position: Position): string[] | undefined => {
  const waiting = position['cohorts']
  return Array.isArray(waiting) ? waiting.flatMap((id) => idText(id) ?? []) : undefined
}

/** Members of one cohort; undefined when the cohort is gone meanwhile. */
async function readMembers(
  context: ProviderContext,
  id: string,
  position: Position,
): Promise<EngagePage | undefined> {
  try {
    return await readEngage(context, membersOf(id), placeIn(position))
  } catch (error) {
    if (!isHubError(error, 'NotFound') && !isHubError(error, 'Invalid')) throw error
    // How Mixpanel refuses a cohort that is gone is not documented: the list tells whether it is.
    const { ids } = await cohortIds(context)
    if (ids.includes(id)) throw error
    return undefined
  }
}

/** The first page lists the cohorts and has no rows; each one after it is a page of one cohort's members. */
async function readPage(context: ProviderContext, position: Position): Promise<Page> {
  const waiting = waitingIn(position)
  if (!waiting) {
    const { ids, unreadable, readAt } = await cohortIds(context)
    return {
      rows: unreadable,
      next: ids.length === 0 ? {} : { cohorts: ids },
      done: ids.length === 0,
      readAt,
    }
  }
  const [id, ...others] = waiting
  if (id === undefined) return { rows: [], next: {}, done: true, readAt: context.now() }
  const read = await readMembers(context, id, position)
  const rows = (read?.rows ?? []).map((row) => ({ cohort_id: id, $distinct_id: row['$distinct_id'] ?? null }))
  const done = !read?.next && others.length === 0
  return {
    rows,
    next: done ? {} : read?.next ? { cohorts: waiting, ...read.next } : { cohorts: others },
    done,
    readAt: read?.readAt ?? context.now(),
  }
}

export const cohortMembers: Resource = {
  name: 'cohort_members',
  title: 'Members of cohorts',
  model: 'membership',
  after: ['cohorts', 'profiles'],
  incremental: false,
  deletions: 'scan',
  schema: memberSchema,
  volatile: [],
  start: () => ({}),
  readPage,
  externalId: (row) => `${idText(row['cohort_id']) ?? ''}:${idText(row['$distinct_id']) ?? ''}`,
  updatedAt: () => undefined,
  mapping: memberMapping,
}

/**
 * Customer satisfaction in its two forms: legacy ratings (good, bad) and the responses of the newer CSAT survey. Only one
 * is active in an account at a time; each is read by its own resource, and the inactive one is empty.
 */
import type { Page, Position, ProviderContext, Resource, Row } from '../contract.ts'
import {
  bodyOf,
  get,
  idText,
  isFields,
  numberIn,
  objectIn,
  positionNumber,
  positionText,
  readCount,
  textIn,
  timeIn,
} from './answer.ts'
import type { Fields, Query } from './answer.ts'
import type { Group } from './limits.ts'
import { ratingMapping, surveyMapping } from './mapping.ts'
import { readList, type ListPage } from './paging.ts'
import { ratingSchema, surveyResponseSchema } from './schemas.ts'

/**
 * Both lists filter by creation, but a customer may answer, or answer anew, for some weeks after the survey was offered
 * (a solved ticket closes after at most 28 days): an incremental read goes back this far.
 */
const editableDays = 35
const daySeconds = 86_400

/** Not on this plan, switched off, or another CSAT active: 403 or 404. */
const inactive = [403, 404]

export type CsatVariant = 'legacy' | 'survey'

interface CsatList {
  readonly group: Group
  readonly path: string
  readonly key: string
  /** Filter for what was created in [from, to), seconds since 1970; `to` undefined is open. */
  filter(from: number, to: number | undefined): Query
}

const csatLists: Readonly<Record<CsatVariant, CsatList>> = {
  legacy: {
    group: 'support',
    path: '/api/v2/satisfaction_ratings',
    key: 'satisfaction_ratings',
    filter: (from, to) => ({ start_time: from > 0 ? from : undefined, end_time: to }),
  },
  survey: {
    // Not said which budget pays for it; /api/v2/guide belongs to Help Center.
    group: 'help_center',
    path: '/api/v2/guide/survey_responses',
    key: 'survey_responses',
    // Milliseconds here, seconds there (csat_survey_responses page, read 2026-11-23).
    filter: (from, to) => ({
      'page[size]': 50,
      'filter[created_at_start]': from > 0 ? from * 1000 : undefined,
      'filter[created_at_end]': to === undefined ? undefined : to * 1000,
    }),
  },
}

/** One page of ratings or responses created in the given span of seconds. `status` 403 or 404: not active. */
export async function readCsat(
  context: ProviderContext,
  variant: CsatVariant,
  span: { readonly from: number; readonly to?: number },
  after: string | undefined,
): Promise<ListPage> {
  const list = csatLists[variant]
  const page = await readList(
    context,
    list.group,
    list.path,
    list.key,
    list.filter(span.from, span.to),
    after,
    inactive,
  )
  return variant === 'survey' ? { ...page, rows: page.rows.map(withDerived) } : page
}

/** Position: `since` (filter), `began` (when this read began), `after` (cursor within it). */
async function readCsatPage(
  context: ProviderContext,
  variant: CsatVariant,
  position: Position,
): Promise<Page> {
  const since = positionNumber(position, 'since') ?? 0
  const began = positionNumber(position, 'began') ?? Math.floor(context.now().getTime() / 1000)
  const page = await readCsat(context, variant, { from: since }, positionText(position, 'after'))
  if (page.status >= 400) return { rows: [], next: { since }, done: true, readAt: page.readAt }
  const done = page.after === undefined
  const next: Position =
    page.after === undefined
      ? { since: Math.max(0, began - editableDays * daySeconds) }
      : { since, began, after: page.after }
  return { rows: page.rows, next, done, readAt: page.readAt }
}

// ------------------------------------------------------------------------------ what a response says

function answersOf(row: Row): Fields[] {
  const answers = row['answers']
  return Array.isArray(answers) ? answers.filter(isFields) : []
}

const questionOf = (answer: Fields): Fields => (isFields(answer['question']) ? answer['question'] : {})

/** Is this the answer to the satisfaction question itself? */
const isRating = (answer: Fields): boolean =>
  answer['type'] === 'rating_scale' && numberIn(answer, 'rating') !== undefined

/** The label of a chosen option where the answer carries it, else the option's id. */
function reasonOf(answer: Fields): string | undefined {
  const selections: unknown[] = Array.isArray(answer['selections']) ? answer['selections'] : []
  const options: unknown[] = Array.isArray(questionOf(answer)['options'])
    ? (questionOf(answer)['options'] as unknown[])
    : []
  for (const selection of selections) {
    const id = isFields(selection) ? idText(selection['option_id']) : undefined
    if (id === undefined) continue
    const option = options.find((each) => isFields(each) && idText(each['id']) === id)
    const label = isFields(option) && isFields(option['label']) ? textIn(option['label'], 'value') : undefined
    return label ?? id
  }
  return undefined
}

/** The ticket among the subjects: `zen:ticket:99`. */
function ticketOf(row: Row): string | undefined {
  const names = row['subject_zrns']
  for (const name of Array.isArray(names) ? names : []) {
    const match = typeof name === 'string' ? /^(?:zen|zrn):ticket:(\d+)$/.exec(name) : null
    if (match?.[1] !== undefined) return match[1]
  }
  return undefined
}

/** What a survey response says, read out of its answers; null where it says nothing. */
export interface DerivedCsat {
  readonly ticket_id: string | null
  readonly rating: string | null
  /** `good` or `bad`, as Zendesk classes the rating. */
  readonly category: string | null
  readonly comment: string | null
  readonly reason: string | null
  readonly created_at: string | null
  readonly updated_at: string | null
}

/** Reads a survey response's answers (shape: csat_survey_responses page, read 2026-11-23). */
export function deriveCsat(row: Row): DerivedCsat {
  const answers = answersOf(row)
  const rating =
    answers.find(
      (answer) => isRating(answer) && textIn(questionOf(answer), 'sub_type') === 'customer_satisfaction',
    ) ?? answers.find(isRating)
  const closed = answers.find((answer) => answer['type'] === 'closed_ended')
  const open = answers.find(
    (answer) => answer['type'] === 'open_ended' && textIn(answer, 'value') !== undefined,
  )
  const times = (key: string): string[] => answers.flatMap((answer) => timeIn(answer, key) ?? []).sort()
  const value = rating === undefined ? undefined : numberIn(rating, 'rating')
  return {
    ticket_id: ticketOf(row) ?? null,
    rating: value === undefined ? null : String(value),
    category: (rating && textIn(rating, 'rating_category')) ?? null,
    comment: (open && textIn(open, 'value')) ?? null,
    reason: (closed && reasonOf(closed)) ?? null,
    created_at: times('created_at')[0] ?? null,
    updated_at: times('updated_at').at(-1) ?? null,
  }
}

function withDerived(row: Row): Row {
  return { ...row, derived: deriveCsat(row) }
}

/**
 * Which CSAT is active. `active_features.customer_satisfaction` in the account's settings is the legacy feature (account
 * settings reference; account.openapi.yaml); where it is off, the survey is asked. Undefined: neither.
 */
export async function activeCsat(context: ProviderContext): Promise<CsatVariant | undefined> {
  const settings = await get(context, 'support', '/api/v2/account/settings', {}, [403])
  if (settings.status < 400) {
    const features = objectIn(bodyOf(settings, 'account settings'), 'settings')['active_features']
    if (isFields(features) && features['customer_satisfaction'] === true) return 'legacy'
  }
  const { path, group } = csatLists.survey
  const survey = await get(context, group, path, { 'page[size]': 1 }, inactive)
  return survey.status < 400 ? 'survey' : undefined
}

// ----------------------------------------------------------------------------------------- resources

export const satisfactionRatings: Resource = {
  name: 'satisfaction_ratings',
  title: 'Satisfaction ratings (legacy CSAT)',
  model: 'satisfaction',
  after: ['tickets'],
  incremental: true,
  deletions: 'none',
  schema: ratingSchema,
  volatile: [],
  start: () => ({ since: 0 }),
  readPage: (context, position) => readCsatPage(context, 'legacy', position),
  externalId: (row) => idText(row['id']) ?? '',
  updatedAt: (row) => timeIn(row, 'updated_at'),
  count: (context) => readCount(context, '/api/v2/satisfaction_ratings/count'),
  mapping: ratingMapping,
}

export const surveyResponses: Resource = {
  name: 'survey_responses',
  title: 'CSAT survey responses',
  model: 'satisfaction',
  after: ['tickets'],
  incremental: true,
  deletions: 'none',
  schema: surveyResponseSchema,
  volatile: [],
  start: () => ({ since: 0 }),
  readPage: (context, position) => readCsatPage(context, 'survey', position),
  externalId: (row) => idText(row['id']) ?? '',
  updatedAt: (row) => {
    const derived = row['derived']
    return isFields(derived) ? timeIn(derived, 'updated_at') : undefined
  },
  mapping: surveyMapping,
}

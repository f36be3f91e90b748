/** Cohorts, their members, and experiments. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { Report } from '../contract.ts'
import { idSchema, objectSchema, optionalNumber, requireText } from './action-input.ts'
import { fieldsIn, idText, numberIn, textIn } from './answer.ts'
import { workspaceId } from './call.ts'
import { listCohorts, membersOf } from './cohorts.ts'
import { readEngage, type EngagePlace } from './engage.ts'
import { listExperiments } from './lists.ts'
import { hour, quarterHour } from './report-input.ts'
import { localMoment } from './times.ts'

const textOrNull = { type: ['string', 'null'] }

export const cohortList: Report = {
  name: 'cohorts',
  title: 'Cohorts',
  description: 'All cohorts with their sizes. Costs one query of the hour’s 60.',
  input: objectSchema({}, [], [{}]),
  output: objectSchema(
    {
      cohorts: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id', 'name', 'size', 'description', 'createdAt'],
          properties: {
            id: { type: 'string' },
            name: { type: 'string' },
            size: { type: 'integer' },
            description: textOrNull,
            createdAt: textOrNull,
          },
        },
      },
    },
    ['cohorts'],
  ),
  cacheSeconds: quarterHour,
  async run(context) {
    const { rows } = await listCohorts(context)
    return {
      cohorts: rows.map((row) => ({
        id: idText(row['id']) ?? '',
        name: textIn(row, 'name') ?? '',
        size: numberIn(row, 'count') ?? 0,
        description: textIn(row, 'description') ?? null,
        createdAt: localMoment(textIn(row, 'created'), context.settings) ?? null,
      })),
    }
  },
}

/** A query per thousand members: a bound, so that one question cannot eat the hour. */
const mostMembers = 5_000

export const cohortMemberList: Report = {
  name: 'cohort_members',
  title: 'Members of a cohort',
  description:
    'Who is in a cohort. Costs one query of the hour’s 60 per thousand members; for large cohorts sync cohort_members instead.',
  input: objectSchema(
    { cohortId: idSchema, limit: { type: 'integer', minimum: 1, maximum: mostMembers, default: 1_000 } },
    ['cohortId'],
    [{ cohortId: '1200001' }],
  ),
  output: objectSchema(
    {
      profileIds: { type: 'array', items: { type: 'string' } },
      isComplete: { type: 'boolean', description: 'False when there are more than were asked for' },
    },
    ['profileIds', 'isComplete'],
  ),
  cacheSeconds: hour,
  async run(context, input) {
    const limit = optionalNumber(input, 'limit') ?? 1_000
    const question = membersOf(requireText(input, 'cohortId'))
    const found = new Set<string>()
    let place: EngagePlace | undefined
    do {
      const page = await readEngage(context, question, place)
      for (const row of page.rows) {
        const id = idText(row['$distinct_id'])
        if (id !== undefined) found.add(id)
      }
      place = page.next
    } while (place && found.size < limit)
    const ids = [...found]
    return { profileIds: ids.slice(0, limit), isComplete: !place && ids.length <= limit }
  },
}

const statuses: Readonly<Record<string, string>> = { success: 'succeeded', fail: 'failed' }
const asJson = (value: unknown): JsonObject => (isJsonObject(value) ? value : {})

export const experimentList: Report = {
  name: 'experiments',
  title: 'Experiments',
  description:
    'Experiments with the exposures and results that Mixpanel computed last. Costs none of the hour’s queries; needs the workspace id.',
  input: objectSchema(
    { status: { type: 'string', enum: ['draft', 'active', 'concluded', 'succeeded', 'failed'] } },
    [],
    [{ status: 'active' }],
  ),
  output: objectSchema(
    {
      experiments: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id', 'name', 'status', 'variants', 'startedAt', 'endedAt', 'exposures', 'results'],
          properties: {
            id: { type: 'string' },
            name: { type: 'string' },
            status: { type: 'string' },
            variants: { type: 'array', items: { type: 'string' } },
            startedAt: textOrNull,
            endedAt: textOrNull,
            exposures: { type: 'object' },
            results: { type: 'object' },
          },
        },
      },
    },
    ['experiments'],
  ),
  cacheSeconds: 300,
  async run(context, input) {
    workspaceId(context.settings)
    const { rows } = await listExperiments(context)
    const experiments = rows
      .filter((row) => textIn(row, 'deleted') === undefined)
      .map((row) => ({
        id: idText(row['id']) ?? '',
        name: textIn(row, 'name') ?? '',
        status: statuses[textIn(row, 'status') ?? ''] ?? textIn(row, 'status') ?? '',
        variants: (fieldsIn(row, 'derived')['variants'] ?? []) as JsonValue,
        startedAt: textIn(row, 'start_date') ?? null,
        endedAt: textIn(row, 'end_date') ?? null,
        exposures: asJson(row['exposures_cache']),
        results: asJson(row['results_cache']),
      }))
    const wanted = input['status']
    return {
      experiments: wanted === undefined ? experiments : experiments.filter(({ status }) => status === wanted),
    }
  },
}

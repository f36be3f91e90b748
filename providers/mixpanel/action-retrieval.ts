/** What Mixpanel holds of people, for those who ask for their data under GDPR and CCPA (gdpr.openapi.yaml). */
import type { Action, Report } from '../contract.ts'
import { endedStates } from './action-erasure.ts'
import { objectSchema, optionalText, requireText, text } from './action-input.ts'
import { bodyOf, fieldsIn, protocolError, textIn } from './answer.ts'
import { callApp, projectToken } from './call.ts'

const path = '/data-retrievals/v3.0'

/** A second request makes a second file of the same data; so the action may be repeated. */
export const retrieveUser: Action = {
  name: 'retrieve_user',
  title: 'Retrieve people’s data',
  description:
    'Asks Mixpanel for a file of all that it holds of people, which takes it days; retrieval_status tells where the file is.',
  input: objectSchema(
    {
      profileIds: { type: 'array', minItems: 1, maxItems: 1_000, items: text(255) },
      law: { type: 'string', enum: ['GDPR', 'CCPA'], default: 'GDPR' },
      disclosure: {
        type: 'string',
        enum: ['Data', 'Categories', 'Sources'],
        description: 'For CCPA: what is disclosed; left out: the data',
      },
    },
    ['profileIds'],
    [{ profileIds: ['user-4711'] }],
  ),
  output: objectSchema({ trackingId: { type: 'string' } }, ['trackingId']),
  async run(context, input) {
    const law = optionalText(input, 'law') ?? 'GDPR'
    const disclosure = optionalText(input, 'disclosure') ?? (law === 'CCPA' ? 'Data' : undefined)
    const response = await callApp(context, {
      method: 'POST',
      path,
      query: { token: projectToken(context.settings) },
      body: {
        distinct_ids: input['profileIds'] ?? [],
        compliance_type: law,
        ...(disclosure === undefined ? {} : { disclosure_type: disclosure }),
      },
      repeatable: true,
    })
    const trackingId = textIn(fieldsIn(bodyOf(response, 'retrieval'), 'results'), 'task_id')
    if (trackingId === undefined) throw protocolError('a retrieval without a task id')
    return { trackingId }
  },
}

export const retrievalStatus: Report = {
  name: 'retrieval_status',
  title: 'Status of a retrieval',
  description:
    'How a request for people’s data stands, and where the file is. Costs none of the hour’s queries.',
  input: objectSchema({ trackingId: text(255) }, ['trackingId'], [{ trackingId: '1765000000000000000' }]),
  output: objectSchema(
    {
      status: { type: 'string' },
      isOver: { type: 'boolean' },
      file: { type: ['string', 'null'], description: 'Address of the file, once it is made' },
    },
    ['status', 'isOver', 'file'],
  ),
  cacheSeconds: 0,
  async run(context, input) {
    const response = await callApp(context, {
      method: 'GET',
      path: `${path}/${encodeURIComponent(requireText(input, 'trackingId'))}`,
      query: { token: projectToken(context.settings) },
    })
    const job = fieldsIn(bodyOf(response, 'retrieval'), 'results')
    const status = textIn(job, 'status') ?? 'UNKNOWN'
    return { status, isOver: endedStates.has(status), file: textIn(job, 'results') ?? null }
  },
}

/** Erasing people under GDPR and CCPA (gdpr.openapi.yaml). */
import type { Action, Report } from '../contract.ts'
import { objectSchema, optionalText, requireText, text } from './action-input.ts'
import { bodyOf, fieldsIn, protocolError, textIn } from './answer.ts'
import { callApp, projectToken } from './call.ts'

const path = '/data-deletions/v3.0'

/** A second request for the same people erases nothing more; so the action may be repeated. */
export const eraseUser: Action = {
  name: 'erase_user',
  title: 'Erase people',
  description:
    'Asks Mixpanel to erase people with all their events and profiles, which takes it days; erasure_status tells how it stands.',
  input: objectSchema(
    {
      profileIds: { type: 'array', minItems: 1, maxItems: 1_000, items: text(255) },
      law: { type: 'string', enum: ['GDPR', 'CCPA'], default: 'GDPR' },
    },
    ['profileIds'],
    [{ profileIds: ['user-4711'] }],
  ),
  output: objectSchema({ trackingId: { type: 'string' } }, ['trackingId']),
  async run(context, input) {
    const response = await callApp(context, {
      method: 'POST',
      path,
      query: { token: projectToken(context.settings) },
      body: {
        distinct_ids: input['profileIds'] ?? [],
        compliance_type: optionalText(input, 'law') ?? 'GDPR',
      },
      repeatable: true,
    })
    const trackingId = textIn(fieldsIn(bodyOf(response, 'erasure'), 'results'), 'task_id')
    if (trackingId === undefined) throw protocolError('an erasure without a task id')
    return { trackingId }
  },
  undo: {
    action: 'cancel_erasure',
    input: (_input, output) => ({ trackingId: output['trackingId'] ?? '' }),
  },
}

export const cancelErasure: Action = {
  name: 'cancel_erasure',
  title: 'Cancel an erasure',
  description:
    'Takes a request to erase people back, as long as Mixpanel has not done it. One that is over or unknown is no error.',
  input: objectSchema({ trackingId: text(255) }, ['trackingId'], [{ trackingId: '1765000000000000000' }]),
  output: objectSchema({ cancelled: { type: 'boolean' } }, ['cancelled']),
  async run(context, input) {
    const response = await callApp(context, {
      method: 'DELETE',
      path: `${path}/${encodeURIComponent(requireText(input, 'trackingId'))}`,
      query: { token: projectToken(context.settings) },
      repeatable: true,
      // How a job that is over is refused is not documented.
      accept: [400, 404],
    })
    return { cancelled: response.status < 300 }
  },
}

/** A job's states that do not change again. */
export const endedStates = new Set(['SUCCESS', 'FAILURE', 'REVOKED', 'NOT_FOUND'])

export const erasureStatus: Report = {
  name: 'erasure_status',
  title: 'Status of an erasure',
  description: 'How a request to erase people stands. Costs none of the hour’s queries.',
  input: objectSchema({ trackingId: text(255) }, ['trackingId'], [{ trackingId: '1765000000000000000' }]),
  output: objectSchema(
    {
      status: { type: 'string' },
      isOver: { type: 'boolean' },
      requestedAt: { type: ['string', 'null'] },
      people: { type: 'integer' },
    },
    ['status', 'isOver', 'requestedAt', 'people'],
  ),
  cacheSeconds: 0,
  async run(context, input) {
    const response = await callApp(context, {
      method: 'GET',
      path: `${path}/${encodeURIComponent(requireText(input, 'trackingId'))}`,
      query: { token: projectToken(context.settings) },
    })
    const job = fieldsIn(bodyOf(response, 'erasure'), 'results')
    const status = textIn(job, 'status') ?? 'UNKNOWN'
    const people = job['distinct_ids']
    return {
      status,
      isOver: endedStates.has(status),
      requestedAt: textIn(job, 'date_requested') ?? null,
      people: Array.isArray(people) ? people.length : 0,
    }
  },
}

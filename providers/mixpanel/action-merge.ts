/** Two ids of one person become one: the event `$merge` (identity.openapi.yaml), in projects with the original merge. */
import { HubError } from '../../platform/errors.ts'
import type { Action } from '../contract.ts'
import { objectSchema, requireText, text } from './action-input.ts'
import { projectToken } from './call.ts'
import { importEvents } from './import-events.ts'

export const mergeProfiles: Action = {
  name: 'merge_profiles',
  title: 'Merge two people',
  description:
    'Makes two ids one person, for good: Mixpanel has no way back. Only in projects with the original ID merge; elsewhere give track_event a device id and a user id.',
  input: objectSchema(
    { profileId: text(255), otherId: text(255) },
    ['profileId', 'otherId'],
    [{ profileId: 'user-4711', otherId: 'lead-12' }],
  ),
  output: objectSchema({ merged: { type: 'boolean' } }, ['merged']),
  /** Those who are one already are one after a repetition, too. */
  async run(context, input) {
    const ids = [requireText(input, 'profileId'), requireText(input, 'otherId')]
    if (ids[0] === ids[1])
      throw new HubError('InvalidInput', 'Two different ids are needed', {
        fields: [{ pointer: '/otherId', detail: 'is the same id' }],
      })
    const merge = {
      event: '$merge',
      properties: { $distinct_ids: ids, token: projectToken(context.settings) },
    }
    const {
      failed: [refusal],
    } = await importEvents(context, [merge])
    if (refusal) throw new HubError('Invalid', `Mixpanel refused the merge: ${refusal.message}`)
    return { merged: true }
  },
}

import type { HealthCheck } from '../contract.ts'
import { bodyOf, fieldsIn, get, protocolError, rowsOf, textIn } from './answer.ts'

/** The user of the token: one who does not see every record is a fact worth showing and no failure. */
export const health: HealthCheck = {
  async check(context) {
    const [me] = rowsOf(
      bodyOf(await get(context, '/crm/v8/users', { type: 'CurrentUser' }), 'users'),
      'users',
    )
    if (!me) throw protocolError('nobody is the current user')
    const profile = textIn(fieldsIn(me, 'profile'), 'name') ?? 'unknown profile'
    return {
      proves: `signed in as ${textIn(me, 'full_name') ?? 'a user without name'} (${profile})`,
      facts: { profile, dataCentre: context.settings['data_center'] ?? '' },
    }
  },
}

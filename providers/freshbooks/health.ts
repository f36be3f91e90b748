import { HubError } from '../../platform/errors.ts'
import type { HealthCheck } from '../contract.ts'
import { accountOf } from './answer.ts'
import { readMe } from './me.ts'

/** `users/me`, and whether the user still belongs to the business. */
export const health: HealthCheck = {
  async check(context) {
    const account = accountOf(context.settings)
    const { name, businesses } = await readMe(context)
    const business = businesses.find(({ accountId }) => accountId === account)
    if (!business)
      throw new HubError(
        'Forbidden',
        `The FreshBooks user does not belong to the business ${account} any more.`,
      )
    return {
      proves: `signed in to "${business.name}" as ${name} (${business.role})`,
      facts: { accountId: account, role: business.role },
    }
  },
}

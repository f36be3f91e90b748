import type { HealthCheck } from '../contract.ts'
import { HubError } from '../../platform/errors.ts'
import { bodyOf, get, idText, isFields, objectIn, textIn } from './answer.ts'

/**
 * `users/me` proves the credential: a wrong one is answered 200 with an anonymous user whose id is null (fact sheet
 * §9). `account/settings` proves admin rights, which the incremental exports need.
 */
export const health: HealthCheck = {
  async check(context) {
    const me = await get(context, 'support', '/api/v2/users/me')
    const user = objectIn(bodyOf(me, 'users/me'), 'user')
    if (idText(user['id']) === undefined) {
      throw new HubError(
        'Unauthorized',
        'Zendesk does not know this email address and API token: it answered as to an anonymous visitor',
      )
    }
    const settings = await get(context, 'support', '/api/v2/account/settings', {}, [403])
    if (settings.status === 403) {
      throw new HubError(
        'Forbidden',
        'The Zendesk user is no admin; the incremental exports and account settings answer admins only',
      )
    }
    const account = objectIn(bodyOf(settings, 'account settings'), 'settings')
    const features = isFields(account['active_features']) ? account['active_features'] : {}
    const perMinute = Number(settings.headers['x-rate-limit'] ?? Number.NaN)
    const role = textIn(user, 'role') ?? 'unknown role'
    return {
      proves: `signed in as ${textIn(user, 'name') ?? 'a user without name'} (${role}) with admin rights`,
      facts: {
        role,
        subdomain: context.settings['subdomain'] ?? '',
        legacyCsat: features['customer_satisfaction'] === true,
        callsPerMinute: Number.isFinite(perMinute) ? perMinute : null,
      },
    }
  },
}

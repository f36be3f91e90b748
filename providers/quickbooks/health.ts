import type { HealthCheck } from '../contract.ts'
import { readCompany } from './auth.ts'

/** `companyinfo` proves token, company and subscription: a lapsed one is answered with an authorisation fault (§9). */
export const health: HealthCheck = {
  async check(context) {
    const { name, settings } = await readCompany(context)
    return {
      proves: `connected to the company "${name}"`,
      facts: { environment: context.settings['environment'] ?? 'production', ...settings },
    }
  },
}

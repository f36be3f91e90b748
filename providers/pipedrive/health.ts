import type { HealthCheck } from '../contract.ts'
import { idIn, objectsIn, textIn, type Fields } from './answer.ts'
import { readMe } from './me.ts'

/** `is_admin` is 1 in the guide's answer; the reference has a list of accesses in its place. */
const isAdmin = (me: Fields): boolean =>
  me['is_admin'] === 1 ||
  me['is_admin'] === true ||
  objectsIn(me, 'access').some((one) => one['admin'] === true)

/** Two tokens. Who is no administrator may see only a part, which is a fact worth showing and no failure. */
export const health: HealthCheck = {
  async check(context) {
    const me = await readMe(context)
    const admin = isAdmin(me)
    const company = textIn(me, 'company_name') ?? textIn(me, 'company_domain') ?? 'a company without name'
    return {
      proves: `signed in to "${company}" as ${textIn(me, 'name') ?? 'a user without name'}${admin ? ' (admin)' : ''}`,
      facts: { companyId: idIn(me, 'company_id') ?? null, isAdmin: admin },
    }
  },
}

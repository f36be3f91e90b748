import type { HealthCheck, ProviderContext } from '../contract.ts'
import { readAccount } from './account.ts'
import { get, isFields } from './answer.ts'
import { wantedScopes } from './errors.ts'
import { readUsage } from './usage.ts'
import { paths } from './versions.ts'

/** One call for each kind of thing that every connection needs. */
const probes: readonly (readonly [feature: string, path: string])[] = [
  ['contacts', paths.objects('contacts')],
  ['companies', paths.objects('companies')],
  ['deals', paths.objects('deals')],
  ['owners', paths.owners],
]

/** What the token may not read: the feature and one of the scopes that would let it. */
async function missingScopes(context: ProviderContext): Promise<string[]> {
  const missing: string[] = []
  for (const [feature, path] of probes) {
    const response = await get(context, path, { limit: 1 }, [403])
    if (response.status !== 403) continue
    const [scope] = isFields(response.body) ? wantedScopes(response.body) : []
    missing.push(scope === undefined ? feature : `${feature} (${scope})`)
  }
  return missing
}

/** `account-info/…/details` proves the token and names the account (fact sheet §9). */
export const health: HealthCheck = {
  async check(context) {
    const account = await readAccount(context)
    const missing = await missingScopes(context)
    const usage = await readUsage(context)
    const name = account.name ?? `account ${account.portalId ?? 'without id'}`
    const gaps = missing.length === 0 ? '' : `; it may not read ${missing.join(', ')}`
    return {
      proves: `the token is good for ${name}${gaps}`,
      facts: {
        portalId: account.portalId ?? null,
        accountType: account.type ?? null,
        timeZone: account.timeZone ?? null,
        currency: account.currency ?? null,
        dataHosting: account.dataHosting ?? null,
        missingScopes: missing,
        callsToday: usage?.used ?? null,
        callsADay: usage?.limit ?? null,
      },
    }
  },
}

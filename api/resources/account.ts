/** The account that a body names as the owner of what it makes. */
import { defaultTenant, ensureDefaultTenant, getAccount, type Account } from '../../db/partners.ts'
import type { ApiDeps } from '../deps.ts'
import { invalidInput } from '../problem.ts'

/** The hub's default account when none is named. @throws InvalidInput for one that there is not. */
export async function accountOf(
  deps: ApiDeps,
  accountId: string | undefined,
): Promise<Pick<Account, 'partnerId' | 'accountId'>> {
  if (accountId === undefined || accountId === defaultTenant.accountId)
    await ensureDefaultTenant(deps.hubDatabase.db)
  // The hub's own is there for whoever runs the hub; a partner always names one, and must be able to see it.
  if (accountId === undefined) return defaultTenant
  const account = await getAccount(deps.database.db, accountId)
  if (account) return account
  throw invalidInput([{ in: 'body', pointer: '/accountId', detail: 'should be an account of this hub' }])
}

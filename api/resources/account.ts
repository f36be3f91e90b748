/** The account that a body names as the owner of what it makes. */
import { findAccount } from '../../db/accounts.ts'
import { defaultTenant, ensureDefaultTenant, type Account } from '../../db/partners.ts'
import { HubError } from '../../platform/errors.ts'
import type { Caller } from '../caller.ts'
import type { ApiDeps } from '../deps.ts'
import { invalidInput } from '../problem.ts'

/**
 * An account that the caller sees; the hub's default one when who runs the hub names none.
 * @throws InvalidInput for one that there is not, HubError `StateConflict` for one that is closed.
 */
export async function accountOf(
  deps: ApiDeps,
  caller: Pick<Caller, 'partnerId'>,
  accountId: string | undefined,
): Promise<Pick<Account, 'partnerId' | 'accountId'>> {
  const isHubs = caller.partnerId === null
  if (isHubs && (accountId === undefined || accountId === defaultTenant.accountId)) {
    await ensureDefaultTenant(deps.hubDatabase.db)
    return defaultTenant
  }
  if (accountId === undefined)
    throw invalidInput([
      { in: 'body', pointer: '/accountId', detail: 'is needed: whose this is; GET /v1/accounts lists them' },
    ])
  const account = await findAccount(deps.database.db, accountId)
  if (!account)
    throw invalidInput([{ in: 'body', pointer: '/accountId', detail: 'should be an account of yours' }])
  if (account.state === 'closed')
    throw new HubError('StateConflict', `The account "${account.name}" is closed.`)
  return account
}

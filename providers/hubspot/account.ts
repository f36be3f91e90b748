/** The account: its id, time zone and currency, read once per session. */
import type { ProviderContext } from '../contract.ts'
import { bodyOf, get, idIn, textIn } from './answer.ts'
import { paths } from './versions.ts'

export interface Account {
  readonly portalId: string | undefined
  readonly name: string | undefined
  readonly type: string | undefined
  readonly timeZone: string | undefined
  /** ISO 4217: of amounts that name none. */
  readonly currency: string | undefined
  readonly dataHosting: string | undefined
}

/** `GET account-info/…/details` (OpenAPI Account Info 2026-09). */
export async function readAccount(context: ProviderContext): Promise<Account> {
  const body = bodyOf(await get(context, paths.accountDetails), 'account details')
  return {
    portalId: idIn(body, 'portalId'),
    name: textIn(body, 'portalName'),
    type: textIn(body, 'accountType'),
    timeZone: textIn(body, 'timeZone'),
    currency: textIn(body, 'companyCurrency'),
    dataHosting: textIn(body, 'dataHostingLocation'),
  }
}

/** A session is as short as a slice of a run, so what it has read is never old. */
const currencies = new WeakMap<ProviderContext, Promise<string | undefined>>()

/** The account's own currency: from the settings, where the consent put it, or from the account. */
export function accountCurrency(context: ProviderContext): Promise<string | undefined> {
  const kept = context.settings['currency']
  if (kept) return Promise.resolve(kept)
  let found = currencies.get(context)
  if (!found) {
    found = readAccount(context).then(({ currency }) => currency)
    currencies.set(context, found)
    // What failed is asked again by whoever comes next.
    found.catch(() => currencies.delete(context))
  }
  return found
}

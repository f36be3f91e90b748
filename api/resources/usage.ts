/** Usage: what was asked, by whom, of what. */
import { readUsage, type UsageQuery, type UsageRow } from '../../db/usage.ts'
import { dayOf } from '../../model/quota.ts'
import type { components } from '../../openapi/types.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor, type ListAnswer, type ListCall } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'

type UsageCall = ListCall & {
  readonly query: Partial<Omit<UsageQuery, 'after' | 'limit'>>
}

export const listUsage: Handler<'listUsage'> = (deps, call) => usage(deps, call)
/** The tenant's database shows its own and what is below it. */
export const listOwnUsage: Handler<'listOwnUsage'> = (deps, call) => usage(deps, call)

const day = 24 * 60 * 60_000
/** So long a time is asked for at once. */
const mostDays = 1_100

async function usage(
  { database, limits }: ApiDeps,
  call: UsageCall,
): Promise<ListAnswer<components['schemas']['UsageItem']>> {
  const { groupBy = 'day', partnerId, accountId, keyId, operation } = call.query
  const to = call.query.to ?? dayOf(new Date(limits.now()))
  const from = call.query.from ?? dayOf(new Date(Date.parse(to) - 30 * day))
  const wrong = (pointer: string, detail: string) => invalidInput([{ in: 'query', pointer, detail }])
  if (from > to) throw wrong('/from', `should not be after the last day (${to})`)
  if (Date.parse(to) - Date.parse(from) > mostDays * day)
    throw wrong('/from', `should be at most ${mostDays} days before the last day`)
  const rows = await readUsage(database.db, {
    from,
    to,
    groupBy,
    partnerId,
    accountId,
    keyId,
    operation,
    after: positionOf(call, { group: 'string' })?.group,
    limit: rowsFor(call),
  })
  return listAnswer(
    call,
    rows,
    (row: UsageRow) => ({ ...row }),
    ({ group }) => ({ group }),
  )
}

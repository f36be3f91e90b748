/** `tieline usage`: what was asked, by whom, of what. */
import type { ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { count, table, type Out } from '../print.ts'
import { limitOf } from './runs.ts'

export interface UsageOptions extends GlobalOptions {
  readonly from?: string
  readonly to?: string
  readonly by: 'day' | 'operation' | 'account' | 'key' | 'partner'
  readonly partner?: string
  readonly account?: string
  readonly key?: string
  readonly operation?: string
  readonly limit: string
}

export async function showUsage(options: UsageOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const { from, to, by: groupBy, partner, account, key, operation } = options
  const filter = {
    groupBy,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(partner === undefined ? {} : { partnerId: partner }),
    ...(account === undefined ? {} : { accountId: account }),
    ...(key === undefined ? {} : { keyId: key }),
    ...(operation === undefined ? {} : { operation }),
  }
  const items = await collect(limitOf(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/usage', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else if (items.length === 0) out.line('Nothing was asked in this time.')
  else
    for (const line of table(
      [groupBy, 'calls', 'errors', 'refused', 'MB', 'records changed', 'held', 'connections'],
      items.map(row),
      out.paint,
    ))
      out.line(line)
  return 0
}

const row = (one: Schemas['UsageItem']): string[] => [
  one.group === '' ? '(none)' : one.group,
  count(one.calls),
  count(one.errors),
  count(one.refused),
  (one.bytes / 1_000_000).toFixed(1),
  ...[one.recordsChanged, one.recordsHeld, one.connections].map((value) =>
    value === null ? '' : count(value),
  ),
]

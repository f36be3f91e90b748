/** `checkLedgers`: every night, whether the books of the commissions are in order. What is found is told; nothing is changed. */
import { proxyActivities, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import type { CheckLedgersResult } from './messages.ts'
import { retry } from './retry.ts'
import { searchAttributes } from './search-attributes.ts'

const { checkLedger } = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  retry: retry.database,
})

/** Started by its schedule; by hand does the same. */
export async function checkLedgers(): Promise<CheckLedgersResult> {
  const { ok, lines, transactions, violations } = await checkLedger({})
  upsertSearchAttributes(searchAttributes({ outcome: ok ? 'succeeded' : 'failed' }))
  setCurrentDetails(
    ok
      ? `The books are in order: ${lines} lines, ${transactions} transactions.`
      : `**${violations} violations.** See the audit entry \`ledger.broken\`, or \`tieline commissions check\`.`,
  )
  return { ok, lines, transactions, violations }
}

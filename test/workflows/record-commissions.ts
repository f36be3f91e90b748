/** The main paths of commissions: posting with its refund window, statements, the close of a month, the check of the ledger. */
import type { WorkflowHandle } from '@temporalio/client'
import { sql } from 'kysely'
import { followCommissions } from '../../activities/commission-feed.ts'
import { listPendingSources } from '../../db/commission-sources.ts'
import { findStatement } from '../../db/statements.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import {
  paidInvoice,
  startCommissionBench,
  tenPercent,
  type CommissionBench,
} from '../harness/commission-bench.ts'
import type { TestHub } from '../harness/worker.ts'

interface Recorder {
  readonly test: TestHub
  keep(name: string, handle: WorkflowHandle): Promise<void>
}

const dayMs = 86_400_000
const period = '2026-01'

export async function recordCommissions({ test, keep }: Recorder): Promise<void> {
  const bench = await startCommissionBench(test)
  const { client } = test.temporal
  const start = (type: string, workflowId: string, args: readonly object[]) =>
    client.workflow.start(type, { workflowId, taskQueue: test.taskQueue, args: [...args] })
  await bench.plan({ ...tenPercent, refundDays: 1 })
  await bench.attribute()
  const post = async (name: string, id: string, at: Date): Promise<void> => {
    await bench.put({ ...paidInvoice(id, 100_00), at })
    while (await followCommissions(test.deps));
    const [source] = await listPendingSources(bench.db, 1)
    const sourceId = source?.sourceId ?? ''
    await keep(name, await start('postCommission', workflowIds.postCommission(sourceId), [{ sourceId }]))
  }
  await post('postCommission-held', '1', new Date(Date.now() - dayMs + 3_000))
  await post('postCommission-due', '2', new Date(Date.now() - 2 * dayMs))
  await keep(
    'postCommission-failed',
    await start('postCommission', newId('request'), [{ sourceId: newId('commissionSource') }]),
  )
  await sql`update commission_lines set due_at = '2026-01-20'`.execute(bench.db)
  await statement(bench, { test, keep }, 'closeStatement-rejected', false)
  await statement(bench, { test, keep }, 'closeStatement-paid', true)
  await keep('closeStatement-carried', await closing(bench, test, '2025-12'))
  await keep('closeStatements-some', await start('closeStatements', newId('request'), [{ period }]))
  await keep('closeStatements-bad-input', await start('closeStatements', newId('request'), [{ period: 'x' }]))
  await keep('checkLedgers-done', await start('checkLedgers', newId('request'), []))
}

async function closing(bench: CommissionBench, test: TestHub, month: string): Promise<WorkflowHandle> {
  const started = await test.hub.startStatement({ partnerId: bench.seller, period: month, by: 'test' })
  return test.temporal.client.workflow.getHandle(started.workflowId, started.runId)
}

async function statement(
  bench: CommissionBench,
  { test, keep }: Recorder,
  name: string,
  isApproved: boolean,
): Promise<void> {
  const of = { partnerId: bench.seller, period }
  const handle = await closing(bench, test, period)
  while (!(await findStatement(bench.db, of))) await new Promise((next) => setTimeout(next, 50))
  if (isApproved) {
    await test.hub.decideStatement(of, { decision: 'approve', by: 'test' })
    await test.hub.payStatement(of, { reference: 'SEPA-1', paidOn: '2026-02-05', by: 'test' })
  } else await test.hub.decideStatement(of, { decision: 'reject', reason: 'Disputed', by: 'test' })
  await keep(name, handle)
}

/** The main paths of alerts: policies evaluated, an incident told, answered and over. */
import type { WorkflowHandle } from '@temporalio/client'
import { getIncident, resolveProblem } from '../../db/incidents.ts'
import { workflowIds } from '../../workflows/client.ts'
import { acknowledgeUpdate, snoozeUpdate } from '../../workflows/messages.ts'
import { happens, makeChannel, makePolicy } from '../harness/alert-bench.ts'
import { until } from '../harness/api.ts'
import { startReceiver } from '../harness/receiver.ts'
import type { TestHub } from '../harness/worker.ts'

export async function recordAlerts({
  test,
  keep,
}: {
  readonly test: TestHub
  keep(name: string, handle: WorkflowHandle): Promise<void>
}): Promise<void> {
  const { deps, hub, taskQueue, temporal } = test
  const { db } = deps.database
  const receiver = await startReceiver()
  const channel = await makeChannel(deps, 'Recorded', 'slack', { url: receiver.url })
  await makePolicy(deps, { provider: 'recorded', channels: [channel] })
  const evaluate = async (): Promise<WorkflowHandle> => {
    await hub.evaluateAlerts()
    return temporal.client.workflow.getHandle(workflowIds.evaluateAlertsNow(taskQueue))
  }
  await keep('evaluateAlerts-nothing', await evaluate())
  const incidentId = await happens(deps, 'recorded')
  const evaluated = await evaluate()
  await keep('evaluateAlerts-followed', evaluated)
  const handle = temporal.client.workflow.getHandle(workflowIds.escalateIncident(incidentId))
  await until(
    () => Promise.resolve(receiver.received.length),
    (count) => count > 0,
  )
  await handle.executeUpdate(snoozeUpdate, { args: [{ minutes: 5, by: 'jo' }] })
  await handle.executeUpdate(acknowledgeUpdate, { args: [{ by: 'jo', note: 'I look at it' }] })
  const over = { actor: 'test', resolution: 'It answers again.' }
  await resolveProblem(db, 'outage:recorded', over)
  const incident = await getIncident(db, incidentId)
  if (incident) await hub.wakeIncident(incident)
  // It ends when it has stayed over for a minute.
  await keep('escalateIncident-answered', handle)
  const silent = await happens(deps, 'recorded', {
    dedupeKey: 'outage:silent',
    title: 'Told to nobody',
    severity: 'info',
  })
  await resolveProblem(db, 'outage:silent', over)
  const untold = await getIncident(db, silent)
  if (untold) await hub.wakeIncident(untold)
  await keep(
    'escalateIncident-untold',
    temporal.client.workflow.getHandle(workflowIds.escalateIncident(silent)),
  )
  const none = await temporal.client.workflow.start('escalateIncident', {
    ...{ taskQueue, workflowId: `incident:none-${taskQueue}`, args: [{ incidentId: 'nonsense' }] },
  })
  await keep('escalateIncident-bad-input', none)
  await receiver.close()
}

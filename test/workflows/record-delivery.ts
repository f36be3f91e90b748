/** The main paths of deliveries: sent, tried again, disabled meanwhile, an endpoint that there is not. */
import type { WorkflowHandle } from '@temporalio/client'
import { deleteEndpoint, type Endpoint } from '../../db/endpoints.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import { happen, newEndpoint, newPartner } from '../harness/delivery-bench.ts'
import { startReceiver } from '../harness/receiver.ts'
import type { TestHub } from '../harness/worker.ts'

export async function recordDelivery({
  test,
  keep,
}: {
  readonly test: TestHub
  keep(name: string, handle: WorkflowHandle): Promise<void>
}): Promise<void> {
  const { deps, hub, temporal } = test
  const receiver = await startReceiver()
  const partner = await newPartner(deps)
  const handle = ({ endpointId }: Pick<Endpoint, 'endpointId'>) =>
    temporal.client.workflow.getHandle(workflowIds.deliverEvents(endpointId))
  const make = () => newEndpoint(deps, partner, receiver.url, { eventTypes: ['ticket.*'] })
  const plain = await make()
  await happen(deps, partner, 3)
  await hub.wakeEndpoint(plain)
  await keep('deliverEvents-done', handle(plain))
  const shaky = await make()
  receiver.answer((response, _webhook, n) => void response.writeHead(n === 3 ? 500 : 204).end())
  await happen(deps, partner, 2)
  await hub.wakeEndpoint(shaky)
  await keep('deliverEvents-second-attempt', handle(shaky))
  const gone = await make()
  receiver.answer((response) => void response.writeHead(410).end())
  await happen(deps, partner, 1)
  await hub.wakeEndpoint(gone)
  await keep('deliverEvents-gone', handle(gone))
  const away = await make()
  receiver.answer((response) => void response.writeHead(503, { 'retry-after': '3600' }).end())
  await happen(deps, partner, 1)
  const before = receiver.received.length
  await hub.wakeEndpoint(away)
  while (receiver.received.length === before) await new Promise((next) => setTimeout(next, 50))
  // Woken while it waits, to find that it is not there any more.
  await deleteEndpoint(deps.database.db, away.endpointId)
  await hub.wakeEndpoint(away)
  await keep('deliverEvents-deleted', handle(away))
  const nobody = { endpointId: newId('endpoint'), partnerId: partner.partnerId }
  await hub.wakeEndpoint(nobody)
  await keep('deliverEvents-no-endpoint', handle(nobody))
  await receiver.close()
}

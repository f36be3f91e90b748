/** The main paths of a lane of webhooks and of the sweep. */
import type { WorkflowHandle } from '@temporalio/client'
import type { Connection } from '../../db/connections.ts'
import { putHookSettings } from '../../db/hook-settings.ts'
import { sealRequest } from '../../db/hook-payload.ts'
import { acceptHooks } from '../../db/inbox-accept.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { NotesProvider } from '../harness/notes-provider.ts'
import type { TestHub } from '../harness/worker.ts'

interface Recorder {
  readonly test: TestHub
  readonly notes: NotesProvider
  readonly connection: Connection
  keep(name: string, handle: WorkflowHandle): Promise<void>
}

/** As the door does it, without the door. */
async function receive({ test, connection }: Recorder, note: string, receivedAt: Date): Promise<void> {
  const { db } = test.deps.database
  const { connectionId, partnerId, accountId } = connection
  const owner = { connectionId, partnerId, accountId }
  const requestId = newId('hookRequest')
  const key = newId('request')
  const body = Buffer.from(JSON.stringify({ events: [{ id: key, type: 'note.changed', note }] }))
  const packed = { method: 'POST', url: 'http://hub/hooks', headers: [], body }
  const sealed = await sealRequest(db, test.deps.vault, { requestId, accountId }, packed)
  const request = {
    requestId,
    provider: 'notes',
    owner,
    receivedAt,
    clientAddress: '::1',
    bytes: body.length,
    checks: [],
    sealed,
  }
  const event = {
    eventId: newId('inboxEvent'),
    owner,
    tenant: null,
    key,
    type: 'note.changed',
    about: 'changed' as const,
  }
  const object = { resource: 'notes', externalId: note, occurredAt: null, sequence: null, failure: null }
  await acceptHooks(db, [{ request, events: [{ ...event, ...object }] }])
}

export async function recordInbox(recorder: Recorder): Promise<void> {
  const { test, notes, connection, keep } = recorder
  const { client } = test.temporal
  const put = (id: string) =>
    notes.notes.set(id, { id, version: 1, updatedAt: '2026-01-01T00:00:00Z', title: id, body: '', owner: '' })
  const lane = client.workflow.getHandle(workflowIds.processInbox(connection.connectionId))
  put('w1')
  await receive(recorder, 'w1', new Date())
  await test.hub.wakeInbox(connection)
  await keep('processInbox-done', lane)
  // The first look finds nothing, the second one is believed.
  await receive(recorder, 'w2', new Date())
  await test.hub.wakeInbox(connection)
  await keep('processInbox-second-look', lane)
  const care = (input: { connectionId?: string }) =>
    client.workflow.start('keepSubscriptions', {
      workflowId: `care:${newId('request')}`,
      taskQueue: test.taskQueue,
      args: [input],
    })
  await keep('keepSubscriptions-nothing', await care({}))
  await putHookSettings(test.deps.database.db, test.deps.vault, connection, {})
  await keep('keepSubscriptions-made', await care({ connectionId: connection.connectionId }))
  const sweep = (id: string) =>
    client.workflow.start('sweepInbox', { workflowId: id, taskQueue: test.taskQueue, args: [] })
  await keep('sweepInbox-nothing', await sweep(`sweep:${newId('request')}`))
  put('w3')
  await receive(recorder, 'w3', new Date(Date.now() - 60_000))
  await keep('sweepInbox-woken', await sweep(`sweep:${newId('request')}`))
  await lane.result()
}

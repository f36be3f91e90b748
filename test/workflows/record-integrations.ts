/** The main paths of writes, re-mappings, descriptions and automations. */
import type { WorkflowHandle } from '@temporalio/client'
import { addAutomationRun } from '../../db/automation-runs.ts'
import { createAutomation } from '../../db/automations.ts'
import type { Connection } from '../../db/connections.ts'
import { defaultTenant } from '../../db/partners.ts'
import { createRemap } from '../../db/remaps.ts'
import { beginWriteSet } from '../../db/write-sets.ts'
import { beginWrite, decideWrite, getWrite, type NewWrite, type Write } from '../../db/writes.ts'
import type { Step, Trigger } from '../../model/automation.ts'
import type { JsonObject } from '../../model/json.ts'
import { newId } from '../../platform/new-id.ts'
import type { NotesProvider } from '../harness/notes-provider.ts'
import type { TestHub } from '../harness/worker.ts'

interface Recorder {
  readonly test: TestHub
  readonly notes: NotesProvider
  readonly connection: Connection
  keep(name: string, handle: WorkflowHandle): Promise<void>
}

const resource = 'notes'

async function begin(
  { test, connection }: Recorder,
  wish: Pick<NewWrite, 'operation' | 'policy'> & Partial<NewWrite>,
  fields: JsonObject,
): Promise<Write> {
  const { write } = await beginWrite(test.deps.database.db, test.deps.vault, {
    writeId: newId('write'),
    connection,
    resource,
    externalId: undefined,
    idempotencyKey: newId('request'),
    basedOnVersion: undefined,
    startedBy: 'test',
    ...wish,
    request: { fields, providerFields: {} },
  })
  return write
}

async function started({ test, connection }: Recorder, { writeId }: Write): Promise<WorkflowHandle> {
  const { workflowId } = await test.hub.startWrite({ ...connection, writeId, resource })
  return test.temporal.client.workflow.getHandle(workflowId)
}

export async function recordWrites(recorder: Recorder): Promise<void> {
  const { test, notes, keep } = recorder
  const { db } = test.deps.database
  const made = await begin(recorder, { operation: 'create', policy: 'ask' }, { subject: 'One' })
  await keep('writeRecord-created', await started(recorder, made))
  const refused = await begin(recorder, { operation: 'create', policy: 'ask' }, { subject: 'refuse me' })
  await keep('writeRecord-refused', await started(recorder, refused))
  const externalId = (await getWrite(db, made.writeId))?.externalId ?? ''
  notes.edit(externalId, { title: 'Theirs' })
  const asked = await begin(recorder, { operation: 'update', policy: 'ask', externalId }, { subject: 'Ours' })
  const handle = await started(recorder, asked)
  while ((await getWrite(db, asked.writeId))?.state !== 'needs_decision')
    await new Promise((next) => setTimeout(next, 50))
  await decideWrite(db, asked.writeId, { title: 'hub' })
  await test.hub.tellDecision(asked.writeId)
  await keep('writeRecord-decided', handle)
  await keep('writeMany-done', await set(recorder, ['Two', 'Three']))
  await keep('writeMany-compensated', await set(recorder, ['Four', 'refuse me']))
}

async function set(recorder: Recorder, subjects: readonly string[]): Promise<WorkflowHandle> {
  const { test } = recorder
  const setId = newId('writeSet')
  const { set: made } = await beginWriteSet(test.deps.database.db, {
    ...defaultTenant,
    setId,
    mode: 'together',
    startedBy: 'test',
    idempotencyKey: newId('request'),
    request: {},
  })
  for (const [ordinal, subject] of subjects.entries())
    await begin(recorder, { operation: 'create', policy: 'ask', setId, ordinal }, { subject })
  const { workflowId } = await test.hub.startWriteSet(made)
  return test.temporal.client.workflow.getHandle(workflowId)
}

export async function recordRemaps({ test, connection, keep }: Recorder): Promise<void> {
  const { db } = test.deps.database
  const { client } = test.temporal
  for (const dryRun of [true, false]) {
    const remapId = newId('remap')
    const remap = await createRemap(db, {
      remapId,
      resource,
      mappingVersion: 0,
      dryRun,
      rules: null,
      startedBy: 'test',
      connection,
    })
    const { workflowId } = await test.hub.startRemap({ ...connection, ...remap, name: connection.name })
    await keep(`remapRecords-${dryRun ? 'plan' : 'done'}`, client.workflow.getHandle(workflowId))
  }
  await test.hub.describeFields(connection, resource)
  await keep(
    'describeFields-done',
    client.workflow.getHandle(`describe:${connection.connectionId}:${resource}`),
  )
}

export async function recordAutomations(recorder: Recorder): Promise<void> {
  const { keep, test } = recorder
  const create = (name: string, subject: string): Step => ({
    name,
    connection: 'notes',
    write: { resource, operation: 'create', fields: { subject } },
  })
  const count: Step = { name: 'count', connection: 'notes', report: 'count', input: {} }
  const branch: Step = { name: 'which', branch: [{ when: { '==': [1, 2] }, steps: [] }, { steps: [count] }] }
  const wait: Step = { name: 'pause', wait: { seconds: 1 } }
  const ask: Step = { name: 'ask', approval: { question: '?', timeoutSeconds: 1, onTimeout: 'approve' } }
  const no: Step = { name: 'no', approval: { question: '?', timeoutSeconds: 1, onTimeout: 'reject' } }
  await keep('runAutomation-done', await run(recorder, [create('one', 'Five'), branch, wait, ask]))
  await keep(
    'runAutomation-compensated',
    await run(recorder, [create('one', 'Six'), create('two', 'refuse me')]),
  )
  await keep('runAutomation-rejected', await run(recorder, [create('one', 'Seven'), no]))
  // One that listens, so that there is something to dispatch; then nobody does, and the dispatcher ends.
  const listening = await automation(recorder, { kind: 'event', model: 'ticket' }, [create('one', 'Eight')])
  await addAutomationRun(test.deps.database.db, test.deps.vault, listening, {
    automationRunId: newId('automationRun'),
    triggerKind: 'event',
    dedupeKey: 'change:1',
    context: {},
  })
  await test.deps.database.db.updateTable('automations').set({ state: 'disabled' }).execute()
  await test.hub.ensureDispatcher()
  await keep(
    'dispatchEvents-idle',
    test.temporal.client.workflow.getHandle(`dispatch-events:${test.taskQueue}`),
  )
}

async function automation({ test, connection }: Recorder, trigger: Trigger, steps: readonly Step[]) {
  const { partnerId, accountId, connectionId } = connection
  return await createAutomation(test.deps.database.db, {
    automationId: newId('automation'),
    partnerId,
    accountId,
    name: 'Recorded',
    template: null,
    definition: { connections: { notes: connectionId }, trigger, steps },
    createdBy: 'test',
    hookSecretHash: null,
  })
}

async function run(recorder: Recorder, steps: readonly Step[]): Promise<WorkflowHandle> {
  const { test } = recorder
  const made = await automation(recorder, { kind: 'manual' }, steps)
  const begun = await addAutomationRun(test.deps.database.db, test.deps.vault, made, {
    automationRunId: newId('automationRun'),
    triggerKind: 'manual',
    dedupeKey: newId('request'),
    context: {},
  })
  if (!begun) throw new Error('no run')
  const { workflowId } = await test.hub.startAutomationRun({ ...begun, name: made.name })
  return test.temporal.client.workflow.getHandle(workflowId)
}

/** Numbers that a provider has counted and that never came are found, told, and made good by a sync. */
import { listAudit } from '../../db/audit.ts'
import { acceptHooks } from '../../db/inbox-accept.ts'
import { noteHookGaps } from '../../db/hook-gaps.ts'
import { newId } from '../../platform/new-id.ts'
import { startNotesInbox, type NotesInbox } from '../harness/notes-inbox.ts'

let hub: NotesInbox
beforeAll(async () => {
  hub = await startNotesInbox()
}, 120_000)
afterAll(() => hub?.close())

const db = () => hub.api.database.database.db
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000)

async function arrives(provider: string, sequences: readonly number[], receivedAt: Date): Promise<void> {
  const requestId = newId('hookRequest')
  const request = {
    requestId,
    provider,
    owner: null,
    receivedAt,
    clientAddress: '127.0.0.1',
    bytes: 2,
    checks: [],
    sealed: Buffer.from('{}'),
  }
  const events = sequences.map((sequence) => ({
    eventId: newId('inboxEvent'),
    owner: null,
    tenant: 'nobody',
    key: `${receivedAt.getTime()}-${sequence}`,
    type: 'CONTACT.UPDATE',
    about: 'changed' as const,
    resource: 'contacts',
    externalId: 'c1',
    occurredAt: null,
    sequence,
    failure: null,
  }))
  await acceptHooks(db(), [{ request, events }])
}

async function care() {
  const { client } = hub.api.hub.temporal
  const handle = await client.workflow.start('keepSubscriptions', {
    workflowId: `care-${newId('request')}`,
    taskQueue: hub.api.hub.taskQueue,
    args: [{}],
  })
  const history = async () => (await handle.fetchHistory()).events ?? []
  return { result: (await handle.result()) as { gaps: number }, history }
}

it('of a provider that counts: told once, with a sync of its connections', async () => {
  await arrives('xero', [7, 8, 11], minutesAgo(30))
  const first = await care()
  expect(first.result).toMatchObject({ gaps: 1 })
  const started = (await first.history()).flatMap(
    ({ startChildWorkflowExecutionInitiatedEventAttributes: child }) => child?.workflowType?.name ?? [],
  )
  expect(started).toEqual(['syncMany'])
  const told = await listAudit(db(), { subject: 'xero', limit: 10 })
  expect(told).toMatchObject([{ subject: 'xero', details: { firstMissing: 9, lastMissing: 10, missing: 2 } }])
  expect((await care()).result).toMatchObject({ gaps: 0 })
})

it('waits for deliveries that overtake each other, and takes a new count for what it is', async () => {
  const now = new Date()
  const look = (provider: string) => noteHookGaps(db(), provider, now, minutesAgo(10))
  await arrives('young', [1, 2, 5], minutesAgo(5))
  expect(await look('young')).toEqual([])
  await arrives('late', [1, 2, 4], minutesAgo(60))
  await arrives('late', [3], minutesAgo(20))
  expect(await look('late')).toEqual([])
  await arrives('anew', [900, 901], minutesAgo(3 * 24 * 60))
  await arrives('anew', [1, 2], minutesAgo(60))
  expect(await look('anew')).toEqual([])
  await arrives('anew', [4], minutesAgo(50))
  expect(await look('anew')).toEqual([{ provider: 'anew', firstMissing: 3, lastMissing: 3 }])
})

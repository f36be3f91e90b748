/** Webhooks at providers are kept as they are wished: made, mended, doubles removed, failures told. */
import { openHookSettings } from '../../db/hook-settings.ts'
import { createVault } from '../../db/vault.ts'
import { until } from '../harness/api.ts'
import { startNotesInbox, type NotesInbox } from '../harness/notes-inbox.ts'

let hub: NotesInbox
beforeAll(async () => {
  hub = await startNotesInbox()
}, 120_000)
afterAll(() => hub?.close())

async function care(): Promise<unknown> {
  const { client } = hub.api.hub.temporal
  return await client.workflow.execute('keepSubscriptions', {
    workflowId: `care-${hub.connectionId}-${Date.now()}`,
    taskQueue: hub.api.hub.taskQueue,
    args: [{ connectionId: hub.connectionId }],
  })
}
const state = async () =>
  (await openHookSettings(hub.api.database.database.db, createVault(hub.api.hub.ring), hub.connectionId))
    ?.settings

it('one is made, and made only once', async () => {
  expect(await care()).toMatchObject({ active: 1, failed: 0 })
  expect(await care()).toMatchObject({ active: 1 })
  const [[id, made] = [], ...others] = [...hub.notes.subscribed]
  expect(others).toEqual([])
  expect(made).toMatchObject({ topics: ['notes'] })
  expect(JSON.stringify(made)).toContain(`/hooks/notes/${hub.connectionId}`)
  expect(await state()).toMatchObject({ subscriptionId: id, subscriptionState: 'active' })
})

it('one that somebody removed or switched off is there again; doubles go, those of others stay', async () => {
  hub.notes.subscribed.clear()
  await care()
  const [[id = '', made = {}] = []] = [...hub.notes.subscribed]
  hub.notes.subscribed.set('h8', { ...made, id: 'h8' })
  hub.notes.subscribed.set('h9', { ...made, id: 'h9', url: 'https://elsewhere.example/hooks/notes/x' })
  hub.notes.subscribed.set(id, { ...made, active: false })
  await care()
  const left = [...hub.notes.subscribed.values()]
  expect(left.filter(({ url }) => url === made['url'])).toMatchObject([{ active: true }])
  expect(left).toContainEqual(expect.objectContaining({ id: 'h9' }))
})

it('one that holds a replaced secret is made anew with the new one', async () => {
  await care()
  const before = [...hub.notes.subscribed.keys()]
  const path = `/admin/v1/connections/${hub.connectionId}/webhook`
  const rotated = await hub.api.request('POST', `${path}/rotate`, { body: { name: 'secret' } })
  expect(rotated.status).toBe(200)
  expect(await care()).toMatchObject({ active: 1 })
  const after = [...hub.notes.subscribed]
  expect(after.filter(([id]) => id !== 'h9')).toHaveLength(1)
  expect(before).not.toContain(after.find(([id]) => id !== 'h9')?.[0])
  await care()
  expect([...hub.notes.subscribed.keys()]).toEqual(after.map(([id]) => id))
})

it('a provider that refuses is told of, and nothing else stops', async () => {
  const { connectionId } = hub
  hub.notes.subscribed.set('refuse', {})
  expect(await care()).toMatchObject({ active: 0, failed: 1 })
  const hook = await hub.api.request('GET', `/admin/v1/connections/${connectionId}/webhook`)
  expect(hook.body).toMatchObject({ subscription: { state: 'failed', error: expect.any(String) as string } })
})

it('with its connection the webhook at the provider goes, and nobody else\u2019s', async () => {
  const { connectionId } = hub
  hub.notes.subscribed.clear()
  await care()
  const [made = {}] = [...hub.notes.subscribed.values()]
  hub.notes.subscribed.set('h9', { ...made, id: 'h9', url: 'https://elsewhere.example/hooks/notes/x' })
  expect((await hub.api.request('DELETE', `/admin/v1/connections/${connectionId}`)).status).toBe(204)
  const settings = await until(state, (one) => one?.subscriptionState === 'none')
  expect(settings).toMatchObject({ subscriptionId: null })
  expect([...hub.notes.subscribed.keys()]).toEqual(['h9'])
})

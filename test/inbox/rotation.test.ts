/** Secrets of webhooks are replaced without one webhook being refused, and without an event that a receiver cannot check. */
import { Webhook } from 'standardwebhooks'
import { listAudit } from '../../db/audit.ts'
import { newEndpointSecret } from '../../db/endpoint-rotation.ts'
import { openHookSettings } from '../../db/hook-settings.ts'
import { getRotationById } from '../../db/rotations.ts'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { createVault } from '../../db/vault.ts'
import { feedInReach } from '../harness/feed-in-reach.ts'
import { until, type ApiAnswer } from '../harness/api.ts'
import { secret as firstSecret, startNotesInbox, type NotesInbox } from '../harness/notes-inbox.ts'
import { signed } from '../harness/notes-webhooks.ts'
import { startReceiver } from '../harness/receiver.ts'

type Rotation = components['schemas']['Rotation']

let hub: NotesInbox
beforeAll(async () => {
  hub = await startNotesInbox()
}, 120_000)
/** Ends what a test that failed has left going. */
let isStopped = false
afterAll(async () => {
  isStopped = true
  await hub?.close()
})

const db = () => hub.api.database.database.db
const vault = () => createVault(hub.api.hub.ring)
const start = (body: object): Promise<ApiAnswer> => hub.api.request('POST', '/admin/v1/rotations', { body })
async function begun(body: object): Promise<Rotation> {
  const answer = await start(body)
  expect(answer).toMatchObject({ status: 202 })
  return answer.body as Rotation
}
const path = ({ rotationId }: Pick<Rotation, 'rotationId'>, more = '') =>
  `/admin/v1/rotations/${rotationId}${more}`
const look = async (rotation: Pick<Rotation, 'rotationId'>): Promise<Rotation> =>
  (await hub.api.request('GET', path(rotation))).body as Rotation
const reach = (rotation: Rotation, ...states: Rotation['state'][]): Promise<Rotation> =>
  until(
    () => look(rotation),
    ({ state }) => states.includes(state),
  )
const values = async (connectionId: string) =>
  ((await openHookSettings(db(), vault(), connectionId))?.secrets['secret'] ?? []).map(({ value }) => value)
const post = async (connectionId: string, secret: string): Promise<number> => {
  const id = newId('request')
  const body = JSON.stringify({ events: [{ id, type: 'ping', note: id }] })
  return (await hub.postRaw(`/hooks/notes/${connectionId}`, body, signed(body, secret))).status
}
const care = (connectionId: string) =>
  hub.api.hub.temporal.client.workflow.execute('keepSubscriptions', {
    workflowId: `care-${connectionId}`,
    taskQueue: hub.api.hub.taskQueue,
    args: [{ connectionId }],
  })

it('under load: put at the provider by API, signed with the old one then with the new one, none refused', async () => {
  const { connectionId } = hub
  await care(connectionId)
  const before = [...hub.notes.subscribed.keys()]
  const answers: number[] = []
  let signing = firstSecret
  let isOver = false
  const client = (async () => {
    while (!isOver && !isStopped)
      answers.push(...(await Promise.all([1, 2, 3, 4].map(() => post(connectionId, signing)))))
  })()
  const rotation = await begun({ kind: 'webhook_secret', subject: connectionId, quietSeconds: 10 })
  const second = await begun({ kind: 'webhook_secret', subject: connectionId })
  expect(second.rotationId).toBe(rotation.rotationId)
  await until(
    () => look(rotation),
    ({ inPlaceAt }) => inPlaceAt !== null,
  )
  // The provider signs with the old one for a while yet, as what is on its way does.
  await until(
    async () => (await look(rotation)).oldUsedAt,
    (at) => at !== null,
  )
  const [fresh = ''] = await values(connectionId)
  signing = fresh
  const done = await reach(rotation, 'done')
  isOver = true
  await client
  expect(new Set(answers)).toEqual(new Set([200]))
  expect(answers.length).toBeGreaterThan(20)
  expect(done.newUsedAt).not.toBeNull()
  expect(await values(connectionId)).toEqual([fresh])
  const after = [...hub.notes.subscribed.keys()]
  expect(after).toHaveLength(1)
  expect(before).not.toContain(after[0])
  // Each process forgets what it remembers of secrets within seconds.
  await until(
    () => post(connectionId, firstSecret),
    (status) => status === 401,
  )
}, 60_000)

it('where a person has to enter it: told what, shown it, and nothing is dropped before it is in use', async () => {
  const connectionId = await hub.connect('By hand')
  const rotation = await begun({ kind: 'webhook_secret', subject: connectionId, quietSeconds: 10 })
  const waiting = await reach(rotation, 'waiting_for_person')
  expect(waiting.steps.join(' ')).toContain(rotation.rotationId)
  const shown = await hub.api.request('GET', path(rotation, '/secret'))
  const { value } = shown.body as { value: string }
  expect(await values(connectionId)).toEqual([value, firstSecret])
  expect(shown.headers.get('cache-control')).toBe('no-store')
  expect([await post(connectionId, firstSecret), await post(connectionId, value)]).toEqual([200, 200])
  // Seen in use: in place, without anybody saying so.
  await reach(rotation, 'done')
  expect(await values(connectionId)).toEqual([value])
  const actions = (await listAudit(db(), { subject: connectionId, limit: 20 })).map(({ action }) => action)
  expect(actions).toEqual(
    expect.arrayContaining(['rotation.started', 'rotation.secret_shown', 'rotation.done']),
  )
  await feedInReach(db())
  const events = await hub.api.request('GET', '/admin/v1/events?types=rotation.*')
  const told = (events.body as { items: { type: string; data: { rotationId?: string } }[] }).items
  const own = told.filter(({ data }) => data.rotationId === rotation.rotationId).map(({ type }) => type)
  expect(own).toEqual(['rotation.started', 'rotation.waits_for_person', 'rotation.ended'])
}, 60_000)

it('one that was not put in place can be called off; one that was cannot, and ends at once when asked', async () => {
  const connectionId = await hub.connect('Steered')
  const first = await begun({ kind: 'webhook_secret', subject: connectionId })
  await reach(first, 'waiting_for_person')
  const cancelled = await hub.api.request('POST', path(first, '/cancel'))
  expect(cancelled).toMatchObject({ status: 200, body: { state: 'cancelled' } })
  expect(await values(connectionId)).toEqual([firstSecret])

  const second = await begun({ kind: 'webhook_secret', subject: connectionId })
  const waiting = await reach(second, 'waiting_for_person')
  const more = await hub.api.request('POST', path(second, '/extend'), { body: { seconds: 3600 } })
  expect(more.status).toBe(200)
  const later = Date.parse((more.body as Rotation).deadlineAt ?? '') - Date.parse(waiting.deadlineAt ?? '')
  expect(later).toBe(3_600_000)
  const tooFar = await hub.api.request('POST', path(second, '/extend'), { body: { seconds: 2_592_000 } })
  expect(tooFar).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
  expect((await hub.api.request('POST', path(second, '/confirm'))).body).toMatchObject({ state: 'overlap' })
  const late = await hub.api.request('POST', path(second, '/cancel'))
  expect(late).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
  const ended = await hub.api.request('POST', path(second, '/revoke-now'))
  expect(ended).toMatchObject({ status: 200, body: { state: 'done' } })
  expect(await values(connectionId)).not.toContain(firstSecret)
  const again = await hub.api.request('POST', path(second, '/revoke-now'))
  expect(again).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
}, 60_000)

it('refuses what cannot be rotated, and changes nothing', async () => {
  const { connectionId } = hub
  const refused = async (body: object) => {
    const { status, body: problem } = await start(body)
    return [status, (problem as { code: string }).code]
  }
  expect(await refused({ kind: 'webhook_secret', subject: connectionId, name: 'other' })).toEqual([
    400,
    'InvalidInput',
  ])
  expect(await refused({ kind: 'webhook_secret', subject: newId('connection') })).toEqual([
    404,
    'NoSuchThing',
  ])
  expect(await refused({ kind: 'endpoint_secret', subject: newId('endpoint') })).toEqual([404, 'NoSuchThing'])
  expect(await refused({ kind: 'signing_key', subject: 'other' })).toEqual([400, 'InvalidInput'])
  expect(await refused({ kind: 'signing_key', subject: 'proof', graceSeconds: 60 })).toEqual([
    400,
    'InvalidInput',
  ])
  expect(await refused({ kind: 'encryption_key', subject: 'unknown' })).toEqual([404, 'NoSuchThing'])
  expect(await refused({ kind: 'client_secret', subject: 'nobody' })).toEqual([404, 'NoSuchThing'])
  const rows = await hub.api.request('GET', '/admin/v1/rotations?underWay=true')
  expect(rows.body).toEqual({ items: [], nextCursor: null })
  const handle = await hub.api.hub.temporal.client.workflow.start('rotateWebhookSecret', {
    workflowId: `rotate-${newId('request')}`,
    taskQueue: hub.api.hub.taskQueue,
    args: [{ connectionId, endpointId: newId('endpoint') }],
  })
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'InvalidInput' } })
})

it('under load: every event of an endpoint can be checked with the secret that its receiver knows', async () => {
  const receiver = await startReceiver()
  const made = await hub.api.request('POST', '/admin/v1/endpoints', {
    body: { url: receiver.url, eventTypes: ['*'] },
  })
  const { endpoint, secret } = made.body as components['schemas']['EndpointWithSecret']
  let known = secret
  const unchecked: string[] = []
  receiver.answer((response, { headers, body }) => {
    try {
      new Webhook(known).verify(body, headers)
    } catch {
      unchecked.push(headers['webhook-id'] ?? '')
    }
    response.writeHead(204).end()
  })
  const test = () => hub.api.request('POST', `/admin/v1/endpoints/${endpoint.endpointId}/test`)
  let isOver = false
  const client = (async () => {
    while (!isOver && !isStopped) await test()
  })()
  const rotation = await begun({ kind: 'endpoint_secret', subject: endpoint.endpointId })
  await reach(rotation, 'waiting_for_person')
  const shown = await hub.api.request('GET', path(rotation, '/secret'))
  await test()
  known = (shown.body as { value: string }).value
  expect(known).not.toBe(secret)
  await test()
  await reach(rotation, 'overlap')
  expect(await hub.api.request('POST', path(rotation, '/revoke-now'))).toMatchObject({
    body: { state: 'done' },
  })
  await test()
  isOver = true
  await client
  expect(unchecked).toEqual([])
  expect(receiver.received.length).toBeGreaterThan(5)
  const row = await getRotationById(db(), rotation.rotationId)
  expect(row && (await newEndpointSecret(db(), vault(), row))?.id).toBeDefined()
  const { body } = await hub.api.request('GET', `/admin/v1/endpoints/${endpoint.endpointId}`)
  expect((body as components['schemas']['Endpoint']).secrets).toHaveLength(1)
  await hub.api.request('DELETE', `/admin/v1/endpoints/${endpoint.endpointId}`)
  await receiver.close()
}, 60_000)

it('a rotation that nobody put in place by its deadline drops nothing', async () => {
  const connectionId = await hub.connect('Forgotten')
  const { rotationId } = await begun({ kind: 'webhook_secret', subject: connectionId, graceSeconds: 60 })
  await reach({ rotationId } as Rotation, 'waiting_for_person')
  await db()
    .updateTable('rotations')
    .set({ deadlineAt: new Date() })
    .where('rotationId', '=', rotationId)
    .execute()
  await hub.api.hub.hub.nudgeRotation({ kind: 'webhook_secret', subject: connectionId })
  const failed = await reach({ rotationId } as Rotation, 'failed')
  expect(failed.failure?.message).toContain('Both stay valid')
  expect(await values(connectionId)).toHaveLength(2)
  expect(await post(connectionId, firstSecret)).toBe(200)
}, 60_000)

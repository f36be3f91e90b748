/** The rotation of API keys, over HTTP and on a real Temporal server. */
import { sql } from 'kysely'
import { createKeyActivities } from '../../activities/rotate-api-key.ts'
import { getApiKey } from '../../db/api-keys.ts'
import { listAudit } from '../../db/audit.ts'
import { getKeyRotation } from '../../db/key-rotations.ts'
import { ensurePartner } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import type { components } from '../../openapi/types.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { EnforceKeyAgeResult, RotateApiKeyInput } from '../../workflows/messages.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'
import { perform } from '../harness/engine.ts'

type Rotated = components['schemas']['RotatedKey']
type Rotation = components['schemas']['KeyRotation']
type TestKey = Awaited<ReturnType<TestApi['key']>>

let api: TestApi
const partnerId = newId('partner')
beforeAll(async () => {
  api = await startTestApi()
  await ensurePartner(db(), { partnerId, name: 'Ours' })
}, 120_000)
afterAll(() => api?.close())

const db = () => api.database.database.db
const me = async (token: string) => (await api.request('GET', '/v1/me', { token })).status
const temporal = () => api.hub.temporal.client
const stateOf = async (keyId: string) => (await getApiKey(db(), keyId))?.state
const eventsOf = async (subject: string) => {
  const found = await sql<{
    type: string
  }>`select type from hub_events where subject = ${subject} order by seq`.execute(db())
  return found.rows.map(({ type }) => type)
}

async function rotate(
  key: TestKey,
  body: object = { overlapSeconds: 3600 },
  by = key.text,
): Promise<Rotated> {
  const answer = await api.request('POST', `/v1/keys/${key.keyId}/rotate`, { token: by, body })
  expect(answer.status).toBe(201)
  return answer.body as Rotated
}
const steer = (key: TestKey, verb: string, body?: object) =>
  api.request('POST', `/v1/keys/${key.keyId}/rotation/${verb}`, {
    token: key.text,
    ...(body === undefined ? {} : { body }),
  })
const rotationOf = async ({ keyId }: TestKey) =>
  (await api.request('GET', `/admin/v1/keys/${keyId}/rotation`)).body as Rotation
const ended = (key: TestKey) =>
  until(
    () => rotationOf(key),
    ({ state }) => state !== 'overlap',
  )

/** One that looks every second, as no caller of the API asks for. */
async function start(key: TestKey, input: Partial<RotateApiKeyInput> = {}): Promise<void> {
  const { keyId } = key
  await api.deps.temporal.startKeyRotation(
    { keyId, partnerId, name: 'Watched' },
    { keyId, lookEverySeconds: 1, overlapSeconds: 86_400 * 7, startedBy: 'test', ...input },
  )
  await api.deps.temporal.newKeyOf(keyId)
}

describe('a rotation', () => {
  it('goes without a body, as the guide does it; what needs one says so', async () => {
    const key = await api.key({ partnerId })
    const rotated = await api.request('POST', `/v1/keys/${key.keyId}/rotate`, { token: key.text })
    expect(rotated).toMatchObject({
      status: 201,
      body: { secret: expect.stringMatching(/^tl_live_/) as string },
    })
    const nothing = await api.request('POST', '/v1/keys', { token: key.text })
    expect(nothing).toMatchObject({ status: 415 })
    const empty = await api.request('POST', `/v1/keys/${key.keyId}/rotate`, { token: key.text, body: '' })
    expect(empty.status).not.toBe(415)
  })

  it('makes a key like the old one, shows it once, lets both work, and ends the old one when told to', async () => {
    const expiresAt = new Date(Date.now() + 86_400_000)
    const key = await api.key({ partnerId, networks: ['127.0.0.0/8'], expiresAt })
    await sql`update api_keys set limits = '{"burst": 7}' where key_id = ${key.keyId}`.execute(db())
    const { key: fresh, secret, rotation } = await rotate(key)
    const old = await getApiKey(db(), key.keyId)
    expect(await getApiKey(db(), fresh.keyId)).toMatchObject({
      ...{
        name: old?.name,
        mode: 'live',
        scopes: old?.scopes,
        networks: ['127.0.0.0/8'],
        limits: { burst: 7 },
      },
      ...{ expiresAt, replaces: key.keyId, createdBy: `key:${key.keyId}` },
    })
    expect(rotation).toMatchObject({
      state: 'overlap',
      newKeyId: fresh.keyId,
      secretWaits: false,
      reason: 'asked',
    })
    expect([await me(key.text), await me(secret)]).toEqual([200, 200])
    const again = await api.request('GET', `/v1/keys/${fresh.keyId}/secret`, { token: key.text })
    expect(again).toMatchObject({ status: 404, body: { code: 'NoSuchThing' } })
    const second = await api.request('POST', `/v1/keys/${key.keyId}/rotate`, { token: key.text, body: {} })
    expect(second).toMatchObject({ status: 409, body: { code: 'AlreadyRunning' } })

    const now = await api.request('POST', `/v1/keys/${key.keyId}/rotation/revoke-now`, { token: secret })
    expect(now).toMatchObject({
      status: 200,
      body: { state: 'done', outcome: 'now', endedBy: `key:${fresh.keyId}` },
    })
    await until(
      () => me(key.text),
      (status) => status === 401,
    )
    expect(await me(secret)).toBe(200)
    expect(await eventsOf(key.keyId)).toEqual([
      'key.rotation_started',
      'key.revoked',
      'key.rotation_completed',
    ])
    const actions = (await listAudit(db(), { subject: key.keyId, limit: 20 })).map(({ action }) => action)
    expect(actions).toEqual(['key.rotation_completed', 'key.revoked', 'key.rotation_started'])
    const history = await temporal().workflow.getHandle(workflowIds.rotateApiKey(key.keyId)).fetchHistory()
    const payloads = JSON.stringify(history, (_name, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    )
    expect(payloads).not.toContain(secret)
    for (const verb of ['revoke-now', 'cancel'])
      expect(
        await api.request('POST', `/v1/keys/${key.keyId}/rotation/${verb}`, { token: secret }),
      ).toMatchObject({
        status: 409,
        body: { code: 'StateConflict' },
      })
  })

  it('for a leak ends the old key before it answers', async () => {
    const key = await api.key({ partnerId })
    const { secret, rotation } = await rotate(key, { overlapSeconds: 0, reason: 'leak' })
    expect(rotation).toMatchObject({ state: 'done', outcome: 'now', reason: 'leak' })
    expect(await stateOf(key.keyId)).toBe('revoked')
    expect(await me(secret)).toBe(200)
  })

  it('can be put off, within bounds, and called off: then the new key ends and the old one stays', async () => {
    const key = await api.key({ partnerId })
    const { key: fresh, secret, rotation } = await rotate(key)
    const longer = await steer(key, 'extend', { seconds: 7_200 })
    expect(longer.status).toBe(200)
    const moved = Date.parse((longer.body as Rotation).deadlineAt) - Date.parse(rotation.deadlineAt)
    expect(moved).toBe(7_200_000)
    const tooLong = await steer(key, 'extend', { seconds: 2_592_000 })
    expect(tooLong).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    expect(await steer(key, 'cancel')).toMatchObject({ status: 200, body: { state: 'cancelled' } })
    expect([await stateOf(key.keyId), await stateOf(fresh.keyId)]).toEqual(['active', 'revoked'])
    await until(
      () => me(secret),
      (status) => status === 401,
    )
    const anew = await rotate(key)
    expect(anew.key.keyId).not.toBe(fresh.keyId)
  })

  it('is not for who has less than the key: they would get more than they have', async () => {
    const key = await api.key({ partnerId })
    const small = await api.key({ partnerId, scopes: ['keys.write', 'keys.read'] })
    const asked = await api.request('POST', `/v1/keys/${key.keyId}/rotate`, { token: small.text, body: {} })
    expect(asked).toMatchObject({ status: 403, body: { code: 'NotPermitted' } })
    await start(key)
    const { newKeyId } = await rotationOf(key)
    const fetched = await api.request('GET', `/v1/keys/${newKeyId}/secret`, { token: small.text })
    expect(fetched.status).toBe(403)
    const once = await api.request('GET', `/v1/keys/${newKeyId}/secret`, { token: key.text })
    expect(await me((once.body as { secret: string }).secret)).toBe(200)
    expect((await api.request('GET', `/v1/keys/${newKeyId}/secret`, { token: key.text })).status).toBe(404)
    const bound = await api.key({ partnerId, expiresAt: new Date(Date.now() + 60_000) })
    const longer = await api.request('POST', `/v1/keys/${bound.keyId}/rotate`, {
      token: bound.text,
      body: { expiresAt: null },
    })
    expect(longer.status).toBe(403)
  })

  it('of a revoked, an expired or an unknown key does not begin', async () => {
    const [gone, late] = [await api.key({ partnerId }), await api.key({ partnerId, expiresAt: new Date(0) })]
    await api.request('DELETE', `/admin/v1/keys/${gone.keyId}`)
    const ask = async (keyId: string) =>
      (await api.request('POST', `/admin/v1/keys/${keyId}/rotate`, { body: {} })).status
    expect([await ask(gone.keyId), await ask(late.keyId), await ask(newId('apiKey'))]).toEqual([
      409, 409, 404,
    ])
  })
})

describe('the watch over a rotation', () => {
  const used = (keyId: string, ago: string) =>
    sql`update api_keys set last_used_at = now() - ${ago}::interval where key_id = ${keyId}`.execute(db())
  const began = (keyId: string, ago: string) =>
    sql`update key_rotations set started_at = now() - ${ago}::interval where key_id = ${keyId}`.execute(db())

  it('reminds while the old key is used, and ends it when only the new one is', async () => {
    const key = await api.key({ partnerId })
    await start(key, { quietSeconds: 600 })
    const { newKeyId } = await rotationOf(key)
    await used(key.keyId, '1 minute')
    await used(newKeyId, '1 minute')
    await began(key.keyId, '25 hours')
    const reminded = await until(
      () => rotationOf(key),
      ({ reminders }) => reminders > 0,
    )
    expect(reminded).toMatchObject({ state: 'overlap', reminders: 1 })
    await used(key.keyId, '20 minutes')
    expect(await ended(key)).toMatchObject({
      state: 'done',
      outcome: 'quiet',
      reminders: 1,
      endedBy: 'rotateApiKey',
    })
    expect(await eventsOf(key.keyId)).toEqual([
      ...['key.rotation_started', 'key.rotation_reminder', 'key.revoked', 'key.rotation_completed'],
    ])
  })

  it('ends the old key at the deadline whoever uses it, but never the last key that works', async () => {
    const [late, lost] = [await api.key({ partnerId }), await api.key({ partnerId })]
    await start(late)
    await start(lost)
    const { newKeyId } = await rotationOf(lost)
    await api.request('DELETE', `/admin/v1/keys/${newKeyId}`)
    expect(await ended(lost)).toMatchObject({ state: 'failed', outcome: 'lost' })
    expect(await stateOf(lost.keyId)).toBe('active')
    await used(late.keyId, '1 second')
    await sql`update key_rotations set deadline_at = now() where key_id = ${late.keyId}`.execute(db())
    expect(await ended(late)).toMatchObject({ state: 'done', outcome: 'deadline' })
    expect(await stateOf(late.keyId)).toBe('revoked')
  })
})

describe('a rotation that was broken off', () => {
  it('goes on from any step: each may be repeated without a second effect', async () => {
    const key = await api.key({ partnerId })
    const steps = createKeyActivities(api.hub.deps)
    const twice = async <T>(work: () => Promise<T>): Promise<T> => {
      const first = (await perform(work)) as T
      expect(await perform(work)).toEqual(first)
      return first
    }
    const wish = { keyId: key.keyId, attempt: 'first', reason: 'asked', startedBy: 'test' } as const
    const facts = await twice(() => steps.beginApiKeyRotation(wish))
    // Another run takes it up under its own name.
    expect(await perform(() => steps.beginApiKeyRotation({ ...wish, attempt: 'second' }))).toEqual(facts)
    const { keyId, attempt } = facts
    await twice(() => steps.lookAtApiKeyRotation({ keyId, attempt }))
    const deadlineAt = new Date(Date.parse(facts.deadlineAt) + 60_000).toISOString()
    await twice(() => steps.extendApiKeyRotation({ keyId, attempt, deadlineAt, by: 'test' }))
    await twice(() => steps.endApiKeyRotation({ keyId, attempt, outcome: 'now', by: 'test' }))
    expect(await eventsOf(keyId)).toEqual([
      ...['key.rotation_started', 'key.rotation_extended', 'key.revoked', 'key.rotation_completed'],
    ])
    const heirs = await sql<{
      n: number
    }>`select count(*)::int as n from api_keys where replaces = ${keyId}`.execute(db())
    expect(heirs.rows).toEqual([{ n: 1 }])
  })

  it('is taken up by enforceKeyAge when its workflow is gone; keys over age are rotated, each once', async () => {
    const [left, aged, young] = [
      await api.key({ partnerId }),
      await api.key({ partnerId }),
      await api.key({ partnerId }),
    ]
    await start(left)
    const { newKeyId } = await rotationOf(left)
    await temporal().workflow.getHandle(workflowIds.rotateApiKey(left.keyId)).terminate('killed')
    await sql`update api_keys set created_at = now() - interval '91 days' where key_id = ${aged.keyId}`.execute(
      db(),
    )
    const policy = { maxAgeDays: 90, overlapSeconds: 3600, quietSeconds: 600 }
    await api.request('PUT', '/v1/key-policy', { token: young.text, body: policy })
    const enforce = async () =>
      (await temporal().workflow.execute('enforceKeyAge', {
        ...{ workflowId: newId('request'), taskQueue: api.hub.taskQueue, args: [{}] },
      })) as EnforceKeyAgeResult
    expect(await enforce()).toMatchObject({ started: 1, takenUp: 1 })
    await until(
      () => getKeyRotation(db(), aged.keyId),
      (found) => found !== undefined,
    )
    expect(await enforce()).toMatchObject({ started: 0, takenUp: 0 })
    expect(await rotationOf(aged)).toMatchObject({
      state: 'overlap',
      reason: 'age',
      secretWaits: true,
      quietSeconds: 600,
    })
    expect(await getKeyRotation(db(), young.keyId)).toBeUndefined()
    expect(await steer(left, 'revoke-now')).toMatchObject({ status: 200, body: { state: 'done', newKeyId } })
  })

  it('is called off when it is cancelled in the Temporal UI; a mistyped input changes nothing', async () => {
    const key = await api.key({ partnerId })
    await start(key)
    const { newKeyId } = await rotationOf(key)
    await temporal().workflow.getHandle(workflowIds.rotateApiKey(key.keyId)).cancel()
    expect(await ended(key)).toMatchObject({ state: 'cancelled', endedBy: 'ui' })
    expect([await stateOf(key.keyId), await stateOf(newKeyId)]).toEqual(['active', 'revoked'])
    for (const input of [
      {},
      { keyId: 'key_1' },
      { keyId: key.keyId, overlapSeconds: -1 },
      { keyId: key.keyId, nothing: 1 },
    ]) {
      const run = temporal().workflow.execute('rotateApiKey', {
        ...{ workflowId: newId('request'), taskQueue: api.hub.taskQueue, args: [input] },
      })
      await expect(run).rejects.toMatchObject({ cause: { type: 'InvalidInput' } })
    }
  })
})

describe('under load', () => {
  it('a rotation fails no request of a client that changes over when it is told', async () => {
    const old = await api.key({ partnerId })
    const client = { secret: old.text, keyId: old.keyId }
    const statuses = new Map<string, number>()
    let isOver = false
    const count = (text: string) => statuses.set(text, (statuses.get(text) ?? 0) + 1)
    const done = () => [...statuses.values()].reduce((sum, n) => sum + n, 0)
    const byKey = async () => {
      while (!isOver) count(`key ${await me(client.secret)}`)
    }
    const byToken = async () => {
      while (!isOver) {
        const { secret, keyId } = client
        const body = { grant_type: 'client_credentials', client_id: keyId, client_secret: secret }
        const answer = await api.request('POST', '/v1/oauth/token', { token: null, body })
        count(`grant ${answer.status}`)
        const { access_token: token } = answer.body as { access_token: string }
        while (!isOver && client.keyId === keyId) count(`token ${await me(token)}`)
      }
    }
    const lanes = [byKey(), byKey(), byToken()]
    const after = (n: number) => {
      const goal = done() + n
      return until(
        async () => done(),
        (now) => now >= goal,
      )
    }
    await after(100)
    const { key, secret } = await rotate(old)
    await after(100)
    client.secret = secret
    client.keyId = key.keyId
    // What was on its way with the old one is answered before that ends.
    await after(50)
    const now = await api.request('POST', `/v1/keys/${old.keyId}/rotation/revoke-now`, { token: secret })
    expect(now.status).toBe(200)
    await until(
      () => me(old.text),
      (status) => status === 401,
    )
    await after(100)
    isOver = true
    await Promise.all(lanes)
    process.stdout.write(`under load: ${done()} requests ${JSON.stringify(Object.fromEntries(statuses))}\n`)
    expect([...statuses.keys()].sort()).toEqual(['grant 200', 'key 200', 'token 200'])
  }, 60_000)
})

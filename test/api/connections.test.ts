import { sql } from 'kysely'
import { openCredential } from '../../db/credentials.ts'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { startTestApi, type ApiAnswer, type TestApi } from '../harness/api.ts'

type Connection = components['schemas']['Connection']

let api: TestApi
const env: Record<string, string> = {}
const [simulator] = simulators
const sample = simulator?.sample ?? { provider: '', name: '', settings: {}, secrets: {}, origin: '' }

beforeAll(async () => {
  api = await startTestApi({ deps: () => ({ env }) })
}, 120_000)

afterAll(async () => {
  await api?.close()
})

const base = '/admin/v1/connections'
const wish = (more: object = {}) => ({
  provider: sample.provider,
  settings: sample.settings,
  secrets: sample.secrets,
  ...more,
})
const create = (body: object, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  api.request('POST', base, { body, headers })
const connectionIn = ({ body }: ApiAnswer) => body as Connection
const audited = async (subject: string): Promise<string[]> => {
  const { body } = await api.request('GET', `/admin/v1/audit?subject=${subject}`)
  return (body as components['schemas']['AuditList']).items.map(({ action }) => action)
}

describe('connecting', () => {
  it('makes a connection with its schedule, keeps the secret sealed and never shows it', async () => {
    const made = await create(wish({ name: 'Acme', syncIntervalSeconds: 3600 }))
    const { connectionId } = connectionIn(made)
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'Acme', state: 'active', syncIntervalSeconds: 3600 },
    })
    expect(made.headers.get('location')).toBe(`${base}/${connectionId}`)
    expect(made.headers.get('etag')).toBe('"1"')
    const shown = await api.request('GET', `${base}/${connectionId}`)
    expect(shown).toMatchObject({ status: 200, body: connectionIn(made) })
    for (const secret of Object.values(sample.secrets))
      expect(JSON.stringify(shown.body)).not.toContain(secret)
    const stored = await openCredential(api.deps.database.db, api.deps.vault, connectionId)
    expect(stored?.secrets).toEqual(sample.secrets)
    const schedule = await api.request('GET', `${base}/${connectionId}/schedule`)
    expect(schedule.body).toMatchObject({ connectionId, intervalSeconds: 3600, paused: false })
    expect(await audited(connectionId)).toEqual(['connection.created'])
  })

  it('names each setting that is wrong, missing, unknown or misplaced, and makes nothing', async () => {
    const before = await api.request('GET', `${base}?limit=200`)
    const [secret = ''] = Object.keys(sample.secrets)
    const answer = await create(
      wish({ settings: { subdomain: 'https://acme', nonsense: 'x', [secret]: 'y' }, secrets: {} }),
    )
    expect(answer.status).toBe(400)
    const { errors } = answer.body as components['schemas']['Problem']
    const pointers = errors?.map(({ pointer }) => pointer)
    expect(pointers).toEqual(
      expect.arrayContaining([
        '/settings/subdomain',
        '/settings/nonsense',
        `/settings/${secret}`,
        `/secrets/${secret}`,
      ]),
    )
    expect((await api.request('GET', `${base}?limit=200`)).body).toEqual(before.body)
  })

  it('names the providers there are for one that is not there, and refuses an unknown account', async () => {
    const unknown = await create(wish({ provider: 'zendeks' }))
    expect(unknown.body).toMatchObject({ code: 'InvalidInput', errors: [{ pointer: '/provider' }] })
    expect(JSON.stringify(unknown.body)).toContain(sample.provider)
    const stranger = await create(wish({ accountId: newId('account') }))
    expect(stranger.body).toMatchObject({ code: 'InvalidInput', errors: [{ pointer: '/accountId' }] })
  })

  it('takes settings and secrets from the environment, or names the variables that are missing', async () => {
    const missing = await create({ provider: sample.provider, fromEnvironment: true })
    expect(missing).toMatchObject({ status: 409, body: { code: 'NotConfigured' } })
    const { body: provider } = await api.request('GET', `/admin/v1/providers/${sample.provider}`)
    const [{ setup } = { setup: [] }] = (provider as components['schemas']['Provider']).auth
    const values: Readonly<Record<string, string>> = { ...sample.settings, ...sample.secrets }
    for (const field of setup.flatMap((step) => step.fields)) {
      const value = values[field.name]
      if (field.env !== undefined && value !== undefined) env[field.env] = value
    }
    const made = await create({ provider: sample.provider, fromEnvironment: true })
    expect(made.status).toBe(201)
    const shown = await api.request('GET', `/admin/v1/providers/${sample.provider}`)
    expect(shown.body).toMatchObject({ environment: { configured: true, missing: [] } })
  })

  it('answers the same request with the same key as the first time, and another one not at all', async () => {
    const headers = { 'Idempotency-Key': newId('request') }
    const first = await create(wish({ name: 'Once' }), headers)
    const again = await create(wish({ name: 'Once' }), headers)
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    const other = await create(wish({ name: 'Twice' }), headers)
    expect(other).toMatchObject({ status: 409, body: { code: 'IdempotencyConflict' } })
  })

  it('makes one connection of many requests at once with one key', async () => {
    const headers = { 'Idempotency-Key': newId('request') }
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => create(wish({ name: 'Rush' }), headers)),
    )
    const ids = new Set(
      answers.filter(({ status }) => status === 201).map((answer) => connectionIn(answer).connectionId),
    )
    expect(ids.size).toBe(1)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
  })

  it('gives the key back when the request failed', async () => {
    const headers = { 'Idempotency-Key': newId('request') }
    expect((await create(wish({ secrets: {} }), headers)).status).toBe(400)
    expect((await create(wish(), headers)).status).toBe(201)
  })
})

describe('listing', () => {
  it('pages through all of them, each once, with a link to the next page', async () => {
    for (let n = 0; n < 5; n++) await api.connect(`Listed ${n}`)
    const seen: string[] = []
    let path: string | undefined = `${base}?provider=${sample.provider}&limit=2`
    while (path !== undefined) {
      const answer: ApiAnswer = await api.request('GET', path)
      const { items, nextCursor } = answer.body as components['schemas']['ConnectionList']
      seen.push(...items.map(({ connectionId }) => connectionId))
      path = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1]
      expect(path !== undefined).toBe(nextCursor !== null)
    }
    const all = await api.request('GET', `${base}?limit=200`)
    expect(seen).toEqual((all.body as { items: Connection[] }).items.map(({ connectionId }) => connectionId))
    expect(new Set(seen).size).toBe(seen.length)
  })
})

describe('changing', () => {
  it('changes only what is still as it was read', async () => {
    const { connectionId } = await api.connect()
    const path = `${base}/${connectionId}`
    const body = { name: 'Renamed', syncIntervalSeconds: 120 }
    const changed = await api.request('PATCH', path, { body, headers: { 'If-Match': '"1"' } })
    expect(changed).toMatchObject({ status: 200, body: { ...body, version: 2 } })
    expect(changed.headers.get('etag')).toBe('"2"')
    for (const stale of ['"1"', 'W/"2"', 'nonsense']) {
      const refused = await api.request('PATCH', path, { body, headers: { 'If-Match': stale } })
      expect(refused).toMatchObject({ status: 412, body: { code: 'PreconditionFailed' } })
    }
    expect((await api.request('PATCH', path, { body, headers: { 'If-Match': '*' } })).status).toBe(200)
    expect((await api.request('GET', `${path}/schedule`)).body).toMatchObject({ intervalSeconds: 120 })
    const wrong = await api.request('PATCH', path, { body: { settings: { subdomain: '' } } })
    expect(wrong.body).toMatchObject({ code: 'InvalidInput' })
  })

  it('replaces a credential by a new generation and erases the one before', async () => {
    const { connectionId } = await api.connect()
    const path = `${base}/${connectionId}/credential`
    const secrets = Object.fromEntries(
      Object.keys(sample.secrets).map((name) => [name, 'a-new-secret-0123456789']),
    )
    const replaced = await api.request('PUT', path, { body: { secrets }, headers: { 'If-Match': '"1"' } })
    expect(replaced).toMatchObject({ status: 200, body: { connectionId, generation: 2 } })
    const stale = await api.request('PUT', path, { body: { secrets }, headers: { 'If-Match': '"1"' } })
    expect(stale.status).toBe(412)
    expect((await openCredential(api.deps.database.db, api.deps.vault, connectionId))?.secrets).toEqual(
      secrets,
    )
    const old = await sql<{ sealed: Buffer }>`
      select sealed from credentials where connection_id = ${connectionId} and generation = 1
    `.execute(api.deps.database.db)
    expect(old.rows[0]?.sealed.length).toBe(0)
    expect((await api.request('PUT', path, { body: { secrets: { nonsense: 'x' } } })).status).toBe(400)
  })
})

describe('testing', () => {
  it('says what the check proved', async () => {
    const { connectionId } = await api.connect()
    const answer = await api.request('POST', `${base}/${connectionId}/test`)
    expect(answer).toMatchObject({
      status: 200,
      body: { connectionId, ok: true, proves: expect.any(String) as string },
    })
    const shown = await api.request('GET', `${base}/${connectionId}`)
    expect(shown.body).toMatchObject({ lastCheck: { ok: true } })
  })

  it('says why a credential was refused: a finding, not a failure of the request', async () => {
    const { connectionId } = await api.connect()
    const secrets = Object.fromEntries(
      Object.keys(sample.secrets).map((name) => [name, 'not-the-right-secret-0']),
    )
    await api.request('PUT', `${base}/${connectionId}/credential`, { body: { secrets } })
    const answer = await api.request('POST', `${base}/${connectionId}/test`, {
      headers: { Prefer: 'wait=20' },
    })
    expect(answer).toMatchObject({ status: 200, body: { ok: false, failure: { code: 'Unauthorized' } } })
  })
})

describe('pausing and resuming', () => {
  it('pauses the schedule with the connection, refuses runs meanwhile, and takes it back', async () => {
    const { connectionId } = await api.connect()
    const path = `${base}/${connectionId}`
    expect((await api.request('POST', `${path}/pause`)).body).toMatchObject({ state: 'paused' })
    expect((await api.request('POST', `${path}/pause`)).body).toMatchObject({ state: 'paused', version: 2 })
    expect((await api.request('GET', `${path}/schedule`)).body).toMatchObject({ paused: true })
    for (const [where, body] of [
      ['/admin/v1/runs', { connectionId }],
      ['/admin/v1/sync-many', { connectionId }],
      [`${path}/schedule/trigger`, undefined],
    ] as const) {
      const refused = await api.request('POST', where, body ? { body } : {})
      expect(refused).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
    }
    expect((await api.request('POST', `${path}/resume`)).body).toMatchObject({
      state: 'active',
      stateReason: null,
    })
    expect((await api.request('GET', `${path}/schedule`)).body).toMatchObject({ paused: false })
    expect(await audited(connectionId)).toEqual([
      'connection.resumed',
      'connection.paused',
      'connection.created',
    ])
  })

  it('lets the schedule tick at once', async () => {
    const { connectionId } = await api.connect()
    const answer = await api.request('POST', `${base}/${connectionId}/schedule/trigger`)
    expect(answer).toMatchObject({ status: 202, body: { scheduleId: `sync-schedule:${connectionId}` } })
  })
})

describe('deleting', () => {
  it('erases the credential, removes the schedule and leaves a tombstone', async () => {
    const { connectionId } = await api.connect()
    const path = `${base}/${connectionId}`
    expect((await api.request('DELETE', path)).status).toBe(204)
    expect((await api.request('DELETE', path)).status).toBe(204)
    expect((await api.request('GET', path)).body).toMatchObject({ state: 'deleted' })
    expect(await openCredential(api.deps.database.db, api.deps.vault, connectionId)).toBeUndefined()
    const listed = await api.request('GET', `${base}?state=deleted&limit=200`)
    expect(JSON.stringify(listed.body)).toContain(connectionId)
    expect(JSON.stringify((await api.request('GET', `${base}?limit=200`)).body)).not.toContain(connectionId)
    await expect(api.deps.temporal.describeSyncSchedule(connectionId)).rejects.toMatchObject({
      code: 'NoSuchThing',
    })
    for (const [method, where, body] of [
      ['PATCH', path, { name: 'x' }],
      ['POST', `${path}/test`, undefined],
      ['POST', `${path}/resume`, undefined],
      ['POST', '/admin/v1/runs', { connectionId }],
    ] as const) {
      expect((await api.request(method, where, body ? { body } : {})).status).toBe(404)
    }
  })
})

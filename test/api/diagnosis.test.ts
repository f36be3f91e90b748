/** The test of a connection, step by step: over HTTP, with the sandbox and a provider that can be told to refuse. */
import { sql } from 'kysely'
import { testConnection as testByCommand } from '../../cli/commands/connection-test.ts'
import { createOut } from '../../cli/print.ts'
import { listAudit } from '../../db/audit.ts'
import type { components } from '../../openapi/types.ts'
import { trialHeader } from '../../platform/secrets/trial-mark.ts'
import { newId } from '../../platform/new-id.ts'
import { adminToken, startTestApi, until, type TestApi } from '../harness/api.ts'
import { startNotesProvider, type NotesProvider } from '../harness/notes-provider.ts'
import { startSecureServer, type SecureServer } from '../harness/secure-server.ts'
import { startShelfProvider, type ShelfProvider } from '../harness/shelf-provider.ts'

type Diagnosis = components['schemas']['Diagnosis']
type Step = components['schemas']['DiagnosisStep']

let api: TestApi
let shelf: ShelfProvider
let notes: NotesProvider
let masked: SecureServer

beforeAll(async () => {
  shelf = await startShelfProvider()
  notes = await startNotesProvider()
  masked = await startSecureServer('self-signed')
  api = await startTestApi({
    isReachable: true,
    more: {
      providers: [shelf.provider, notes.provider],
      originMap: { ...shelf.originMap, ...notes.originMap, 'https://masked.shelf.example': masked.url },
      variables: { TINYBOOKS_CLIENT_ID: 'app', TINYBOOKS_CLIENT_SECRET: 'secret' },
    },
  })
}, 120_000)

afterAll(async () => {
  await api?.close()
  await shelf?.close()
  await notes?.close()
  await masked?.close()
})

beforeEach(() => {
  shelf.mood.refuse = {}
  shelf.mood.losesAnswers = false
})

async function connect(body: object): Promise<string> {
  const made = await api.request('POST', '/admin/v1/connections', { body })
  expect(made.status).toBe(201)
  return (made.body as { connectionId: string }).connectionId
}
const toShelf = (more: object = {}) =>
  connect({ provider: 'shelf', auth: 'token', name: 'Shelf', secrets: { token: 'good' }, ...more })

/** Connected by OAuth, with what was granted. */
const withScope = (scope: string) => {
  const expires = new Date(Date.now() + 86_400_000).toISOString()
  const body = { provider: 'shelf', auth: 'oauth', name: scope, settings: { environment: 'sandbox' } }
  return connect({
    ...body,
    secrets: { access_token: 'a', refresh_token: 'r', expires_at: expires, scope },
  })
}

const hookOf = async (connectionId: string) =>
  (await api.request('GET', `/admin/v1/connections/${connectionId}/webhook`))
    .body as components['schemas']['Hook']

const place = (connectionId: string) => `/admin/v1/connections/${connectionId}/diagnosis`

async function diagnose(connectionId: string, body: object = {}): Promise<Diagnosis> {
  const headers = { Prefer: 'wait=30' }
  const answer = await api.request('POST', place(connectionId), { body, headers })
  expect([200, 202]).toContain(answer.status)
  return await until(
    async () => (await api.request('GET', place(connectionId))).body as Diagnosis,
    ({ state }) => state !== 'running',
  )
}

const states = ({ steps }: Diagnosis) => Object.fromEntries(steps.map(({ name, state }) => [name, state]))
const step = ({ steps }: Diagnosis, name: Step['name']): Step => {
  const found = steps.find((one) => one.name === name)
  if (!found) throw new Error(`no step ${name}`)
  return found
}

describe('a connection that works', () => {
  it('passes every step, from the host to a write that is deleted again and a webhook through the door', async () => {
    const { connectionId } = await api.connect()
    const hook = await api.request('PUT', `/admin/v1/connections/${connectionId}/webhook`, { body: {} })
    expect(hook.status).toBe(200)
    await until(
      async () => await hookOf(connectionId),
      ({ subscription }) => subscription.state === 'active',
    )
    const before = Object.keys(api.sandbox.control.state('zendesk', 'organizations')).length
    const found = await diagnose(connectionId, { write: true })
    // The sandbox is plain HTTP: there is no certificate to look at, and nobody is told that there was one.
    expect(states(found)).toEqual({
      dns: 'passed',
      tls: 'skipped',
      auth: 'passed',
      scopes: 'passed',
      read: 'passed',
      write: 'passed',
      webhook: 'passed',
    })
    expect(found).toMatchObject({ state: 'passed', writes: true, leftObject: null, startedBy: 'admin' })
    expect(step(found, 'dns').proves).toContain('origin map')
    expect(step(found, 'tls').proves).toContain('plain HTTP')
    expect(step(found, 'read').facts).toMatchObject({ failed: {}, notTried: 0 })
    expect(step(found, 'write').facts).toMatchObject({ resource: 'organizations', isReadBack: true })
    expect(step(found, 'webhook').facts).toMatchObject({ events: 1, failedChecks: [], stands: true })
    expect(Object.keys(api.sandbox.control.state('zendesk', 'organizations'))).toHaveLength(before)
    const audit = await listAudit(api.database.database.db, { subject: connectionId, limit: 50 })
    expect(audit.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['connection.test_started', 'connection.tested']),
    )
  })

  it('writes nothing unless it is asked to, and tests while connection and provider are paused', async () => {
    const connectionId = await toShelf()
    await api.request('POST', `/admin/v1/connections/${connectionId}/pause`)
    await sql`insert into provider_health (provider, state, paused) values ('shelf', 'down', true)`.execute(
      api.database.database.db,
    )
    const calls = shelf.requests.length
    const found = await diagnose(connectionId)
    expect(states(found)).toMatchObject({
      auth: 'passed',
      read: 'passed',
      write: 'skipped',
      webhook: 'skipped',
    })
    expect(shelf.requests.slice(calls).filter(({ method }) => method !== 'GET')).toEqual([])
    // The check, and one call for each resource.
    expect(shelf.requests.slice(calls).map(({ path }) => path)).toEqual(['/me', '/things', '/drawers'])
    await sql`delete from provider_health where provider = 'shelf'`.execute(api.database.database.db)
  })
})

describe('a connection that does not work', () => {
  it('names the credential when it is wrong, and tries nothing that needs it', async () => {
    const connectionId = await toShelf()
    shelf.mood.refuse = { 'GET /me': 401 }
    const found = await diagnose(connectionId, { write: true })
    expect(states(found)).toMatchObject({
      dns: 'passed',
      auth: 'failed',
      scopes: 'skipped',
      read: 'skipped',
      write: 'skipped',
    })
    expect(step(found, 'auth')).toMatchObject({
      failure: { code: 'Unauthorized' },
      advice: expect.stringMatching(/new credential/) as unknown,
    })
    expect(step(found, 'read').proves).toContain('Credential')
    const after = await api.request('GET', `/admin/v1/connections/${connectionId}`)
    expect(after.body).toMatchObject({ state: 'needs_attention' })
    shelf.mood.refuse = {}
    expect(await diagnose(connectionId)).toMatchObject({ state: 'passed' })
    expect((await api.request('GET', `/admin/v1/connections/${connectionId}`)).body).toMatchObject({
      state: 'active',
    })
  })

  it('names the resource that the credential may not see', async () => {
    const connectionId = await toShelf()
    shelf.mood.refuse = { 'GET /drawers': 403 }
    const found = await diagnose(connectionId)
    expect(states(found)).toMatchObject({ auth: 'passed', scopes: 'failed', read: 'warned' })
    expect(step(found, 'scopes')).toMatchObject({
      failure: { code: 'Forbidden' },
      facts: { refused: ['drawers'] },
      advice: expect.stringMatching(/permission/) as unknown,
    })
  })

  it('names the scopes that were not granted: required ones fail, others warn', async () => {
    const scopesOf = async (scope: string) => step(await diagnose(await withScope(scope)), 'scopes')
    expect(await scopesOf('books.read books.mail')).toMatchObject({ state: 'passed' })
    expect(await scopesOf('books.read')).toMatchObject({
      state: 'warned',
      facts: { missing: ['books.mail'] },
    })
    expect(await scopesOf('books.mail')).toMatchObject({
      state: 'failed',
      facts: { missing: ['books.read'] },
    })
  })

  it('names the host when its name leads nowhere', async () => {
    const connectionId = await toShelf({ settings: { host: 'lost' } })
    const found = await diagnose(connectionId)
    expect(step(found, 'dns')).toMatchObject({
      state: 'failed',
      proves: expect.stringContaining('lost.shelf.invalid') as unknown,
      advice: expect.stringMatching(/settings of the connection|name server/) as unknown,
    })
    expect(states(found)).toMatchObject({ tls: 'skipped', auth: 'skipped', read: 'skipped' })
  })

  it('goes no further than a certificate that is not to be trusted', async () => {
    const found = await diagnose(await toShelf({ settings: { host: 'masked' } }))
    expect(step(found, 'tls')).toMatchObject({
      state: 'failed',
      proves: expect.stringMatching(
        /certificate of localhost:\d+ is signed by itself.*origin map/,
      ) as unknown,
      advice: expect.stringContaining('NODE_EXTRA_CA_CERTS') as unknown,
    })
    expect(states(found)).toMatchObject({ dns: 'passed', auth: 'skipped', read: 'skipped' })
  })

  it('names the write when it is refused, and leaves nothing behind', async () => {
    const connectionId = await toShelf()
    shelf.mood.refuse = { 'POST /things': 403 }
    const found = await diagnose(connectionId, { write: true })
    expect(states(found)).toMatchObject({ read: 'passed', scopes: 'passed', write: 'failed' })
    expect(step(found, 'write')).toMatchObject({
      failure: { code: 'Forbidden' },
      advice: expect.stringMatching(/permission to write/) as unknown,
    })
    expect(found.leftObject).toBeNull()
  })
})

describe('the object of the test', () => {
  it('is deleted also when the answer to its making got lost', async () => {
    const connectionId = await toShelf()
    shelf.mood.losesAnswers = true
    const body = { write: true }
    await api.request('POST', place(connectionId), { body })
    await until(
      () => Promise.resolve(shelf.things.size),
      (size) => size === 1,
    )
    shelf.mood.losesAnswers = false
    const found = await until(
      async () => (await api.request('GET', place(connectionId))).body as Diagnosis,
      ({ state }) => state !== 'running',
    )
    expect(step(found, 'write')).toMatchObject({ state: 'failed', failure: { code: 'Unavailable' } })
    expect(found.leftObject).toBeNull()
    expect(shelf.things.size).toBe(0)
  })

  it('is named when it cannot be deleted again', async () => {
    const connectionId = await toShelf()
    shelf.mood.refuse = { 'DELETE /things': 403 }
    const found = await diagnose(connectionId, { write: true })
    const [id] = [...shelf.things.keys()]
    expect(found).toMatchObject({ state: 'failed', leftObject: { resource: 'things', externalId: id } })
    expect(step(found, 'write').advice).toContain('by hand')
    shelf.things.clear()
  })
})

describe('the webhook of the test', () => {
  const inbox = async (connectionId: string) =>
    (await api.request('GET', `/admin/v1/inbox-events?connectionId=${connectionId}`)).body as {
      items: unknown[]
    }

  it('goes through every check and is not stored; one that nobody marked is', async () => {
    const connectionId = await connect({
      provider: 'notes',
      auth: 'token',
      name: 'Notes',
      secrets: { token: 'good' },
    })
    const setUp = (body: object) =>
      api.request('PUT', `/admin/v1/connections/${connectionId}/webhook`, { body })
    expect((await setUp({})).status).toBe(200)
    await until(
      () => Promise.resolve(notes.subscribed.size),
      (size) => size === 1,
    )
    expect(step(await diagnose(connectionId), 'webhook')).toMatchObject({
      state: 'passed',
      facts: { stands: true },
    })
    expect((await inbox(connectionId)).items).toEqual([])

    // Another network than the one we come from: that is no fault.
    await setUp({ allowedNetworks: ['203.0.113.0/24'] })
    expect(step(await diagnose(connectionId), 'webhook')).toMatchObject({
      state: 'passed',
      facts: { failedChecks: ['network'] },
    })
    const before = new Date().toISOString()
    await setUp({ allowedNetworks: [] })
    // Whoever looks after the webhook at the provider has looked: it is not made again after it is taken away below.
    await until(
      async () => await hookOf(connectionId),
      ({ subscription }) => (subscription.checkedAt ?? '') > before,
    )

    const { body: sample } = await api.request(
      'POST',
      `/admin/v1/connections/${connectionId}/webhook/samples`,
      {
        body: { event: 'note.changed' },
      },
    )
    const { url, headers, body } = sample as components['schemas']['HookSample']
    const foreign = await api.deps.trials.sign(newId('connection'), new Date(Date.now() + 60_000))
    for (const mark of [foreign, 'x.y.z']) {
      const answer = await fetch(url, { method: 'POST', headers: { ...headers, [trialHeader]: mark }, body })
      expect([answer.status, await answer.text()]).toEqual([200, ''])
    }
    expect((await inbox(connectionId)).items).toHaveLength(1)

    notes.subscribed.clear()
    expect(step(await diagnose(connectionId), 'webhook')).toMatchObject({
      state: 'failed',
      failure: { code: 'NotFound' },
    })
  })
})

describe('who may test', () => {
  it('partners test their own, without a link to Temporal; to write takes the permission to write', async () => {
    const connectionId = await toShelf()
    const { text: token } = await api.key({ scopes: ['connections.test', 'connections.read'] })
    const ask = (body: object) =>
      api.request('POST', `/v1/connections/${connectionId}/diagnosis`, {
        token,
        body,
        headers: { Prefer: 'wait=30' },
      })
    expect(await ask({ write: true })).toMatchObject({ status: 403, body: { code: 'NotPermitted' } })
    const unknown = await api.request('GET', `/v1/connections/${connectionId}/diagnosis`, { token })
    expect(unknown).toMatchObject({ status: 404, body: { code: 'NoSuchThing' } })
    const first = await ask({})
    expect(first.body).not.toHaveProperty('temporalUrl')
    const last = await until(
      async () =>
        (await api.request('GET', `/v1/connections/${connectionId}/diagnosis`, { token })).body as Diagnosis,
      ({ state }) => state !== 'running',
    )
    expect(last).toMatchObject({ state: 'passed', startedBy: expect.stringMatching(/^key:/) as unknown })
    expect(last).not.toHaveProperty('temporalUrl')
  })

  it('answers at once with the workflow, and refuses a second test meanwhile', async () => {
    const connectionId = await toShelf()
    await api.hub.deps.database.db.transaction().execute(async (tx) => {
      // Nothing of it can be kept while this holds: the test goes on until it is let go.
      await sql`lock table diagnoses in exclusive mode`.execute(tx)
      const first = await api.request('POST', place(connectionId), { body: {} })
      expect(first).toMatchObject({
        status: 202,
        body: { state: 'running', steps: [], workflowId: `test:${connectionId}` },
      })
      expect(await api.request('POST', place(connectionId), { body: {} })).toMatchObject({
        status: 409,
        body: { code: 'AlreadyRunning' },
      })
    })
    await until(
      async () => (await api.request('GET', place(connectionId))).body as Diagnosis,
      ({ state }) => state === 'passed',
    )
  })
})

describe('on the command line', () => {
  it('prints each step with its time and advice; the exit code says how it went', async () => {
    const connectionId = await toShelf()
    const printed: string[] = []
    const out = { ...createOut(), line: (text = '') => void printed.push(text) }
    const options = { api: api.url, token: adminToken }
    expect(await testByCommand(connectionId, options, out)).toBe(0)
    expect(printed.join('\n')).toMatch(/passed +Credential +\d+ ms +Signed in\./)
    shelf.mood.refuse = { 'GET /me': 401 }
    printed.length = 0
    expect(await testByCommand(connectionId, options, out)).toBe(1)
    expect(printed.join('\n')).toMatch(/failed +Credential +\d+ ms .*\n +→ Connect the account again/)
    shelf.mood.refuse = {}
    expect(await testByCommand(await withScope('books.read'), options, out)).toBe(3)
  })
})

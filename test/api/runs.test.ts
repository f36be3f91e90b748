import { createLocalJWKSet, compactVerify, type JSONWebKeySet } from 'jose'
import { Client, Connection as TemporalConnection } from '@temporalio/client'
import { listRuns } from '../../db/runs.ts'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { createHubClient } from '../../workflows/client.ts'
import { startTestApi, until, type ApiAnswer, type TestApi } from '../harness/api.ts'

type Run = components['schemas']['Run']
type Batch = components['schemas']['SyncMany']

let api: TestApi

beforeAll(async () => {
  api = await startTestApi()
}, 120_000)

afterAll(async () => {
  await api?.close()
})

const runIn = ({ body }: ApiAnswer) => body as Run
const show = async (runId: string): Promise<Run> => runIn(await api.request('GET', `/admin/v1/runs/${runId}`))
const ended = (runId: string): Promise<Run> =>
  until(
    () => show(runId),
    ({ endedAt }) => endedAt !== null,
  )

const start = (body: object, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  api.request('POST', '/admin/v1/runs', { body, headers })

/** A run that waits after its first page, until its speed is changed. */
async function slowRun(): Promise<{ connectionId: string; runId: string }> {
  const { connectionId } = await api.connect()
  const speed = { pagesPerMinute: 1 }
  const { runId } = runIn(await start({ connectionId, resources: ['sections', 'articles'], speed }))
  await until(
    () => show(runId),
    ({ progress }) => progress?.live === true,
  )
  return { connectionId, runId }
}

describe('a run', () => {
  it('is answered at once, can be followed to its end, and leaves a proof that holds without the hub', async () => {
    const { connectionId } = await api.connect()
    const started = await start({ connectionId, resources: ['sections'] })
    const { runId } = runIn(started)
    expect(started).toMatchObject({
      status: 202,
      body: { connectionId, mode: 'incremental', state: 'running' },
    })
    expect(started.headers.get('location')).toBe(`/admin/v1/runs/${runId}`)
    expect(runIn(started).temporalUrl).toContain(`/workflows/${encodeURIComponent(`sync:${connectionId}`)}`)
    const run = await ended(runId)
    expect(run).toMatchObject({
      state: 'succeeded',
      progress: null,
      hasProof: true,
      totals: { created: 5, scanned: 5 },
    })
    const proof = await api.request('GET', `/admin/v1/runs/${runId}/proof`)
    const { jws, payload, keyId } = proof.body as components['schemas']['Proof']
    const keys = await api.request('GET', '/.well-known/tieline-proof-keys.json', { token: null })
    const verified = await compactVerify(jws, createLocalJWKSet(keys.body as JSONWebKeySet))
    expect(verified.protectedHeader.kid).toBe(keyId)
    expect(JSON.parse(new TextDecoder().decode(verified.payload))).toEqual(payload)
    expect(payload).toMatchObject({ runId, outcome: 'succeeded' })
    const { body: calls } = await api.request('GET', `/admin/v1/runs/${runId}/calls`)
    expect(calls).toMatchObject({
      items: [{ resource: 'sections', status: 200 }, ...Array<unknown>(5).fill({})],
    })
    const { body: pages } = await api.request('GET', `/admin/v1/runs/${runId}/pages`)
    expect(pages).toMatchObject({ items: [{ resource: 'sections', page: 0, scanned: 5 }], nextCursor: null })
  })

  it('plans when it is dry and writes nothing', async () => {
    const { connectionId } = await api.connect()
    const { runId } = runIn(await start({ connectionId, resources: ['sections'], dryRun: true }))
    const run = await ended(runId)
    expect(run).toMatchObject({ dryRun: true, totals: { created: 5 }, resources: [{ resource: 'sections' }] })
    expect(run.resources[0]?.samples).toHaveLength(5)
    const { body } = await api.request(
      'GET',
      `/admin/v1/records?connectionId=${connectionId}&resource=sections`,
    )
    expect(body).toEqual({ items: [], nextCursor: null })
  })

  it('is refused while another one of the connection is under way, which is named', async () => {
    const { connectionId, runId } = await slowRun()
    const second = await start({ connectionId })
    expect(second).toMatchObject({ status: 409, body: { code: 'AlreadyRunning', runId } })
    expect(await listRuns(api.deps.database.db, { connectionId, limit: 5 })).toHaveLength(1)
    await api.request('POST', `/admin/v1/runs/${runId}/cancel`)
    expect(await ended(runId)).toMatchObject({ state: 'cancelled' })
  })

  it('is paused, resumed, sped up, and refuses all of that once it has ended', async () => {
    const { runId } = await slowRun()
    const path = `/admin/v1/runs/${runId}`
    expect((await api.request('GET', `${path}/proof`)).status).toBe(404)
    expect((await api.request('POST', `${path}/pause`)).status).toBe(202)
    await until(
      () => show(runId),
      ({ progress }) => progress?.state === 'paused',
    )
    expect((await api.request('POST', `${path}/resume`)).status).toBe(202)
    const faster = await api.request('PATCH', path, { body: { speed: { pagesPerMinute: null } } })
    expect(faster).toMatchObject({ status: 200 })
    expect(await ended(runId)).toMatchObject({ state: 'succeeded' })
    for (const [method, where, body] of [
      ['POST', `${path}/pause`, undefined],
      ['POST', `${path}/resume`, undefined],
      ['POST', `${path}/cancel`, undefined],
      ['PATCH', path, { speed: { pagesPerMinute: 5 } }],
    ] as const) {
      const refused = await api.request(method, where, body ? { body } : {})
      expect(refused).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
    }
    const { body } = await api.request('GET', `/admin/v1/audit?subject=${runId}&limit=200`)
    const actions = (body as components['schemas']['AuditList']).items.map(({ action }) => action)
    expect(actions).toEqual(
      expect.arrayContaining([
        'run.requested',
        'run.pause_requested',
        'run.resume_requested',
        'run.speed_requested',
      ]),
    )
  })

  it('shows its progress with what is expected', async () => {
    const { runId } = await slowRun()
    const { progress } = await until(
      () => show(runId),
      (run) => (run.progress?.resources[0]?.scanned ?? 0) > 0,
    )
    expect(progress).toMatchObject({ live: true, speed: { pagesPerMinute: 1 } })
    expect(progress?.elapsedSeconds).toBeGreaterThan(0)
    await api.request('POST', `/admin/v1/runs/${runId}/cancel`)
    await ended(runId)
  })

  it('names the resources there are for one that is not there', async () => {
    const { connectionId } = await api.connect()
    const answer = await start({ connectionId, resources: ['sections', 'tickest'] })
    expect(answer.body).toMatchObject({ code: 'InvalidInput', errors: [{ pointer: '/resources/1' }] })
    expect(JSON.stringify(answer.body)).toContain('tickets')
  })

  it('is started once per idempotency key', async () => {
    const { connectionId } = await api.connect()
    const headers = { 'Idempotency-Key': newId('request') }
    const wish = { connectionId, resources: ['sections'] }
    const first = await start(wish, headers)
    const again = await start(wish, headers)
    expect(runIn(again).runId).toBe(runIn(first).runId)
    await ended(runIn(first).runId)
  })

  it('leaves nothing behind when Temporal does not answer', async () => {
    const { connectionId } = await api.connect()
    const connection = TemporalConnection.lazy({ address: '127.0.0.1:1' })
    const client = new Client({ connection })
    const temporal = createHubClient({
      client,
      taskQueue: 'x',
      uiUrl: 'http://127.0.0.1:1',
      namespace: 'default',
    })
    const { createApi, closeServer } = await import('../../api/server.ts')
    const server = await createApi({ ...api.deps, temporal }).listen(0, '127.0.0.1')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const answer = await fetch(`http://127.0.0.1:${port}/admin/v1/runs`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${api.deps.config.adminToken}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({ connectionId }),
    })
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'TemporalUnavailable' }])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await listRuns(api.deps.database.db, { connectionId, limit: 5 })).toEqual([])
    await closeServer(server)
    await connection.close()
  })

  it('is listed newest first, by connection, provider, state and batch', async () => {
    const { connectionId, provider } = await api.connect()
    const ids: string[] = []
    for (let n = 0; n < 3; n++) {
      const { runId } = runIn(await start({ connectionId, resources: ['sections'] }))
      await ended(runId)
      ids.unshift(runId)
    }
    const query = `connectionId=${connectionId}&provider=${provider}&state=succeeded`
    const first = await api.request('GET', `/admin/v1/runs?${query}&limit=2`)
    const page = first.body as components['schemas']['RunList']
    const rest = await api.request('GET', `/admin/v1/runs?${query}&limit=2&cursor=${page.nextCursor}`)
    const { items, nextCursor } = rest.body as components['schemas']['RunList']
    expect([...page.items, ...items].map(({ runId }) => runId)).toEqual(ids)
    expect(nextCursor).toBeNull()
  })
})

describe('a batch', () => {
  const batchAt = async (id: string): Promise<Batch> =>
    (await api.request('GET', `/admin/v1/sync-many/${encodeURIComponent(id)}`)).body as Batch

  it('syncs what it is asked for and tells how it ended', async () => {
    const { connectionId } = await api.connect()
    const started = await api.request('POST', '/admin/v1/sync-many', {
      body: { connectionId, resources: ['sections'] },
    })
    const { workflowId, temporalUrl } = started.body as Batch
    expect(started).toMatchObject({ status: 202, body: { state: 'running' } })
    expect(temporalUrl).toContain('/workflows/sync-many')
    const batch = await until(
      () => batchAt(workflowId),
      ({ state }) => state !== 'running',
    )
    expect(batch).toMatchObject({ state: 'succeeded', result: { connections: 1, succeeded: 1, created: 5 } })
    const runs = await api.request('GET', `/admin/v1/runs?batchId=${encodeURIComponent(workflowId)}`)
    expect(runs.body).toMatchObject({ items: [{ connectionId, batchId: workflowId }] })
    const cancel = await api.request('POST', `/admin/v1/sync-many/${encodeURIComponent(workflowId)}/cancel`)
    expect(cancel).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
  })

  it('is cancelled together with its runs', async () => {
    const { connectionId } = await api.connect()
    const started = await api.request('POST', '/admin/v1/sync-many', { body: { connectionId } })
    const { workflowId } = started.body as Batch
    const answer = await api.request('POST', `/admin/v1/sync-many/${encodeURIComponent(workflowId)}/cancel`)
    expect(answer.status).toBe(202)
    await until(
      () => batchAt(workflowId),
      ({ state }) => state !== 'running',
    )
    const open = (await listRuns(api.deps.database.db, { connectionId, limit: 5 })).map(({ runId }) =>
      ended(runId),
    )
    await Promise.all(open)
  })

  it('refuses a mistyped provider and names those there are', async () => {
    const answer = await api.request('POST', '/admin/v1/sync-many', { body: { provider: 'zendeks' } })
    expect(answer.body).toMatchObject({ code: 'InvalidInput', errors: [{ pointer: '/provider' }] })
  })
})

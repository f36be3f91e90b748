/** A partner whose month of records is used up: syncs wait at a page, webhooks go on, and nothing is lost. */
import { syncSlice } from '../../activities/sync-slice.ts'
import { openRun } from '../../activities/sync-open.ts'
import { verifyAudit } from '../../db/audit.ts'
import { defaultTenant } from '../../db/partners.ts'
import { getRun } from '../../db/runs.ts'
import { monthEnd } from '../../model/quota.ts'
import { newId } from '../../platform/new-id.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Provider, Resource } from '../../providers/contract.ts'
import { until } from '../harness/api.ts'
import { perform } from '../harness/engine.ts'
import { startNotesInbox, type NotesInbox } from '../harness/notes-inbox.ts'

const { partnerId } = defaultTenant
const rowsOfPage = 2
let hub: NotesInbox

const pagedResource = (resource: Resource): Resource => ({
  ...resource,
  readPage: async (context, position) => {
    const all = await resource.readPage(context, position)
    const page = Number(position['page'])
    const rows = all.rows.slice(page * rowsOfPage, (page + 1) * rowsOfPage)
    return { ...all, rows, next: { page: page + 1 }, done: (page + 1) * rowsOfPage >= all.rows.length }
  },
})
const paged = (provider: Provider): Provider => ({
  ...provider,
  resources: provider.resources.map(pagedResource),
})

beforeAll(async () => {
  hub = await startNotesInbox(true, paged)
  for (let n = 1; n <= 9; n++) put(`q${n}`)
}, 120_000)
afterAll(async () => {
  await setQuota(null)
  await hub?.close()
})

function put(id: string): void {
  const at = '2026-11-24T10:00:00.000Z'
  hub.notes.notes.set(id, { id, version: 1, updatedAt: at, title: `Note ${id}`, body: '', owner: '' })
}

async function setQuota(hard: number | null): Promise<void> {
  const body = { tier: 'standard', overrides: { quotas: { records: { soft: null, hard } } } }
  const answer = await hub.api.request('PUT', `/admin/v1/partners/${partnerId}/limits`, { body })
  expect(answer.status).toBe(200)
}

interface Shown {
  readonly runId: string
  readonly state: string
  readonly startedBy: string
  readonly failure: { readonly code: string; readonly message: string } | null
  readonly totals: { readonly pages: number; readonly created: number; readonly unchanged: number }
  readonly progress: JsonObject | null
}
const run = async (runId: string): Promise<Shown> =>
  (await hub.api.request('GET', `/admin/v1/runs/${runId}`)).body as Shown
const inState = (runId: string, state: string): Promise<Shown> =>
  until(
    () => run(runId),
    (one) => one.state === state && (state !== 'waiting' || one.progress?.['state'] === 'waiting'),
  )
const newestOf = async (connectionId: string): Promise<Shown | undefined> =>
  ((await hub.api.request('GET', `/admin/v1/runs?connectionId=${connectionId}`)).body as { items: Shown[] })
    .items[0]

describe('the hard quota of records', () => {
  it('holds a sync at the end of a page, and lets it go on from there when it is raised', async () => {
    await setQuota(4)
    const started = await hub.api.request('POST', '/admin/v1/runs', {
      body: { connectionId: hub.connectionId },
    })
    expect(started.status).toBe(202)
    const { runId } = started.body as Shown
    const held = await inState(runId, 'waiting')
    expect(held).toMatchObject({
      failure: { code: 'TooManyRequests', message: expect.stringContaining('quota') as string },
      totals: { pages: 2, created: 4 },
      progress: { waiting: { reason: 'records quota' } },
    })

    // A webhook that was accepted is not held.
    put('w1')
    expect((await hub.post([{ id: 'held-1', type: 'note.changed', note: 'w1' }])).status).toBe(200)
    expect(await hub.settled()).toMatchObject({ dead: 0, waiting: 0 })
    expect((await hub.record('w1'))?.mapped).toMatchObject({ subject: 'Note w1' })
    expect((await run(runId)).totals.pages).toBe(2)

    await setQuota(100)
    const done = await inState(runId, 'succeeded')
    expect(done).toMatchObject({ failure: null, totals: { pages: 5, created: 9, unchanged: 1 } })
    for (const id of hub.notes.notes.keys()) expect(await hub.record(id)).toMatchObject({ version: 1 })
    const { body } = await hub.api.request('GET', `/admin/v1/audit?subject=${runId}`)
    const actions = (body as { items: { action: string }[] }).items.map(({ action }) => action)
    expect(actions).toEqual(expect.arrayContaining(['run.held', 'run.released']))
    expect(await verifyAudit(hub.api.database.database.db)).toMatchObject({ ok: true })
  })

  it('is told to whoever would start a sync; a scheduled one waits, a batch says whom it left out', async () => {
    await setQuota(1)
    const connectionId = await hub.connect('Second')
    const quota = { quota: 'records', hard: 1 }
    const key = await hub.api.key()
    const body = { connectionId }
    for (const wish of [
      { path: '/admin/v1/runs' },
      { path: '/v1/runs', token: key.text },
      { path: '/admin/v1/sync-many' },
      { path: `/admin/v1/connections/${connectionId}/schedule/trigger` },
    ]) {
      const given = wish.path.endsWith('trigger') ? {} : { body }
      const answer = await hub.api.request('POST', wish.path, { ...wish, ...given })
      expect(answer).toMatchObject({ status: 429, body: { code: 'TooManyRequests', quota } })
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect(await newestOf(connectionId)).toBeUndefined()

    const many = await hub.api.request('POST', '/admin/v1/sync-many', { body: { provider: 'notes' } })
    expect(many.status).toBe(202)
    const { workflowId } = many.body as { workflowId: string }
    const batch = await until(
      () => hub.api.request('GET', `/admin/v1/sync-many/${encodeURIComponent(workflowId)}`),
      (answer) => (answer.body as { state: string }).state !== 'running',
    )
    expect(JSON.stringify(batch.body)).toContain('used up its quota of changes of records')

    await hub.api.hub.hub.triggerSyncSchedule(connectionId)
    const scheduled = await until(
      () => newestOf(connectionId),
      (one) => one?.state === 'waiting',
    )
    expect(scheduled).toMatchObject({ startedBy: 'schedule', failure: { code: 'TooManyRequests' } })
    const { runId = '' } = scheduled ?? {}
    expect((await inState(runId, 'waiting')).totals.pages).toBe(0)
    await setQuota(null)
    expect(await inState(runId, 'succeeded')).toMatchObject({ totals: { created: 10 } })
  })

  it('is looked at again when the month turns, and then holds nobody', async () => {
    await setQuota(1)
    const connectionId = await hub.connect('Third')
    const { deps } = hub.api.hub
    const month = monthEnd(new Date())
    const at = (ms: number) => ({
      ...deps,
      clock: { ...deps.clock, now: () => new Date(month.getTime() + ms) },
    })
    const request = { connectionId, mode: 'full', dryRun: false, startedBy: 'test' } as const
    const { runId } = await perform(() => openRun(deps, { ...request, workflowRunId: newId('request') }))
    const slice = { runId, resource: 'notes', pagesPerMinute: null }
    expect(await perform(() => syncSlice(at(-60_000), slice))).toMatchObject({
      state: 'wait',
      until: month.toISOString(),
      progress: { pages: 0 },
    })
    // Counted by the day on which a change came in: nothing yet in the new month.
    expect(await perform(() => syncSlice(at(1_000), slice))).toMatchObject({ progress: { pages: 1 } })
    expect(await getRun(hub.api.database.database.db, runId)).toMatchObject({ state: 'waiting' })
  })
})

/** What the connector asks and the simulated Mixpanel answers, judged by Mixpanel's own OpenAPI files. */
import type { JsonObject } from '../../model/json.ts'
import { startMixpanelBench, type MixpanelBench } from '../harness/mixpanel-bench.ts'
import { loadMixpanelOpenapi, type Exchange } from '../harness/mixpanel-openapi.ts'

const judge = loadMixpanelOpenapi()
if (!judge)
  console.warn('SKIPPED: ../shared/specs/mixpanel is not there, so nothing can judge connector and simulator')
const judged = judge ? describe : describe.skip

const limits = { query: 1e6, export: 1e6, export_burst: 1e6, app: 1e6, page: 50 }
let bench: MixpanelBench
beforeAll(async () => {
  bench = await startMixpanelBench({
    limits,
    size: { profiles: 130, events: 300, cohorts: 3, funnels: 3, experiments: 3, annotations: 4 },
  })
})
afterAll(() => bench.close())

/** The judgement of everything that passed while `work` ran; what no file describes is told as such. */
async function judgedWhile(work: () => Promise<unknown>): Promise<string[]> {
  const before = bench.exchanges.length
  await work()
  const passed = bench.exchanges.slice(before)
  expect(passed.length).toBeGreaterThan(0)
  return [...new Set(passed.flatMap(verdict))]
}

/** Mixpanel's files are wrong or silent here: each is told in providers/mixpanel/README.md, "What Mixpanel's files get wrong". */
const excused = [
  // Its own words: "distinct_id: a unique identifier" of type string; recorded answers have text.
  'POST /api/query/engage: answer /results/*/$distinct_id must be integer',
  // On the reference page of the list, not in the file.
  'POST /api/query/cohorts/list: answer /* must NOT have unevaluated properties: data_group_id',
  // A modifier of Mixpanel's own libraries (mixpanel-node), in none of the files.
  'POST /engage: body /* must NOT have unevaluated properties: $ignore_time',
  // The file asks for the operation of another description.
  "POST /groups: body /* must have required property '$unset'",
  "POST /groups: body /* must have required property '$set'",
]

const used = new Set<string>()
const isExcused = (problem: string): boolean => {
  if (excused.includes(problem)) used.add(problem)
  return excused.includes(problem)
}

const verdict = (exchange: Exchange): string[] =>
  (judge?.problemsOf(exchange) ?? ['is described nowhere'])
    .map((problem) => `${exchange.method} ${exchange.path}: ${problem}`.replace(/\/\d+(?=[/ ])/g, '/*'))
    .filter((problem) => !isExcused(problem))

const days = { from: '2026-11-01', to: '2026-11-19' }
const amount = 'properties["Amount"]'
const order = { event: 'Order Completed', ...days, on: amount }

judged('requests and answers are as Mixpanel’s OpenAPI files describe', () => {
  it.each(['events', 'profiles', 'cohorts', 'cohort_members', 'funnels', 'experiments', 'annotations'])(
    'reading %s',
    async (name) => {
      expect(await judgedWhile(() => bench.read(name))).toEqual([])
    },
  )

  it.each<[string, JsonObject]>([
    ['funnel', { funnelId: '7002', ...days, unit: 'week', length: 7, lengthUnit: 'day' }],
    ['funnel', { bookmarkId: '1' }],
    ['funnels', {}],
    ['cohorts', {}],
    ['cohort_members', { cohortId: '1200001' }],
    ['retention', { ...days, bornEvent: 'Sign Up', event: 'App Open', intervalCount: 7, unit: 'day' }],
    ['frequency', { ...days, unit: 'day', per: 'hour', event: 'App Open' }],
    ['segmentation', { event: 'App Open', ...days, type: 'unique', unit: 'day', on: 'properties["$city"]' }],
    ['segmentation', { ...order, measure: 'numeric', unit: 'day' }],
    ['segmentation', { ...order, measure: 'sum', unit: 'day' }],
    ['segmentation', { ...order, measure: 'average', unit: 'day' }],
    ['events', { events: ['App Open', 'Sign Up'], ...days, unit: 'week' }],
    ['events_top', { limit: 5 }],
    ['event_names', { limit: 3 }],
    ['event_properties', { event: 'Order Completed' }],
    ['property_values', { event: 'Order Completed', property: '$city' }],
    ['insights', { bookmarkId: '12' }],
    ['experiments', {}],
  ])('the report %s %j', async (name, input) => {
    expect(await judgedWhile(() => bench.ask(name, input))).toEqual([])
  })

  const event = { name: 'Deal Won', time: '2026-11-20T10:00:00Z', profileId: 'user-1' }
  const profile = { profileId: 'user-2' }
  const group = { groupKey: 'company_id', groupId: 'acme' }
  const experiment = (n: number) => ({
    experimentId: `5f0c1c0e-6f9e-4f3c-9a8e-${String(n).padStart(12, '0')}`,
  })
  it.each<[string, JsonObject]>([
    ['track_event', { ...event, deviceId: 'd1', userId: 'u1', ip: '1.2.3.4', properties: { Amount: 3 } }],
    ['track_events', { events: [event, { ...event, profileId: '' }] }],
    ['track_changes', { events: [{ name: 'deal.won', id: 'chg_1', occurredAt: '2026-11-20T10:00:00Z' }] }],
    ['track_exposure', { experiment: 'E', variant: 'B', profileId: 'user-1', time: '2026-11-20T10:00:00Z' }],
    [
      'set_profile',
      {
        ...profile,
        set: { Plan: 'Pro' },
        setOnce: { A: 1 },
        unset: ['B'],
        union: { C: ['x'] },
        remove: { C: 'x' },
      },
    ],
    ['set_group', { ...group, set: { Plan: 'Pro' }, setOnce: { A: 1 }, unset: ['B'], remove: { C: 'x' } }],
    ['set_group', { ...group, union: { C: ['x'] } }],
    ['delete_group', group],
    ['append_revenue', { ...profile, amount: 5, time: '2026-11-20T10:00:00Z' }],
    ['delete_profile', profile],
    ['create_annotation', { at: '2026-11-20T10:00:00Z', text: 'Release', tagIds: [1] }],
    ['delete_annotation', { id: '1' }],
    ['erase_user', { profileIds: ['user-3'] }],
    ['merge_profiles', { profileId: 'user-7', otherId: 'user-8' }],
    ['launch_experiment', experiment(3)],
    ['conclude_experiment', experiment(1)],
    ['decide_experiment', { ...experiment(2), success: true, variant: 'Treatment', message: 'clear' }],
  ])('the action %s', async (name, input) => {
    expect(await judgedWhile(() => bench.act(name, input))).toEqual([])
  })

  it('an erasure and its end, a retrieval and its file', async () => {
    let seen: JsonObject[] = []
    const work = async () => {
      const { trackingId: erasing = '' } = await bench.act('erase_user', { profileIds: ['user-4'] })
      const cancelled = await bench.act('cancel_erasure', { trackingId: erasing })
      const erased = await bench.ask('erasure_status', { trackingId: erasing })
      const { trackingId = '' } = await bench.act('retrieve_user', { profileIds: ['user-4'] })
      const pending = await bench.ask('retrieval_status', { trackingId })
      seen = [cancelled, erased, pending, await bench.ask('retrieval_status', { trackingId })]
    }
    expect(await judgedWhile(work)).toEqual([])
    expect(seen).toMatchObject([
      { cancelled: true },
      { status: 'REVOKED', isOver: true },
      { status: 'PENDING', isOver: false, file: null },
      { status: 'SUCCESS', isOver: true, file: expect.stringContaining('https://') as string },
    ])
  })

  it('writing profiles', async () => {
    const fields = { $properties: { Plan: 'Pro', Seats: null } }
    const item = { externalId: 'user-5', idempotencyKey: 'k', fields }
    const write = bench.resource('profiles').write
    const work = () =>
      write?.batch?.write(bench.open(), [
        { ...item, operation: 'update' },
        { ...item, operation: 'delete', externalId: 'user-6' },
      ]) ?? Promise.resolve()
    expect(await judgedWhile(work)).toEqual([])
  })

  it('describing properties', async () => {
    expect(await judgedWhile(async () => bench.resource('profiles').describe?.(bench.open()))).toEqual([])
  })

  it('rotating the service account', async () => {
    const [auth] = bench.provider.auth
    const rotation = auth?.kind === 'token' ? auth.rotation : undefined
    const work = async () => {
      const minted = await rotation?.mint(bench.open(), 'attempt')
      const next = bench.open({ ...minted })
      await rotation?.retire(next, { secrets: {}, settings: { username: 'another.1.mp-service-account' } })
    }
    expect(await judgedWhile(work)).toEqual([])
  })

  const refused = async (work: () => Promise<unknown>, code: string) => {
    await expect(work()).rejects.toMatchObject({ code })
  }

  it('refusals: a wrong secret, another project, an experiment that is in another state, too much', async () => {
    const wrong = bench.open({ secrets: { secret: 'wrong-secret-0123456789' } })
    expect(
      await judgedWhile(() => refused(() => bench.act('track_event', event, 'k', wrong), 'Unauthorized')),
    ).toEqual([])
    expect(
      await judgedWhile(() => refused(() => bench.read('annotations', undefined, wrong), 'Unauthorized')),
    ).toEqual([])
    const other = bench.open({ settings: { project_id: '3000002' } })
    expect(
      await judgedWhile(() => refused(() => bench.read('annotations', undefined, other), 'Forbidden')),
    ).toEqual([])
    const concluded = { ...experiment(2), success: true }
    const again = () => refused(() => bench.act('launch_experiment', concluded), 'Invalid')
    expect(await judgedWhile(again)).toEqual([])
    bench.sandbox.control.setLimits('mixpanel', { ingest: 0 })
    expect(await judgedWhile(() => refused(() => bench.act('track_event', event), 'RateLimited'))).toEqual([])
    bench.sandbox.control.setLimits('mixpanel', { ingest: 30_000 })
  })

  it('an import that is refused in part', async () => {
    const future = { ...event, time: '2026-11-20T12:59:00Z' }
    const work = async () => {
      const early = { ...bench.open(), now: () => new Date('2026-11-20T12:30:00Z') }
      // The hub's clock is ahead of Mixpanel's: what it lets pass, Mixpanel refuses.
      const ahead = { ...future, time: '2026-11-20T13:20:00Z' }
      return await bench.act('track_events', { events: [ahead, future] }, 'part', early)
    }
    let done: JsonObject = {}
    expect(await judgedWhile(async () => (done = await work()))).toEqual([])
    expect(done).toMatchObject({ imported: 1, failed: [{ index: 0, field: 'properties.time' }] })
  })

  it('every excuse is still needed', () => {
    expect([...used].sort()).toEqual([...excused].sort())
  })

  it('the judge is awake: a wrong host, parameter, field and answer are seen', () => {
    const seen = (path: string) => {
      const one = bench.exchanges.find((exchange) => exchange.path === path && exchange.status === 200)
      if (!one) throw new Error(`nothing went to ${path}`)
      return one
    }
    const problems = (path: string, change: Partial<Exchange>) =>
      judge?.problemsOf({ ...seen(path), ...change })
    const timeless = [{ event: 'e', properties: { time: 'now', distinct_id: 'u', $insert_id: 'i' } }]
    expect(problems('/import', { sent: JSON.stringify(timeless) })).toEqual([
      'body /0/properties/time must be integer',
    ])
    expect(problems('/api/query/funnels/list', { answer: '[{"funnel_id":"1","title":"t"}]' })).toEqual(
      expect.arrayContaining(['answer /0/funnel_id must be integer']),
    )
    expect(problems('/api/query/funnels', { answer: '{"data":{}}' })).toEqual([
      "answer / must have required property 'meta'",
    ])
  })
})

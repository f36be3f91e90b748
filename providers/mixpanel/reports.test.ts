/** Reports: their questions and answers fit their schemas, cost one call, and say what the numbers mean. */
import type { JsonObject } from '../../model/json.ts'
import { ajv, report, startStage, type Answer, type Asked, type Stage } from './test-context.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage.server.close())

describe('reports', () => {
  const days = { from: '2026-11-01', to: '2026-11-02' }
  const step = (event: string, count: number) => ({
    count,
    event,
    goal: event,
    step_conv_ratio: 0.5,
    overall_conv_ratio: 0.5,
    avg_time: 2,
  })
  const answers: Readonly<Record<string, unknown>> = {
    '/api/query/funnels': {
      meta: { dates: ['2026-11-01', '2026-11-02'] },
      data: {
        '2026-11-02': { steps: [step('A', 100), step('B', 25)] },
        '2026-11-01': { steps: [step('A', 100), step('B', 75)] },
      },
    },
    '/api/query/funnels/list': [{ funnel_id: 7509, name: 'Signup' }],
    '/api/query/cohorts/list': [
      { id: 1000, name: 'Power', description: '', count: 150, created: '2026-03-19 23:49:51' },
    ],
    '/api/query/engage': { page: 0, page_size: 1000, session_id: 's', results: [{ $distinct_id: 'u' }] },
    '/api/query/retention': {
      '2026-11-01': { first: 10, counts: [9, 7] },
      '2026-11-02': { first: 10, counts: [5] },
    },
    '/api/query/retention/addiction': { data: { '2026-11-01': [305, 107] } },
    '/api/query/segmentation': {
      data: { series: ['2026-11-01'], values: { A: { '2026-11-02': 2, '2026-11-01': 1 } } },
      legend_size: 1,
    },
    '/api/query/events': { data: { series: [], values: { A: { '2026-11-01': 1 } } }, legend_size: 1 },
    '/api/query/events/top': { events: [{ amount: 2, event: 'A', percent_change: -0.3 }], type: 'general' },
    '/api/query/insights': {
      computed_at: '2026-11-02T00:00:00',
      date_range: { from_date: 'a', to_date: 'b' },
      headers: ['$event'],
      series: { A: { '2026-11-01T00:00:00-07:00': 5 }, Total: { all: 7 } },
    },
    '/api/app/workspaces/4000001/experiments': {
      status: 'ok',
      results: [
        {
          id: 'x',
          name: 'n',
          status: 'success',
          variants: [{ name: 'B' }],
          exposures_cache: { B: 1 },
          deleted: null,
        },
      ],
    },
  }
  const inputs: Readonly<Record<string, JsonObject>> = {
    funnel: { funnelId: '7509', ...days },
    funnels: {},
    cohorts: {},
    cohort_members: { cohortId: '1000' },
    retention: { ...days, bornEvent: 'A' },
    frequency: { ...days, unit: 'day', per: 'hour' },
    segmentation: { event: 'A', ...days },
    events: { events: ['A'], ...days },
    events_top: {},
    insights: { bookmarkId: '1' },
    experiments: {},
  }
  const answering = (asked: Asked): Answer => ({ body: answers[asked.path] })

  it.each(Object.keys(inputs))(
    '%s: the question fits its schema, so does the answer, for one call',
    async (name) => {
      const { context, asked } = stage.open(answering)
      const { input, output, run } = report(name)
      const fits = ajv.compile(input)
      expect([fits(inputs[name]), fits.errors]).toEqual([true, null])
      const answer = await run(context, inputs[name] ?? {})
      const isAnswer = ajv.compile(output)
      expect([isAnswer(answer), isAnswer.errors]).toEqual([true, null])
      expect(asked).toHaveLength(1)
    },
  )

  it('a funnel adds its periods up and counts its conversion anew', async () => {
    const { context } = stage.open(answering)
    const answer = await report('funnel').run(context, inputs['funnel'] ?? {})
    expect(answer['total']).toMatchObject([
      { count: 200 },
      { count: 100, conversion: 0.5, overallConversion: 0.5 },
    ])
    expect(answer['periods']).toMatchObject([{ date: '2026-11-01' }, { date: '2026-11-02' }])
  })

  it('a retention leaves a cohort out of intervals that it has not lived to', async () => {
    const { context } = stage.open(answering)
    const answer = await report('retention').run(context, inputs['retention'] ?? {})
    expect(answer['average']).toEqual([0.7, 0.7])
  })

  it('a question about tomorrow is refused before it costs a query', async () => {
    const { context, asked } = stage.open(answering)
    const failing = report('segmentation').run(context, { event: 'A', from: '2026-11-01', to: '2026-11-24' })
    await expect(failing).rejects.toMatchObject({ code: 'InvalidInput', fields: [{ pointer: '/to' }] })
    expect(asked).toEqual([])
  })
})

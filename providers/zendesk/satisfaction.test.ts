/** Customer satisfaction: both features read, summarised, and quiet where they are not active. */
import type { Row } from '../contract.ts'
import { isHubError } from '../../platform/errors.ts'
import { zendesk } from './index.ts'
import { ajv, contextOf, nowSeconds, readAll, resource } from './test-context.ts'

describe('satisfaction', () => {
  const survey = {
    id: '01J1WB51MG6HXTYWE6Q0C93RNW',
    responder_id: 4398080151295,
    subject_zrns: ['zen:ticket:99'],
    answers: [
      {
        type: 'rating_scale',
        rating: 1,
        rating_category: 'bad',
        question: { id: 'a', sub_type: 'customer_satisfaction', type: 'rating_scale_numeric' },
        created_at: '2026-10-14T12:00:00.000Z',
        updated_at: '2026-10-14T12:05:00.000Z',
      },
      {
        type: 'closed_ended',
        selections: [{ option_id: '01OPT', type: 'predefined' }],
        question: { id: 'b' },
        created_at: '2026-10-14T12:00:00.000Z',
      },
      {
        type: 'open_ended',
        value: 'Same questions again.',
        question: { id: 'c' },
        created_at: '2026-10-14T12:00:00.000Z',
      },
      { type: 'skipped', question: { id: 'd' }, created_at: '2026-10-14T12:00:00.000Z' },
    ],
  }
  const rating = (id: number, score: string, at: string, reason?: string): Row => ({
    id,
    score,
    reason,
    created_at: at,
    updated_at: at,
    ticket_id: 1,
  })
  const span = { from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' }
  const report = zendesk.reports.find((each) => each.name === 'satisfaction')

  it('reads whichever feature is active and is empty for the other', async () => {
    const { context } = contextOf(({ path }) =>
      path === '/api/v2/guide/survey_responses'
        ? { body: { survey_responses: [survey], meta: { has_more: false } } }
        : { status: 403, body: { error: { title: 'Forbidden' } } },
    )
    expect(await resource('satisfaction_ratings').readPage(context, { since: 0 })).toMatchObject({
      rows: [],
      done: true,
      next: { since: 0 },
    })
    const page = await resource('survey_responses').readPage(context, { since: 0 })
    expect(page.rows[0]?.['derived']).toMatchObject({
      ticket_id: '99',
      rating: '1',
      comment: 'Same questions again.',
      reason: '01OPT',
    })
    expect(ajv.validate(resource('survey_responses').schema, page.rows[0])).toBe(true)
    expect(resource('survey_responses').updatedAt(page.rows[0] ?? {})).toBe('2026-10-14T12:05:00.000Z')
  })

  it('reads the weeks again in which a customer may still change the answer', async () => {
    const { context, requests } = contextOf(() => ({
      body: { satisfaction_ratings: [], meta: { has_more: false } },
    }))
    const { position } = await readAll(resource('satisfaction_ratings'), context, { since: 0 })
    expect(position).toEqual({ since: nowSeconds - 35 * 86_400 })
    await resource('satisfaction_ratings').readPage(context, position)
    expect(requests[1]?.query?.['start_time']).toBe(position['since'])
  })

  it('summarises legacy ratings over pages', async () => {
    const { context, requests } = contextOf(({ path, query }) => {
      if (path.endsWith('/settings'))
        return { body: { settings: { active_features: { customer_satisfaction: true } } } }
      const second = query?.['page[after]'] === 'n'
      const rows = second
        ? [
            rating(3, 'bad', '2026-10-14T09:00:00Z', 'Not resolved'),
            rating(4, 'offered', '2026-10-15T09:00:00Z'),
          ]
        : [rating(1, 'good', '2026-10-05T00:00:00Z'), rating(2, 'good', '2026-10-11T23:59:59Z')]
      return { body: { satisfaction_ratings: rows, meta: { has_more: !second, after_cursor: 'n' } } }
    })
    const summary = await report?.run(context, span)
    expect(summary).toMatchObject({
      variant: 'legacy',
      scorePercent: 66.7,
      good: 2,
      bad: 1,
      scores: { good: 2, bad: 1, offered: 1 },
      reasons: [{ reason: 'Not resolved', count: 1 }],
      weeks: [
        { week: '2026-10-05', good: 2, bad: 0, scorePercent: 100 },
        { week: '2026-10-12', good: 0, bad: 1, scorePercent: 0 },
      ],
    })
    expect(ajv.validate(report?.output ?? {}, summary)).toBe(true)
    expect(requests[1]?.query).toMatchObject({
      start_time: Date.parse(span.from) / 1000,
      end_time: Date.parse(span.to) / 1000,
    })
  })

  it('summarises survey responses, asking in milliseconds', async () => {
    const { context, requests } = contextOf(({ path }) =>
      path.endsWith('/settings')
        ? { body: { settings: { active_features: { customer_satisfaction: false } } } }
        : { body: { survey_responses: [survey, { id: 'B', answers: [] }], meta: { has_more: false } } },
    )
    expect(await report?.run(context, span)).toMatchObject({
      variant: 'survey',
      bad: 1,
      scores: { '1': 1, offered: 1 },
    })
    expect(requests.at(-1)?.query?.['filter[created_at_start]']).toBe(Date.parse(span.from))
  })

  it('says that no CSAT is active instead of failing', async () => {
    const { context } = contextOf(({ path }) =>
      path.endsWith('/settings')
        ? { body: { settings: { active_features: {} } } }
        : { status: 404, body: { errors: [{ code: 'NotFound' }] } },
    )
    expect(await report?.run(context, span)).toMatchObject({ variant: null, scorePercent: null, weeks: [] })
  })

  it('refuses a span that ends before it begins', async () => {
    const failure = await report
      ?.run(contextOf(() => undefined).context, { from: span.to, to: span.from })
      .catch((error: unknown) => error)
    expect(isHubError(failure, 'InvalidInput')).toBe(true)
  })
})

/** What is done and asked at Pipedrive, and the life of a webhook, against the simulated company. */
import { pipedrive } from './index.ts'
import { openBench } from './test-context.ts'
import { subscriptions } from './webhook-subscriptions.ts'

const [moveDeal] = pipedrive.actions
const [dealSummary] = pipedrive.reports

describe('moving a deal', () => {
  const openDeal = (bench: ReturnType<typeof openBench>) =>
    Object.entries(bench.world.state('deals')).find(([, one]) => one['is_archived'] !== true)?.[0] ?? ''

  it('sets stage and status as numbers and words, again without a second effect', async () => {
    const bench = openBench({ deals: 5 })
    const dealId = openDeal(bench)
    const input = { dealId, stageId: '3', status: 'lost', lostReason: 'Price' }
    const moved = { dealId, stageId: '3', status: 'lost' }
    expect(await moveDeal?.run(bench.context, input, 'k')).toEqual(moved)
    expect(await moveDeal?.run(bench.context, input, 'k')).toEqual(moved)
    expect(bench.world.state('deals')[dealId]).toMatchObject({
      stage_id: 3,
      status: 'lost',
      lost_reason: 'Price',
    })
  })

  it('leaves out what is not given; a stage that does not exist is refused; only what is lost has a reason', async () => {
    const bench = openBench({ deals: 5 })
    const dealId = openDeal(bench)
    const before = bench.world.state('deals')[dealId]
    await moveDeal?.run(bench.context, { dealId, status: 'won' }, 'k')
    expect(bench.world.state('deals')[dealId]).toMatchObject({
      stage_id: before?.['stage_id'],
      status: 'won',
    })
    const run = (input: Record<string, string>) => moveDeal?.run(bench.context, { dealId, ...input }, 'k')
    await expect(run({ stageId: '99' })).rejects.toMatchObject({ code: 'Invalid' })
    await expect(run({ dealId: '999' })).rejects.toMatchObject({ code: 'NotFound' })
    await expect(run({ status: 'won', lostReason: 'x' })).rejects.toMatchObject({ code: 'InvalidInput' })
    await expect(run({ dealId: '../users' })).rejects.toMatchObject({ code: 'InvalidInput' })
  })
})

it('the summary of deals is asked for by status and pipeline', async () => {
  const bench = openBench({ deals: 40 })
  const open = Object.values(bench.world.state('deals')).filter(
    (one) => one['status'] === 'open' && one['is_archived'] !== true,
  )
  const sum = open.reduce((total, one) => total + Number(one['value']), 0)
  const found = await dealSummary?.run(bench.context, { status: 'open', pipelineId: '1' })
  expect(open.length).toBeGreaterThan(0)
  expect(found).toMatchObject({ count: open.length, value: sum })
  expect(bench.asked).toEqual(['GET /api/v1/deals/summary?status=open&pipeline_id=1'])
})

describe('the webhook of a connection', () => {
  const wish = {
    url: 'https://hub.example.com/hooks/pipedrive/con_1?key=k',
    topics: subscriptions.topics,
    secrets: { password: 'p4ss' },
  }

  it('is made, found again, and removed once', async () => {
    const { context } = openBench()
    expect(await subscriptions.list(context)).toEqual([])
    const { id } = await subscriptions.create(context, wish)
    expect(await subscriptions.list(context)).toEqual([{ id, url: wish.url, active: true, topics: ['*.*'] }])
    await subscriptions.remove(context, id)
    await subscriptions.remove(context, id)
    expect(await subscriptions.list(context)).toEqual([])
  })

  it('cannot be the 41st of a user', async () => {
    const { context } = openBench()
    for (let n = 0; n < 40; n++) await subscriptions.create(context, wish)
    await expect(subscriptions.create(context, wish)).rejects.toMatchObject({ code: 'Invalid' })
  })
})

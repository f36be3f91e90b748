/** Reading at its borders: cursors, equal times, what is archived or deleted, pages that are counted. */
import { activityOf, dealOf, organizationOf, personOf } from './derive.ts'
import { openBench, readAll, resource, type Bench } from './test-context.ts'

const deals = resource('deals')
const leads = resource('leads')
const notes = resource('notes')
const idsOf = (rows: readonly object[], of = deals): string[] =>
  rows.map((row) => of.externalId(row as never))
const truth = ({ world }: Bench, name: string): string[] => Object.keys(world.state(name)).sort()
const archivedIds = ({ world }: Bench, name: string): string[] =>
  Object.entries(world.state(name)).flatMap(([id, one]) => (one['is_archived'] === true ? [id] : []))

describe('lists of v2', () => {
  it('a full read goes by id through both lists, and gives each object once', async () => {
    const bench = openBench({ deals: 23 })
    const { rows, position } = await readAll(deals, bench.context)
    expect(idsOf(rows).sort()).toEqual(truth(bench, 'deals'))
    expect(new Set(idsOf(rows)).size).toBe(rows.length)
    expect(archivedIds(bench, 'deals').length).toBeGreaterThan(0)
    expect(bench.asked[0]).toBe('GET /api/v2/deals?limit=500&sort_by=id&sort_direction=asc')
    expect(bench.asked.at(-1)).toContain('/api/v2/deals/archived?')
    // Ten minutes before it began.
    expect(position).toEqual({ since: '2026-06-01T11:50:00Z' })
  })

  it('more deals of one second than a page holds are all read', async () => {
    const bench = openBench({ deals: 4 })
    const { position } = await readAll(deals, bench.context)
    bench.pass(3_600_000)
    const edits = bench.world.edit({ resource: 'deals', create: 13 })
    const { rows } = await readAll(deals, bench.context, position)
    expect(idsOf(rows).sort()).toEqual(edits.map(({ id }) => id).sort())
    expect(rows.every((row) => row['update_time'] === '2026-06-01T13:00:00Z')).toBe(true)
  })

  it('a deal that changes while changes are read comes again', async () => {
    const bench = openBench({ deals: 3 })
    const { position } = await readAll(deals, bench.context)
    bench.pass(3_600_000)
    const edits = bench.world.edit({ resource: 'deals', create: 12 })
    const [first] = edits
    const { rows } = await readAll(deals, bench.context, position, (page) => {
      if (page !== 1) return
      bench.pass(1000)
      bench.world.editExactly({
        resource: 'deals',
        id: first?.id ?? '',
        fields: { title: 'Newer', is_archived: false },
      })
    })
    const last = rows.filter((row) => deals.externalId(row) === first?.id).at(-1)
    expect(last).toMatchObject({ title: 'Newer' })
  })

  it('the deal on which a page should begin may vanish: nothing behind it is skipped', async () => {
    const bench = openBench({ persons: 14 })
    const persons = resource('persons')
    const { rows } = await readAll(persons, bench.context, {}, (page) => {
      if (page === 1) bench.world.editExactly({ resource: 'persons', id: '6', delete: true })
    })
    expect(idsOf(rows, persons)).toEqual(['1', '2', '3', '4', '5', ...'7 8 9 10 11 12 13 14'.split(' ')])
  })

  it('a deal that is archived while it is on its turn is met in the other list', async () => {
    const bench = openBench({ deals: 12 })
    const open = Object.entries(bench.world.state('deals')).filter(([, one]) => one['is_archived'] !== true)
    const [last = ''] = open.at(-1) ?? []
    const { rows } = await readAll(deals, bench.context, {}, (page) => {
      if (page === 1) bench.world.editExactly({ resource: 'deals', id: last, fields: { is_archived: true } })
    })
    expect(idsOf(rows)).toContain(last)
  })

  it('a deal that was deleted is told of by the next read of changes, and by none after 30 days', async () => {
    const bench = openBench({ deals: 6 })
    const { position } = await readAll(deals, bench.context)
    bench.pass(3_600_000)
    const open = Object.entries(bench.world.state('deals')).filter(([, one]) => one['is_archived'] !== true)
    const [id = ''] = open[0] ?? []
    bench.world.editExactly({ resource: 'deals', id, delete: true })
    const { rows } = await readAll(deals, bench.context, position)
    expect(rows.map((row) => [deals.externalId(row), deals.isDeleted?.(row)])).toEqual([[id, true]])
    bench.pass(31 * 24 * 3_600_000)
    expect((await readAll(deals, bench.context, position)).rows).toEqual([])
    expect((await deals.getMany?.(bench.context, [id]))?.rows).toEqual([])
  })

  it('ids are asked for a hundred at a time, archived deals in their own list, other ids not at all', async () => {
    const bench = openBench({ deals: 130 }, { page: 500 })
    const wanted = truth(bench, 'deals')
    const answer = await deals.getMany?.(bench.context, [...wanted, 'not-an-id', '999999'])
    expect(idsOf(answer?.rows ?? []).sort()).toEqual(wanted)
    const asked = bench.asked.map(
      (one) => new URLSearchParams(one.split('?')[1]).get('ids')?.split(',') ?? [],
    )
    expect(asked.map((ids) => ids.length)).toEqual([100, expect.any(Number), 31, expect.any(Number)])
    expect(asked.flat()).not.toContain('not-an-id')
  })

  it('pipelines come with their stages in order, without those that were deleted', async () => {
    const bench = openBench({ pipelines: 2 })
    bench.world.editExactly({ resource: 'stages', id: '2', delete: true })
    bench.world.editExactly({ resource: 'stages', id: '5', fields: { order_nr: 0 } })
    const { rows } = await readAll(resource('pipelines'), bench.context)
    const stages = rows.map((row) =>
      (row['derived'] as { stages: { id: string }[] }).stages.map(({ id }) => id),
    )
    expect(stages).toEqual([
      ['5', '1', '3', '4'],
      ['6', '7', '8', '9', '10'],
    ])
  })
})

describe('lists of v1', () => {
  it('leads are read from both lists; the next read begins before the last one began', async () => {
    const bench = openBench({ leads: 25 })
    const { rows, position } = await readAll(leads, bench.context)
    expect([...new Set(idsOf(rows, leads))].sort()).toEqual(truth(bench, 'leads'))
    expect(archivedIds(bench, 'leads').length).toBeGreaterThan(5)
    expect(position).toEqual({ since: '2026-06-01T11:50:00Z' })
  })

  it('a note that is deleted between two pages makes no other one be skipped', async () => {
    const bench = openBench({ notes: 30 })
    const before = truth(bench, 'notes')
    const { rows } = await readAll(notes, bench.context, {}, (page) => {
      if (page === 2) bench.world.editExactly({ resource: 'notes', id: '1', delete: true })
    })
    expect(before).toContain('1')
    expect([...new Set(idsOf(rows, notes))].sort()).toEqual(before)
  })

  it('more notes of one second than a page holds are all read', async () => {
    const bench = openBench({ notes: 3 })
    const { position } = await readAll(notes, bench.context)
    bench.pass(3_600_000)
    const same = bench.world.edit({ resource: 'notes', create: 17 })
    bench.pass(1000)
    const later = bench.world.edit({ resource: 'notes', create: 2 })
    const { rows } = await readAll(notes, bench.context, position)
    expect([...new Set(idsOf(rows, notes))].sort()).toEqual([...same, ...later].map(({ id }) => id).sort())
  })

  it('a lead that leaves the archive between two pages makes no other one be skipped', async () => {
    const bench = openBench({ leads: 90 })
    const archived = archivedIds(bench, 'leads')
    // The latest is on the first page of the archive.
    const gone = archived.at(-1) ?? ''
    const { rows } = await readAll(leads, bench.context, {}, () => {
      if (bench.asked.filter((one) => one.includes('/leads/archived')).length === 1)
        bench.world.editExactly({ resource: 'leads', id: gone, delete: true })
    })
    const kept = archived.filter((id) => id !== gone)
    expect(kept.length).toBeGreaterThan(10)
    expect(idsOf(rows, leads)).toEqual(expect.arrayContaining(kept))
  })

  it('of archived leads no page beyond the last change is read', async () => {
    const bench = openBench({ leads: 90 })
    const { position } = await readAll(leads, bench.context)
    bench.pass(3_600_000)
    const [id = ''] = archivedIds(bench, 'leads')
    bench.world.editExactly({ resource: 'leads', id, fields: { title: 'Changed' } })
    bench.asked.length = 0
    const { rows } = await readAll(leads, bench.context, position)
    expect(rows.find((row) => leads.externalId(row) === id)).toMatchObject({ title: 'Changed' })
    expect(bench.asked.filter((one) => one.includes('/leads/archived'))).toHaveLength(1)
  })

  it('a lead is read by id wherever it is; one that is gone, and what is no UUID, is left out', async () => {
    const bench = openBench({ leads: 12 })
    const ids = truth(bench, 'leads')
    const [gone = '', ...kept] = ids
    bench.world.editExactly({ resource: 'leads', id: gone, delete: true })
    const answer = await leads.getMany?.(bench.context, [...ids, '../users/me'])
    expect(idsOf(answer?.rows ?? [], leads).sort()).toEqual(kept)
    expect(bench.asked).toHaveLength(ids.length)
  })
})

it('rows carry what rules cannot say: the primary address, shares, links, lengths', () => {
  const emails = [
    { value: 'old@example.com', primary: false },
    { value: 'new@example.com', primary: true },
  ]
  expect(personOf({ emails, phones: [{ value: '1' }] })['derived']).toEqual({
    email: 'new@example.com',
    phone: '1',
  })
  expect(personOf({ emails: null })['derived']).toEqual({ email: null, phone: null })
  const activity = {
    person_id: 7,
    participants: [{ person_id: 7 }, { person_id: 8 }],
    duration: '01:30:00',
    deal_id: null,
  }
  expect(activityOf(activity)['derived']).toEqual({
    contacts: ['7', '8'],
    accounts: [],
    deals: [],
    durationMs: 5_400_000,
  })
  expect(organizationOf({ website: 'www.acme.com/about' })['derived']).toEqual({ domain: 'www.acme.com' })
  expect(organizationOf({ website: 'https://' })['derived']).toEqual({ domain: null })
  expect(dealOf({ person_id: 3, probability: 40 })['derived']).toEqual({ contacts: ['3'], probability: 0.4 })
})

/** Writing objects: made once, changed only as they were read, and what Zendesk refuses told as what it is. */
import type { JsonObject } from '../../model/json.ts'
import type { ProviderRequest, Row, Writer } from '../contract.ts'
import { contextOf, liveTicket, resource } from './test-context.ts'
import { bodyFor, isAsAsked } from './write-body.ts'

type Whole = Required<Pick<Writer, 'create' | 'update' | 'remove'>>

function writer(name: string): Whole {
  const { create, update, remove } = resource(name).write ?? {}
  if (!create || !update || !remove) throw new Error(`${name} cannot be written`)
  return { create, update, remove }
}

const sent = (requests: readonly ProviderRequest[]) => requests.filter(({ method }) => method !== 'GET')
const bodies = (requests: readonly ProviderRequest[]) =>
  sent(requests).map(({ body }) => body as Record<string, JsonObject>)
const invalid = (field: string, description: string) => ({
  status: 422,
  body: {
    error: 'RecordInvalid',
    description: 'Record validation errors',
    details: { [field]: [{ description, error: 'DuplicateValue' }] },
  },
})

describe('bodies', () => {
  it('send ids as numbers, where a number holds them, and leave everything else alone', () => {
    expect(
      bodyFor({
        requester_id: '35436',
        group_id: '9007199254740993',
        external_id: '42',
        assignee_id: null,
        follower_ids: ['1', 2],
        custom_fields: [{ id: '27642', value: '745' }],
      }),
    ).toEqual({
      requester_id: 35436,
      group_id: '9007199254740993',
      external_id: '42',
      assignee_id: null,
      follower_ids: [1, 2],
      custom_fields: [{ id: 27642, value: '745' }],
    })
  })

  it('an object is what was asked for whatever Zendesk trimmed, lowered or sorted, and is not with another value', () => {
    const row = { name: 'Acme', email: 'ana@acme.example', tags: ['a', 'b'], organization_id: 7 }
    expect(
      isAsAsked(row, {
        name: ' Acme ',
        email: 'Ana@acme.example',
        tags: ['B', 'a'],
        organization_id: '7',
      }),
    ).toBe(true)
    expect(isAsAsked(row, { name: 'Acme', tags: ['a'] })).toBe(false)
    expect(isAsAsked(row, { phone: '1' })).toBe(false)
  })
})

describe('tickets', () => {
  const { create, update, remove } = writer('tickets')
  const fields = { subject: 'Fire', comment: { body: 'Smoke' }, requester_id: '7' }

  it('are made with the key in the header, as external id and in the audit', async () => {
    const { context, requests } = contextOf(({ method }) =>
      method === 'GET' ? { body: { tickets: [] } } : { status: 201, body: { ticket: liveTicket } },
    )
    expect((await create(context, fields, 'wrt_1')).row).toEqual(liveTicket)
    expect(sent(requests)[0]).toMatchObject({ headers: { 'idempotency-key': 'wrt_1' }, repeatable: true })
    expect(bodies(requests)[0]?.['ticket']).toEqual({
      ...fields,
      requester_id: 7,
      external_id: 'tieline:wrt_1',
      metadata: { tieline_key: 'wrt_1' },
    })
  })

  it('are found again when Zendesk has forgotten the key', async () => {
    const { context, requests } = contextOf(() => ({ body: { tickets: [liveTicket] } }))
    expect((await create(context, fields, 'wrt_1')).row).toEqual(liveTicket)
    expect(sent(requests)).toEqual([])
  })

  it.each([
    ['wrt_1', 0],
    ['wrt_other', 1],
  ])('under an external id of the caller the key in the audits decides (%s)', async (key, made) => {
    const { context, requests } = contextOf(({ method, path }) => {
      if (path.endsWith('/audits')) {
        const audit = {
          metadata: { custom: { tieline_key: key } },
          events: [{ id: 5, type: 'Comment' }],
        }
        return { body: { audits: [audit], meta: { has_more: false } } }
      }
      return method === 'GET' ? { body: { tickets: [liveTicket] } } : { body: { ticket: liveTicket } }
    })
    await create(context, { ...fields, external_id: 'crm-1' }, 'wrt_1')
    expect(sent(requests)).toHaveLength(made)
  })

  it('are changed only as they were read: the stamp goes along, and 409 is a conflict', async () => {
    const { context, requests } = contextOf(() => ({ status: 409, body: { error: 'UpdateConflict' } }))
    const work = update(context, '1', { priority: 'high' }, liveTicket, 'wrt_1')
    await expect(work).rejects.toMatchObject({ code: 'Conflict' })
    expect(bodies(requests)).toEqual([
      { ticket: { priority: 'high', safe_update: true, updated_stamp: liveTicket.updated_at } },
    ])
  })

  it('that are closed conflict; those that are gone are not found, and deleted without complaint', async () => {
    const closed = contextOf(() => invalid('status', 'Status: closed prevents ticket update')).context
    await expect(update(closed, '1', { priority: 'low' }, liveTicket, 'k')).rejects.toMatchObject({
      code: 'Conflict',
    })
    const gone = contextOf(() => undefined).context
    await expect(update(gone, '1', { priority: 'low' }, liveTicket, 'k')).rejects.toMatchObject({
      code: 'NotFound',
    })
    expect(await remove(gone, '1', liveTicket, 'k')).toBeUndefined()
  })

  it('get no second message from a change of their description', async () => {
    const { context, requests } = contextOf(() => ({ body: { ticket: liveTicket } }))
    await expect(update(context, '1', { comment: { body: 'Other' } }, liveTicket, 'k')).rejects.toMatchObject(
      { code: 'Invalid' },
    )
    expect(requests).toEqual([])
  })
})

describe('users', () => {
  const { create, update } = writer('users')
  const ana: Row = { id: 7, name: 'Ana', email: 'ana@acme.example', updated_at: '2026-01-02T00:00:00Z' }
  const asked = { name: 'Ana', email: 'ana@acme.example', external_id: 'crm-1' }

  it('are found again by the mark when the answer to their creation was lost on its way', async () => {
    let looks = 0
    const { context, requests } = contextOf(({ method }) =>
      method === 'GET'
        ? { body: { users: looks++ === 0 ? [] : [ana] } }
        : invalid('external_id', 'External has already been taken'),
    )
    expect((await create(context, { name: 'Ana' }, 'wrt_1')).row).toEqual(ana)
    expect(requests.map(({ query }) => query?.['external_ids'])).toEqual([
      'tieline:wrt_1',
      undefined,
      'tieline:wrt_1',
    ])
  })

  it("of somebody else's are not taken for new ones", async () => {
    const other = { ...ana, name: 'Bea', external_id: 'crm-1' }
    const { context } = contextOf(({ method }) =>
      method === 'GET'
        ? { body: { users: [other] } }
        : invalid('email', 'Email: ana@acme.example is already being used by another user'),
    )
    await expect(create(context, asked, 'wrt_1')).rejects.toMatchObject({
      code: 'Invalid',
      fields: [{ pointer: '/email', detail: 'Email: [email] is already being used by another user' }],
    })
  })

  it('that changed since they were read, or are deleted, are not written', async () => {
    for (const [now, code] of [
      [{ ...ana, updated_at: '2026-01-03T00:00:00Z' }, 'Conflict'],
      [{ ...ana, active: false }, 'NotFound'],
    ] as const) {
      const { context, requests } = contextOf(() => ({ body: { user: now } }))
      await expect(update(context, '7', { phone: '1' }, ana, 'k')).rejects.toMatchObject({ code })
      expect(sent(requests)).toEqual([])
    }
  })

  it.each([
    ['the primary one is replaced', [], 'PUT /api/v2/users/7/identities/70'],
    [
      'one they have already becomes the primary one',
      [{ id: 71, type: 'email', value: 'New@acme.example', primary: false }],
      'PUT /api/v2/users/7/identities/71/make_primary',
    ],
  ])('get another address through their identities: %s', async (_what, others, expected) => {
    const primary = { id: 70, type: 'email', value: 'ana@acme.example', primary: true }
    const { context, requests } = contextOf(({ path, method }) => {
      if (path.endsWith('/identities') && method === 'GET')
        return { body: { identities: [primary, ...others], meta: { has_more: false } } }
      return { body: { user: ana, identities: [], identity: {} } }
    })
    await update(context, '7', { email: 'new@acme.example' }, ana, 'k')
    expect(sent(requests).map(({ method, path }) => `${method} ${path}`)).toEqual([expected])
  })
})

describe('articles', () => {
  const { create, update } = writer('articles')
  const fields = {
    title: 'Fire drill',
    body: '<p>Run</p>',
    locale: 'en-us',
    section_id: '3',
    permission_group_id: '6',
  }
  const drill: Row = { id: 9, title: 'Fire drill', body: '<div>Run </div>', locale: 'en-us' }
  const list = (row: Row) => contextOf(() => ({ body: { articles: [row], meta: { has_more: false } } }))

  it('are found again by title and words', async () => {
    const { context, requests } = list(drill)
    expect((await create(context, fields, 'k')).row).toEqual(drill)
    expect(sent(requests)).toEqual([])
  })

  it('do not take the title of another one', async () => {
    const { context, requests } = list({ ...drill, body: '<p>Walk</p>' })
    await expect(create(context, fields, 'k')).rejects.toMatchObject({
      code: 'Invalid',
      fields: [{ pointer: '/title' }],
    })
    expect(sent(requests)).toEqual([])
  })

  it('need to be told who may edit them, and keep their language', async () => {
    const { context, requests } = contextOf(() => undefined)
    const { permission_group_id: _group, ...without } = fields
    await expect(create(context, without, 'k')).rejects.toMatchObject({
      code: 'InvalidInput',
      fields: [{ pointer: '/permission_group_id' }],
    })
    await expect(update(context, '9', { locale: 'de' }, drill, 'k')).rejects.toMatchObject({
      code: 'Invalid',
    })
    expect(requests).toEqual([])
  })
})

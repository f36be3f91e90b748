/** Writing: each action has one effect, however often it is repeated and whatever answer is lost. */
import type { Row } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { action, ajv, contextOf, liveTicket } from './test-context.ts'

/** One ticket with its audits behind the documented endpoints, with safe updates. `lose`: answers to PUT that get lost. */
function ticketService(ticket: { status: string; updated_at: string }, lose = 0) {
  const audits: Row[] = []
  let lost = 0
  const service = contextOf(({ method, path, body }) => {
    if (path.endsWith('/audits')) return { body: { audits, meta: { has_more: false } } }
    if (method === 'GET') return { body: { ticket: { id: 35436, ...ticket } } }
    const change = (body as JsonObject)['ticket'] as JsonObject
    if (change['safe_update'] === true && change['updated_stamp'] !== ticket.updated_at)
      return { status: 409, body: { error: 'UpdateConflict' } }
    ticket.updated_at = new Date(Date.parse(ticket.updated_at) + 1000).toISOString()
    if (typeof change['status'] === 'string') ticket.status = change['status']
    if (change['comment'])
      audits.push({
        id: 1,
        metadata: { custom: change['metadata'] },
        events: [{ id: 100 + audits.length, type: 'Comment' }],
      })
    if (lost++ < lose) return { status: 409, body: { error: 'UpdateConflict' } }
    return { body: { ticket: { id: 35436, ...ticket } } }
  })
  return { ...service, audits, ticket }
}

describe('update_status', () => {
  it('writes against the state it read and reports the new one', async () => {
    const { context, ticket } = ticketService({ status: 'open', updated_at: '2026-11-23T19:00:00.000Z' })
    const done = await action('update_status').run(context, { ticketId: '35436', status: 'solved' }, 'k')
    expect(done).toMatchObject({ status: 'solved', isChanged: true })
    expect(ticket.status).toBe('solved')
    expect(ajv.validate(action('update_status').output, done)).toBe(true)
  })

  it('writes nothing when the status is set already', async () => {
    const { context, requests } = ticketService({ status: 'solved', updated_at: '2026-11-23T19:00:00.000Z' })
    expect(
      await action('update_status').run(context, { ticketId: '35436', status: 'solved' }, 'k'),
    ).toMatchObject({ isChanged: false })
    expect(requests.map((request) => request.method)).toEqual(['GET'])
  })

  it('does not write over what another changed after the caller looked', async () => {
    const { context, requests } = ticketService({ status: 'open', updated_at: '2026-11-23T19:00:00.000Z' })
    const input = { ticketId: '35436', status: 'solved', updatedStamp: '2026-11-23T18:00:00Z' }
    await expect(action('update_status').run(context, input, 'k')).rejects.toMatchObject({ code: 'Conflict' })
    expect(requests.every((request) => request.method === 'GET')).toBe(true)
  })

  it('recognises its own write whose answer was lost', async () => {
    const { context } = ticketService({ status: 'open', updated_at: '2026-11-23T19:00:00.000Z' }, 1)
    const input = { ticketId: '35436', status: 'solved', updatedStamp: '2026-11-23T19:00:00Z' }
    expect(await action('update_status').run(context, input, 'k')).toMatchObject({
      status: 'solved',
      isChanged: true,
    })
  })

  it('refuses a closed ticket with words that say what to do', async () => {
    const { context } = ticketService({ status: 'closed', updated_at: '2026-11-23T19:00:00.000Z' })
    await expect(
      action('update_status').run(context, { ticketId: '35436', status: 'open' }, 'k'),
    ).rejects.toThrow(/follow-up/)
  })
})

describe('add_comment', () => {
  const input = { ticketId: '35436', body: 'Thanks!' }

  it('adds one comment however often it is repeated, even when an answer is lost', async () => {
    const { context, audits } = ticketService({ status: 'open', updated_at: '2026-11-23T19:00:00.000Z' }, 1)
    const first = await action('add_comment').run(context, input, 'op_1')
    const again = await action('add_comment').run(context, input, 'op_1')
    expect(audits).toHaveLength(1)
    expect(first).toMatchObject({ commentId: '100', isRepeated: true })
    expect(again).toMatchObject({ commentId: '100', isRepeated: true })
    await action('add_comment').run(context, input, 'op_2')
    expect(audits).toHaveLength(2)
  })
})

describe('create_ticket', () => {
  const input = {
    subject: 'Fire',
    body: 'Smoke',
    customFields: [{ id: '27642', value: '745' }],
    requesterId: '9007199254740993',
  }

  it('sends the idempotency key and marks the ticket with it', async () => {
    const { context, requests } = contextOf(({ method }) =>
      method === 'GET'
        ? { body: { tickets: [] } }
        : {
            status: 201,
            headers: { 'x-idempotency-lookup': 'miss' },
            body: { ticket: { ...liveTicket, id: 3 } },
          },
    )
    const made = await action('create_ticket').run(context, input, 'op_9')
    expect(made).toMatchObject({ ticketId: '3', isRepeated: false })
    expect(requests[1]).toMatchObject({
      headers: { 'idempotency-key': 'op_9' },
      body: {
        ticket: {
          subject: 'Fire',
          comment: { body: 'Smoke', public: true },
          external_id: 'tieline:op_9',
          custom_fields: [{ id: 27642, value: '745' }],
          requester_id: '9007199254740993',
        },
      },
    })
  })

  it('finds the ticket of an earlier repetition after the two hours of the key', async () => {
    const { context, requests } = contextOf(() => ({ body: { tickets: [{ ...liveTicket, id: 3 }] } }))
    expect(await action('create_ticket').run(context, input, 'op_9')).toMatchObject({
      ticketId: '3',
      isRepeated: true,
    })
    expect(requests).toHaveLength(1)
  })
})

describe('create_or_update_user', () => {
  it('says whether the user was new', async () => {
    const { context, requests } = contextOf(() => ({ status: 201, body: { user: { id: 12 } } }))
    const input = { name: 'Ana', email: 'ana@acme.com', organizationId: '5' }
    expect(await action('create_or_update_user').run(context, input, 'k')).toEqual({
      userId: '12',
      isCreated: true,
    })
    expect(requests[0]?.body).toEqual({
      user: { name: 'Ana', email: 'ana@acme.com', organization_id: 5, skip_verify_email: true },
    })
  })
})

describe('create_or_update_article', () => {
  const input = {
    sectionId: '5',
    locale: 'en-us',
    title: 'Fire',
    bodyHtml: '<p>Calm</p>',
    permissionGroupId: '6',
  }

  it('creates once: a repetition updates the text of the article made first', async () => {
    const made: Row[] = []
    const { context, requests } = contextOf(({ method, path, body }) => {
      if (method === 'GET') return { body: { articles: made, meta: { has_more: false } } }
      if (method === 'POST') {
        made.push({ id: 77, ...((body as JsonObject)['article'] as JsonObject) })
        return { status: 201, body: { article: made[0] } }
      }
      return { body: path.includes('/translations/') ? { translation: {} } : { article: made[0] } }
    })
    expect(await action('create_or_update_article').run(context, input, 'k')).toMatchObject({
      articleId: '77',
      isCreated: true,
    })
    expect(await action('create_or_update_article').run(context, input, 'k')).toMatchObject({
      articleId: '77',
      isCreated: false,
    })
    expect(made).toHaveLength(1)
    const translation = requests.find(
      (request) => request.path === '/api/v2/help_center/articles/77/translations/en-us',
    )
    expect(translation?.body).toEqual({ translation: { title: 'Fire', body: '<p>Calm</p>' } })
  })

  it('adds the language where the article lacks it', async () => {
    const { context, requests } = contextOf(({ method }) =>
      method === 'POST' ? { status: 201, body: { translation: {} } } : undefined,
    )
    await action('create_or_update_article').run(
      context,
      { articleId: '77', locale: 'pt-br', title: 'Fogo', bodyHtml: '<p>Calma</p>' },
      'k',
    )
    expect(requests.at(-1)).toMatchObject({
      method: 'POST',
      body: { translation: { locale: 'pt-br', title: 'Fogo' } },
    })
  })
})

/** The simulated Zendesk judged by Zendesk's own OpenAPI files, so that it and the connector cannot share a misreading. */
import { samples } from '../../sandbox/samples.ts'
import { startSandbox, type Sandbox } from '../../sandbox/server.ts'
import { loadProviderOpenapi } from '../harness/provider-openapi.ts'

const slug = 'zendesk'
const openapi = loadProviderOpenapi(slug)
if (!openapi)
  console.warn('SKIPPED: ../shared/specs/zendesk is not there, so nothing can judge the simulator')
const judged = openapi ? describe : describe.skip

let sandbox: Sandbox
beforeAll(async () => {
  const limits = { support: 1e6, export: 1e6, help_center: 1e6, ticket_update: 1e6 }
  sandbox = await startSandbox({ port: 0, limits })
  sandbox.control.edit(slug, { create: 5, update: 20, delete: 5 })
})
afterAll(() => sandbox.close())

async function call(method: string, path: string, body?: object) {
  const sample = samples.find((one) => one.provider === slug)
  const { email = '' } = sample?.settings ?? {}
  const { token = '' } = sample?.secrets ?? {}
  const credential = Buffer.from(`${email}/token:${token}`).toString('base64')
  const response = await fetch(`${sandbox.url}/${slug}${path}`, {
    method,
    headers: { authorization: `Basic ${credential}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const ids = (resource: string) => Object.keys(sandbox.control.state(slug, resource))
const first = (resource: string) => ids(resource)[0] ?? ''
const open = () =>
  Object.entries(sandbox.control.state(slug, 'tickets')).find(([, one]) => one['status'] === 'open')?.[0] ??
  ''

/** Path, with `<resource>` for an id of it, and query. */
const reads = [
  ['/api/v2/incremental/tickets/cursor', '?start_time=0&per_page=200'],
  ['/api/v2/incremental/tickets', '?start_time=0&per_page=200'],
  ['/api/v2/incremental/users/cursor', '?start_time=0&per_page=200'],
  ['/api/v2/incremental/users', '?start_time=0&per_page=200'],
  ['/api/v2/incremental/organizations', '?start_time=0'],
  ['/api/v2/tickets', ''],
  ['/api/v2/tickets/<tickets>', ''],
  ['/api/v2/tickets/count', ''],
  ['/api/v2/tickets/<tickets>/comments', ''],
  ['/api/v2/tickets/<tickets>/comments/count', ''],
  ['/api/v2/tickets/<tickets>/audits', ''],
  ['/api/v2/tickets/show_many', '?ids=<tickets>'],
  ['/api/v2/deleted_tickets', ''],
  ['/api/v2/users', ''],
  ['/api/v2/users/me', ''],
  ['/api/v2/users/<users>', ''],
  ['/api/v2/users/count', ''],
  ['/api/v2/users/show_many', '?ids=<users>'],
  ['/api/v2/users/show_many', '?external_ids=U-5'],
  ['/api/v2/users/<users>/identities', ''],
  ['/api/v2/organizations/show_many', '?external_ids=ORG-1003'],
  ['/api/v2/organizations', ''],
  ['/api/v2/organizations/<organizations>', ''],
  ['/api/v2/organizations/count', ''],
  ['/api/v2/organizations/show_many', '?ids=<organizations>'],
  ['/api/v2/satisfaction_ratings', ''],
  ['/api/v2/satisfaction_ratings/count', ''],
  ['/api/v2/account/settings', ''],
  ['/api/v2/job_statuses', ''],
] as const

/** The side-loaded comment in the description of the ticket event export. */
const childFields = [
  'id',
  'via',
  'via_reference_id',
  'type',
  'author_id',
  'body',
  'html_body',
  'public',
  'attachments',
  'audit_id',
  'created_at',
  'event_type',
]

const filled = (text: string) => text.replace(/<(\w+)>/g, (_all, resource: string) => first(resource))

judged('the simulated Zendesk answers as its OpenAPI files describe', () => {
  it.each(reads)('GET %s', async (template, query) => {
    const path = filled(template)
    const { status, body } = await call('GET', `${path}${filled(query)}`)
    expect(status).toBe(200)
    expect(openapi?.problemsOf('GET', path, status, body)).toEqual([])
  })

  it('ticket events: the envelope of the file, and the child event of its text (the file shows metric events as items)', async () => {
    const path = '/api/v2/incremental/ticket_events'
    const { body } = await call('GET', `${path}?start_time=0&per_page=5&include=comment_events`)
    expect(openapi?.problemsOf('GET', path, 200, { ...body, ticket_events: [] })).toEqual([])
    const events = body['ticket_events'] as { child_events: object[] }[]
    expect(events).toHaveLength(5)
    for (const { child_events: children } of events) {
      for (const child of children) expect(Object.keys(child)).toEqual(expect.arrayContaining(childFields))
    }
    const bare = await call('GET', `${path}?start_time=0&per_page=1`)
    const [event] = bare.body['ticket_events'] as { child_events: object[] }[]
    expect(event?.child_events).toEqual([
      expect.objectContaining({ comment_present: true, comment_public: expect.any(Boolean) as boolean }),
    ])
    expect(event?.child_events[0]).not.toHaveProperty('body')
  })

  it('a single rating is an object where the file says array, as every example outside of the file shows it', async () => {
    const path = `/api/v2/satisfaction_ratings/${first('satisfaction_ratings')}`
    const { status, body } = await call('GET', path)
    expect(openapi?.problemsOf('GET', path, status, body)).toEqual(['/satisfaction_rating must be array'])
    const listed = { satisfaction_rating: [body['satisfaction_rating']] }
    expect(openapi?.problemsOf('GET', path, status, listed)).toEqual([])
  })

  it('writes', async () => {
    const ticket = {
      subject: 'Fire',
      comment: { body: 'Smoke' },
      requester: { name: 'Ana', email: 'ana@fire.example' },
    }
    const ticketId = open()
    const writes: [string, string, object][] = [
      ['POST', '/api/v2/tickets', { ticket }],
      [
        'PUT',
        `/api/v2/tickets/${ticketId}`,
        { ticket: { status: 'pending', comment: { body: 'Soon', public: false } } },
      ],
      ['POST', '/api/v2/tickets/create_many', { tickets: [ticket, { subject: 'no comment' }] }],
      ['POST', '/api/v2/users/create_or_update', { user: { name: 'Bea', email: 'bea@fire.example' } }],
      ['PUT', `/api/v2/users/${ids('users')[3] ?? ''}`, { user: { name: 'Cleo' } }],
      ['POST', '/api/v2/organizations/create_or_update', { organization: { name: 'Fire & Sons' } }],
      ['POST', '/api/v2/users', { user: { name: 'Dora', email: 'dora@fire.example' } }],
      ['POST', '/api/v2/organizations', { organization: { name: 'Fire & Daughters' } }],
      ['PUT', `/api/v2/organizations/${first('organizations')}`, { organization: { notes: 'Hot' } }],
      [
        'POST',
        `/api/v2/users/${ids('users')[4] ?? ''}/identities`,
        { identity: { type: 'email', value: 'eva@fire.example' } },
      ],
      ['PUT', `/api/v2/users/${ids('users')[4] ?? ''}/identities/${ids('users')[4] ?? ''}1/make_primary`, {}],
      [
        'PUT',
        `/api/v2/users/${ids('users')[4] ?? ''}/identities/${ids('users')[4] ?? ''}0`,
        { identity: { value: 'eve@fire.example' } },
      ],
      ['DELETE', `/api/v2/users/${ids('users')[5] ?? ''}`, {}],
    ]
    for (const [method, path, asked] of writes) {
      const { status, body } = await call(method, path, asked)
      expect(status).toBeLessThan(300)
      expect([path, openapi?.problemsOf(method, path, status, body)]).toEqual([path, []])
    }
    const { body } = await call('GET', '/api/v2/job_statuses')
    const [job] = body['job_statuses'] as { id: string; results: object[] }[]
    expect(job?.results).toEqual([
      { index: 0, id: expect.any(Number) as number },
      { index: 1, success: false, error: 'RecordInvalid', details: 'Record validation errors' },
    ])
    const path = `/api/v2/job_statuses/${job?.id ?? ''}`
    const shown = await call('GET', path)
    expect(openapi?.problemsOf('GET', path, shown.status, shown.body)).toEqual([])
  })

  it('names no field that the files do not know', () => {
    const known = new Set(fieldsOfPages)
    for (const resource of ['tickets', 'users', 'organizations', 'satisfaction_ratings', 'comments']) {
      const names = Object.values(sandbox.control.state(slug, resource)).flatMap((one) => Object.keys(one))
      const unknown = [...new Set(names)].filter((name) => !known.has(name) && !openapi?.knowsWord(name))
      expect([resource, unknown]).toEqual([resource, []])
    }
  })

  it('the judge is awake: a wrong type, a missing field and a missing envelope are seen', async () => {
    const path = '/api/v2/incremental/tickets/cursor'
    const { body } = await call('GET', `${path}?start_time=0&per_page=1`)
    const [row] = body['tickets'] as Record<string, unknown>[]
    const judge = (changed: object) => openapi?.problemsOf('GET', path, 200, { ...body, ...changed })
    expect(judge({ tickets: [{ ...row, updated_at: 5 }] })).toEqual([
      '/tickets/0/updated_at must be string,null',
    ])
    const { subject: _subject, ...others } = row ?? {}
    expect(judge({ tickets: [others] })).toEqual(["/tickets/0 must have required property 'subject'"])
    expect(openapi?.problemsOf('GET', path, 200, { tickets: [] })?.length).toBeGreaterThan(0)
  })
})

/** Fields of the reference pages "Tickets", "Ticket Comments", "Users" and "Satisfaction Ratings" that the split files do not mention. */
const fieldsOfPages = [
  'allow_attachments',
  'allow_channelback',
  'email_cc_ids',
  'followup_ids',
  'forum_topic_id',
  'from_messaging_channel',
  'is_public',
  'default_group_id',
  'iana_time_zone',
  'report_csv',
  'shared_phone_number',
  'two_factor_auth_enabled',
  'plain_body',
  'reason_code',
  'reason_id',
]

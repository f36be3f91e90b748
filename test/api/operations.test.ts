import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, until, type ApiAnswer, type TestApi } from '../harness/api.ts'

type Operation = components['schemas']['Operation']

let api: TestApi
let base = ''

beforeAll(async () => {
  api = await startTestApi()
  const { connectionId } = await api.connect()
  base = `/admin/v1/connections/${connectionId}`
}, 120_000)

afterAll(async () => {
  await api?.close()
})

const ticket = { subject: 'The printer is on fire', body: 'It burns.' }
const act = (name: string, body: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  api.request('POST', `${base}/actions/${name}`, {
    body,
    headers: { 'Idempotency-Key': newId('request'), ...headers },
  })
const operationIn = ({ body }: ApiAnswer) => body as Operation

describe('an action', () => {
  it('is done once per idempotency key and answers its result', async () => {
    const headers = { 'Idempotency-Key': newId('request'), Prefer: 'wait=20' }
    const first = await act('create_ticket', ticket, headers)
    expect(first).toMatchObject({ status: 200, body: { state: 'succeeded', kind: 'action', failure: null } })
    expect(operationIn(first).result).not.toBeNull()
    expect(operationIn(first).temporalUrl).toContain(`action%3A${operationIn(first).operationId}`)
    const again = await act('create_ticket', ticket, headers)
    expect(again.body).toEqual(first.body)
    const other = await act('create_ticket', { ...ticket, subject: 'Another one' }, headers)
    expect(other).toMatchObject({ status: 409, body: { code: 'IdempotencyConflict' } })
    const { body } = await api.request('GET', `${base}/operations`)
    expect((body as components['schemas']['OperationList']).items).toHaveLength(1)
  })

  it('needs an idempotency key', async () => {
    const answer = await api.request('POST', `${base}/actions/create_ticket`, { body: ticket })
    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [{ in: 'header', pointer: '/Idempotency-Key' }] },
    })
  })

  it('refuses an input that does not fit before anything is written down', async () => {
    const answer = await act('create_ticket', { nonsense: 1 })
    expect(answer).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    const { errors } = answer.body as components['schemas']['Problem']
    expect(errors?.map(({ pointer }) => pointer)).toContain('/nonsense')
  })

  it('is found by its full name too; one that is not there names those that are', async () => {
    const provider = await providerOfConnection()
    const full = await act(`${provider}.create_ticket`, ticket, { Prefer: 'wait=20' })
    expect(full.body).toMatchObject({ state: 'succeeded', name: `${provider}.create_ticket` })
    const unknown = await act('create_tickets', ticket)
    expect(unknown).toMatchObject({ status: 404, body: { code: 'NoSuchThing' } })
    expect(JSON.stringify(unknown.body)).toContain('create_ticket')
  })

  it('goes on when nobody waits, and can be waited for later', async () => {
    const answer = await act('create_ticket', ticket, { Prefer: 'respond-async, wait=0' })
    expect(answer).toMatchObject({ status: 202, body: { state: 'running', result: null } })
    const location = answer.headers.get('location') ?? ''
    const done = await api.request('GET', location, { headers: { Prefer: 'wait=30' } })
    expect(done).toMatchObject({ status: 200, body: { state: 'succeeded' } })
  })

  it('that the provider refuses ends as failed, with the reason', async () => {
    const answer = await act(
      'update_status',
      { ticketId: '999999999', status: 'solved' },
      { Prefer: 'wait=20' },
    )
    expect(answer).toMatchObject({
      status: 200,
      body: { state: 'failed', result: null, failure: { code: 'NotFound' } },
    })
  })

  it('is refused while its connection is paused', async () => {
    const { connectionId } = await api.connect()
    await api.request('POST', `/admin/v1/connections/${connectionId}/pause`)
    const answer = await api.request('POST', `/admin/v1/connections/${connectionId}/actions/create_ticket`, {
      body: ticket,
      headers: { 'Idempotency-Key': newId('request') },
    })
    expect(answer).toMatchObject({ status: 409, body: { code: 'StateConflict' } })
  })
})

describe('a report', () => {
  it('needs no key and answers its result', async () => {
    const provider = await providerOfConnection()
    const catalogue = await api.request('GET', `/admin/v1/providers/${provider}`)
    const [report] = (catalogue.body as components['schemas']['Provider']).reports
    const answer = await api.request('POST', `${base}/reports/${report?.name}`, {
      body: { from: '2026-01-01T00:00:00Z', to: '2026-12-31T00:00:00Z' },
      headers: { Prefer: 'wait=20' },
    })
    const { operationId } = operationIn(answer)
    const ended = await until(
      () => api.request('GET', `/admin/v1/operations/${operationId}`),
      (one) => operationIn(one).state !== 'running',
    )
    expect(ended.body).toMatchObject({ kind: 'report', state: 'succeeded', result: {} })
  })
})

/** The slug of the provider that the connection of these tests is to. */
async function providerOfConnection(): Promise<string> {
  const { body } = await api.request('GET', base)
  return (body as components['schemas']['Connection']).provider
}

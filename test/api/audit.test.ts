/** The audit chain over HTTP: searched by who, what and when; exported whole. */
import { inTransaction } from '../../db/client.ts'
import { appendAudit } from '../../db/audit.ts'
import { startTestApi, type TestApi } from '../harness/api.ts'

let api: TestApi

beforeAll(async () => {
  api = await startTestApi({ worker: false })
  const { db } = api.database.database
  // More than one batch of the export.
  for (let n = 1; n <= 1_100; n++) {
    const [actor, action] = n % 11 === 0 ? ['key:key_1', 'run.cancelled'] : ['admin', 'thing.done']
    await inTransaction(db, (tx) => appendAudit(tx, { actor, action, subject: `s${n % 50}`, details: { n } }))
  }
}, 120_000)
afterAll(() => api?.close())

interface Entry {
  readonly seq: number
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly previousHash: string
  readonly hash: string
}
const list = async (query: string): Promise<readonly Entry[]> =>
  ((await api.request('GET', `/admin/v1/audit?limit=200&${query}`)).body as { items: Entry[] }).items
const lines = async (query = ''): Promise<readonly Entry[]> => {
  const answer = await api.request('GET', `/admin/v1/audit/export${query}`)
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry)
}

describe('the audit chain', () => {
  it('is searched by actor, action, subject and time, together', async () => {
    expect(await list('actor=key:key_1')).toHaveLength(100)
    expect(await list('action=run.cancelled&subject=s0')).toHaveLength(2)
    expect(await list('actor=admin&action=run.cancelled')).toEqual([])
    const all = await lines()
    const middle = all[550]
    const from = (await list(`since=${middle?.at}&actor=key:key_1`)).map(({ seq }) => seq)
    const before = (await list(`until=${middle?.at}&actor=key:key_1`)).map(({ seq }) => seq)
    expect([...from, ...before].sort((a, b) => a - b)).toEqual(
      all.filter(({ actor }) => actor === 'key:key_1').map(({ seq }) => seq),
    )
    expect(from.every((seq) => (all[seq - 1]?.at ?? '') >= (middle?.at ?? ''))).toBe(true)
  })

  it('is exported oldest first, each entry hanging on the one before (INV-10)', async () => {
    const all = await lines()
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_entry, index) => index + 1))
    expect(all.length).toBeGreaterThanOrEqual(1_100)
    expect(all.slice(1).every(({ previousHash }, index) => previousHash === all[index]?.hash)).toBe(true)
    expect((await lines('?action=run.cancelled')).every(({ action }) => action === 'run.cancelled')).toBe(
      true,
    )
  })

  it('refuses a time that there is not', async () => {
    const answer = await api.request('GET', '/admin/v1/audit/export?since=2026-02-30T00:00:00Z')
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ in: 'query', pointer: '/since' }] } })
  })
})

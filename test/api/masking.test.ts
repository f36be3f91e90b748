/** Whoever helps (role `support`) finds what happened, not whom it is about: whatever GET of the description is asked. */
import { describedOperations } from '../../api/description.ts'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, until, type TestApi } from '../harness/api.ts'
import { makePerson, signInAs } from '../harness/people.ts'
import { wishesOf } from '../harness/wish-of.ts'

type Schemas = components['schemas']

let api: TestApi
let connectionId = ''
const ids = new Map<string, string>()
let externalId = ''

const markers = ['Zaphod', 'Beeblebrox', 'heartofgold', '5550104242', 'Marvin', 'depressed', 'brain the size']
const name = 'Zaphod Beeblebrox'
const email = 'zaphod@heartofgold.example'
const subject = 'Marvin is depressed'
const text = 'Here I am, brain the size of a planet, and they ask me to write to zaphod@heartofgold.example'

async function get<T>(path: string): Promise<T> {
  const answer = await api.request('GET', path)
  expect([path, answer.status]).toEqual([path, 200])
  return answer.body as T
}

async function sync(): Promise<void> {
  const body = { connectionId, resources: ['users', 'tickets'] }
  const { runId } = (await api.request('POST', '/admin/v1/runs', { body })).body as Schemas['Run']
  ids.set('run', runId)
  await until(
    () => get<Schemas['Run']>(`/admin/v1/runs/${runId}`),
    ({ endedAt }) => endedAt !== null,
  )
}

beforeAll(async () => {
  api = await startTestApi()
  const made = await api.connect(`Desk of ${email}`)
  connectionId = made.connectionId
  ids.set('con', connectionId)
  const { control } = api.sandbox
  const [user = ''] = Object.keys(control.state(made.provider, 'users'))
  const [ticket = ''] = Object.keys(control.state(made.provider, 'tickets'))
  externalId = user
  const edit = (resource: string, id: string, fields: object) =>
    control.editExactly(made.provider, { resource, id, fields: { ...fields } })
  edit('users', user, { name: 'Before Zaphod', email, phone: '+15550104242' })
  edit('tickets', ticket, { subject, description: text })
  await sync()
  edit('users', user, { name })
  await sync()
  const headers = { Prefer: 'wait=20', 'Idempotency-Key': newId('request') }
  const write = await api.request('POST', `/admin/v1/connections/${connectionId}/writes`, {
    body: { resource: 'tickets', operation: 'create', fields: { subject, description: text } },
    headers,
  })
  ids.set('wrt', (write.body as { writeId: string }).writeId)
}, 120_000)
afterAll(() => api?.close())

/** Every answer to a GET, with ids of what there is, and lists by what they can be filtered by. */
async function everything(token: string | undefined): Promise<Map<string, string>> {
  const answers = new Map<string, string>()
  const ask = async (path: string) => {
    const { status, body } = await api.request('GET', path, token === undefined ? {} : { token })
    answers.set(`${status} ${path}`, JSON.stringify(body))
  }
  const gets = describedOperations.filter(
    // The live feed never ends; what it tells is the health that the other operations are asked for here.
    ({ method, path }) =>
      method === 'get' && path.startsWith('/admin/') && path !== '/admin/v1/health/stream',
  )
  for (const operation of gets)
    for (const { path } of wishesOf(operation, (prefix) => ids.get(prefix), {
      externalId,
      resource: 'users',
    }))
      await ask(path)
  for (const query of [
    'resource=users',
    'resource=users&raw=true',
    'resource=tickets&raw=true',
    'model=ticket',
  ])
    await ask(`/admin/v1/records?connectionId=${connectionId}&${query}`)
  return answers
}

const found = (answers: Iterable<string>): string[] => {
  const all = [...answers].join('\n')
  return markers.filter((marker) => all.includes(marker))
}

describe('personal data', () => {
  it('is there for who operates the hub, and masked for who helps', async () => {
    const whole = await everything(undefined)
    expect(found(whole.values())).toEqual(markers)
    const token = await signInAs(api, await makePerson(api, [null, 'support']))
    const masked = await everything(token)
    const leaks = [...masked].filter(([, answer]) => found([answer]).length > 0)
    expect(leaks.map(([path, answer]) => [path, found([answer])])).toEqual([])
    // It is masked, not refused: the same is answered, but for what this role may not ask.
    const paths = (answers: Map<string, string>) => [...answers.keys()].filter((one) => one.startsWith('200'))
    expect(paths(masked).length).toBeGreaterThan(paths(whole).length / 2)
    const record = `/admin/v1/connections/${connectionId}/records/users/${externalId}`
    expect((await api.request('GET', record, { token })).body).toMatchObject({
      externalId,
      mapped: { name: 'Z••• B•••', email: 'z•••@h•••.example', phone: '••• 42' },
    })
  }, 60_000)

  it('is masked for who helps in what is answered to a change as well', async () => {
    const token = await signInAs(api, await makePerson(api, [null, 'support']))
    const headers = { 'Tieline-Partner': 'par_00000000000000000000000000' }
    const list = await api.request('GET', '/v1/connections', { token, headers })
    expect(list.status).toBe(200)
    expect(found([JSON.stringify(list.body)])).toEqual([])
  })
})

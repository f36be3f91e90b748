/** Automations through the API: made, checked, changed, switched on and off, triggered, approved, looked into, deleted. */
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import { until, type ApiAnswer } from '../harness/api.ts'
import { startNotesApi, type NotesApi } from '../harness/notes-api.ts'

type Schemas = components['schemas']
type Automation = Schemas['Automation']

let hub: NotesApi

beforeAll(async () => {
  hub = await startNotesApi()
}, 120_000)

afterAll(() => hub?.close())

const collection = '/admin/v1/automations'
const manual = { kind: 'manual' }
const write = (name: string, subject: unknown) => ({
  name,
  connection: 'notes',
  write: { resource: 'notes', operation: 'create', fields: { subject } },
})
const definition = (more: object = {}) => ({
  connections: { notes: hub.connectionId },
  trigger: manual,
  steps: [write('first', 'A note')],
  ...more,
})
const create = (more: object = {}) => hub.post(collection, { name: 'A test', definition: definition(more) })
async function made(more: object = {}): Promise<Automation> {
  const answer = await create(more)
  expect(answer.status).toBe(201)
  return answer.body as Automation
}
const place = ({ automationId }: Pick<Automation, 'automationId'>) => `${collection}/${automationId}`
const patch = (automation: Automation, body: unknown, headers: Record<string, string> = {}) =>
  hub.api.request('PATCH', place(automation), { body, headers })
const all = async () => ((await hub.get(`${collection}?limit=200`)).body as Schemas['AutomationList']).items
const runsOf = async ({ automationId }: Automation) => {
  const { body } = await hub.get(`/admin/v1/automation-runs?automationId=${automationId}`)
  return (body as Schemas['AutomationRunList']).items
}
const titles = () => [...hub.notes.notes.values()].map(({ title }) => title)
const runIn = ({ body }: ApiAnswer) => body as Schemas['AutomationRun']
const show = async (id: string) => runIn(await hub.get(`/admin/v1/automation-runs/${id}`))
const reached = (id: string, state: Schemas['AutomationRun']['state']) =>
  until(
    () => show(id),
    (run) => run.state === state,
  )
const start = (automation: Automation, payload: object = {}, headers: Record<string, string> = {}) =>
  hub.post(`${place(automation)}/runs`, payload, headers)
const errorsOf = ({ body }: ApiAnswer) => (body as Schemas['Problem']).errors

describe('an automation', () => {
  it('is made from a definition, shown, listed, and audited', async () => {
    const answer = await create({ description: 'For a test' })
    const automation = answer.body as Automation
    expect(answer).toMatchObject({
      status: 201,
      body: { name: 'A test', state: 'enabled', version: 1, template: null, webhook: null },
    })
    expect(answer.headers.get('location')).toBe(place(automation))
    const shown = await hub.get(place(automation))
    expect([shown.body, shown.headers.get('etag')]).toEqual([answer.body, '"1"'])
    expect(await all()).toContainEqual(answer.body)
    const audit = await hub.get(`/admin/v1/audit?subject=${automation.automationId}`)
    expect((audit.body as Schemas['AuditList']).items).toMatchObject([{ action: 'automation.created' }])
  })

  it('is made once per idempotency key; the replay shows the secret again', async () => {
    const headers = { 'Idempotency-Key': newId('request') }
    const body = { name: 'Once', definition: definition({ trigger: { kind: 'webhook' } }) }
    const first = await hub.post(collection, body, headers)
    const again = await hub.post(collection, body, headers)
    expect(again.body).toEqual(first.body)
    expect((again.body as Automation).webhook?.secret).toEqual(expect.any(String))
    expect((await all()).filter(({ name }) => name === 'Once')).toHaveLength(1)
    const other = await hub.post(collection, { ...body, name: 'Twice' }, headers)
    expect(other).toMatchObject({ status: 409, body: { code: 'IdempotencyConflict' } })
  })

  it('is changed only as the caller has seen it', async () => {
    const automation = await made()
    const renamed = await patch(automation, { name: 'Renamed' }, { 'If-Match': '"1"' })
    expect(renamed).toMatchObject({ status: 200, body: { name: 'Renamed', version: 2 } })
    expect(renamed.headers.get('etag')).toBe('"2"')
    const stale = await patch(automation, { name: 'Stale' }, { 'If-Match': '"1"' })
    expect(stale).toMatchObject({ status: 412, body: { code: 'PreconditionFailed' } })
    const replaced = await patch(automation, { definition: definition({ steps: [write('other', 'B')] }) })
    expect(replaced.body).toMatchObject({ version: 3, definition: { steps: [{ name: 'other' }] } })
    expect((await hub.get(place(automation))).body).toEqual(replaced.body)
  })

  it('with a schedule has one in Temporal, paused while disabled, gone when deleted', async () => {
    const automation = await made({
      trigger: { kind: 'schedule', cron: '0 2 * * *', timeZone: 'Europe/Lisbon' },
    })
    const { client } = hub.api.hub.temporal
    const schedule = client.schedule.getHandle(workflowIds.automationSchedule(automation.automationId))
    expect((await schedule.describe()).state.paused).toBe(false)
    await patch(automation, { state: 'disabled' })
    expect((await schedule.describe()).state.paused).toBe(true)
    await patch(automation, { state: 'enabled' })
    expect((await schedule.describe()).state.paused).toBe(false)
    expect((await hub.api.request('DELETE', place(automation))).status).toBe(204)
    await expect(schedule.describe()).rejects.toThrow(/not found/i)
  })

  it('that is deleted is found no more', async () => {
    const automation = await made()
    expect((await hub.api.request('DELETE', place(automation))).status).toBe(204)
    for (const method of ['GET', 'DELETE'])
      expect((await hub.api.request(method, place(automation))).status).toBe(404)
    expect((await patch(automation, { state: 'enabled' })).status).toBe(404)
    expect((await start(automation)).status).toBe(404)
    expect((await all()).map(({ automationId }) => automationId)).not.toContain(automation.automationId)
  })
})

describe('templates', () => {
  it('are listed; one that does not fit is refused with the role or parameter', async () => {
    const { body } = await hub.get('/admin/v1/automation-templates')
    const [template] = (body as Schemas['AutomationTemplateList']).items
    const [role] = Object.keys(template?.connections ?? {})
    const count = (await all()).length
    const missing = await hub.post(collection, {
      template: template?.name,
      connections: { nobody: hub.connectionId },
      parameters: { nonsense: 1 },
    })
    expect(missing).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    expect(errorsOf(missing)?.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining([`/connections/${role}`, '/connections/nobody', '/parameters/nonsense']),
    )
    const unknown = await hub.post(collection, { template: 'nothing', connections: {} })
    expect(unknown).toMatchObject({ status: 404, body: { code: 'NoSuchThing' } })
    expect(JSON.stringify(unknown.body)).toContain(template?.name)
    expect(await all()).toHaveLength(count)
  })
})

describe('a definition that could not run', () => {
  const cases: readonly (readonly [string, () => object, string])[] = [
    [
      'a role that is not there',
      () => ({ steps: [{ ...write('a', 'x'), connection: 'desk' }] }),
      '/steps/0/connection',
    ],
    ['two steps of one name', () => ({ steps: [write('a', 'x'), write('a', 'y')] }), '/steps/1/name'],
    ['a step of two kinds', () => ({ steps: [{ ...write('a', 'x'), wait: { seconds: 1 } }] }), '/steps/0'],
    ['no steps', () => ({ steps: [] }), '/steps'],
    [
      'a resource that is not written',
      () => ({
        steps: [{ name: 'a', connection: 'notes', write: { resource: 'memos', operation: 'create' } }],
      }),
      '/steps/0',
    ],
    [
      'an action that is not there',
      () => ({ steps: [{ name: 'a', connection: 'notes', action: 'sing', input: {} }] }),
      '/steps/0',
    ],
    ['a wrong cron', () => ({ trigger: { kind: 'schedule', cron: 'at noon' } }), '/trigger/cron'],
    ['a condition that is no logic', () => ({ condition: { sings: [1, 2] } }), '/condition'],
    [
      'a mistake inside a branch',
      () => ({ steps: [{ name: 'a', branch: [{ steps: [{ ...write('b', 'x'), connection: 'desk' }] }] }] }),
      '/steps/0/branch/0/steps/0/connection',
    ],
    [
      'a connection that nobody has',
      () => ({ connections: { notes: newId('connection') } }),
      '/connections/notes',
    ],
    ['an unknown trigger', () => ({ trigger: { kind: 'moon' } }), '/trigger'],
  ]

  it.each(cases)('is refused with its place: %s', async (_what, more, pointer) => {
    const count = (await all()).length
    const answer = await create(more())
    expect(answer).toMatchObject({ status: 400, body: { code: 'InvalidInput' } })
    const pointers = errorsOf(answer)?.map((error) => error.pointer) ?? []
    expect(pointers.some((one) => one.startsWith(`/definition${pointer}`))).toBe(true)
    expect(await all()).toHaveLength(count)
  })

  it('does not replace one that can', async () => {
    const automation = await made()
    const wrong = definition({ steps: [write('a', 'x'), write('a', 'y')] })
    const answer = await patch(automation, { name: 'Half', definition: wrong })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer: '/definition/steps/1/name' }] } })
    const webhook = await patch(automation, { definition: definition({ trigger: { kind: 'webhook' } }) })
    expect(webhook).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/definition/trigger/kind' }] },
    })
    expect((await hub.get(place(automation))).body).toEqual(automation)
  })

  it('needs a name, and either a template or a definition', async () => {
    const nameless = await hub.post(collection, { definition: definition() })
    expect(nameless).toMatchObject({ status: 400, body: { errors: [{ pointer: '/name' }] } })
    const both = await hub.post(collection, { name: 'x', template: 'nothing', definition: definition() })
    expect(both).toMatchObject({ status: 400, body: { errors: [{ pointer: '/definition' }] } })
  })
})

describe('a run', () => {
  it('started by hand is looked into: its steps and what they gave', async () => {
    const automation = await made({ steps: [write('first', { $: { var: 'trigger.payload.title' } })] })
    const begun = await start(automation, { title: 'By hand' })
    const { automationRunId } = runIn(begun)
    expect(begun).toMatchObject({ status: 202, body: { triggerKind: 'manual', context: null } })
    expect(begun.headers.get('location')).toBe(`/admin/v1/automation-runs/${automationRunId}`)
    const done = await reached(automationRunId, 'succeeded')
    expect(done).toMatchObject({
      automationId: automation.automationId,
      version: 1,
      failure: null,
      waiting: null,
      steps: [
        { name: 'first', kind: 'write', state: 'succeeded', work: expect.stringMatching(/^wrt_/) as string },
      ],
      context: { trigger: { kind: 'manual', payload: { title: 'By hand' } }, steps: { first: {} } },
    })
    expect(done.temporalUrl).toContain(automationRunId)
    expect(titles()).toContain('By hand')
    expect(await runsOf(automation)).toMatchObject([{ automationRunId, context: null, state: 'succeeded' }])
  })

  it('is started once per key, and the key takes no other payload', async () => {
    const automation = await made({ steps: [write('first', 'Keyed')] })
    const headers = { 'Idempotency-Key': newId('request') }
    const first = runIn(await start(automation, { n: 1 }, headers))
    await reached(first.automationRunId, 'succeeded')
    expect(runIn(await start(automation, { n: 1 }, headers)).automationRunId).toBe(first.automationRunId)
    const other = await start(automation, { n: 2 }, headers)
    expect(other).toMatchObject({ status: 409, body: { code: 'IdempotencyConflict' } })
    expect(await runsOf(automation)).toHaveLength(1)
    expect(titles().filter((title) => title === 'Keyed')).toHaveLength(1)
  })

  it('that failed is resumed; one that has ended well is not, nor cancelled', async () => {
    hub.notes.notes.set('stuck', {
      id: 'stuck',
      version: 1,
      updatedAt: '2026-01-01T00:00:00Z',
      title: 'Before',
      body: '',
      owner: '',
    })
    hub.notes.refused.add('stuck')
    const step = {
      name: 'change',
      connection: 'notes',
      write: {
        resource: 'notes',
        operation: 'update',
        externalId: 'stuck',
        fields: { subject: 'After' },
      },
    }
    const { automationRunId } = runIn(await start(await made({ steps: [step] })))
    const failed = await reached(automationRunId, 'failed')
    expect(failed).toMatchObject({ failure: { code: 'Invalid' }, endedAt: expect.any(String) as string })
    hub.notes.refused.delete('stuck')
    const path = `/admin/v1/automation-runs/${automationRunId}`
    expect((await hub.post(`${path}/resume`)).status).toBe(202)
    await reached(automationRunId, 'succeeded')
    expect(hub.notes.notes.get('stuck')).toMatchObject({ title: 'After' })
    for (const verb of ['resume', 'cancel'])
      expect(await hub.post(`${path}/${verb}`)).toMatchObject({
        status: 409,
        body: { code: 'StateConflict' },
      })
  })
})

describe('an approval', () => {
  const asking = async (subject: string) => {
    const ask = {
      name: 'ask',
      approval: { question: { $: { cat: ['Pay ', { var: 'trigger.payload.sum' }, '?'] } } },
    }
    const automation = await made({
      steps: [write('draft', `Draft ${subject}`), ask, write('paid', subject)],
    })
    const { automationRunId } = runIn(await start(automation, { sum: 12 }))
    const waiting = await reached(automationRunId, 'waiting')
    expect(waiting.waiting).toMatchObject({ step: 'ask', question: 'Pay 12?' })
    const decide = (body: unknown) => hub.post(`/admin/v1/automation-runs/${automationRunId}/approval`, body)
    return { automationRunId, decide }
  }

  it('lets the run go on, once, and tells who said so', async () => {
    const { automationRunId, decide } = await asking('Approved')
    const bad = await decide({ decision: 'maybe' })
    expect(bad).toMatchObject({ status: 400, body: { errors: [{ in: 'body', pointer: '/decision' }] } })
    expect(titles()).not.toContain('Approved')
    expect((await decide({ decision: 'approve', note: 'Fine' })).status).toBe(202)
    await reached(automationRunId, 'succeeded')
    expect(titles()).toContain('Approved')
    expect(await decide({ decision: 'reject' })).toMatchObject({
      status: 409,
      body: { code: 'StateConflict' },
    })
    const audit = await hub.get(`/admin/v1/audit?subject=${automationRunId}`)
    expect((audit.body as Schemas['AuditList']).items).toContainEqual(
      expect.objectContaining({ action: 'automation_run.approved' }),
    )
  })

  it('that is refused takes back what was done', async () => {
    const { automationRunId, decide } = await asking('Rejected')
    expect(titles()).toContain('Draft Rejected')
    expect((await decide({ decision: 'reject' })).status).toBe(202)
    await reached(automationRunId, 'rejected')
    expect(titles()).not.toContain('Draft Rejected')
    expect(titles()).not.toContain('Rejected')
  })

  it('of a run that is cancelled is not waited for any more; what is done stays', async () => {
    const { automationRunId, decide } = await asking('Cancelled')
    expect((await hub.post(`/admin/v1/automation-runs/${automationRunId}/cancel`)).status).toBe(202)
    await reached(automationRunId, 'cancelled')
    expect((await decide({ decision: 'approve' })).status).toBe(409)
    expect(titles()).toContain('Draft Cancelled')
  })
})

describe('a webhook of an automation', () => {
  const webhook = { trigger: { kind: 'webhook' } }
  const call = (url: string, secret: string | null, payload: unknown = {}, key?: string) =>
    hub.api.request('POST', new URL(url).pathname, {
      token: null,
      body: payload,
      headers: {
        ...(secret === null ? {} : { 'Tieline-Secret': secret }),
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
      },
    })
  async function hooked(title: string) {
    const automation = await made({ ...webhook, steps: [write('first', title)] })
    const { url = '', secret = '' } = automation.webhook ?? {}
    return { automation, url, secret }
  }

  it('starts it with the secret that only its making shows; a key starts it once', async () => {
    const { automation, url, secret } = await hooked('Hooked')
    expect(url).toBe(`${hub.api.url}/hooks/automations/${automation.automationId}`)
    expect((await hub.get(place(automation))).body).toMatchObject({ webhook: { url } })
    expect(JSON.stringify(await all())).not.toContain(secret)
    const begun = await call(url, secret, { invoiceId: '130' }, 'invoice-130')
    expect(begun.status).toBe(202)
    const { automationRunId } = begun.body as { automationRunId: string }
    const done = await reached(automationRunId, 'succeeded')
    expect(done).toMatchObject({
      triggerKind: 'webhook',
      context: { trigger: { kind: 'webhook', payload: { invoiceId: '130' } } },
    })
    expect((await call(url, secret, { invoiceId: '130' }, 'invoice-130')).body).toEqual(begun.body)
    const other = await call(url, secret, { invoiceId: '131' }, 'invoice-130')
    expect(other).toMatchObject({ status: 409, body: { code: 'IdempotencyConflict' } })
    expect(titles().filter((title) => title === 'Hooked')).toHaveLength(1)
  })

  it('with a wrong secret, or none, or that of another, is refused and starts nothing', async () => {
    const { automation, url, secret } = await hooked('Intruder')
    const other = await hooked('Neighbour')
    const flipped = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`
    for (const wrong of [flipped, 'x'.repeat(32), other.secret])
      expect(await call(url, wrong)).toMatchObject({ status: 401, body: { code: 'Unauthenticated' } })
    expect(await call(url, null)).toMatchObject({
      status: 400,
      body: { errors: [{ in: 'header', pointer: '/Tieline-Secret' }] },
    })
    expect(await call(url, secret, [])).toMatchObject({ status: 400, body: { errors: [{ in: 'body' }] } })
    expect(await runsOf(automation)).toEqual([])
  })

  it('answers nothing else for one that is not there, so that ids cannot be guessed', async () => {
    const { url, secret } = await hooked('Real')
    const wrong = await call(url, 'x'.repeat(32))
    const nobody = await call(url.replace(/aut_\w+/, newId('automation')), secret)
    expect(nobody.status).toBe(401)
    const { requestId: _one, instance: _here, ...first } = wrong.body as Schemas['Problem']
    const { requestId: _two, instance: _there, ...second } = nobody.body as Schemas['Problem']
    expect(second).toEqual(first)
  })

  it('is deaf while the automation is disabled, and after it is deleted', async () => {
    const { automation, url, secret } = await hooked('Deaf')
    await patch(automation, { state: 'disabled' })
    expect((await call(url, secret)).status).toBe(401)
    expect(await runsOf(automation)).toEqual([])
    await patch(automation, { state: 'enabled' })
    expect((await call(url, secret)).status).toBe(202)
    await hub.api.request('DELETE', place(automation))
    expect((await call(url, secret)).status).toBe(401)
  })
})

/** Automations through the API: made, checked, changed, switched on and off, deleted. */
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { ApiAnswer } from '../harness/api.ts'
import {
  collection,
  place,
  write,
  startNotesAutomations,
  type NotesAutomations,
} from '../harness/notes-automations.ts'

type Schemas = components['schemas']
type Automation = Schemas['Automation']

let hub: NotesAutomations['hub']
let definition: NotesAutomations['definition']
let create: NotesAutomations['create']
let made: NotesAutomations['made']
let patch: NotesAutomations['patch']
let remove: NotesAutomations['remove']
let all: NotesAutomations['all']
let start: NotesAutomations['start']

beforeAll(async () => {
  ;({ hub, definition, create, made, patch, remove, all, start } = await startNotesAutomations())
}, 120_000)

afterAll(() => hub?.close())

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
    expect((await remove(automation)).status).toBe(204)
    await expect(schedule.describe()).rejects.toThrow(/not found/i)
  })

  it('that is deleted is found no more', async () => {
    const automation = await made()
    expect((await remove(automation)).status).toBe(204)
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

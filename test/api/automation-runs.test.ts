/** Runs of automations through the API: by hand and by webhook, looked into, approved, resumed, cancelled. */
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import {
  place,
  runIn,
  write,
  startNotesAutomations,
  type NotesAutomations,
} from '../harness/notes-automations.ts'

type Schemas = components['schemas']

let hub: NotesAutomations['hub']
let made: NotesAutomations['made']
let patch: NotesAutomations['patch']
let remove: NotesAutomations['remove']
let all: NotesAutomations['all']
let start: NotesAutomations['start']
let runsOf: NotesAutomations['runsOf']
let reached: NotesAutomations['reached']
let titles: NotesAutomations['titles']

beforeAll(async () => {
  ;({ hub, made, patch, remove, all, start, runsOf, reached, titles } = await startNotesAutomations())
}, 120_000)

afterAll(() => hub?.close())

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
    await remove(automation)
    expect((await call(url, secret)).status).toBe(401)
  })
})

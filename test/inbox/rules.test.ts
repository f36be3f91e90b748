/** Rules for webhooks: tried on stored events, put in force by version, each effect once per event. */
import { sql } from 'kysely'
import { until } from '../harness/api.ts'
import { startNotesInbox, type NotesInbox } from '../harness/notes-inbox.ts'

let hub: NotesInbox
beforeAll(async () => {
  hub = await startNotesInbox()
}, 120_000)
afterAll(() => hub?.close())

let events = 0
const changed = (note: string, more: Record<string, string | Record<string, unknown>> = {}) => ({
  id: `r${++events}`,
  type: 'note.changed',
  note,
  ...more,
})
const put = (id: string, title: string) =>
  hub.notes.notes.set(id, { id, version: 1, updatedAt: new Date().toISOString(), title, body: '', owner: '' })

interface Rule {
  readonly ruleId: string
  readonly activeVersion: number | null
  readonly latestVersion: number
}
interface Told {
  readonly items: readonly { readonly eventId: string; readonly outcome: string }[]
}

async function make(definition: Record<string, unknown>, activate = true): Promise<Rule> {
  const body = { name: 'A rule', connectionId: hub.connectionId, definition }
  const made = await hub.api.request('POST', '/admin/v1/hook-rules', { body })
  expect(made.status).toBe(201)
  const rule = made.body as Rule
  if (activate) await putInForce(rule, 1)
  return rule
}
const putInForce = (rule: Rule, version: number | null) =>
  hub.api.request('POST', `/admin/v1/hook-rules/${rule.ruleId}/activation`, { body: { version } })
const remove = (rule: Rule) => hub.api.request('DELETE', `/admin/v1/hook-rules/${rule.ruleId}`)

async function toldOf(externalId: string) {
  const query = `connectionId=${hub.connectionId}&externalId=${externalId}`
  const list = (await hub.api.request('GET', `/admin/v1/inbox-events?${query}`)).body as Told
  const [event] = list.items
  const detail = await hub.api.request('GET', `/admin/v1/inbox-events/${event?.eventId}`)
  return detail.body as {
    event: { outcome: string; state: string; failure: unknown }
    rules: Record<string, unknown>[]
  }
}

it('a draft has no effect; one in force leaves alone what it ignores, and can be stopped', async () => {
  const rule = await make(
    { condition: { '==': [{ var: 'payload.note' }, 'i1'] }, target: { kind: 'ignore' } },
    false,
  )
  put('i1', 'First')
  await hub.post([changed('i1')])
  await hub.settled()
  expect((await hub.record('i1'))?.mapped).toMatchObject({ subject: 'First' })
  await putInForce(rule, 1)
  put('i1', 'Second')
  put('i2', 'Other')
  await hub.post([changed('i1'), changed('i2')])
  await hub.settled()
  expect((await hub.record('i1'))?.mapped).toMatchObject({ subject: 'First' })
  expect((await hub.record('i2'))?.mapped).toMatchObject({ subject: 'Other' })
  expect(await toldOf('i1')).toMatchObject({
    event: { outcome: 'ignored' },
    rules: [{ ruleId: rule.ruleId, version: 1, target: 'ignore', outcome: 'done' }],
  })
  await putInForce(rule, null)
  await hub.post([changed('i1')])
  await hub.settled()
  expect((await hub.record('i1'))?.mapped).toMatchObject({ subject: 'Second' })
})

it('is tried on stored events before it is in force, with what it would send on', async () => {
  put('t1', 'Tried')
  await hub.post([changed('t1')])
  await hub.settled()
  const definition = {
    condition: { '==': [{ var: 'event.externalId' }, 't1'] },
    lookups: [{ as: 'known', resource: 'notes', externalId: { var: 'event.externalId' } }],
    output: { about: { cat: [{ var: 'known.subject' }, '!'] } },
    target: { kind: 'endpoint', topic: 'notes' },
  }
  const test = (body: Record<string, unknown>) =>
    hub.api.request('POST', '/admin/v1/hook-rules/test', {
      body: { connectionId: hub.connectionId, ...body },
    })
  const tried = await test({ definition })
  expect(tried.body).toMatchObject({ matched: 1, failed: 0, results: [{ output: { about: 'Tried!' } }] })
  const rule = await make(definition, false)
  expect((await test({ ruleId: rule.ruleId })).body).toMatchObject({ matched: 1 })
  expect((await test({ ruleId: rule.ruleId, definition })).status).toBe(400)
  await remove(rule)
})

it('makes a row of another payload, which passes the usual schema, mapping and comparison', async () => {
  const at = new Date().toISOString()
  const rule = await make({
    types: ['note.*'],
    condition: { '!!': [{ var: 'payload.foreign' }] },
    output: {
      id: { var: 'payload.foreign.key' },
      version: 1,
      updatedAt: at,
      title: { cat: ['From ', { var: 'payload.foreign.key' }] },
      body: '',
      owner: '',
    },
    target: { kind: 'record', resource: 'notes' },
  })
  await hub.post([
    changed('elsewhere', { foreign: { key: 'm1' } }),
    changed('nowhere', { foreign: { other: 1 } }),
  ])
  await until(
    () => toldOf('nowhere'),
    ({ event }) => event.failure !== null,
  )
  expect((await hub.record('m1'))?.mapped).toMatchObject({ subject: 'From m1' })
  const bad = await toldOf('nowhere')
  expect(bad).toMatchObject({ event: { failure: { code: 'Invalid' } }, rules: [] })
  await remove(rule)
})

it('sends on to the stream of events, once per event and rule, whatever is replayed', async () => {
  const rule = await make({
    condition: { '==': [{ var: 'payload.note' }, 's1'] },
    output: { note: { var: 'payload.note' } },
    target: { kind: 'endpoint', topic: 'notes' },
  })
  put('s1', 'Sent')
  await hub.post([changed('s1')])
  await hub.settled()
  const { connectionId } = hub
  await hub.api.request('POST', '/admin/v1/inbox-events/replay', { body: { connectionId } })
  await hub.settled()
  const { db } = hub.api.database.database
  const sent = await sql<{
    data: unknown
  }>`select data from hub_events where type = 'webhook.routed'`.execute(db)
  expect(sent.rows).toMatchObject([
    { data: { topic: 'notes', ruleId: rule.ruleId, externalId: 's1', content: { note: 's1' } } },
  ])
  expect((await hub.record('s1'))?.mapped).toMatchObject({ subject: 'Sent' })
  await remove(rule)
})

it('starts an automation of the partner, with event, payload and output as its context', async () => {
  const automation = await hub.api.request('POST', '/admin/v1/automations', {
    body: {
      name: 'Started by a rule',
      definition: {
        trigger: { kind: 'manual' },
        connections: { notes: hub.connectionId },
        steps: [{ name: 'rest', wait: { seconds: 1 } }],
      },
    },
  })
  expect(automation.body).toMatchObject({ automationId: expect.any(String) as string })
  const { automationId } = automation.body as { automationId: string }
  const rule = await make({
    condition: { '==': [{ var: 'payload.note' }, 'u1'] },
    target: { kind: 'automation', automationId },
  })
  put('u1', 'Starts')
  await hub.post([changed('u1')])
  await hub.settled()
  const told = await toldOf('u1')
  expect(told.rules).toMatchObject([{ ruleId: rule.ruleId, target: 'automation', outcome: 'done' }])
  const runs = await until(
    async () =>
      (await hub.api.request('GET', `/admin/v1/automation-runs?automationId=${automationId}`)).body as {
        items: { automationRunId: string; state: string }[]
      },
    ({ items }) => items[0]?.state === 'succeeded',
  )
  expect(runs.items).toMatchObject([{ automationRunId: told.rules[0]?.['subject'], state: 'succeeded' }])
  await remove(rule)
}, 60_000)

it('what cannot work is refused with its place, and changes nothing', async () => {
  const { connectionId } = hub
  const tries: [Record<string, unknown>, string][] = [
    [{ target: { kind: 'record', resource: 'nothing' } }, '/definition/target/resource'],
    [{ condition: { nonsense: 1 }, target: { kind: 'ignore' } }, '/definition/condition'],
    [
      { target: { kind: 'automation', automationId: 'aut_01KAT0000000000000000000AA' } },
      '/definition/target/automationId',
    ],
    [{ target: { kind: 'endpoint', topic: 'Not a topic' } }, '/definition/target'],
  ]
  const count = async () =>
    ((await hub.api.request('GET', '/admin/v1/hook-rules')).body as { items: unknown[] }).items.length
  const before = await count()
  for (const [definition, pointer] of tries) {
    const refused = await hub.api.request('POST', '/admin/v1/hook-rules', {
      body: { name: 'Wrong', connectionId, definition },
    })
    expect(refused.status).toBe(400)
    expect(JSON.stringify(refused.body)).toContain(pointer)
  }
  const rule = await make({ target: { kind: 'ignore' } }, false)
  expect((await putInForce(rule, 7)).status).toBe(400)
  await remove(rule)
  expect(await count()).toBe(before)
})

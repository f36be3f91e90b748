/** Automations over the notes provider: events start them once, steps are done once, what fails is taken back. */
import {
  addAutomationRun,
  getAutomationRun,
  listAutomationRuns,
  lockAutomationRun,
  openContext,
  saveAutomationRun,
  type AutomationRun,
} from '../../db/automation-runs.ts'
import { createAutomation, type Automation } from '../../db/automations.ts'
import type { AutomationDefinition, Step } from '../../model/automation.ts'
import type { JsonObject } from '../../model/json.ts'
import { newId } from '../../platform/new-id.ts'
import { until } from '../harness/api.ts'
import { startNotesHub, type NotesHub } from '../harness/notes-hub.ts'

let hub: NotesHub

beforeAll(async () => {
  hub = await startNotesHub()
}, 120_000)

afterAll(async () => {
  await hub?.test.temporal.client.workflow
    .getHandle(`dispatch-events:${hub.test.taskQueue}`)
    .terminate()
    .catch(() => undefined)
  await hub?.close()
})

const db = () => hub.database.database.db

async function automation(definition: Omit<AutomationDefinition, 'connections'>): Promise<Automation> {
  const { partnerId, accountId, connectionId } = hub.connection
  return await createAutomation(db(), {
    automationId: newId('automation'),
    partnerId,
    accountId,
    name: 'A test',
    template: null,
    definition: { connections: { notes: connectionId }, ...definition },
    createdBy: 'test',
    hookSecretHash: null,
  })
}

const create = (name: string, title: string | JsonObject): Step => ({
  name,
  connection: 'notes',
  write: { resource: 'notes', operation: 'create', fields: { subject: title } },
})

async function start(
  made: Automation,
  payload: JsonObject = {},
  key = newId('request'),
): Promise<AutomationRun | undefined> {
  const run = await addAutomationRun(db(), hub.test.deps.vault, made, {
    automationRunId: newId('automationRun'),
    triggerKind: 'manual',
    dedupeKey: key,
    context: { trigger: { kind: 'manual', payload } },
  })
  if (run) await hub.test.hub.startAutomationRun({ ...run, name: made.name })
  return run
}

const stateOf = async (run: AutomationRun): Promise<AutomationRun> => {
  const now = await getAutomationRun(db(), run.automationRunId)
  if (!now) throw new Error('the run is gone')
  return now
}
const ended = (run: AutomationRun) =>
  until(
    () => stateOf(run),
    ({ endedAt }) => endedAt !== null,
  )

async function run(made: Automation, payload: JsonObject = {}): Promise<AutomationRun> {
  const begun = await start(made, payload)
  if (!begun) throw new Error('no run')
  return await ended(begun)
}

async function decide(begun: AutomationRun, decision: 'approve' | 'reject'): Promise<void> {
  const waiting = await until(
    () => stateOf(begun),
    ({ state }) => state === 'waiting',
  )
  const locked = await lockAutomationRun(db(), begun.automationRunId)
  if (!locked) throw new Error('no run')
  await saveAutomationRun(db(), hub.test.deps.vault, locked, {
    waiting: { ...waiting.waiting, decision, by: 'ana' },
  })
  await hub.test.hub.tellApproval(`automation:${begun.automationRunId}`)
}

const titles = () => [...hub.notes.notes.values()].map(({ title }) => title)
const manual = { kind: 'manual' } as const

describe('the steps of an automation', () => {
  it('see what started it and what the steps before gave', async () => {
    const made = await automation({
      trigger: manual,
      steps: [
        create('first', { $: { cat: ['Note for ', { var: 'trigger.payload.name' }] } }),
        {
          name: 'second',
          connection: 'notes',
          write: {
            resource: 'notes',
            operation: 'update',
            externalId: { $: { var: 'steps.first.externalId' } },
            fields: { description: 'seen' },
          },
        },
        { name: 'pause', wait: { seconds: 1 } },
        {
          name: 'never',
          when: { '==': [1, 2] },
          connection: 'notes',
          action: 'create_note',
          input: { text: 'x' },
        },
        {
          name: 'which',
          branch: [
            { when: { '==': [{ var: 'trigger.payload.name' }, 'Bob'] }, steps: [create('forBob', 'Bob’s')] },
            { steps: [create('others', 'Somebody’s')] },
          ],
        },
        { name: 'count', connection: 'notes', report: 'count', input: {} },
      ],
    })
    const done = await run(made, { name: 'Ana' })
    expect(done).toMatchObject({ state: 'succeeded', failure: null })
    expect(done.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'first succeeded',
      'second succeeded',
      'pause succeeded',
      'never skipped',
      'which succeeded',
      'others succeeded',
      'count succeeded',
    ])
    const note = [...hub.notes.notes.values()].find(({ title }) => title === 'Note for Ana')
    expect(note).toMatchObject({ body: 'seen' })
    expect(titles()).not.toContain('Bob’s')
    const context = await openContext(db(), hub.test.deps.vault, done)
    expect(context['steps']).toMatchObject({ first: { externalId: note?.id }, count: {} })
  })

  it('are taken back in reverse when a later one fails', async () => {
    const made = await automation({
      trigger: manual,
      steps: [create('one', 'Not to last'), create('two', 'Nor this'), create('three', 'refuse me')],
    })
    const done = await run(made)
    expect(done).toMatchObject({ state: 'failed', failure: { code: 'Invalid' } })
    expect(done.steps.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'one undone',
      'three#1 failed',
      'two undone',
    ])
    expect(titles()).not.toContain('Not to last')
    expect(titles()).not.toContain('Nor this')
  })

  it('wait for a person, go on when approved', async () => {
    const made = await automation({
      trigger: manual,
      steps: [
        { name: 'ask', approval: { question: { $: { cat: ['Pay ', { var: 'trigger.payload.sum' }] } } } },
        create('paid', 'Paid'),
      ],
    })
    const begun = await start(made, { sum: 12 })
    if (!begun) throw new Error('no run')
    const waiting = await until(
      () => stateOf(begun),
      ({ state }) => state === 'waiting',
    )
    expect(waiting.waiting).toMatchObject({ step: 'ask', question: 'Pay 12' })
    await decide(begun, 'approve')
    expect((await ended(begun)).state).toBe('succeeded')
    expect(titles()).toContain('Paid')
  })

  it('are taken back when a person says no', async () => {
    const made = await automation({
      trigger: manual,
      steps: [
        create('draft', 'A draft'),
        { name: 'ask', approval: { question: 'Sure?' } },
        create('sent', 'Sent'),
      ],
    })
    const begun = await start(made)
    if (!begun) throw new Error('no run')
    await decide(begun, 'reject')
    expect((await ended(begun)).state).toBe('rejected')
    expect(titles()).not.toContain('A draft')
    expect(titles()).not.toContain('Sent')
  })

  it('of an approval that nobody answers go as the step says', async () => {
    const ask = (onTimeout: 'approve' | 'reject'): Step => ({
      name: 'ask',
      approval: { question: '?', timeoutSeconds: 1, onTimeout },
    })
    const [yes, no] = await Promise.all([
      automation({ trigger: manual, steps: [ask('approve')] }).then((one) => run(one)),
      automation({ trigger: manual, steps: [ask('reject')] }).then((one) => run(one)),
    ])
    expect([yes?.state, no?.state]).toEqual(['succeeded', 'rejected'])
  })

  it('come once for one key', async () => {
    const made = await automation({ trigger: manual, steps: [create('one', 'Only once')] })
    const first = await start(made, {}, 'key-1')
    expect(await start(made, {}, 'key-1')).toBeUndefined()
    if (first) await ended(first)
    expect(titles().filter((title) => title === 'Only once')).toHaveLength(1)
  })
})

describe('an automation that listens', () => {
  it('is started once by each event that its condition holds for, not by what was there before or by itself', async () => {
    hub.notes.notes.set('old', {
      id: 'old',
      version: 1,
      updatedAt: '2026-01-01T00:00:00Z',
      title: 'Old',
      body: '',
      owner: 'won',
    })
    const made = await automation({
      trigger: { kind: 'event', connection: 'notes', model: 'ticket' },
      condition: {
        and: [
          { '==': [{ var: 'record.assigneeId' }, 'won'] },
          { '!=': [{ var: 'previous.assigneeId' }, 'won'] },
        ],
      },
      steps: [create('congratulate', { $: { cat: ['Well done: ', { var: 'record.subject' }] } })],
    })
    await hub.test.hub.ensureDispatcher()
    await hub.sync()
    hub.notes.notes.set('a', {
      id: 'a',
      version: 1,
      updatedAt: '2026-01-01T00:00:00Z',
      title: 'A',
      body: '',
      owner: 'open',
    })
    await hub.sync()
    hub.notes.edit('a', { owner: 'won' })
    await hub.sync()
    hub.notes.edit('a', { body: 'still won' })
    await hub.sync()
    const runs = await until(
      () => listAutomationRuns(db(), { automationId: made.automationId, limit: 50 }),
      (some) => some.length > 0 && some.every(({ endedAt }) => endedAt !== null),
    )
    expect(runs.map(({ state, triggerKind }) => [state, triggerKind])).toEqual([['succeeded', 'event']])
    expect(titles().filter((title) => title.startsWith('Well done'))).toEqual(['Well done: A'])
  })
})

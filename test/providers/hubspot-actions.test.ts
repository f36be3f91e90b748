/** HubSpot's actions and reports on the simulated account, as a partner would use them: done, done again, taken back. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { JsonObject } from '../../model/json.ts'
import { applyMapping } from '../../model/mapping.ts'
import { hubspot } from '../../providers/hubspot/index.ts'
import { openBench } from '../../providers/http/test-server.ts'
import { startProviderBench, type ProviderBench } from '../harness/provider-bench.ts'

const ajv = addFormats.default(new Ajv2020({ allErrors: true, strict: false }))
let bench: ProviderBench
beforeAll(async () => {
  bench = await startProviderBench(hubspot)
})
afterAll(() => bench.close())

const stateOf = (resource: string) => bench.sandbox.control.state('hubspot', resource)
const anId = (resource: string, nth = 0): string => Object.keys(stateOf(resource))[nth] ?? ''

function actionOf(name: string) {
  const found = hubspot.actions.find((one) => one.name === name)
  if (!found) throw new Error(`no action ${name}`)
  return found
}

const textOf = (output: JsonObject, field: string): string => {
  const value = output[field]
  if (typeof value !== 'string') throw new Error(`${field} is no text`)
  return value
}

/** Input and output fit the action's own schemas. */
async function run(name: string, input: JsonObject, key = `op_${name}`): Promise<JsonObject> {
  const action = actionOf(name)
  const takes = ajv.compile(action.input)
  expect([name, takes(input), takes.errors]).toEqual([name, true, null])
  bench.pass(1_000)
  const output = await action.run(bench.open(), input, key)
  const gives = ajv.compile(action.output)
  expect([name, gives(output), gives.errors]).toEqual([name, true, null])
  return output
}

async function takeBack(name: string, input: JsonObject, output: JsonObject): Promise<void> {
  const { undo } = actionOf(name)
  if (!undo) throw new Error(`${name} cannot be taken back`)
  await run(undo.action, undo.input(input, output), `undo_${name}`)
}

async function rowOf(resource: string, id: string) {
  const found = hubspot.resources.find(({ name }) => name === resource)
  const rows = (await found?.getMany?.(bench.open(), [id]))?.rows ?? []
  return found && rows[0] ? applyMapping(found.mapping, rows[0]).mapped : undefined
}

it('moves a contact forward and back through its lifecycle, with the history to show for it', async () => {
  const created = await run('create_contact', {
    email: 'lea@example.com',
    properties: { lifecyclestage: 'lead' },
  })
  const forward = { kind: 'contact', id: textOf(created, 'id'), stage: 'customer' }
  const output = await run('set_lifecycle_stage', forward)
  expect((await rowOf('contacts', textOf(created, 'id')))?.['lifecycleStage']).toBe('customer')
  await takeBack('set_lifecycle_stage', forward, output)
  const contact = await rowOf('contacts', textOf(created, 'id'))
  expect(contact?.['lifecycleStage']).toBe('lead')
  const stages = (contact?.['stageHistory'] as JsonObject[]).map(({ stage }) => stage)
  expect(stages[0]).toBe('lead')
  expect(stages).toContain('customer')
})

it('moves a deal and puts it back', async () => {
  const id = anId('deals')
  const before = (await rowOf('deals', id))?.['stageId']
  const input = { id, stageId: before === 'contractsent' ? 'qualifiedtobuy' : 'contractsent' }
  const output = await run('move_deal_stage', input)
  expect((await rowOf('deals', id))?.['stageId']).toBe(input.stageId)
  await takeBack('move_deal_stage', input, output)
  expect((await rowOf('deals', id))?.['stageId']).toBe(before)
})

it.each([
  ['create_company', 'companies', { name: 'New company' }],
  [
    'create_deal',
    'deals',
    { name: 'New deal', stageId: 'qualifiedtobuy', pipelineId: 'default', amount: 10 },
  ],
  ['create_note', 'notes', { body: 'A note' }],
  ['create_task', 'tasks', { subject: 'A task', dueAt: '2026-12-01T09:00:00Z' }],
])(
  '%s makes one however often it is asked, on the records that it names, and takes it back',
  async (name, resource, own) => {
    const contactId = anId('contacts', 1)
    const input = { ...own, associateWith: [{ kind: 'contact', id: contactId }] }
    const before = Object.keys(stateOf(resource)).length
    const output = await run(name, input)
    expect(await run(name, input)).toEqual(output)
    expect(Object.keys(stateOf(resource))).toHaveLength(before + 1)
    const row = await rowOf(resource, textOf(output, 'id'))
    if (resource !== 'companies') expect(row?.['contactIds']).toContain(contactId)
    await takeBack(name, input, output)
    expect(await rowOf(resource, textOf(output, 'id'))).toBeUndefined()
  },
)

it('associates two records with a label beside the plain association, and ends each alone', async () => {
  const created = await run(
    'create_contact',
    { email: 'mia@example.com', properties: { lifecyclestage: 'lead' } },
    'k1',
  )
  const pair = {
    fromKind: 'contact',
    fromId: textOf(created, 'id'),
    toKind: 'company',
    toId: anId('companies'),
  }
  const labelled = { ...pair, typeId: 44, category: 'USER_DEFINED' }
  const of = () =>
    Object.keys(stateOf('associations')).filter((id) => id.startsWith(`contact:${pair.fromId}:`))
  await run('associate', pair)
  await run('associate', labelled)
  expect(of()).toHaveLength(2)
  await takeBack('associate', labelled, {})
  expect(of()).toEqual([`contact:${pair.fromId}:company:${pair.toId}:279`])
  await run('dissociate', pair)
  expect(of()).toEqual([])
})

it('adds to a static list only who is not in it, and takes back only those', async () => {
  const listId =
    Object.entries(stateOf('lists')).find(([, list]) => list['processingType'] === 'MANUAL')?.[0] ?? ''
  const isIn = (id: string) => `${listId}:${id}` in stateOf('list_memberships')
  const contacts = Object.keys(stateOf('contacts'))
  const there = contacts.find(isIn) ?? ''
  const other = contacts.find((id) => !isIn(id)) ?? ''
  const input = { listId, recordIds: [there, other] }
  const output = await run('add_to_list', input)
  expect(output).toEqual({ addedIds: [other] })
  expect(isIn(other)).toBe(true)
  await takeBack('add_to_list', input, output)
  expect([isIn(there), isIn(other)]).toEqual([true, false])
})

it('enrols in a workflow and in a sequence, sends a mail, defines and sends an event', async () => {
  const contactId = anId('contacts')
  const enrolment = { workflowId: '494848', contactId }
  expect(await run('enroll_in_workflow', enrolment)).toEqual({ isEnrolled: true })
  await takeBack('enroll_in_workflow', enrolment, {})
  const sequence = { sequenceId: '71', contactId, userId: '9', senderEmail: 'sales@example.com' }
  const first = await run('enroll_in_sequence', sequence)
  expect(first['isNew']).toBe(true)
  expect(await run('enroll_in_sequence', sequence, 'another')).toEqual({ ...first, isNew: false })
  await run('send_single_email', { emailId: '4126643121', to: 'ana@example.com' })
  const defined = await run('define_custom_event', {
    name: 'trial_started',
    label: 'Trial started',
    properties: [{ name: 'plan', label: 'Plan', type: 'string' }],
  })
  const eventName = textOf(defined, 'eventName')
  expect(eventName).toMatch(/trial_started$/)
  const event = { eventName, contactId, properties: { plan: 'team' } }
  await run('send_custom_event', event)
  await run('send_custom_event', event)
})

it('answers every report in the form that its schema promises', async () => {
  const span = { from: '2026-01-01T00:00:00Z', to: '2026-12-01T00:00:00Z' }
  const answers: Record<string, JsonObject> = {}
  for (const { name, input, output, run: ask } of hubspot.reports) {
    const takesSpan = (input['required'] as readonly string[]).includes('from')
    const answer = await ask(bench.open(), takesSpan ? span : {})
    const fits = ajv.compile(output)
    expect([name, fits(answer), fits.errors]).toEqual([name, true, null])
    answers[name] = answer
  }
  const total = (list: unknown, field: string) =>
    (list as JsonObject[]).reduce((sum, line) => sum + Number(line[field]), 0)
  expect(total(answers['deal_pipeline']?.['stages'], 'count')).toBe(Object.keys(stateOf('deals')).length)
  expect(total(answers['lifecycle_funnel']?.['stages'], 'count')).toBe(
    Object.keys(stateOf('contacts')).length,
  )
  expect(total(answers['lifecycle_funnel']?.['stages'], 'movedBackInto')).toBeGreaterThan(0)
  expect(total(answers['deal_moves']?.['moves'], 'count')).toBeGreaterThan(0)
  expect(answers['email_campaign']?.['emails']).not.toEqual([])
})

describe('signing in', () => {
  const { clientId, clientSecret } = {
    clientId: 'sandbox-hubspot-app',
    clientSecret: 'sandbox-hubspot-app-secret-0123456789',
  }
  const redirect = 'http://127.0.0.1:9999/callback'
  const [oauth] = hubspot.auth
  const post = (url: string, form: Record<string, string>) => {
    const { origin, pathname } = new URL(url)
    return fetch(`${bench.sandbox.originMap[origin] ?? ''}${pathname}`, {
      method: 'POST',
      headers: { 'x-tieline-origin': origin },
      body: new URLSearchParams(form),
      redirect: 'manual',
    })
  }

  async function signIn(): Promise<JsonObject> {
    const { authorize, token } = oauth.endpoints({})
    const scope = 'oauth crm.objects.contacts.read'
    const consent = { client_id: clientId, redirect_uri: redirect, scope, state: 's', decision: 'allow' }
    const back = new URL((await post(authorize, consent)).headers.get('location') ?? '')
    expect(back.searchParams.get('state')).toBe('s')
    const answer = await post(token, {
      grant_type: 'authorization_code',
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uri: redirect,
      code: back.searchParams.get('code') ?? '',
    })
    return (await answer.json()) as JsonObject
  }

  it('names the account, its zone and currency, and what was granted', async () => {
    const token = await signIn()
    const credential = {
      current: async () => ({ generation: 1, secrets: { access_token: textOf(token, 'access_token') } }),
      renew: async () => undefined,
    }
    const { originMap } = bench.sandbox
    const context = openBench({ url: '' }, { originMap }, { provider: hubspot, auth: oauth, credential })
    expect(await oauth.identify(context, { callback: {}, token })).toEqual({
      settings: {
        portal_id: '33442211',
        plan: 'oauth',
        time_zone: 'US/Eastern',
        currency: 'USD',
        hub_domain: 'tieline-sandbox.example',
      },
      externalAccount: '33442211',
      label: 'tieline-sandbox.example',
      scopes: ['oauth', 'crm.objects.contacts.read'],
    })
    bench.pass(31 * 60_000)
    await expect(hubspot.health.check(context)).rejects.toMatchObject({ code: 'Unauthorized' })
  })
})

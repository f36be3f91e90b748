/** The command line over the API, as a user runs it. */
import { Webhook } from 'standardwebhooks'
import type { components } from '../../openapi/types.ts'
import { until } from '../harness/api.ts'
import { commandLine, type CommandLine } from '../harness/command-line.ts'
import { startNotesApi, type NotesApi } from '../harness/notes-api.ts'
import { startReceiver, type Receiver } from '../harness/receiver.ts'

type Schemas = components['schemas']

let test: NotesApi
let receiver: Receiver
let tieline: CommandLine
beforeAll(async () => {
  test = await startNotesApi()
  tieline = commandLine(test.api.url)
  receiver = await startReceiver()
}, 120_000)
afterAll(async () => {
  await test.close()
  await receiver.close()
})

it('makes an endpoint, tries it, changes it, and replays what it was sent', async () => {
  const types = 'sync.*,ticket.created'
  const made = await tieline('endpoints', 'create', receiver.url, '--types', types, '--ordered')
  expect([made.code, made.err]).toEqual([0, ''])
  const [, id = ''] = /(end_\w+)/.exec(made.out) ?? []
  const [, secret = ''] = /(whsec_\S+)/.exec(made.out) ?? []
  const tried = await tieline('endpoints', 'test', id)
  expect([tried.code, tried.out]).toEqual([
    0,
    expect.stringMatching(/delivered.*endpoint\.test[^]*1\. .* 204/),
  ])
  expect(
    new Webhook(secret).verify(receiver.received[0]?.body ?? '', receiver.received[0]?.headers ?? {}),
  ).toBeTruthy()

  await test.sync()
  const sent = await until(
    () => tieline.json<Schemas['Delivery'][]>('deliveries', 'list', '--endpoint', id, '--state', 'delivered'),
    (items) => items.some(({ eventType }) => eventType === 'sync.succeeded'),
  )
  const sync = sent.find(({ eventType }) => eventType === 'sync.succeeded')
  const shown = await tieline('deliveries', 'show', sync?.deliveryId ?? '')
  expect(shown.out).toContain(sync?.eventId)
  const again = await tieline.json<Schemas['Delivery']>('deliveries', 'replay', sync?.deliveryId ?? '')
  expect(again).toMatchObject({ kind: 'replay', eventId: sync?.eventId })
  const all = await tieline(
    'deliveries',
    'replay',
    '--endpoint',
    id,
    '--since',
    '1h',
    '--all',
    '--types',
    'sync.*',
  )
  expect(all.out).toMatch(/^\d+ on their way again\.\n$/)

  const events = await tieline.json<{ items: Schemas['Event'][] }>('events', 'list', '--types', 'sync.*')
  expect(events.items.map((event) => event.id)).toContain(sync?.eventId)
  const changed = await tieline.json<Schemas['Endpoint']>(
    'endpoints',
    'update',
    id,
    '--no-ordered',
    '--concurrency',
    '4',
  )
  expect(changed).toMatchObject({ ordered: false, maxConcurrency: 4, eventTypes: types.split(',') })
  const rotated = await tieline.json<Schemas['EndpointWithSecret']>(
    'endpoints',
    'rotate',
    id,
    '--signing',
    'ed25519',
  )
  expect(rotated.secret).toMatch(/^whpk_/)
  for (const [verb, state] of [
    ['disable', 'disabled'],
    ['enable', 'active'],
  ] as const)
    expect(await tieline.json<Schemas['Endpoint']>('endpoints', verb, id)).toMatchObject({ state })
  expect((await tieline('endpoints', 'list')).out).toContain(id)
  expect((await tieline('endpoints', 'delete', id)).out).toBe(`${id} is deleted.\n`)
}, 120_000)

it('tail shows what happens while it runs', async () => {
  const running = tieline('events', 'tail', '--types', 'sync.*', '--seconds', '12')
  await new Promise((next) => setTimeout(next, 4_000))
  await test.sync()
  const { code, out } = await running
  expect(code).toBe(0)
  expect(out.split('\n').filter((line) => line.includes('sync.succeeded'))).toHaveLength(1)
}, 60_000)

it.each([
  [['endpoints', 'create', 'http://partner.example/', '--types', '*'], /\/url: should begin with https/],
  [
    ['endpoints', 'create', 'https://partner.example/', '--types', 'nothing.*'],
    /\/eventTypes\/0: is no type/,
  ],
  [['endpoints', 'show', 'end_01KAT0000000000000000000AA'], /There is no endpoint/],
  [['endpoints', 'update', 'end_01KAT0000000000000000000AA'], /Say what to change/],
  [
    ['endpoints', 'update', 'end_01KAT0000000000000000000AA', '--rate', 'fast'],
    /--rate takes a whole number/,
  ],
  [['deliveries', 'replay'], /Name a delivery/],
  [['deliveries', 'list', '--since', 'yesterday'], /--since takes a time/],
  [['events', 'list', '--types', 'nothing'], /no type of event/],
])('%j is bad input: exit code 2, and says why', async (args, message) => {
  const { code, out, err } = await tieline(...args)
  expect([code, out, err]).toEqual([2, '', expect.stringMatching(message)])
})

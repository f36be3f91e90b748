/** `tieline alerts`: channels, policies, escalations, on-call rotations and maintenance, all from the terminal. */
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { startTestApi, type TestApi } from '../harness/api.ts'
import { commandLine, type CommandLine } from '../harness/command-line.ts'
import { startReceiver, type Receiver } from '../harness/receiver.ts'

type Schemas = components['schemas']

let api: TestApi
let receiver: Receiver
let tieline: CommandLine
beforeAll(async () => {
  api = await startTestApi()
  receiver = await startReceiver()
  tieline = commandLine(api.url)
}, 120_000)
afterAll(async () => {
  await receiver?.close()
  await api?.close()
})

const alerts = (...args: string[]) => tieline('alerts', ...args)
const json = <T>(...args: string[]) => tieline.json<T>('alerts', ...args)
const channel = async (name: string) =>
  (await json<Schemas['AlertChannelMade']>('channels', 'create', name, '--webhook', receiver.url)).channel
    .channelId

it('a channel is made, tried, shown, changed and deleted', async () => {
  const made = await alerts('channels', 'create', 'Ops', '--webhook', receiver.url)
  expect([made.code, made.err]).toEqual([0, ''])
  const [, id = ''] = /(chn_\w+)/.exec(made.out) ?? []
  expect(made.out).toMatch(/secret, shown this once: whsec_/)
  expect(await alerts('test', id)).toMatchObject({ code: 0, out: 'It was taken.\n' })
  expect(receiver.received).toHaveLength(1)
  expect((await alerts('channels', 'show', id)).out).toContain(`active  ${id}  webhook  Ops`)
  expect(
    await json<Schemas['AlertChannel']>('channels', 'update', id, '--name', 'Later', '--disable'),
  ).toMatchObject({ name: 'Later', state: 'disabled' })
  const other = await alerts('channels', 'update', id, '--slack', 'https://hooks.example/x')
  expect(other).toMatchObject({ code: 2, err: expect.stringContaining('is of kind webhook') as string })
  expect((await alerts('channels')).out).toMatch(/disabled .*Later/)
  expect(await alerts('channels', 'delete', id)).toMatchObject({ code: 0, out: `${id} is deleted.\n` })
  expect((await alerts('channels', 'show', id)).code).toBe(2)
}, 60_000)

it('a policy is made by figures, changed one by one, looked back on and deleted', async () => {
  const made = await json<Schemas['AlertPolicy']>(
    ...['policies', 'create', 'Errors', '--kind', 'error_rate', '--set', 'percent=5', 'hours=2'],
    ...['--service', 'zendesk', '--severity', 'critical', '--channels', await channel('Policy')],
  )
  expect(made).toMatchObject({
    condition: { kind: 'error_rate', percent: 5, hours: 2 },
    provider: 'zendesk',
    enabled: true,
  })
  const quiet = JSON.stringify({
    timeZone: 'Europe/Berlin',
    windows: [{ days: ['monday'], from: '22:00', to: '07:00' }],
  })
  const changed = await json<Schemas['AlertPolicy']>(
    ...['policies', 'update', made.policyId, '--set', 'percent=2', '--no-service', '--no-channels'],
    ...['--quiet-hours', quiet, '--disable'],
  )
  expect(changed).toMatchObject({
    ...{ condition: { kind: 'error_rate', percent: 2, hours: 2 }, provider: null, channels: [] },
    ...{ severity: 'critical', enabled: false, quietHours: { timeZone: 'Europe/Berlin' }, version: 2 },
  })
  const states = await json<Schemas['AlertPolicy']>(
    ...['policies', 'update', made.policyId, '--kind', 'state', '--set', 'minutes=5', 'states=down,degraded'],
    ...['--no-quiet-hours', '--enable'],
  )
  expect(states).toMatchObject({
    condition: { kind: 'state', minutes: 5, states: ['down', 'degraded'] },
    quietHours: null,
    enabled: true,
  })
  const shown = await alerts('policies', 'show', made.policyId)
  expect(shown.out).toContain('looks for state: states=["down","degraded"] minutes=5')
  expect((await alerts('policies', 'versions', made.policyId)).out.trim().split('\n')).toHaveLength(4)
  expect((await alerts('policies')).out).toMatch(/Errors/)
  expect((await alerts('policies', 'delete', made.policyId)).code).toBe(0)
  expect((await alerts('policies', 'show', made.policyId)).code).toBe(2)
}, 60_000)

it('an escalation is made level by level, has somebody on call, and is kept while it is used', async () => {
  const [first, second] = [await channel('First'), await channel('Second')]
  const made = await json<Schemas['Escalation']>(
    ...['escalations', 'create', 'Night', '--level', `${first}:15x2`, '--level', `${first},${second}:30`],
    ...['--rounds', '2'],
  )
  expect(made).toMatchObject({
    levels: [
      { channels: [first], waitMinutes: 15, repeats: 2 },
      { channels: [first, second], waitMinutes: 30, repeats: 0 },
    ],
    rounds: 2,
  })
  const turns = ['--turns', first, second, '--from', '2026-01-05', '--time-zone', 'Europe/Berlin']
  const rotated = await alerts('escalations', 'rotation', made.escalationId, '--level', '2', ...turns)
  expect(rotated.err).toBe('')
  expect(rotated.out).toMatch(
    /level 2: tells First \(chn_\w+\), Second .*\n.*rotation of 2, handed over monday 09:00/,
  )
  const named = await json<Schemas['Escalation']>(
    ...['escalations', 'update', made.escalationId, '--name', 'Nights', '--rounds', '1'],
  )
  expect(named).toMatchObject({
    name: 'Nights',
    rounds: 1,
    levels: [{}, { rotation: { turns: [[first], [second]] } }],
  })
  const none = await json<Schemas['Escalation']>(
    ...['escalations', 'rotation', made.escalationId, '--level', '2', '--none'],
  )
  expect(none.levels[1]).toMatchObject({ channels: [first, second], rotation: null })
  const after = await json<Schemas['Escalation']>(
    ...[
      'escalations',
      'create',
      'After',
      '--levels',
      JSON.stringify(made.levels),
      '--next',
      made.escalationId,
    ],
  )
  // INV-12: loops and what tells without end are refused in the API's words, and nothing is changed.
  const loop = await alerts('escalations', 'update', made.escalationId, '--next', after.escalationId)
  expect(loop).toMatchObject({ code: 2, err: expect.stringMatching(/\/next: makes a loop/) as string })
  expect(await alerts('escalations', 'delete', made.escalationId)).toMatchObject({
    code: 1,
    err: expect.stringContaining('It is used by "After"') as string,
  })
  expect((await json<Schemas['Escalation']>('escalations', 'show', made.escalationId)).next).toBeNull()
  expect((await alerts('escalations')).out).toMatch(/Nights[^]*After/)
  expect((await alerts('escalations', 'delete', after.escalationId)).code).toBe(0)
  expect((await alerts('escalations', 'delete', made.escalationId)).code).toBe(0)
}, 60_000)

it('maintenance is announced, lasts longer, and ends', async () => {
  const made = await json<Schemas['MaintenanceWindow']>(
    ...['maintenance', 'create', 'They announced it', '--service', 'zendesk', '--for', '2h'],
  )
  const lasts = ({ startsAt, endsAt }: Schemas['MaintenanceWindow']) =>
    Date.parse(endsAt) - Date.parse(startsAt)
  expect(Math.round(lasts(made) / 60_000)).toBe(120)
  const longer = await json<Schemas['MaintenanceWindow']>(
    'maintenance',
    'update',
    made.windowId,
    '--for',
    '4h',
  )
  expect(lasts(longer)).toBe(4 * 3_600_000)
  expect((await alerts('maintenance')).out).toMatch(/under way .*zendesk +They announced it/)
  expect((await alerts('maintenance', 'show', made.windowId)).out).toContain(made.windowId)
  expect((await alerts('maintenance', 'end', made.windowId)).code).toBe(0)
  expect((await alerts('maintenance')).out).toBe('No maintenance is under way or ahead.\n')
}, 60_000)

describe('bad input: exit code 2, and says why', () => {
  const policy = ['policies', 'create', 'P', '--kind']
  it.each([
    [['channels', 'create', 'Nowhere'], /Say one of --email/],
    [['channels', 'create', 'Inside', '--slack', 'http://169.254.169.254/'], /\/url: /],
    [['channels', 'update', newId('alertChannel')], /Say what to change/],
    [[...policy, 'error_rate', '--set', 'percent=500'], /\/condition\/percent: /],
    [[...policy, 'state', '--set', 'minutes=0'], /\/condition\/minutes: /],
    [[...policy, 'state', '--set', 'minutes'], /--set takes name=value/],
    [[...policy, 'freshness', '--set', 'minutes=5', '--service', 'nobody'], /\/provider: is no service/],
    [[...policy, 'wishes'], /Allowed choices are incident/],
    [['policies', 'create', 'P'], /Say what it looks for/],
    [['policies', 'create', 'P', '--condition', '[]'], /--condition takes a JSON object/],
    [['policies', 'update', newId('alertPolicy'), '--disable'], /There is no alert policy/],
    [['escalations', 'create', 'E'], /Say whom it tells/],
    [['escalations', 'create', 'E', '--level', 'chn_x'], /--level takes channels:minutes/],
    [['escalations', 'create', 'E', '--level', `${newId('alertChannel')}:0`], /waitMinutes/],
    [
      ['escalations', 'create', 'E', '--level', `${newId('alertChannel')}:5`],
      /\/levels\/0\/channels\/0: is not/,
    ],
    [['escalations', 'rotation', newId('escalation'), '--level', '1'], /Say who: --turns/],
    [['maintenance', 'create', 'M'], /Say how long/],
    [['maintenance', 'create', 'M', '--for', 'ever'], /--for takes a span/],
    [['maintenance', 'create', 'M', '--until', '2020-01-01T00:00:00Z'], /\/endsAt: should be after/],
    [['maintenance', 'create', 'M', '--service', 'nobody', '--for', '1h'], /\/provider: is no service/],
  ])('%j', async (args, message) => {
    const { code, out, err } = await alerts(...args)
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(message)])
  })
})

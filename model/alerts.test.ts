/** Quiet hours, turns on call, escalation and policies: every rule a line. */
import { faultsOfCondition, faultsOfPolicy, tellsOf, type Condition, type Policy } from './alert-policy.ts'
import { decide, faultsOfEscalation, nextLevel, stepsOf, type Member, type Track } from './escalation.ts'
import { faultsOfRotation, onCall, turnAt, type Rotation } from './on-call.ts'
import { faultsOfQuietHours, quietUntil, type QuietHours } from './quiet-hours.ts'

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

describe('quiet hours', () => {
  const nights: QuietHours = {
    timeZone: 'Europe/Berlin',
    windows: [{ days: weekdays, from: '22:00', to: '07:00' }],
  }
  const until = (quiet: QuietHours, at: string) => quietUntil(quiet, new Date(at))?.toISOString()

  it.each([
    ['in winter, before midnight', '2026-01-15T22:30:00Z', '2026-01-16T06:00:00.000Z'],
    ['in winter, after midnight', '2026-01-15T03:00:00Z', '2026-01-15T06:00:00.000Z'],
    ['in summer', '2026-07-15T20:00:30Z', '2026-07-16T05:00:00.000Z'],
    ['in the night in which clocks go forward', '2026-03-28T22:00:00Z', '2026-03-29T05:00:00.000Z'],
    ['in the night in which clocks go back', '2026-10-24T21:00:00Z', '2026-10-25T06:00:00.000Z'],
  ])('%s', (_name, at, end) => expect(until(nights, at)).toBe(end))

  it('ends on the minute, and by day it is not quiet', () => {
    expect(until(nights, '2026-01-15T06:00:00Z')).toBeUndefined()
    expect(until(nights, '2026-01-15T05:59:59Z')).toBe('2026-01-15T06:00:00.000Z')
  })

  it('a weekend is one, over the end of the week', () => {
    const quiet: QuietHours = {
      timeZone: 'America/New_York',
      windows: [
        { days: ['friday'], from: '18:00', to: '09:00' },
        { days: ['saturday', 'sunday'], from: '09:00', to: '08:59' },
        { days: ['sunday', 'monday'], from: '08:00', to: '09:00' },
      ],
    }
    expect(until(quiet, '2026-01-09T23:30:00Z')).toBe('2026-01-12T14:00:00.000Z')
  })

  it.each<[string, QuietHours, string]>([
    [
      'the whole week',
      {
        timeZone: 'UTC',
        windows: [
          { days: weekdays, from: '00:00', to: '12:00' },
          { days: weekdays, from: '12:00', to: '00:00' },
        ],
      },
      '/windows',
    ],
    [
      'no length',
      { timeZone: 'UTC', windows: [{ days: ['monday'], from: '08:00', to: '08:00' }] },
      '/windows/0/to',
    ],
    [
      'a zone that does not exist',
      { timeZone: 'Mars/Base', windows: [{ days: ['monday'], from: '08:00', to: '09:00' }] },
      '/timeZone',
    ],
    [
      'no time',
      { timeZone: 'UTC', windows: [{ days: ['monday'], from: '25:00', to: '09:00' }] },
      '/windows/0/from',
    ],
  ])('refuses %s', (_name, quiet, pointer) =>
    expect(faultsOfQuietHours(quiet).map((one) => one.pointer)).toContain(pointer),
  )
})

describe('who is on call', () => {
  const rotation: Rotation = {
    ...{ timeZone: 'America/New_York', handover: { day: 'monday', at: '09:00' }, from: '2026-01-05' },
    turns: [['chn_a'], ['chn_b'], ['chn_c']],
  }
  const turn = (at: string) => turnAt(rotation, new Date(at))

  it.each([
    ['the first week', '2026-01-05T14:00:00Z', 0],
    ['a minute before the handover', '2026-01-12T13:59:00Z', 0],
    ['the handover', '2026-01-12T14:00:00Z', 1],
    ['the third week', '2026-01-20T00:00:00Z', 2],
    ['round again', '2026-01-26T14:00:00Z', 0],
    ['before it began', '2026-01-05T13:59:00Z', 2],
    ['over the year', '2025-12-29T14:00:00Z', 2],
    // Clocks went forward on 8 March: 09:00 there is 13:00 UTC from then on.
    ['after the clocks were changed', '2026-03-09T12:59:00Z', 2],
    ['the handover after that', '2026-03-09T13:00:00Z', 0],
  ])('%s', (_name, at, expected) => expect(turn(at)).toBe(expected))

  it('everybody has the same number of weeks in a year', () => {
    const counts = [0, 0, 0]
    for (let week = 0; week < 51; week++) {
      const at = turnAt(rotation, new Date(Date.UTC(2026, 0, 7 + week * 7)))
      counts[at] = (counts[at] ?? 0) + 1
    }
    expect(counts).toEqual([17, 17, 17])
    expect(onCall(rotation, new Date('2026-01-12T14:00:00Z'))).toEqual(['chn_b'])
  })

  it('refuses nobody, and what is no date', () => {
    expect(
      faultsOfRotation({ ...rotation, turns: [], from: '2026-02-30' }).map((one) => one.pointer),
    ).toEqual(['/from', '/turns'])
    expect(faultsOfRotation({ ...rotation, turns: [['chn_a'], []] })).toHaveLength(1)
  })
})

describe('escalation', () => {
  const level = { channels: ['chn_a'], waitMinutes: 10, repeats: 1 }
  const ladder = { name: 'L', levels: [level, { ...level, repeats: 0 }], rounds: 2, next: null }
  const steps = stepsOf([ladder])
  const now = new Date('2026-01-01T12:00:00Z')
  const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000)
  const track: Track = { step: 1, nextAt: at(10), plannedAt: now, told: true, hurry: false, overAt: null }
  const member = (state: Member['state'], more: Partial<Member> = {}): Member => ({
    ...{ state, snoozedUntil: null, reopened: 0, ...more },
  })
  const open = [member('open')]
  const judge = (situation: Partial<Parameters<typeof decide>[0]>) =>
    decide({ track, members: open, steps, now, heldUntil: null, ...situation })

  it('goes through levels and rounds in order', () => {
    expect(steps.map(({ round, level, repeat }) => [round, level, repeat])).toEqual([
      ...[
        [1, 1, 0],
        [1, 1, 1],
        [1, 2, 0],
        [2, 1, 0],
        [2, 1, 1],
        [2, 2, 0],
      ],
    ])
    expect(nextLevel(steps, 1)).toBe(2)
    expect(nextLevel(steps, 6)).toBeUndefined()
  })

  it('waits, then tells the next step; ends when all are told', () => {
    expect(judge({})).toEqual({ kind: 'wait', until: at(10), why: 'escalation' })
    expect(judge({ now: at(10) })).toEqual({ kind: 'tell', step: 1 })
    expect(judge({ track: { ...track, step: 6 }, now: at(99) })).toMatchObject({ why: 'exhausted' })
  })

  it('tells the next level at once when the last one could not be reached', () => {
    expect(judge({ track: { ...track, hurry: true } })).toEqual({ kind: 'tell', step: 2 })
  })

  it('is held by quiet hours and maintenance, and goes on after', () => {
    expect(judge({ now: at(10), heldUntil: at(60) })).toEqual({ kind: 'wait', until: at(60), why: 'held' })
    expect(judge({ now: at(60), heldUntil: at(60) })).toMatchObject({ kind: 'tell' })
  })

  it('stops for an answer of all; one that is open is enough to go on', () => {
    expect(judge({ members: [member('acknowledged')], now: at(99) })).toMatchObject({ why: 'acknowledged' })
    expect(judge({ members: [member('acknowledged'), member('open')], now: at(99) })).toMatchObject({
      kind: 'tell',
    })
    const snoozed = [member('snoozed', { snoozedUntil: at(30) }), member('resolved')]
    expect(judge({ members: snoozed })).toEqual({ kind: 'wait', until: at(30), why: 'snoozed' })
  })

  it('tells the end when it has stayed so, and says nothing to whom nothing was told', () => {
    const over = [member('resolved')]
    expect(judge({ members: over, track: { ...track, overAt: now } })).toMatchObject({
      why: 'settling',
      until: at(1),
    })
    expect(judge({ members: over, track: { ...track, overAt: now }, now: at(1) })).toEqual({
      kind: 'close',
      tell: true,
    })
    const flapped = [member('resolved', { reopened: 2 })]
    expect(judge({ members: flapped, track: { ...track, overAt: now }, now: at(9) })).toMatchObject({
      why: 'settling',
    })
    expect(judge({ members: over, track: { ...track, told: false } })).toEqual({ kind: 'close', tell: false })
  })

  it('a clock that is put back does not put it off', () => {
    expect(judge({ now: at(-600) })).toEqual({ kind: 'wait', until: at(-590), why: 'escalation' })
    expect(judge({ members: [member('resolved')], track: { ...track, overAt: at(600) } })).toEqual({
      kind: 'close',
      tell: true,
    })
  })

  it('refuses no wait, nobody, and a siege', () => {
    const faults = (more: object) => faultsOfEscalation({ ...ladder, ...more }).map((one) => one.pointer)
    expect(faults({ levels: [{ ...level, waitMinutes: 0 }] })).toEqual(['/levels/0/waitMinutes'])
    expect(faults({ levels: [{ ...level, channels: [] }] })).toEqual(['/levels/0'])
    expect(faults({ levels: [] })).toEqual(['/levels'])
    expect(faults({ levels: [{ ...level, repeats: 20 }], rounds: 10 })).toEqual(['/rounds'])
  })
})

describe('policies', () => {
  it.each<[string, Condition, string]>([
    ['a field of another kind', { kind: 'freshness', minutes: 5, percent: 3 }, '/percent'],
    ['a field that is missing', { kind: 'error_rate' }, '/percent'],
    ['no time at all', { kind: 'state', minutes: 0 }, '/minutes'],
    ['more than all', { kind: 'error_rate', percent: 101 }, '/percent'],
    ['no accuracy', { kind: 'integrity', belowPercent: 0 }, '/belowPercent'],
    ['windows the wrong way round', { kind: 'burn_rate', shortHours: 6, longHours: 6 }, '/longHours'],
    ['no state', { kind: 'state', minutes: 5, states: [] }, '/states'],
    ['a word that is none', { kind: 'incident', minSeverity: 'loud' }, '/minSeverity'],
  ])('refuses %s', (_name, condition, pointer) =>
    expect(faultsOfCondition(condition).map((one) => one.pointer)).toContain(pointer),
  )

  const policy: Policy = {
    ...{ policyId: 'apo_1', partnerId: null, name: 'P', provider: null, condition: { kind: 'incident' } },
    ...{ severity: 'warning', channels: [], escalationId: null, quietHours: null, enabled: true },
  }
  const outage = {
    kind: 'outage',
    severity: 'critical',
    provider: 'acme',
    partners: ['par_1', 'par_0'],
    details: {},
  } as const

  it('tell of what they are about', () => {
    expect(faultsOfPolicy(policy)).toEqual([])
    expect(tellsOf(policy, outage)).toBe(true)
    expect(tellsOf({ ...policy, enabled: false }, outage)).toBe(false)
    expect(tellsOf({ ...policy, provider: 'other' }, outage)).toBe(false)
    expect(tellsOf({ ...policy, partnerId: 'par_0' }, outage)).toBe(true)
    expect(tellsOf({ ...policy, partnerId: 'par_2' }, outage)).toBe(false)
    expect(tellsOf(policy, { ...outage, severity: 'info' })).toBe(false)
    expect(tellsOf(policy, { ...outage, details: { policyId: 'apo_2' } })).toBe(false)
  })

  it('integrity has a policy of its own, by accuracy', () => {
    const integrity = { ...policy, condition: { kind: 'integrity' } } as const
    const found = (accuracyPercent: number) => ({
      ...outage,
      kind: 'integrity',
      details: { accuracyPercent },
    })
    expect(tellsOf(policy, found(90))).toBe(false)
    expect(tellsOf(integrity, found(99.98))).toBe(true)
    expect(tellsOf(integrity, found(99.995))).toBe(false)
  })
})

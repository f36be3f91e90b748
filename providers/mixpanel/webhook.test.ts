/** What is special to Mixpanel's cohort webhooks; what all webhooks must do: `test/webhooks.conformance.test.ts`. */
import { applyMapping } from '../../model/mapping.ts'
import type { HookRequest } from '../contract-webhook.ts'
import { resource } from './test-context.ts'
import { webhooks } from './webhook.ts'

const request = (body: string | object, headers: Readonly<Record<string, string>> = {}): HookRequest => ({
  method: 'POST',
  url: new URL('https://hub.example.com/hooks/mixpanel/con_1?key=k'),
  headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8'),
  receivedAt: new Date('2026-11-24T10:00:00Z'),
})

/** The documented body (docs.mixpanel.com/docs/cohort-sync/webhooks) with values. */
const page = (action: string, members: readonly object[], more = {}) => ({
  action,
  parameters: {
    mixpanel_project_id: '3000001',
    mixpanel_cohort_name: 'Power users',
    mixpanel_cohort_id: '1200001',
    mixpanel_cohort_description: 'description',
    mixpanel_session_id: 'b7b0c1',
    page_info: { total_pages: 10, page_count: 6 },
    members,
    ...more,
  },
})
const ana = {
  email: 'ana@example.com',
  mixpanel_distinct_id: 'user-4711',
  first_name: 'Ana',
  last_name: 'Sol',
}
const bo = {
  email: 'bo@example.com',
  mixpanel_distinct_id: '$device:é🦊',
  first_name: 'Bo',
  phone_number: '1',
}

describe('who is let in', () => {
  // printf 'tieline:pä:ss wörd' | openssl base64
  const authorization = 'Basic dGllbGluZTpww6Q6c3Mgd8O2cmQ='
  const passes = (header: string, passwords: readonly string[]) =>
    webhooks.verify(request('{}', { authorization: header }), { password: passwords }, {})

  it('is who knows the password, colons and letters beyond ASCII included', () => {
    expect(passes(authorization, ['old', 'pä:ss wörd'])).toEqual([{ name: 'basic_auth', passed: true }])
  })

  it('is nobody else, nor another user with the password', () => {
    const other = `Basic ${Buffer.from('admin:pä:ss wörd').toString('base64')}`
    for (const [header, password] of [
      [authorization, 'other'],
      [other, 'pä:ss wörd'],
      ['Bearer pä:ss wörd', 'pä:ss wörd'],
    ] as const) {
      const [check] = passes(header, [password])
      expect(check).toMatchObject({ name: 'basic_auth', passed: false })
      expect(check?.detail).not.toContain('wörd')
    }
  })
})

describe('a page', () => {
  it('of members who entered gives each as a membership that maps like one that was read', () => {
    const [first, second] = webhooks.split(request(page('add_members', [ana, bo])))
    expect(first).toMatchObject({
      type: 'cohort.add_members',
      tenant: '3000001',
      about: 'changed',
      resource: 'cohort_members',
      externalId: '1200001:user-4711',
      row: { cohort_id: '1200001', $distinct_id: 'user-4711' },
      payload: { mixpanel_cohort_name: 'Power users', member: ana },
    })
    expect(second?.externalId).toBe('1200001:$device:é🦊')
    const members = resource('cohort_members')
    expect(members.externalId(first?.row ?? {})).toBe(first?.externalId)
    expect(applyMapping(members.mapping, first?.row ?? {})).toEqual({
      mapped: { id: '1200001:user-4711', segmentId: '1200001', memberId: 'user-4711' },
      problems: [],
    })
  })

  it('of members who left ends their memberships', () => {
    const [event] = webhooks.split(request(page('remove_members', [ana])))
    expect(event).toMatchObject({ about: 'deleted', externalId: '1200001:user-4711' })
    expect(event).not.toHaveProperty('row')
  })

  it('that comes again in its session, on another page too, holds the same events; entering and leaving differ', () => {
    const keys = (body: object) => webhooks.split(request(body)).map(({ key }) => key)
    const again = page('add_members', [bo, ana], { page_info: { total_pages: 10, page_count: 1 } })
    expect(keys(again).sort()).toEqual(keys(page('add_members', [ana, bo])).sort())
    expect(keys(page('remove_members', [ana]))).not.toEqual(keys(page('add_members', [ana])))
    expect(keys(page('add_members', [ana], { mixpanel_session_id: 'next' }))).not.toEqual(
      keys(page('add_members', [ana])),
    )
    expect(keys(page('add_members', [ana, ana]))).toHaveLength(1)
  })

  it('without members is a notice; an action or a member nobody knows is kept as unknown', () => {
    const abouts = (body: object) => webhooks.split(request(body)).map(({ about }) => about)
    expect(abouts(page('add_members', []))).toEqual(['notice'])
    expect(abouts(page('constructor', [ana]))).toEqual(['unknown'])
    expect(abouts(page('members', [{ email: 'x' }, ana]))).toEqual(['unknown', 'changed'])
  })

  it('that names no session, or is not JSON in UTF-8, is refused as unreadable', () => {
    for (const body of [page('members', [ana], { mixpanel_session_id: null }), '[]', '{"a":1', '"x"'])
      expect(() => webhooks.split(request(body))).toThrow(
        expect.objectContaining({ code: 'Invalid' }) as Error,
      )
    const broken = { ...request('{}'), body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }
    expect(() => webhooks.split(broken)).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error)
  })
})

describe('the answer', () => {
  it('repeats the action, as Mixpanel expects', () => {
    const answer = webhooks.accepted?.(request(page('remove_members', [ana])))
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(JSON.parse(answer?.body ?? '')).toEqual({ action: 'remove_members', status: 'success' })
  })

  it('to what is not genuine is a failure with 401, and repeats nothing that a stranger wrote', () => {
    const answer = webhooks.refused?.(request(page('<script>', [])))
    expect(answer?.status).toBe(401)
    expect(JSON.parse(answer?.body ?? '')).toEqual({
      status: 'failure',
      error: { message: expect.stringContaining('password') as string, code: 401 },
    })
    expect(webhooks.refused?.(request('no json'))?.status).toBe(401)
  })
})

import fc from 'fast-check'
import { isExhausted, isSustained, pauseAfter, probePause, restAfterFailures, verdictOn } from './delivery.ts'

const now = new Date('2026-11-24T12:00:00Z')
const answer = (status: number | null, more: { retryAfter?: string; control?: string } = {}) =>
  verdictOn({ status, retryAfter: more.retryAfter, control: more.control }, now)
const later = (ms: number) => new Date(now.getTime() + ms)

describe('the schedule of a delivery', () => {
  it('makes ten attempts over more than three days', () => {
    const pauses = Array.from({ length: 9 }, (_, n) => pauseAfter(n + 1, 0))
    expect(pauses[0]).toBe(5_000)
    const last = pauses.reduce((sum, pause) => sum + pause, 0)
    expect(last).toBe(((75 * 60 + 35) * 60 + 5) * 1000)
    expect(isExhausted(9, now, later(last))).toBe(false)
    expect(isExhausted(10, now, later(last))).toBe(true)
    expect(isExhausted(10, now, later(71 * 3_600_000))).toBe(false)
  })

  it('adds jitter and never takes away, by at most a fifth', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, random) => {
          for (const pause of [pauseAfter, probePause]) {
            expect(pause(n, random)).toBeGreaterThanOrEqual(pause(n, 0))
            expect(pause(n, random)).toBeLessThanOrEqual(pause(n, 0) * 1.2 + 1)
          }
        },
      ),
    )
  })

  it('probes a failing endpoint at least once an hour', () => {
    for (let n = 0; n < 50; n++) expect(probePause(n, 1)).toBeLessThanOrEqual(3_600_000)
  })
})

describe('what an answer means', () => {
  it.each([200, 201, 202, 204, 299])('%i is a success', (status) =>
    expect(answer(status)).toEqual({ kind: 'delivered' }),
  )
  it.each([301, 302, 307, 308, 400, 401, 404, 500, 503])('%i is tried again by the schedule', (status) =>
    expect(answer(status)).toEqual({ kind: 'retry', notBefore: null }),
  )
  it.each([429, 502, 504])('%i lets the endpoint rest for a moment', (status) =>
    expect(answer(status)).toEqual({ kind: 'retry', notBefore: later(10_000) }),
  )
  it('no answer is tried again', () => expect(answer(null)).toEqual({ kind: 'retry', notBefore: null }))
  it('410 disables the endpoint', () => expect(answer(410)).toEqual({ kind: 'disabled', reason: 'gone' }))
  it('Retry-After is kept, in seconds and as a date', () => {
    expect(answer(503, { retryAfter: '120' })).toEqual({ kind: 'retry', notBefore: later(120_000) })
    const date = 'Tue, 24 Nov 2026 14:00:00 GMT'
    expect(answer(429, { retryAfter: date })).toEqual({ kind: 'retry', notBefore: new Date(date) })
  })
  it('a Retry-After of years is asked again after a day; one that makes no sense is passed over', () => {
    expect(answer(503, { retryAfter: '999999999' })).toEqual({ kind: 'retry', notBefore: later(86_400_000) })
    expect(answer(500, { retryAfter: 'soon' })).toEqual({ kind: 'retry', notBefore: null })
  })
  it('the receiver steers by webhook-delivery', () => {
    expect(answer(500, { control: 'abort-message' })).toEqual({ kind: 'aborted' })
    expect(answer(200, { control: 'disable' })).toEqual({ kind: 'disabled', reason: 'asked' })
    expect(answer(200, { control: 'abort-message' })).toEqual({ kind: 'delivered' })
    expect(answer(500, { control: 'something-new' })).toEqual({ kind: 'retry', notBefore: null })
  })
})

describe('when an endpoint is given up', () => {
  it('takes failures in a row and an hour', () => {
    expect(isSustained(5, now, later(3_600_000))).toBe(true)
    expect(isSustained(4, now, later(3_600_000))).toBe(false)
    expect(isSustained(500, now, later(3_599_999))).toBe(false)
    expect(isSustained(5, null, now)).toBe(false)
  })
  it('before that, it is left alone for a minute at a time', () => {
    expect([restAfterFailures(9), restAfterFailures(10)]).toEqual([0, 60_000])
  })
})

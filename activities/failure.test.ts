import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { failures, type FailureCode } from '../model/failures.ts'
import { HubError } from '../platform/errors.ts'
import { fromFailure } from '../platform/temporal/failure.ts'
import { asFailure, failing } from './failure.ts'

const now = new Date('2026-11-23T12:00:00Z')
const ours = (error: unknown): ApplicationFailure => {
  const failure = asFailure(error, now)
  if (!(failure instanceof ApplicationFailure)) throw new Error('not an ApplicationFailure')
  return failure
}

describe('failures on their way through Temporal', () => {
  it('carries code, text and fields there and back', () => {
    const fields = [{ pointer: '/subject', detail: 'is missing' }]
    const retryAt = new Date('2026-11-23T12:01:30Z')
    const error = new HubError('RateLimited', 'Slow down', {
      fields,
      retryAt,
      internal: 'secret table',
      cause: new Error('inner'),
    })
    const failure = ours(error)
    expect(failure).toMatchObject({
      type: 'RateLimited',
      message: 'Slow down',
      nonRetryable: false,
      nextRetryDelay: 90_000,
    })
    expect(JSON.stringify({ ...failure })).not.toContain('secret table')
    expect(failure.cause).toBeUndefined()
    expect(fromFailure(new Error('outer', { cause: failure }))).toMatchObject({
      code: 'RateLimited',
      message: 'Slow down',
      fields,
      retryAt,
    })
  })

  it('repeats exactly what the failure table lets repeat', () => {
    for (const code of Object.keys(failures) as FailureCode[]) {
      expect([code, ours(new HubError(code, 'x')).nonRetryable]).toEqual([
        code,
        failures[code].retry === 'no',
      ])
    }
  })

  it('waits a second at least, even when the time to retry has passed', () => {
    expect(ours(new HubError('Unavailable', 'x', { retryAt: new Date(0) })).nextRetryDelay).toBe(1_000)
  })

  it.each([
    Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:5432'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' }),
    Object.assign(new Error('deadlock detected'), { code: '40P01' }),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout exceeded when trying to connect'),
  ])('takes a lost database for an outage: %s', (error) => {
    const failure = ours(error)
    expect(failure).toMatchObject({ type: 'DatabaseUnavailable', nonRetryable: false })
    expect(failure.message).not.toContain('10.0.0.5')
  })

  it('says nothing of what nobody foresaw', () => {
    const failure = ours(
      Object.assign(new Error('duplicate key value (email)=(ana@example.com)'), { code: '23505' }),
    )
    expect(failure).toMatchObject({ type: 'Internal', nonRetryable: false })
    expect(JSON.stringify([failure.message, failure.stack, failure.details])).not.toContain('ana@example.com')
    expect(fromFailure(failure)).toMatchObject({ code: 'Internal' })
    expect(fromFailure(new Error('plain'))).toBeUndefined()
  })

  it('leaves a cancellation a cancellation, whatever wraps it', async () => {
    const cancelled = new CancelledFailure('CANCELLED')
    expect(asFailure(cancelled)).toBe(cancelled)
    expect(asFailure(new HubError('Unavailable', 'aborted', { cause: cancelled }))).toBe(cancelled)
    await expect(failing(() => Promise.reject(cancelled))(undefined)).rejects.toBe(cancelled)
  })
})

/** What is special in Xero's rows and failures. */
import { applyMapping } from '../../model/mapping.ts'
import type { ProviderResponse } from '../contract.ts'
import { explainError } from './errors.ts'
import { limits } from './limits.ts'
import { idOf, invoice, now, resource, startOrganisation } from './test-context.ts'

describe('failures', () => {
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}): ProviderResponse => ({
    status,
    headers,
    body,
    readAt: now,
  })
  const access = (status: number, detail: string) =>
    answer(status, { Type: null, Title: 'x', Status: status, Detail: detail, Instance: 'i', Extensions: {} })

  it.each([
    ['an expired token', access(401, 'TokenExpired: token expired at 11/24/2026 09:00:00'), 'Unauthorized'],
    ['a disconnected organisation', access(403, 'AuthenticationUnsuccessful'), 'Unauthorized'],
    ['a missing scope', access(401, 'AuthorizationUnsuccessful'), 'Forbidden'],
    ['another refusal', access(403, 'This user may not do that'), 'Forbidden'],
    ['a minute that is used up', answer(429, undefined, { 'x-rate-limit-problem': 'minute' }), 'RateLimited'],
    ['too many at once', answer(429, undefined, { 'x-rate-limit-problem': 'Concurrent' }), 'RateLimited'],
  ])('%s', (_what, response, code) => {
    expect(explainError(response)?.code).toBe(code)
  })

  it('a day that is used up waits as long as Xero says', () => {
    const headers = { 'x-rate-limit-problem': 'Day', 'retry-after': '7200' }
    expect(explainError(answer(429, undefined, headers))).toMatchObject({
      code: 'QuotaExhausted',
      retryAt: new Date(now.getTime() + 7_200_000),
    })
  })

  it('a validation says what was wrong, without addresses of people', () => {
    const ValidationErrors = [
      { Message: 'Email ana@example.com is not valid' },
      { Message: 'Name must be unique' },
    ]
    const body = {
      ErrorNumber: 10,
      Type: 'ValidationException',
      Message: 'x',
      Elements: [{ ValidationErrors }],
    }
    expect(explainError(answer(400, body))).toEqual({
      code: 'Invalid',
      message: 'Email [email] is not valid Name must be unique',
    })
  })

  it('what is left of each limit is learnt from the headers', () => {
    const headers = {
      'x-minlimit-remaining': '3',
      'x-daylimit-remaining': '4999',
      'x-appminlimit-remaining': '?',
    }
    expect(limits.learn?.('read', headers, now)).toEqual([
      { bucket: 'minute', remaining: 3 },
      { bucket: 'day', remaining: 4999 },
    ])
  })
})

describe('an invoice', () => {
  const read = async (more: Record<string, unknown>) => {
    const organisation = await startOrganisation()
    try {
      organisation.answer(() => ({
        body: { Invoices: [invoice(7, Date.parse('2026-11-20T08:00:00.5Z'), more)] },
      }))
      const answer = await resource('invoices').getMany?.(organisation.open(), [idOf(7)])
      return applyMapping(resource('invoices').mapping, answer?.rows[0] ?? {})
    } finally {
      await organisation.close()
    }
  }

  it('has days and times of Xero’s own form, and amounts of lines without the tax that they include', async () => {
    const line = { LineItemID: idOf(8), Quantity: 3, UnitAmount: 0.1, LineAmount: 0.3, TaxAmount: 0.04 }
    const { mapped, problems } = await read({
      LineAmountTypes: 'Inclusive',
      LineItems: [line, { ...line, UnitAmount: 0.1234, LineAmount: null }],
    })
    expect(problems).toEqual([])
    expect(mapped).toMatchObject({
      issuedOn: '2026-11-01',
      dueOn: '2026-11-21',
      updatedAt: '2026-11-20T08:00:00.500Z',
      lines: [
        { amount: { amountMinor: 26, currency: 'NZD' }, unitPrice: { amountMinor: 10, currency: 'NZD' } },
        { quantity: 3 },
      ],
    })
  })

  it.each([
    [{ Status: 'SUBMITTED' }, 'draft'],
    [{ Status: 'VOIDED', AmountDue: 0 }, 'void'],
    [{ Status: 'PAID', AmountDue: 0 }, 'paid'],
    [{ AmountDue: 15 }, 'partlyPaid'],
    [{}, 'open'],
    [{ DueDate: '/Date(1794009600000+0000)/', AmountDue: 15 }, 'overdue'],
  ])('%j is %s', async (more, status) => {
    expect((await read(more)).mapped['status']).toBe(status)
  })
})

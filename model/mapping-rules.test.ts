/** What rules of a mapping can do besides renaming, inwards and outwards. */
import fc from 'fast-check'
import { applyMapping, applyOutward, type FieldRule } from './mapping.ts'
import { checkMapping, checkOutward } from './mapping-check.ts'
import { decimalOf, minorDigits, moneyOf } from './money.ts'

const invoice = (...rules: FieldRule[]) => ({ model: 'invoice' as const, rules })
const mapped = (rules: FieldRule[], row: Record<string, unknown>) => applyMapping(invoice(...rules), row)

describe('money', () => {
  it.each([
    [12.5, 'EUR', 1250],
    ['0.07', 'USD', 7],
    [-3, 'USD', -300],
    [1234, 'JPY', 1234],
    ['1.234', 'KWD', 1234],
    ['1.500', 'EUR', 150],
    [1e-2, 'EUR', 1],
    [0.1 + 0.2, 'EUR', undefined],
    ['1.005', 'EUR', undefined],
    ['1,5', 'EUR', undefined],
    ['', 'EUR', undefined],
    ['.', 'EUR', undefined],
    [1e21, 'EUR', undefined],
    [5, 'eur', undefined],
  ])('%p %s is %p in minor units, and nothing is rounded', (amount, currency, amountMinor) => {
    expect(moneyOf(amount, currency)?.amountMinor).toBe(amountMinor)
  })

  it('comes back from its decimal text as it went', () => {
    const currencies = fc.constantFrom('EUR', 'USD', 'JPY', 'KWD', 'CLF')
    fc.assert(
      fc.property(fc.maxSafeInteger(), currencies, (amountMinor, currency) => {
        const text = decimalOf({ amountMinor, currency })
        expect(moneyOf(text, currency)).toEqual({ amountMinor: amountMinor || 0, currency })
        expect((text.split('.')[1] ?? '').length).toBe(minorDigits(currency))
      }),
    )
  })

  it('takes its currency from the row, else from the rule; without one it is a problem', () => {
    const rule = {
      to: 'total',
      from: 'amt',
      convert: 'money',
      currency: { from: 'cur.value', constant: 'USD' },
    } as const
    expect(mapped([rule], { amt: 9.99, cur: { value: 'EUR' } }).mapped['total']).toEqual({
      amountMinor: 999,
      currency: 'EUR',
    })
    expect(mapped([rule], { amt: '9.99' }).mapped['total']).toEqual({ amountMinor: 999, currency: 'USD' })
    const without = { to: 'total', from: 'amt', convert: 'money', currency: { from: 'cur' } } as const
    expect(mapped([without], { amt: 1 }).problems).toEqual([
      'total: the value of amt is not an amount of money in a known currency',
    ])
  })
})

describe('times', () => {
  const at = { to: 'createdAt', from: 't', convert: 'time' } as const
  it('are kept in UTC, with the zone they were given in beside them', () => {
    expect(mapped([at], { t: '2026-03-01T10:00:00-08:00' }).mapped).toEqual({
      createdAt: '2026-03-01T18:00:00.000Z',
      zones: { createdAt: '-08:00' },
    })
    expect(mapped([at], { t: '2026-03-01T10:00:00Z' }).mapped).toEqual({
      createdAt: '2026-03-01T10:00:00.000Z',
    })
  })

  it('without an offset are read in the zone of the rule, summer time included', () => {
    const rule = { ...at, zone: { from: 'zone' } }
    expect(mapped([rule], { t: '2026-07-01T10:00:00', zone: 'Europe/Lisbon' }).mapped).toEqual({
      createdAt: '2026-07-01T09:00:00.000Z',
      zones: { createdAt: 'Europe/Lisbon' },
    })
    expect(mapped([rule], { t: '2026-01-01T10:00:00', zone: 'America/New_York' }).mapped['createdAt']).toBe(
      '2026-01-01T15:00:00.000Z',
    )
    expect(mapped([rule], { t: '2026-01-01T10:00:00', zone: 'Atlantis/City' }).problems).toHaveLength(1)
  })

  it('in milliseconds, and days as days', () => {
    expect(
      mapped([{ to: 'createdAt', from: 't', convert: 'milliseconds' }], { t: '1764000000000' }).mapped[
        'createdAt'
      ],
    ).toBe('2025-11-24T16:00:00.000Z')
    const day = { to: 'issuedOn', from: 'd', convert: 'date' } as const
    expect(mapped([day], { d: '2026-02-28' }).mapped['issuedOn']).toBe('2026-02-28')
    expect(mapped([day], { d: '2026-02-28T23:00:00-08:00' }).mapped['issuedOn']).toBe('2026-02-28')
    expect(mapped([day], { d: '2026-02-30' }).problems).toHaveLength(1)
  })
})

describe('rules', () => {
  it('join, split, and set constants', () => {
    const rules: FieldRule[] = [
      { to: 'memo', concat: { from: ['first', 'middle', 'last'], with: ' ' } },
      { to: 'number', from: 'ref', split: { by: '/', at: -1 } },
      { to: 'currency', constant: 'EUR' },
    ]
    expect(mapped(rules, { first: 'Ana', middle: '', last: 'Sol', ref: 'a/b/17' }).mapped).toEqual({
      memo: 'Ana Sol',
      number: '17',
      currency: 'EUR',
    })
  })

  it('with conditions: the first that holds counts, one without stands for otherwise', () => {
    const rules: FieldRule[] = [
      { to: 'status', constant: 'paid', when: { '==': [{ var: 'balance' }, 0] } },
      { to: 'status', constant: 'partlyPaid', when: { '<': [{ var: 'balance' }, { var: 'total' }] } },
      { to: 'status', constant: 'open' },
    ]
    const statusOf = (balance: number) => mapped(rules, { balance, total: 10 }).mapped['status']
    expect([0, 4, 10].map(statusOf)).toEqual(['paid', 'partlyPaid', 'open'])
    expect(checkMapping(invoice({ to: 'id', from: 'id' }, ...rules))).toEqual([])
  })

  it('make each element of a list, which may look into the row', () => {
    const rules: FieldRule[] = [
      {
        to: 'lines',
        from: 'Line',
        each: [
          { to: 'id', from: 'Id', convert: 'text' },
          { to: 'amount', from: 'Amount', convert: 'money', currency: { from: '^.cur' } },
        ],
      },
    ]
    expect(
      mapped(rules, {
        cur: 'USD',
        Line: [
          { Id: 1, Amount: 5 },
          { Id: '2', Amount: 0.5 },
        ],
      }).mapped['lines'],
    ).toEqual([
      { id: '1', amount: { amountMinor: 500, currency: 'USD' } },
      { id: '2', amount: { amountMinor: 50, currency: 'USD' } },
    ])
    expect(mapped(rules, { cur: 'USD', Line: [{ Amount: 'x' }] }).problems).toEqual([
      'lines: amount: the value of Amount is not an amount of money in a known currency',
    ])
  })

  it('are refused when they name no source, two, or a condition that is none', () => {
    const wrong = invoice(
      { to: 'id' },
      { to: 'memo', from: 'a', constant: 'b' },
      { to: 'total', from: 'a', convert: 'money' },
      { to: 'number', from: 'a', when: { nonsense: [1] } },
      { to: 'currency', from: 'a', split: { by: '', at: 0.5 } },
    )
    expect(checkMapping(wrong).map((line) => line.split(':')[0])).toEqual([
      'id',
      'memo',
      'total',
      'number',
      'currency',
    ])
  })
})

describe('outwards', () => {
  const mapping = {
    model: 'invoice' as const,
    rules: [
      { to: 'CustomerRef.value', from: 'customerId' },
      { to: 'TotalAmt', from: 'total', convert: 'decimal' },
      { to: 'CurrencyRef.value', from: 'total', convert: 'currencyCode' },
      { to: 'Line.0.Description', from: 'memo' },
      { to: 'Kind', constant: 'x' },
    ] satisfies FieldRule[],
  }

  it('writes what is given and nothing else, null as null', () => {
    expect(applyOutward(mapping, { customerId: '7', memo: null }).mapped).toEqual({
      CustomerRef: { value: '7' },
      Line: [{ Description: null }],
      Kind: 'x',
    })
    expect(applyOutward(mapping, { total: { amountMinor: 1999, currency: 'EUR' } }).mapped).toEqual({
      TotalAmt: 19.99,
      CurrencyRef: { value: 'EUR' },
      Kind: 'x',
    })
  })

  it('names what cannot be written, and sources that the model does not have', () => {
    expect(applyOutward(mapping, { total: 5 }).problems).toEqual([
      'total: the value of total is not a number',
      'total: the value of total is not a text',
    ])
    expect(checkOutward(mapping)).toEqual([])
    expect(checkOutward({ model: 'invoice', rules: [{ to: 'A..b', from: 'sum' }] })).toEqual([
      'A..b: invoice has no field "sum"',
      '"A..b" is not a path',
    ])
  })
})

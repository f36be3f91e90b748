import fc from 'fast-check'
import { canonicalJson, type JsonValue } from './json.ts'
import { applyMapping, explainMapping, type FieldMapping, type FieldRule } from './mapping.ts'
import { checkMapping } from './mapping-check.ts'
import { models } from './records.ts'

const ticket = (...rules: FieldRule[]): FieldMapping => ({ model: 'ticket', rules })
const one = (rule: Omit<FieldRule, 'to'> & { to?: string }, row: Record<string, unknown>) =>
  applyMapping(ticket({ to: 'custom.x', ...rule }), row)
const valueOf = (rule: Omit<FieldRule, 'to'>, value: unknown): unknown => {
  const { mapped } = one(rule, { [rule.from ?? '']: value })
  return (mapped['custom'] as Record<string, JsonValue> | undefined)?.['x']
}

describe('applying a mapping', () => {
  it('follows paths through objects and lists, and never up the prototype', () => {
    const row = { a: { b: [{ c: 'deep' }] } }
    expect(one({ from: 'a.b.0.c' }, row).mapped).toEqual({ custom: { x: 'deep' } })
    expect(one({ from: 'a.constructor.name' }, row).mapped).toEqual({ custom: { x: null } })
    expect(one({ from: '__proto__' }, row).mapped).toEqual({ custom: { x: null } })
  })

  it('puts the fallback, or null, where the raw field is missing or null', () => {
    expect(one({ from: 'a', fallback: [] }, {}).mapped).toEqual({ custom: { x: [] } })
    expect(one({ from: 'a', fallback: 'none' }, { a: null }).mapped).toEqual({ custom: { x: 'none' } })
    expect(one({ from: 'a' }, {})).toEqual({ mapped: { custom: { x: null } }, problems: [] })
  })

  it('looks a value up in the table before it converts it; what is not there passes', () => {
    const rule: FieldRule = {
      to: 'status',
      from: 's',
      convert: 'text',
      values: { '2': 'open', true: 7, no: null },
    }
    const statusOf = (s: unknown) => applyMapping(ticket(rule), { s }).mapped['status']
    expect([2, '2', true, 'no', 'held', 'constructor'].map(statusOf)).toEqual([
      'open',
      'open',
      '7',
      null,
      'held',
      'constructor',
    ])
  })

  it('leaves out what it cannot convert, and says so without the value', () => {
    const { mapped, problems } = applyMapping(
      ticket(
        { to: 'id', from: 'id', convert: 'text' },
        { to: 'createdAt', from: 'at', convert: 'time' },
        { to: 'tags', from: 'tags', convert: 'texts' },
        { to: 'satisfaction', from: 'rating' },
      ),
      { id: { secret: 1 }, at: 'secret', tags: ['a', {}], rating: 'secret' },
    )
    expect(mapped).toEqual({})
    expect(problems).toEqual([
      'id: the value of id is not a text',
      'createdAt: the value of at is not a time',
      'tags: the value of tags is not a list of texts',
      'satisfaction: the value of rating is not an object',
    ])
  })

  it('keeps numbers exact as text, and refuses what a double has rounded', () => {
    expect(valueOf({ from: 'n', convert: 'text' }, 9007199254740991)).toBe('9007199254740991')
    expect(valueOf({ from: 'n', convert: 'text' }, '9007199254740993')).toBe('9007199254740993')
    expect(valueOf({ from: 'n', convert: 'text' }, 1e21)).toBeUndefined()
    expect(valueOf({ from: 'n', convert: 'number' }, '9007199254740993')).toBeUndefined()
    expect(
      ['1.50', ' -3e2 ', '.5', '0x10', '', ' ', 'Infinity'].map((n) =>
        valueOf({ from: 'n', convert: 'number' }, n),
      ),
    ).toEqual([1.5, -300, 0.5, undefined, undefined, undefined, undefined])
  })

  it.each([
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.123456Z', '2026-01-02T03:04:05.123Z'],
    ['2026-01-02T03:04:05+05:30', '2026-01-01T21:34:05.000Z'],
    ['2026-01-02T03:04:05.000+0000', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02 03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02', '2026-01-02T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    [1767323045, '2026-01-02T03:04:05.000Z'],
    [1767323045.5, '2026-01-02T03:04:05.500Z'],
    ['2026-02-29', undefined],
    ['2026-13-01', undefined],
    ['2026-01-02T25:00:00Z', undefined],
    ['ticket 12', undefined],
    ['', undefined],
    [true, undefined],
    [1e300, undefined],
    [NaN, undefined],
  ])('reads the time %p as %p, whatever the zone of the machine', (raw, expected) => {
    expect(valueOf({ from: 't', convert: 'time' }, raw)).toBe(expected)
  })

  it('keeps a custom field of any name', () => {
    const { mapped } = applyMapping(ticket({ to: 'custom.__proto__', from: 'a' }), { a: { polluted: true } })
    expect(JSON.stringify(mapped)).toBe('{"custom":{"__proto__":{"polluted":true}}}')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('for any row and any mapping', () => {
  const paths = ['a', 'b', 'a.b', 'a.b.0', 'c']
  const rules = fc.uniqueArray(
    fc.record(
      {
        to: fc.constantFrom(...Object.keys(models.ticket), 'custom.one', 'custom.two'),
        from: fc.constantFrom(...paths),
        convert: fc.constantFrom('text', 'number', 'boolean', 'time', 'texts'),
        fallback: fc.jsonValue({ maxDepth: 1 }),
        values: fc.dictionary(fc.constantFrom('1', 'true', 'x'), fc.jsonValue({ maxDepth: 1 })),
      },
      { requiredKeys: ['to', 'from'] },
    ),
    { selector: (rule) => rule.to, minLength: 1, maxLength: 8 },
  )
  const rows = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 3 }))
  const isOf: Record<string, (value: unknown) => boolean> = {
    text: (value) => typeof value === 'string',
    number: (value) => typeof value === 'number',
    boolean: (value) => typeof value === 'boolean',
    time: (value) => typeof value === 'string' && new Date(value).toISOString() === value,
    texts: (value) => Array.isArray(value) && value.every((text) => typeof text === 'string'),
    object: (value) => typeof value === 'object' && !Array.isArray(value),
    objects: (value) =>
      Array.isArray(value) && value.every((each) => typeof each === 'object' && each !== null),
  }

  it('a checked mapping gives every field in its type or null, or names it as a problem', () => {
    fc.assert(
      fc.property(rules, rows, (some, row) => {
        const mapping = {
          model: 'ticket',
          rules: [{ to: 'id', from: 'a' }, ...some.filter(({ to }) => to !== 'id')],
        } as FieldMapping
        fc.pre(checkMapping(mapping).length === 0)
        const { mapped, problems } = applyMapping(mapping, row)
        const lost = new Set(problems.map((problem) => problem.split(':')[0]))
        for (const { to } of mapping.rules) {
          if (to.startsWith('custom.')) continue
          expect(Object.hasOwn(mapped, to)).toBe(!lost.has(to))
          const value = mapped[to]
          const { type } = models.ticket[to as keyof typeof models.ticket]
          if (value !== undefined && value !== null)
            expect([to, type, value, isOf[type]?.(value)]).toEqual([to, type, value, true])
        }
      }),
    )
  })

  it('the same row gives the same answer, and the row stays as it was', () => {
    fc.assert(
      fc.property(rules, rows, (some, row) => {
        const mapping = { model: 'ticket', rules: some } as FieldMapping
        const before = canonicalJson(row)
        const first = applyMapping(mapping, row)
        const other = applyMapping({ ...mapping }, JSON.parse(JSON.stringify(row)) as typeof row)
        expect(canonicalJson(other)).toBe(canonicalJson(first))
        expect(canonicalJson(row)).toBe(before)
      }),
    )
  })

  it('every moment comes back as the same moment', () => {
    const moments = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(moments, (moment) => {
        expect(valueOf({ from: 't', convert: 'time' }, moment.toISOString())).toBe(moment.toISOString())
      }),
    )
  })
})

describe('checking a mapping', () => {
  const id: FieldRule = { to: 'id', from: 'id', convert: 'text' }

  it('finds nothing wrong with a good one', () => {
    expect(
      checkMapping(ticket(id, { to: 'custom.region', from: 'a.b', convert: 'number', fallback: 0 })),
    ).toEqual([])
  })

  it('names each unknown field, double rule and conversion that does not fit', () => {
    const wrong = ticket(
      { to: 'subjekt', from: 'a' },
      { to: 'constructor', from: 'a' },
      { to: 'custom.', from: 'a' },
      { to: 'tags', from: 'a', convert: 'text' },
      { to: 'tags', from: 'b', convert: 'texts' },
    )
    expect(checkMapping(wrong)).toEqual([
      'subjekt: ticket has no such field',
      'constructor: ticket has no such field',
      'custom.: ticket has no such field',
      'tags: it is a list of texts, but the rule makes a text',
      'tags: a rule without a condition stands before it',
      'id: no rule sets it',
    ])
  })

  it('names fallbacks, tables and paths that do not fit', () => {
    const wrong = ticket(
      { ...id, fallback: 1 },
      { to: 'satisfaction', from: 'a..b', values: { false: null, true: 'yes' } },
      { to: 'createdAt', from: '', convert: 'time', values: { never: 'soon' } },
    )
    expect(checkMapping(wrong)).toEqual([
      'id: it is a text, but its fallback is not',
      'satisfaction: "a..b" is not a path',
      'satisfaction: it is an object, but what stands for "true" is not',
      'createdAt: "" is not a path',
      'createdAt: it is a time, but what stands for "never" is not',
    ])
  })

  it('names a model and a conversion that do not exist, as a person may have written them', () => {
    const written = (text: string) => JSON.parse(text) as FieldMapping
    expect(checkMapping(written('{"model":"toString","rules":[]}'))).toEqual([
      'model: there is no model "toString"',
    ])
    expect(
      checkMapping(written('{"model":"ticket","rules":[{"to":"id","from":"id","convert":"datum"}]}')),
    ).toEqual(['id: there is no conversion "datum"'])
  })
})

describe('explaining a mapping', () => {
  it('says for each field of the model, and each custom one, where it comes from', () => {
    const explained = explainMapping(
      ticket(
        { to: 'id', from: 'id' },
        { to: 'channel', from: 'via.channel' },
        { to: 'custom.region', from: 'region' },
      ),
    )
    expect(Object.keys(explained)).toEqual([...Object.keys(models.ticket), 'custom.region'])
    expect(explained).toMatchObject({
      id: 'id',
      channel: 'via.channel',
      subject: null,
      'custom.region': 'region',
    })
  })
})

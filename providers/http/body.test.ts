import fc from 'fast-check'
import { parseBody } from './body.ts'

const parse = (text: string): unknown => parseBody(Buffer.from(text))

describe('parsing a body', () => {
  it.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', '9007199254740992'],
    ['-9007199254740993', '-9007199254740993'],
    ['[12345678901234567890,1]', ['12345678901234567890', 1]],
    ['{"id": 12345678901234567890}', { id: '12345678901234567890' }],
    ['{"id":1234567890123456}', { id: 1234567890123456 }],
    ['[1.2345678901234567,12345678901234567e3,1e22]', [1.2345678901234567, 12345678901234567e3, 1e22]],
    [
      '{"t":"see 12345678901234567890, \\"or\\" :12345678901234567890"}',
      { t: 'see 12345678901234567890, "or" :12345678901234567890' },
    ],
    ['{"t":"\\\\","id":12345678901234567890}', { t: '\\', id: '12345678901234567890' }],
    ['\uFEFF{"bom":true}', { bom: true }],
    [' \n', undefined],
    ['null', null],
  ])('%s', (text, value) => {
    expect(parse(text)).toEqual(value)
  })

  it.each(['<p>', '{"a":', '[1,]', 'nope'])('refuses %s', (text) => {
    expect(() => parse(text)).toThrow()
  })

  it('gives every JSON value back, integers of any length among texts that look like them', () => {
    const digits = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n })
    const tricky = fc.oneof(
      fc.string(),
      digits.map(String),
      digits.map((n) => `",:${n}`),
      fc.constantFrom('\\', '"', '\\"', ':[1'),
    )
    const items = fc.array(fc.oneof(tricky, digits, fc.double({ noNaN: true, noDefaultInfinity: true })))
    fc.assert(
      fc.property(items, (list) => {
        const texts = list.map((item) => (typeof item === 'bigint' ? String(item) : JSON.stringify(item)))
        const isUnsafe = (text: string) => /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text))
        const expected = texts.map((text) => (isUnsafe(text) ? text : (JSON.parse(text) as unknown)))
        const text = `[${texts.join(', ')}]`
        expect(parse(text)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('takes a text of many megabytes inside a body with long integers', () => {
    const body = { id: 1, text: `${'x\\"'.repeat(2_000_000)} 12345678901234567890` }
    const text = JSON.stringify(body).replace('"id":1', '"id":12345678901234567890')
    expect(parse(text)).toEqual({ ...body, id: '12345678901234567890' })
  })
})

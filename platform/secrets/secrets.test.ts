import fc from 'fast-check'
import { sha256, timingSafeEqualText } from './hash.ts'
import { newKeyRingText, parseKeyRing } from './keyring.ts'
import { open, seal } from './seal.ts'

const key = sha256('a key of 32 bytes')
const bytes = () => fc.uint8Array({ maxLength: 300 })

describe('sealed bytes', () => {
  it('open to what was sealed, at the same place and with the same key only', () => {
    fc.assert(
      fc.property(bytes(), fc.string(), fc.string(), (plain, place, other) => {
        const sealed = seal(key, plain, place)
        expect(new Uint8Array(open(key, sealed, place))).toEqual(new Uint8Array(plain))
        if (place !== other) expect(() => open(key, sealed, other)).toThrow('cannot be read')
        expect(() => open(sha256('another'), sealed, place)).toThrow('cannot be read')
      }),
    )
  })

  it('never open when a bit is flipped or the end is missing', () => {
    fc.assert(
      fc.property(bytes(), fc.nat(), fc.integer({ min: 0, max: 7 }), (plain, at, bit) => {
        const sealed = seal(key, plain, 'p')
        const flipped = Buffer.from(sealed)
        const index = at % flipped.length
        flipped[index] = (flipped[index] ?? 0) ^ (1 << bit)
        expect(() => open(key, flipped, 'p')).toThrow('cannot be read')
        expect(() => open(key, sealed.subarray(0, index), 'p')).toThrow('cannot be read')
      }),
    )
  })

  it('differ each time, so that equal secrets do not show', () => {
    const plain = Buffer.from('the same')
    expect(seal(key, plain, 'p').equals(seal(key, plain, 'p'))).toBe(false)
  })
})

describe('the key ring', () => {
  it('seals with its first key and finds every other', () => {
    const [first, second] = [newKeyRingText(new Date('2026-01-02')), newKeyRingText(new Date('2026-03-04'))]
    const ring = parseKeyRing(`${second}, ${first}`)
    expect(ring.current.id).toBe('k20260304')
    expect(ring.ids).toEqual(['k20260304', 'k20260102'])
    expect(ring.find('k20260102')).toHaveLength(32)
    expect(ring.find('k19990101')).toBeUndefined()
  })

  it.each([
    ['nothing', ''],
    ['no id', Buffer.alloc(32).toString('base64')],
    ['a short key', `a:${Buffer.alloc(31).toString('base64')}`],
    ['an id twice', `${newKeyRingText(new Date(0))},${newKeyRingText(new Date(0))}`],
  ])('with %s is refused by the name of its variable, without showing a key', (_, text) => {
    expect(() => parseKeyRing(text)).toThrow(/^TIELINE_ENCRYPTION_KEYS: [^=]*$/)
  })
})

it('texts are equal exactly when they are the same', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => timingSafeEqualText(a, b) === (a === b)))
  expect(timingSafeEqualText('abc', 'abc')).toBe(true)
})

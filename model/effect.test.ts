import fc from 'fast-check'
import { effectOf, type Incoming, type Stored } from './effect.ts'

const stored: Stored = { fingerprint: 'a', sourceUpdatedAt: 100, readAt: 1000, deleted: false }
const incoming: Incoming = { fingerprint: 'b', sourceUpdatedAt: 200, readAt: 2000, deleted: false }

describe('the effect of a reading', () => {
  it('creates what is not known and remembers a tombstone of what is not known', () => {
    expect(effectOf(undefined, incoming)).toBe('created')
    expect(effectOf(undefined, { ...incoming, deleted: true })).toBe('buried')
  })

  it('leaves what is the same alone, whatever the times', () => {
    expect(effectOf(stored, { ...incoming, fingerprint: 'a' })).toBe('unchanged')
    expect(effectOf(stored, { ...incoming, fingerprint: 'a', sourceUpdatedAt: 1 })).toBe('unchanged')
  })

  it('updates, deletes and restores by newer readings', () => {
    expect(effectOf(stored, incoming)).toBe('updated')
    expect(effectOf(stored, { ...incoming, deleted: true })).toBe('deleted')
    expect(effectOf({ ...stored, deleted: true }, incoming)).toBe('restored')
  })

  it('INV-3: an older reading never overwrites a newer one', () => {
    expect(effectOf(stored, { ...incoming, sourceUpdatedAt: 99 })).toBe('stale')
    expect(effectOf({ ...stored, deleted: true }, { ...incoming, sourceUpdatedAt: 99 })).toBe('stale')
  })

  it('at equal times goes by when the answer was asked for', () => {
    expect(effectOf(stored, { ...incoming, sourceUpdatedAt: 100 })).toBe('updated')
    expect(effectOf(stored, { ...incoming, sourceUpdatedAt: 100, readAt: 999 })).toBe('stale')
    expect(effectOf(stored, { ...incoming, sourceUpdatedAt: undefined, readAt: 999 })).toBe('stale')
  })

  it('lets a forced re-reading stand against an older time, but not a late answer', () => {
    expect(effectOf(stored, { ...incoming, sourceUpdatedAt: 99 }, true)).toBe('updated')
    expect(effectOf(stored, { ...incoming, sourceUpdatedAt: 99, readAt: 500 }, true)).toBe('stale')
  })

  it('ends in the newest state in whatever order readings of growing age arrive (INV-3)', () => {
    const reading = fc.record({ at: fc.integer({ min: 1, max: 50 }), deleted: fc.boolean() })
    fc.assert(
      fc.property(fc.uniqueArray(reading, { selector: (one) => one.at, minLength: 1 }), (readings) => {
        let state: Stored | undefined
        for (const { at, deleted } of readings) {
          const one: Incoming = { fingerprint: `v${at}`, sourceUpdatedAt: at, readAt: at, deleted }
          const effect = effectOf(state, one)
          if (effect !== 'unchanged' && effect !== 'stale') state = { ...one }
        }
        const newest = readings.reduce((a, b) => (a.at > b.at ? a : b))
        if (newest.deleted) expect(state).toMatchObject({ deleted: true })
        else expect(state).toMatchObject({ fingerprint: `v${newest.at}`, deleted: false })
      }),
    )
  })
})

import { compareFields, isSame, leavesOf, pickLeaves, resolveConflicts } from './merge.ts'

const base = (values: Record<string, string>) => (path: string) => values[path]

describe('a three-way comparison', () => {
  it('writes what only the hub changed, leaves what is the same, and calls the rest a conflict', () => {
    const fields = [
      { path: 'same', ours: 'x', theirs: 'x' },
      { path: 'clean', ours: 'new', theirs: 'old' },
      { path: 'both', ours: 'ours', theirs: 'theirs' },
    ]
    const found = compareFields(fields, base({ same: 'y', clean: 'old', both: 'base' }))
    expect(found.agreed).toEqual(['same'])
    expect(found.clean.map(({ path }) => path)).toEqual(['clean'])
    expect(found.conflicts.map(({ path }) => path)).toEqual(['both'])
  })

  it('without an agreed version takes every difference for a conflict', () => {
    expect(compareFields([{ path: 'a', ours: 1, theirs: 2 }], undefined).conflicts).toHaveLength(1)
  })

  it('takes missing, null and empty for the same, and a number for its text', () => {
    expect(isSame(null, undefined)).toBe(true)
    expect(isSame('', null)).toBe(true)
    expect(isSame(12, '12')).toBe(true)
    expect(isSame([], undefined)).toBe(false)
    expect(isSame({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true)
  })
})

describe('a conflict', () => {
  const conflict = { path: 'a', ours: 1, theirs: 2, base: 0 }
  const outcome = (
    ...[policy, isOursNewer = false, decision]: [
      Parameters<typeof resolveConflicts>[1],
      boolean?,
      Record<string, 'hub' | 'provider'>?,
    ]
  ) => {
    const resolved = resolveConflicts([conflict], policy, isOursNewer, decision)
    return resolved && (resolved.write.length > 0 ? 'written' : 'dropped')
  }
  it('goes as the policy says', () => {
    expect(outcome('hub_wins')).toBe('written')
    expect(outcome('provider_wins')).toBe('dropped')
    expect(outcome('newest_wins', true)).toBe('written')
    expect(outcome('newest_wins', false)).toBe('dropped')
  })
  it('waits for a person where the policy says so, for every field', () => {
    expect(outcome('ask')).toBeUndefined()
    expect(outcome('ask', false, { b: 'hub' })).toBeUndefined()
    expect(outcome('ask', false, { a: 'hub' })).toBe('written')
    expect(outcome('ask', false, { a: 'provider' })).toBe('dropped')
  })
})

it('takes an object apart by path and puts chosen paths together again', () => {
  const object = { a: { b: 1, c: { d: [1, 2] } }, e: null, f: {} }
  expect(leavesOf(object).map(({ path }) => path)).toEqual(['a.b', 'a.c.d', 'e', 'f'])
  expect(pickLeaves(object, new Set(['a.c.d', 'e']))).toEqual({ a: { c: { d: [1, 2] } }, e: null })
  expect(pickLeaves(object, new Set(leavesOf(object).map(({ path }) => path)))).toEqual(object)
})

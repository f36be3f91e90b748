import { decideOverlap, type Overlap } from './rotation.ts'

const usual: Overlap = {
  now: 1_000,
  deadline: 10_000,
  quietMs: 100,
  inPlaceSince: 500,
  oldUsedAt: 600,
  isUnseen: false,
}

it.each<[string, Partial<Overlap>, ReturnType<typeof decideOverlap>]>([
  ['goes when it has been quiet since its last use', {}, 'drop'],
  ['stays while it is used', { oldUsedAt: 950 }, 'wait'],
  ['stays until the new one has been in place as long', { inPlaceSince: 950, oldUsedAt: null }, 'wait'],
  ['goes when it was never used', { oldUsedAt: null }, 'drop'],
  ['goes at the deadline though it is used', { now: 10_000, oldUsedAt: 9_999 }, 'drop'],
  ['stays while nobody can use the new one', { inPlaceSince: null, oldUsedAt: null }, 'wait'],
  [
    'stays for good when nobody could use the new one by the deadline',
    { inPlaceSince: null, now: 10_000 },
    'keep',
  ],
  ['stays to the deadline where nobody sees which one is used', { isUnseen: true }, 'wait'],
])('the old secret %s', (_name, change, expected) => {
  expect(decideOverlap({ ...usual, ...change })).toBe(expected)
})

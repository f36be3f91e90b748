import fc from 'fast-check'
import { diffFields } from './diff.ts'
import { canonicalJson } from './json.ts'

describe('the names of fields that differ', () => {
  it('come sorted, and tell a missing field from null', () => {
    expect(
      diffFields(
        { b: 1, a: [1, 2], gone: 1, same: { x: 1, y: 2 } },
        { a: [2, 1], b: 1, new: null, same: { y: 2, x: 1 } },
      ),
    ).toEqual(['a', 'gone', 'new'])
    expect(diffFields({ a: null }, {})).toEqual(['a'])
    expect(diffFields({ a: '\0absent' }, {})).toEqual(['a'])
  })

  it('are none exactly when the objects are equal, and the same ones both ways', () => {
    const objects = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 2 }), {
      noNullPrototype: true,
    })
    fc.assert(
      fc.property(objects, objects, (one, other) => {
        const names = diffFields(one, other)
        expect(names.length === 0).toBe(canonicalJson(one) === canonicalJson(other))
        expect(diffFields(other, one)).toEqual(names)
      }),
    )
  })
})

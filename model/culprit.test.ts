import fc from 'fast-check'
import { culpritOfOne, judgeProvider, type FailingConnection, type ProviderEvidence } from './culprit.ts'

const failing = (code: string, count: number, usesApp = true): FailingConnection[] =>
  Array.from({ length: count }, (_, n) => ({ connectionId: `con_${code}${n}`, code, usesApp }))
const evidence = (
  looked: number,
  list: readonly FailingConnection[],
  provider = 'acme',
): ProviderEvidence => ({
  provider,
  looked,
  failing: list,
  ofApp: looked,
})
const fine = evidence(3, [], 'other')

describe('whose fault it is', () => {
  it.each([
    ['one of many is silent', evidence(10, failing('Unavailable', 1)), [fine], undefined],
    ['one of many is refused', evidence(10, failing('Unauthorized', 1)), [fine], undefined],
    ['half are silent', evidence(10, failing('Unavailable', 5)), [fine], undefined],
    ['most are silent', evidence(10, failing('Unavailable', 6)), [fine], 'provider'],
    ['the only one is silent, others work', evidence(1, failing('Unavailable', 1)), [fine], 'provider'],
    ['the only one is refused', evidence(1, failing('Unauthorized', 1)), [fine], undefined],
    ['garbage from most', evidence(4, failing('Protocol', 4)), [fine], 'provider'],
    ['all of the app are refused', evidence(4, failing('Unauthorized', 4)), [fine], 'app'],
    [
      'all tokens are refused, no app',
      { ...evidence(4, failing('Unauthorized', 4, false)), ofApp: 0 },
      [fine],
      undefined,
    ],
    ['the quota of the app is used up', evidence(3, failing('QuotaExhausted', 3)), [fine], 'app'],
    [
      'every provider is silent',
      evidence(3, failing('Unavailable', 3)),
      [evidence(2, failing('Unavailable', 2), 'b')],
      'network',
    ],
    [
      'no other provider was looked at',
      evidence(3, failing('Unavailable', 3)),
      [evidence(0, [], 'b')],
      'provider',
    ],
    ['nothing fails', evidence(5, []), [fine], undefined],
  ])('%s', (_name, own, others, expected) => {
    expect(judgeProvider(own, others)?.culprit).toBe(expected)
  })

  it('a refused credential is never the fault of a provider that is out of reach', () => {
    const [refused] = failing('Unauthorized', 1)
    const verdict = judgeProvider(evidence(4, failing('Unavailable', 3)), [fine])
    expect(refused && culpritOfOne(refused, verdict)).toBe('connection')
  })

  it('is named for whatever fails, and nothing is wrong with a provider nothing of which fails', () => {
    const codes = fc.constantFrom(
      'Unavailable',
      'Protocol',
      'Unauthorized',
      'Forbidden',
      'RateLimited',
      'Internal',
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(codes, fc.boolean()), { maxLength: 12 }), fc.nat(20), (list, more) => {
        const own = {
          provider: 'acme',
          looked: list.length + more,
          failing: list.map(([code, usesApp], n) => ({ connectionId: `con_${n}`, code, usesApp })),
          ofApp: list.filter(([, usesApp]) => usesApp).length,
        }
        const verdict = judgeProvider(own, [fine])
        if (list.length === 0) expect(verdict).toBeUndefined()
        for (const one of own.failing) expect(culpritOfOne(one, verdict)).toBeTruthy()
      }),
    )
  })
})

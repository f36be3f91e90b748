import { applies, checkHookRule, concerns, outputOf, type HookRuleFacts } from './hook-rule.ts'

const facts = (type: string, resource: string | null = 'tickets'): HookRuleFacts => ({
  event: { type, about: 'changed', resource },
  payload: { priority: 'high', price: 12, customer: { id: 7 } },
})
const target = { kind: 'ignore' } as const

describe('which events a rule is for', () => {
  it.each([
    ['ticket.*', 'ticket.created', true],
    ['ticket.*', 'tickets.created', false],
    ['*.created', 'ticket.created', true],
    ['*.created', 'ticket.created.again', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*', 'anything', true],
    ['ticket.created', 'ticket.created', true],
    ['*b*b', 'abxb', true],
    ['*b*b', 'ab', false],
  ])('%s and %s: %s', (pattern, type, expected) => {
    expect(concerns({ types: [pattern], target }, facts(type))).toBe(expected)
  })

  it('resources and kinds narrow it', () => {
    expect(concerns({ resources: ['users'], target }, facts('x'))).toBe(false)
    expect(concerns({ resources: ['tickets'], about: ['changed'], target }, facts('x'))).toBe(true)
    expect(concerns({ resources: ['tickets'], target }, facts('x', null))).toBe(false)
    expect(concerns({ about: ['deleted'], target }, facts('x'))).toBe(false)
  })

  it('a condition sees payload and lookups; one that cannot be evaluated does not hold', () => {
    const scope = { ...facts('x'), customer: { tier: 'gold' } }
    const condition = {
      and: [{ '==': [{ var: 'payload.priority' }, 'high'] }, { '==': [{ var: 'customer.tier' }, 'gold'] }],
    }
    expect(applies({ condition, target }, scope)).toBe(true)
    expect(applies({ condition, target }, { ...scope, customer: null })).toBe(false)
  })
})

it('an output is built field by field, at any depth; without one the payload goes on', () => {
  const output = {
    id: { cat: ['c', { var: 'payload.customer.id' }] },
    fixed: 'text',
    nested: { total: { '*': [{ var: 'payload.price' }, 2] }, list: [{ var: 'event.type' }, 1] },
    missing: { var: 'payload.nothing' },
  }
  expect(outputOf({ output, target }, { ...facts('x') })).toEqual({
    id: 'c7',
    fixed: 'text',
    nested: { total: 24, list: ['x', 1] },
    missing: null,
  })
  expect(outputOf({ target }, { ...facts('x') })).toEqual(facts('x').payload)
})

it('what cannot work is told with its place', () => {
  expect(
    checkHookRule({
      condition: { nonsense: [1] },
      lookups: [
        { as: 'event', resource: 'a', externalId: '1' },
        { as: 'b', resource: 'a', externalId: '1' },
        { as: 'b', resource: 'a', externalId: '1' },
      ],
      output: { a: 1 },
      target,
    }).map(({ pointer }) => pointer),
  ).toEqual(['/condition', '/lookups/0/as', '/lookups/2/as', '/output'])
})

import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { clientAddress, networksOf, parseNetwork, plainAddress } from './address.ts'

const request = (peer: string, forwarded?: string | string[]): IncomingMessage =>
  ({
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage

describe('networks', () => {
  it.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['203.0.113.7', '203.0.113.7', true],
    ['203.0.113.7', '203.0.113.8', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
    ['::1', '::1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['10.0.0.0/8', 'unknown', false],
    ['10.0.0.0/8', '', false],
  ])('%s has %s: %s', (network, address, expected) => {
    expect(networksOf([network])(address)).toBe(expected)
  })

  it.each([
    '',
    'x',
    '10.0.0.0/33',
    '2001:db8::/129',
    '10.0.0/8',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '/8',
    '::ffff:10.0.0.0/104',
  ])('"%s" is none', (text) => {
    expect(parseNetwork(text)).toBeUndefined()
    expect(() => networksOf([text])).toThrow('is not a network')
  })

  it('of one address hold that address and no other', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.oneof(fc.ipV4(), fc.ipV6()), (one, other) => {
        const holds = networksOf([one])
        expect(holds(one)).toBe(true)
        const isSame = networksOf([other])(one)
        expect(holds(other)).toBe(isSame)
      }),
    )
  })
})

describe('the address of the client', () => {
  const isTrusted = networksOf(['127.0.0.0/8', '10.0.0.0/8', '2001:db8:1::/48'])

  it.each([
    ['the peer, where it is no trusted proxy', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['the peer, where a trusted proxy says nothing', '127.0.0.1', undefined, '127.0.0.1'],
    ['what the proxy says', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
    [
      'behind several proxies the first that is not trusted',
      '127.0.0.1',
      '203.0.113.9, 10.1.1.1',
      '203.0.113.9',
    ],
    ['never what the client wrote itself', '127.0.0.1', '6.6.6.6, 203.0.113.9', '203.0.113.9'],
    ['the last that is known, where the rest is no address', '127.0.0.1', 'garbage, 10.1.1.1', '10.1.1.1'],
    ['without a port', '127.0.0.1', '203.0.113.9:5210', '203.0.113.9'],
    ['of IPv6 without brackets and port', '::1', '[2001:db8::9]:443', '::1'],
    ['of IPv6 behind a trusted proxy', '127.0.0.1', '[2001:db8::9]:443', '2001:db8::9'],
    ['of IPv4 in IPv6 clothes', '::ffff:127.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
  ])('is %s', (_what, peer, forwarded, expected) => {
    expect(clientAddress(request(peer, forwarded), isTrusted)).toBe(expected)
  })

  it('takes several headers for one, in their order', () => {
    expect(clientAddress(request('127.0.0.1', ['6.6.6.6', '203.0.113.9, 10.1.1.1']), isTrusted)).toBe(
      '203.0.113.9',
    )
  })

  it('is never changed by what stands to the left of the last untrusted address', () => {
    fc.assert(
      fc.property(fc.string(), (forged) => {
        const header = `${forged}, 203.0.113.9, 10.1.1.1`
        expect(clientAddress(request('127.0.0.1', header), isTrusted)).toBe('203.0.113.9')
      }),
    )
  })

  it('has neither brackets nor zone', () => {
    expect([plainAddress('[fe80::1%eth0]'), plainAddress(' 10.0.0.1 ')]).toEqual(['fe80::1', '10.0.0.1'])
  })
})

/**
 * Where the hub does not send what a partner's URL asks it to: addresses of this machine, of private networks, of the
 * cloud's metadata service, and whatever else is no host of the public internet (IANA's special-purpose registries).
 */
import { BlockList, isIP, isIPv4 } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const forbidden = new BlockList()
const networks4 = [
  ['0.0.0.0', 8], // this network, the unspecified address
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT; Alibaba's metadata service is in it
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local; the metadata services of AWS, Google and Azure are in it
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16],
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
] as const
const networks6 = [
  ['::', 96], // unspecified, loopback, IPv4-compatible
  ['64:ff9b:1::', 48], // NAT64 of local use
  ['100::', 64], // discard
  ['2001::', 23], // Teredo, ORCHID and others
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4: carries an IPv4 address
  ['3fff::', 20], // documentation
  ['5f00::', 16], // segment routing
  ['fc00::', 7], // unique local; AWS has its metadata service at fd00:ec2::254
  ['fe80::', 10], // link-local
  ['fec0::', 10], // site-local
  ['ff00::', 8], // multicast
] as const
for (const [network, bits] of networks4) forbidden.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of networks6) forbidden.addSubnet(network, bits, 'ipv6')

const hexPair = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i

/** The IPv4 address inside an IPv4-mapped or NAT64 address, or undefined. */
function embedded4(address: string): string | undefined {
  // The URL parser writes every form of an IPv6 address in the same, shortest way.
  const normal = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const rest = /^(?:::ffff:|64:ff9b::)(.+)$/.exec(normal)?.[1]
  if (rest === undefined) return undefined
  const [, high, low] = hexPair.exec(rest) ?? []
  // A high half of zero is left out.
  const number =
    high === undefined ? parseInt(rest, 16) : parseInt(high, 16) * 65_536 + parseInt(low ?? '', 16)
  return [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.')
}

/** @param address an IP address; anything else is forbidden. */
export function isForbidden(address: string, options: { readonly allowLoopback: boolean }): boolean {
  if (isIP(address) === 0) return true
  if (isIPv4(address)) return isForbidden4(address, options.allowLoopback)
  const inner = embedded4(address)
  if (inner !== undefined) return isForbidden4(inner, options.allowLoopback)
  const plain = address.replace(/%.*$/, '')
  if (options.allowLoopback && loopback.check(plain, 'ipv6')) return false
  return forbidden.check(plain, 'ipv6')
}

const isForbidden4 = (address: string, allowLoopback: boolean): boolean =>
  allowLoopback && loopback.check(address, 'ipv4') ? false : forbidden.check(address, 'ipv4')

/** The address that a host of a URL is, without the brackets of IPv6; undefined for a name. */
export function addressIn(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return isIP(bare) === 0 ? undefined : bare
}

/**
 * What is wrong with a URL that somebody wants events sent to; undefined when nothing is. Names are looked up only when it
 * is connected to: what they stand for may change any time.
 */
export function faultOfUrl(text: string, options: { readonly allowLoopback: boolean }): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url) return 'is not a URL'
  if (url.username !== '' || url.password !== '') return 'must hold no user name and no password'
  if (url.hash !== '') return 'must have no fragment'
  const address = addressIn(url.hostname)
  const isLocal =
    url.hostname === 'localhost' ||
    url.hostname.endsWith('.localhost') ||
    (address !== undefined &&
      isForbidden(address, { allowLoopback: false }) &&
      !isForbidden(address, { allowLoopback: true }))
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal && options.allowLoopback))
    return options.allowLoopback
      ? 'should begin with https:// (http:// for this machine only)'
      : 'should begin with https://'
  if (isLocal && !options.allowLoopback) return 'leads to this machine, which nothing is sent to'
  if (address !== undefined && isForbidden(address, options))
    return 'leads to a private or reserved address, which nothing is sent to'
  return undefined
}

/** Who calls: the address of the client behind proxies that are trusted, and networks it must be in. */
import { BlockList, isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'

/** An IPv4 address that comes in IPv6 clothes is an IPv4 address; a zone is dropped. */
export function plainAddress(address: string): string {
  const bare = address
    .trim()
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare) ?? []
  return mapped ?? bare
}

/** A network in CIDR, or one address; undefined for what is neither. */
export function parseNetwork(
  text: string,
): { readonly address: string; readonly prefix: number; readonly family: 'ipv4' | 'ipv6' } | undefined {
  const [, given = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? []
  const address = plainAddress(given)
  const version = isIP(address)
  if (version === 0) return undefined
  const most = version === 4 ? 32 : 128
  const prefix = bits === undefined ? most : Number(bits)
  return prefix <= most ? { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' } : undefined
}

/** Whether a network lies in one of others. */
export function isWithin(text: string, others: readonly string[]): boolean {
  const inner = parseNetwork(text)
  return (
    inner !== undefined &&
    others.some((other) => {
      const outer = parseNetwork(other)
      return (
        outer?.family === inner.family && outer.prefix <= inner.prefix && networksOf([other])(inner.address)
      )
    })
  )
}

/** Whether an address lies in one of the networks. */
export type Networks = (address: string) => boolean

/** @throws Error for a text that is no network: they are checked where they are entered. */
export function networksOf(texts: readonly string[]): Networks {
  const list = new BlockList()
  for (const text of texts) {
    const network = parseNetwork(text)
    if (!network) throw new Error(`"${text}" is not a network`)
    list.addSubnet(network.address, network.prefix, network.family)
  }
  return (address) => {
    const plain = plainAddress(address)
    const version = isIP(plain)
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6')
  }
}

/**
 * The address of the client: the peer's, or, as long as that is a proxy that is trusted, what it says who called it. What a
 * client writes into the header itself stands to the left of that and is never looked at.
 */
export function clientAddress(request: IncomingMessage, isTrusted: Networks): string {
  let address = plainAddress(request.socket.remoteAddress ?? '')
  const header = request.headers['x-forwarded-for']
  const told = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map(withoutPort)
  while (isTrusted(address)) {
    const before = told.pop()
    if (before === undefined || isIP(before) === 0) break
    address = before
  }
  return address
}

/** `203.0.113.7:52100` and `[2001:db8::1]:443` name a port as well. */
function withoutPort(text: string): string {
  const bare = text.trim()
  const [, inBrackets] = /^\[([^\]]+)\](?::\d+)?$/.exec(bare) ?? []
  const [, four] = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(bare) ?? []
  return plainAddress(inBrackets ?? four ?? bare)
}

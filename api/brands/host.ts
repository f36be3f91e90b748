/** The host that somebody has asked for: never to build links with, only to look up whose it is. */
import type { IncomingMessage } from 'node:http'
import { defaultTenant } from '../../db/partners.ts'
import { hostName } from '../../model/hosts.ts'
import { plainAddress, type Networks } from '../address.ts'
import type { ApiDeps } from '../deps.ts'
import type { Look } from './brands.ts'

/**
 * From `Host`, or from `X-Forwarded-Host` where a proxy that is trusted has sent it: anybody else can write what they like there. Empty for
 * what is no name.
 */
export function requestHost(request: IncomingMessage, isTrusted: Networks): string {
  const told = request.headers['x-forwarded-host']
  const isBehindProxy = isTrusted(plainAddress(request.socket.remoteAddress ?? ''))
  // The nearest proxy writes last; what stands before it came with the request.
  const forwarded = isBehindProxy ? [told].flat().join(',').split(',').at(-1)?.trim() : undefined
  const given = forwarded === undefined || forwarded === '' ? (request.headers.host ?? '') : forwarded
  return hostName(given) ?? ''
}

/** The brand of a verified domain; of any other host the hub's own, which is that of the hub's own tenant. */
export async function lookAt({ brands }: Pick<ApiDeps, 'brands'>, host: string): Promise<Look | undefined> {
  const partnerId = host === '' ? undefined : await brands.partnerAt(host)
  return await brands.of(partnerId ?? defaultTenant.partnerId)
}

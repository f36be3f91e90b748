/**
 * Pages at a partner's own domain. A person stays at the domain where the link was opened: the cookie of the session is there and nowhere
 * else. Only a verified domain of the very partner of the session is ever led to.
 */
import type { ApiDeps } from '../deps.ts'

type Deps = Pick<ApiDeps, 'brands' | 'config'>

/** The host, where it is a domain of the partner by now. */
export async function domainOf(
  { brands }: Deps,
  host: string,
  partnerId: string,
): Promise<string | undefined> {
  return host !== '' && (await brands.partnerAt(host)) === partnerId ? host : undefined
}

/** The hub at a domain: it is reached there as at its own address. */
export function addressAt({ config }: Deps, domain: string): string {
  const url = new URL(config.publicUrl)
  url.hostname = domain
  return url.href.replace(/\/$/, '')
}

/** Whether a provider is the sandbox's: whether the origin map has put something in its place. */
import type { Provider } from './contract.ts'
import type { Settings } from './contract-basics.ts'
import { targetOf, type OriginMap } from './http/origin-map.ts'

/**
 * @param settings of the connection. Where they are not known yet, one that could be redirected counts: each call is looked at again, and none of
 * a connection to the sandbox goes anywhere else (`http/transport.ts`).
 */
export function isRedirected(provider: Provider, originMap: OriginMap, settings?: Settings): boolean {
  const fields = provider.auth.flatMap(({ setup }) => setup.flatMap((step) => step.fields))
  const examples = fields.flatMap(({ name, example }) => (example === undefined ? [] : [[name, example]]))
  const base = provider.baseUrl({ ...Object.fromEntries(examples), ...settings } as Settings)
  if (settings) return targetOf(originMap, base, '/').redirectedFrom !== undefined
  const { hostname } = new URL(base)
  return Object.keys(originMap).some((origin) => domainOf(new URL(origin).hostname) === domainOf(hostname))
}

/** `example.com` of `acme.example.com`. */
const domainOf = (hostname: string): string => hostname.split('.').slice(-2).join('.')

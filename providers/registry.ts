/** The list of providers: one line each, and the only file outside a provider's folder that knows its name. */
import type { Provider } from './contract.ts'
import { hubspot } from './hubspot/index.ts'
import { mixpanel } from './mixpanel/index.ts'
import { quickbooks } from './quickbooks/index.ts'
import { zendesk } from './zendesk/index.ts'

export const providers = [zendesk, hubspot, quickbooks, mixpanel] as const satisfies readonly Provider[]

export const providerSlugs: readonly string[] = providers.map((provider) => provider.slug)

/** The provider with this slug, or undefined: callers at an edge answer with the list of `providerSlugs`. */
export function findProvider(slug: string): Provider | undefined {
  return providers.find((provider) => provider.slug === slug)
}

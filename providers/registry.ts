/** The list of providers: one line each, and the only file outside a provider's folder that knows its name. */
import type { Provider } from './contract.ts'
import type { Receiver, Webhooks } from './contract-webhook.ts'
import { amplitude } from './amplitude/index.ts'
import { freshdesk } from './freshdesk/index.ts'
import { freshbooks } from './freshbooks/index.ts'
import { helpscout } from './helpscout/index.ts'
import { hubspot } from './hubspot/index.ts'
import { intercom } from './intercom/index.ts'
import { mixpanel } from './mixpanel/index.ts'
import { pipedrive } from './pipedrive/index.ts'
import { quickbooks } from './quickbooks/index.ts'
import { salesforce } from './salesforce/index.ts'
import { xero } from './xero/index.ts'
import { zendesk } from './zendesk/index.ts'
import { zohoCrm } from './zoho-crm/index.ts'

export const providers = [
  zendesk,
  hubspot,
  quickbooks,
  xero,
  mixpanel,
  pipedrive,
  freshdesk,
  freshbooks,
  zohoCrm,
] as const satisfies readonly Provider[]

export const providerSlugs: readonly string[] = providers.map((provider) => provider.slug)

/** The provider with this slug, or undefined: callers at an edge answer with the list of `providerSlugs`. */
export function findProvider(slug: string): Provider | undefined {
  return providers.find((provider) => provider.slug === slug)
}

/** Providers of which only webhooks are received so far. */
export const receivers: readonly Receiver[] = [amplitude, salesforce, helpscout, intercom]

/** Whoever sends webhooks, by slug: complete providers and receivers. */
export interface HookSource {
  readonly slug: string
  readonly name: string
  readonly category: Provider['category']
  readonly webhooks: Webhooks
}

export const hookSources: readonly HookSource[] = [
  ...providers.flatMap((provider: Provider) =>
    provider.webhooks ? [{ ...provider, webhooks: provider.webhooks }] : [],
  ),
  ...receivers,
]

/** Who sends webhooks under this slug; `find` may know providers that are not in the list (those of tests). */
export function findHookSource(
  slug: string,
  find: (slug: string) => Provider | undefined = findProvider,
): HookSource | undefined {
  const provider = find(slug)
  if (provider) return provider.webhooks ? { ...provider, webhooks: provider.webhooks } : undefined
  return receivers.find((receiver) => receiver.slug === slug)
}

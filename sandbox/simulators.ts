/** Every provider's simulator: one line each, as in `providers/registry.ts`. */
import { freshbooksSimulator } from '../providers/freshbooks/simulator.ts'
import { freshdeskSimulator } from '../providers/freshdesk/simulator.ts'
import { hubspotSimulator } from '../providers/hubspot/simulator.ts'
import { mixpanelSimulator } from '../providers/mixpanel/simulator.ts'
import { pipedriveSimulator } from '../providers/pipedrive/simulator.ts'
import { quickbooksSimulator } from '../providers/quickbooks/simulator.ts'
import { xeroSimulator } from '../providers/xero/simulator.ts'
import { zendeskSimulator } from '../providers/zendesk/simulator.ts'
import { zohoCrmSimulator } from '../providers/zoho-crm/simulator.ts'
import type { Simulator } from './kit.ts'

export const simulators: readonly Simulator[] = [
  zendeskSimulator,
  hubspotSimulator,
  quickbooksSimulator,
  xeroSimulator,
  mixpanelSimulator,
  pipedriveSimulator,
  freshdeskSimulator,
  freshbooksSimulator,
  zohoCrmSimulator,
]

/** Real origins → the sandbox at `url`, for all providers or the chosen ones. */
export const originMapTo = (
  url: string,
  isChosen: (slug: string) => boolean = () => true,
): Record<string, string> =>
  Object.fromEntries(
    simulators
      .filter(({ slug }) => isChosen(slug))
      .flatMap(({ slug, sample }) => sample.origins.map((origin) => [origin, `${url}/${slug}`] as const)),
  )

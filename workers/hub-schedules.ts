/** What a hub with these settings has schedules for: a worker makes them, the doctor looks for them. */
import type { ServiceConfig } from '../platform/config.ts'
import { providerSlugs } from '../providers/registry.ts'
import type { HubScheduleSettings } from '../workflows/client.ts'

export const hubScheduleSettings = ({
  healthEverySeconds,
  signingKeyDays,
}: Pick<ServiceConfig, 'healthEverySeconds' | 'signingKeyDays'>): HubScheduleSettings => ({
  providers: providerSlugs,
  healthEverySeconds,
  signingKeyDays,
})

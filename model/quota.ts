/** Quotas of a month: which month it is, and when somebody has to be warned. Months are those of UTC. */
import type { Quota } from './limits.ts'

/** Per cent of the soft limit at which a partner is told, each once a month. */
export const warningLevels = [80, 100] as const
export type WarningLevel = (typeof warningLevels)[number]

/** The first day of the month: `2026-11-01`. */
export const monthOf = (now: Date): string => `${now.toISOString().slice(0, 7)}-01`

/** What a run says that waits because the month's records are used up. */
export const recordsQuotaWait = 'records quota'

/** The day: `2026-11-29`. */
export const dayOf = (now: Date): string => now.toISOString().slice(0, 10)

/** When the next month begins. */
export const monthEnd = (now: Date): Date =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1))

/** What warnings go by; null where nothing is agreed. */
export const agreedOf = ({ soft, hard }: Quota): number | null => soft ?? hard

/** The levels that are reached and have not been told of. `warned`: the highest that has been, 0 at the beginning. */
export function levelsReached(used: number, quota: Quota, warned: number): WarningLevel[] {
  const agreed = agreedOf(quota)
  if (agreed === null) return []
  return warningLevels.filter((level) => level > warned && used * 100 >= agreed * level && used > 0)
}

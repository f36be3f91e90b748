/**
 * When things happen in the simulated account. Exports leave out what changed in the last minute (using-the-incremental-
 * export-api, read 2026-11-23), which would make every test and every first-time user wait. With the rule `off` the account
 * therefore lives in the past: changes are stamped an hour ago, each no earlier than all before, so that they are old enough to
 * be exported at once. With the rule `real` they are stamped now, and only the clock brings them out.
 */
import type { Chance } from '../../sandbox/kit.ts'

export interface AccountClock {
  /** The second of the next change. Some changes share one, as they do in a busy account. */
  stamp(chance: Chance): number
  /** The second of a change by the API: always a new one. */
  tick(): number
  /** Called when a page was shown: its seconds are complete, later changes come after them. */
  seal(): void
  /** The last second that exports show. */
  horizon(): number
  /** Takes note of a change of an earlier process. */
  remember(second: number): void
}

const lagSeconds = 3600
/** Changes that share seconds stop short of here, however many there are; only sealed seconds push further. */
const marginSeconds = 120

export function createAccountClock(now: () => Date, minuteRule: 'real' | 'off', begin: number): AccountClock {
  let last = begin
  let isSealed = false
  const today = () => Math.floor(now().getTime() / 1000)
  const next = (wantsOwn: boolean): number => {
    const floor = minuteRule === 'real' ? today() : today() - lagSeconds
    const mayStep = minuteRule === 'off' && last < today() - marginSeconds
    const step = isSealed || (wantsOwn && mayStep) ? 1 : 0
    isSealed = false
    last = Math.max(floor, last + step)
    return last
  }
  return {
    stamp: (chance) => next(chance.next() < 0.34),
    tick: () => {
      isSealed = true
      return next(true)
    },
    seal: () => {
      // Under the real rule nothing that is shown is younger than a minute: its seconds are complete anyway.
      if (minuteRule === 'off') isSealed = true
    },
    horizon: () => (minuteRule === 'real' ? today() - 60 : Math.max(today() - 60, last)),
    remember: (second) => void (last = Math.max(last, second)),
  }
}

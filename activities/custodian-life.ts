/** How long a token is good for. Pure. */
import type { OAuth2Auth, Secrets } from '../providers/contract.ts'

/** `fresh`: use it. `aging`: use it, and see to a new one. `dead`: of no use. */
export type Life = 'fresh' | 'aging' | 'dead'

/** A call takes its time to arrive, and clocks differ. */
const leewayMs = 2_000

/**
 * The last 10 % of a token's life, at most 5 minutes, is for renewing it. A time that is not known is taken for past when
 * there is a way to a new token, and for far away when there is none: a refusal will tell.
 */
export function lifeOf(method: OAuth2Auth, secrets: Secrets, now: Date): Life {
  const canRenew = Boolean(secrets['refresh_token'])
  if (!secrets['access_token']) return 'dead'
  const endsAt = Date.parse(secrets['expires_at'] ?? '')
  if (Number.isNaN(endsAt)) return canRenew ? 'dead' : 'fresh'
  const leftMs = endsAt - now.getTime()
  if (leftMs <= leewayMs) return 'dead'
  const marginMs = Math.min(300_000, method.accessLifetimeSeconds * 100)
  return leftMs <= marginMs && canRenew ? 'aging' : 'fresh'
}

/** Growing from 5 s to a quarter of an hour, each a fifth more or less, so that those who failed together part. */
export function pauseMs(failures: number): number {
  const pause = Math.min(5_000 * 2 ** Math.min(failures, 20), 900_000)
  return Math.round(pause * (0.8 + Math.random() * 0.4))
}

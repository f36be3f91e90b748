/**
 * Whose fault it is, by comparison: one connection fails → its credential or scope; all of one app → our app's secret or quota; all of
 * a provider → the provider; all providers → our own network. Pure, so that every case is a line of a test.
 */
import type { Culprit } from './health.ts'

/** What was seen of the connections of one provider in the last round. Paused and unconfigured ones do not count. */
export interface ProviderEvidence {
  readonly provider: string
  /** Looked at, by probe or by traffic. */
  readonly looked: number
  readonly failing: readonly FailingConnection[]
  /** Of those looked at: how many use the hub's own app at the provider. */
  readonly ofApp: number
}

export interface FailingConnection {
  readonly connectionId: string
  /** Code of `model/failures.ts`. */
  readonly code: string
  /** Signs in through the hub's own app (OAuth). */
  readonly usesApp: boolean
}

export interface Verdict {
  readonly culprit: Culprit
  readonly reason: string
}

/** Nobody answered, or not as a service that works does. */
const isSilent = ({ code }: FailingConnection): boolean =>
  code === 'Unavailable' || code === 'Protocol' || code === 'TimedOut'
/** The credential, or the app behind it, is not accepted. */
const isRefused = ({ code }: FailingConnection): boolean =>
  code === 'Unauthorized' || code === 'Forbidden' || code === 'NotConfigured'
const isLimited = ({ code }: FailingConnection): boolean =>
  code === 'RateLimited' || code === 'QuotaExhausted'

/** More than half of the connections, and of more than two at least two. */
const isMost = (part: number, whole: number): boolean => part > 0 && part * 2 > whole

/**
 * @param others the same evidence of the other providers, of this round or the last one.
 * @returns undefined when nothing of the provider is wrong as a whole: what fails then fails alone (`culpritOfOne`).
 */
export function judgeProvider(
  own: ProviderEvidence,
  others: readonly ProviderEvidence[],
): Verdict | undefined {
  const silent = own.failing.filter(isSilent).length
  if (isMost(silent, own.looked)) {
    const looked = others.filter((one) => one.looked > 0)
    const dead = looked.filter((one) => isMost(one.failing.filter(isSilent).length, one.looked))
    if (looked.length > 0 && dead.length === looked.length)
      return {
        culprit: 'network',
        reason: `All ${looked.length + 1} providers are out of reach: the hub's own network, proxy or name service.`,
      }
    return { culprit: 'provider', reason: `${silent} of ${own.looked} connections get no proper answer.` }
  }
  return judgeApp(own)
}

/** A person's own credential fails alone: only several at once point to the app. */
function judgeApp(own: ProviderEvidence): Verdict | undefined {
  const refused = own.failing.filter((one) => one.usesApp && isRefused(one)).length
  if (own.ofApp >= 2 && refused === own.ofApp)
    return {
      culprit: 'app',
      reason: `All ${refused} connections that sign in through the hub's app are refused: its secret or its approval.`,
    }
  const limited = own.failing.filter((one) => one.usesApp && isLimited(one)).length
  if (own.ofApp >= 2 && limited === own.ofApp)
    return {
      culprit: 'app',
      reason: `All ${limited} connections of the hub's app have met a limit: the app's quota is used up.`,
    }
  return undefined
}

/** Whose fault the failure of one connection is. @param verdict of its provider as a whole. */
export function culpritOfOne(failing: FailingConnection, verdict: Verdict | undefined): Culprit {
  if (failing.code === 'Internal' || failing.code === 'DatabaseUnavailable') return 'hub'
  // The provider does not know the hub's app any more: no connection can mend that.
  if (failing.code === 'NotConfigured' && failing.usesApp) return 'app'
  if (!verdict) return 'connection'
  if (verdict.culprit === 'app')
    return failing.usesApp && (isRefused(failing) || isLimited(failing)) ? 'app' : 'connection'
  return isSilent(failing) ? verdict.culprit : 'connection'
}

/** What to do about it, for whoever reads the state. */
export const advice: Readonly<Record<Culprit, string>> = {
  connection:
    'Renew the credential of this connection or give it the missing scopes: `tieline connect <service> --reconnect <id>`.',
  app: "Look at the hub's app at the provider: its client secret, approval and quota.",
  provider:
    'Wait: its lanes are paused, a canary probes it, and everything goes on by itself. Its status page may say more.',
  network: "Look at the hub's own network: name service, proxy, firewall.",
  hub: 'Look at the log of the workers, and at the database.',
}

/**
 * The state of a connection from what was observed, with hysteresis: one bad answer makes it degraded, a second one in a row down; it is
 * healthy again after two good ones. What a person has decided (a pause) and what only a person can mend (a refused credential)
 * goes before.
 */

export const healthStates = [
  'healthy',
  'degraded',
  'down',
  'paused',
  'needs_attention',
  'not_configured',
  'unknown',
] as const
export type HealthState = (typeof healthStates)[number]

export const culprits = ['connection', 'app', 'provider', 'network', 'hub'] as const
export type Culprit = (typeof culprits)[number]

/** What one look at a connection has shown. */
export interface Observation {
  readonly ok: boolean
  /** Code of `model/failures.ts`. */
  readonly code?: string
}

export interface Streak {
  readonly state: HealthState
  readonly badInRow: number
  readonly goodInRow: number
}

export const downAfter = 2
export const healthyAfter = 2

/** What is wrong beside the provider's answer; each makes a connection that answers degraded. */
export interface Findings {
  readonly freshness?: string
  readonly webhook?: string
  readonly quota?: string
  readonly clock?: string
  readonly scopes?: string
}

/** The next state of an active connection. @param findings what is wrong although it answers. */
export function nextHealth(before: Streak, seen: Observation, findings: Findings = {}): Streak {
  const badInRow = seen.ok ? 0 : before.badInRow + 1
  const goodInRow = seen.ok ? before.goodInRow + 1 : 0
  return { badInRow, goodInRow, state: stateOf(before.state, seen, { badInRow, goodInRow }, findings) }
}

function stateOf(
  was: HealthState,
  seen: Observation,
  { badInRow, goodInRow }: Pick<Streak, 'badInRow' | 'goodInRow'>,
  findings: Findings,
): HealthState {
  if (!seen.ok) return badInRow >= downAfter ? 'down' : was === 'down' ? 'down' : 'degraded'
  if (was === 'down' && goodInRow < healthyAfter) return 'down'
  const isFine = Object.keys(findings).length === 0
  if (!isFine) return 'degraded'
  // From the outset there is nothing to be careful about.
  return was === 'degraded' && goodInRow < healthyAfter ? 'degraded' : 'healthy'
}

/** How bad a state is, for sorting and for the worst of many. */
export const severityOf: Readonly<Record<HealthState, number>> = {
  down: 6,
  needs_attention: 5,
  degraded: 4,
  unknown: 3,
  paused: 2,
  not_configured: 1,
  healthy: 0,
}

/** Data of an active connection should not be older than this when nothing was said: two intervals and a reading. */
export const defaultFreshnessSeconds = (syncIntervalSeconds: number): number => 2 * syncIntervalSeconds + 300

/** Why the data is too old, or undefined. @param ageSeconds since the last sync that went through; null: never. */
export function staleness(
  ageSeconds: number | null,
  objectiveSeconds: number,
  connectedSeconds: number,
): string | undefined {
  if (ageSeconds === null) {
    if (connectedSeconds <= objectiveSeconds) return undefined
    return `No sync has gone through yet; the objective is ${duration(objectiveSeconds)}.`
  }
  if (ageSeconds <= objectiveSeconds) return undefined
  return `The last sync that went through is ${duration(ageSeconds)} old; the objective is ${duration(objectiveSeconds)}.`
}

/** "3 h 20 min", "45 s": the two largest units. */
export function duration(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const
  const parts: string[] = []
  let rest = Math.max(0, Math.round(seconds))
  for (const [size, name] of units) {
    const count = Math.floor(rest / size)
    if (count > 0 && parts.length < 2) parts.push(`${count} ${name}`)
    rest -= count * size
    if (parts.length === 2) break
  }
  return parts.length === 0 ? '0 s' : parts.join(' ')
}

/** How long what grows with time is kept, in days. One table: the setting, the checks and the docs read it. */

interface Rule {
  readonly title: string
  readonly days: number
  /** Less would take away what the hub still works with. */
  readonly least: number
}

const tenYears = 3650

export const retentionRules = {
  callHours: { title: 'Figures of calls by the hour; then by the day', days: 35, least: 8 },
  callDays: { title: 'Figures of calls by the day', days: 400, least: 35 },
  healthChanges: { title: 'Changes of health', days: 400, least: 35 },
  hubEvents: { title: 'Events of the hub', days: 90, least: 35 },
  changes: { title: 'The change feed', days: 90, least: 35 },
  recordVersions: { title: 'Earlier versions of records', days: 400, least: 7 },
  pages: { title: 'Pages of runs', days: 400, least: 35 },
  inbox: { title: 'Webhooks that have had their effect', days: 30, least: 7 },
  deadLetters: { title: 'Dead letters, and events of no known connection', days: 180, least: 14 },
  deliveries: { title: 'Deliveries that ended, with their attempts', days: 30, least: 4 },
  runCalls: { title: 'Trails of calls of runs', days: 30, least: 1 },
  runs: { title: 'Runs with their proofs', days: 400, least: 35 },
  connectSessions: { title: 'Connect sessions after their end', days: 30, least: 1 },
  deletedConnections: { title: 'Data of deleted connections', days: 30, least: 1 },
  reviews: { title: 'Reviews', days: 800, least: 35 },
} as const satisfies Readonly<Record<string, Rule>>

export type RetentionKind = keyof typeof retentionRules
export type RetentionPeriods = Readonly<Record<RetentionKind, number>>

export const retentionKinds = Object.keys(retentionRules) as readonly RetentionKind[]

export const defaultRetention: RetentionPeriods = Object.freeze(
  Object.fromEntries(retentionKinds.map((kind) => [kind, retentionRules[kind].days])),
) as RetentionPeriods

/** `changes=60,inbox=14`: those named, the others as they are by default. @returns undefined where a name or a number makes no sense. */
export function parseRetention(text: string): RetentionPeriods | undefined {
  const periods: Record<RetentionKind, number> = { ...defaultRetention }
  for (const part of text.split(',')) {
    const [, name, days] = /^\s*([a-zA-Z]+)\s*=\s*(\d{1,5})\s*$/.exec(part) ?? []
    const kind = retentionKinds.find((one) => one === name)
    if (kind === undefined || Number(days) < retentionRules[kind].least || Number(days) > tenYears)
      return undefined
    periods[kind] = Number(days)
  }
  // What is made of something cannot go before it.
  const fits = periods.callDays >= periods.callHours && periods.deadLetters >= periods.inbox
  return fits && periods.runs >= periods.runCalls ? Object.freeze(periods) : undefined
}

export const retentionRemedy = `should be "<kind>=<days>", several separated by commas, at most ${tenYears} days; kinds with their least: ${retentionKinds
  .map((kind) => `${kind} ${retentionRules[kind].least}`)
  .join(', ')}; callDays not below callHours, deadLetters not below inbox, runs not below runCalls`

/** What retention does, in this order. */
export const retentionSteps = [
  'callHours',
  'callDays',
  'months',
  'inbox',
  'deliveries',
  'runCalls',
  'runs',
  'connectSessions',
  'deletedConnections',
  'reviews',
] as const
export type RetentionStep = (typeof retentionSteps)[number]

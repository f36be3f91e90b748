/**
 * Alert policies: what is to be told to whom. A condition is data: a kind and its figures, checked here, so that an absurd one is
 * refused with a clear word and changes nothing.
 */
import { faultsOfQuietHours, type Fault, type QuietHours } from './quiet-hours.ts'

export const severities = ['info', 'warning', 'critical'] as const
export type Severity = (typeof severities)[number]

export const conditionKinds = [
  'incident',
  'state',
  'error_rate',
  'burn_rate',
  'freshness',
  'dead_letters',
  'credential_expiry',
  'quota_forecast',
  'integrity',
] as const
export type ConditionKind = (typeof conditionKinds)[number]

/** One field of a condition: a number in a range, or one or several of a few words. */
type Rule =
  | { readonly type: 'number'; readonly min: number; readonly max: number; readonly default?: number }
  | { readonly type: 'word'; readonly of: readonly string[]; readonly default?: string }
  | { readonly type: 'words'; readonly of?: readonly string[]; readonly default?: readonly string[] }

const number = (min: number, max: number, standard?: number): Rule => ({
  ...{ type: 'number', min, max },
  ...(standard === undefined ? {} : { default: standard }),
})

const badStates = ['degraded', 'down', 'needs_attention', 'unknown'] as const

/** The fields of each kind, and what they stand at when they are left out. */
export const conditionRules: Readonly<Record<ConditionKind, Readonly<Record<string, Rule>>>> = {
  /** What is found elsewhere: by health checks, by the verification of data. No kinds: all but `integrity`. */
  incident: {
    kinds: { type: 'words', default: [] },
    minSeverity: { type: 'word', of: severities, default: 'warning' },
  },
  /** A connection or a provider is in one of the states for so long. */
  state: {
    subject: { type: 'word', of: ['connection', 'provider'], default: 'provider' },
    states: { type: 'words', of: badStates, default: ['down'] },
    minutes: number(1, 10_080),
  },
  /** Share of failed calls over the last hours. */
  error_rate: { percent: number(0.1, 100), hours: number(1, 168, 1), minimumCalls: number(1, 1e6, 50) },
  /** The error budget of an objective is spent so many times as fast as it may be, in both windows. */
  burn_rate: {
    objectivePercent: number(90, 99.999, 99.9),
    shortHours: number(1, 24, 1),
    shortFactor: number(1, 1000, 14.4),
    longHours: number(2, 168, 6),
    longFactor: number(1, 1000, 6),
    minimumCalls: number(1, 1e6, 100),
  },
  /** Data is older than its objective by so much. */
  freshness: { minutes: number(1, 10_080) },
  /** So many more webhooks and deliveries were given up within the time. */
  dead_letters: { atLeast: number(1, 1e6), minutes: number(5, 10_080, 60) },
  credential_expiry: { days: number(1, 365) },
  /** A quota that is counted by the hour or longer is used up within the time, if things go on as they do. */
  quota_forecast: { minutes: number(1, 1_440) },
  /** An incident of kind `integrity` whose `details.accuracyPercent` is below this. */
  integrity: { belowPercent: number(0.01, 100, 99.99) },
}

export type Condition = Readonly<Record<string, unknown>> & { readonly kind: ConditionKind }

export interface PolicyDefinition {
  readonly name: string
  /** Null: all providers. */
  readonly provider: string | null
  readonly condition: Condition
  readonly severity: Severity
  /** Told when no escalation is named; none: every active channel of its owner. */
  readonly channels: readonly string[]
  readonly escalationId: string | null
  readonly quietHours: QuietHours | null
  readonly enabled: boolean
}

const given = (value: unknown): boolean => value !== undefined && value !== null

function faultOf(rule: Rule, value: unknown): string | undefined {
  if (rule.type === 'number') {
    const isFine = typeof value === 'number' && value >= rule.min && value <= rule.max
    return isFine ? undefined : `should be a number from ${rule.min} to ${rule.max}`
  }
  const known = (one: unknown): boolean =>
    typeof one === 'string' && (rule.of === undefined || rule.of.includes(one))
  const choices = rule.of === undefined ? 'words' : rule.of.join(', ')
  if (rule.type === 'word') return known(value) ? undefined : `should be one of ${choices}`
  return Array.isArray(value) && value.every(known) ? undefined : `should be a list of ${choices}`
}

/** What makes no sense in a condition, by pointers into it. */
export function faultsOfCondition(condition: Condition): Fault[] {
  const rules = conditionRules[condition.kind]
  const { kind, ...fields } = condition
  const faults: Fault[] = []
  for (const name of Object.keys(fields))
    if (given(fields[name]) && !Object.hasOwn(rules, name))
      faults.push({ pointer: `/${name}`, detail: `does not go with the kind "${kind}"` })
  for (const [name, rule] of Object.entries(rules)) {
    const value = fields[name]
    if (!given(value)) {
      if (rule.default === undefined)
        faults.push({ pointer: `/${name}`, detail: `is needed for the kind "${kind}"` })
      continue
    }
    const fault = faultOf(rule, value)
    if (fault !== undefined) faults.push({ pointer: `/${name}`, detail: fault })
  }
  if (faults.length === 0) faults.push(...contradictions(complete(condition)))
  return faults
}

function contradictions(condition: Condition): Fault[] {
  if (condition.kind === 'burn_rate' && Number(condition['longHours']) <= Number(condition['shortHours']))
    return [{ pointer: '/longHours', detail: 'should be more than shortHours' }]
  if (condition.kind === 'state' && (condition['states'] as readonly string[]).length === 0)
    return [{ pointer: '/states', detail: 'should name at least one state' }]
  return []
}

/** The condition with its defaults. */
export function complete(condition: Condition): Condition {
  const rules = conditionRules[condition.kind]
  const defaults = Object.entries(rules).flatMap(([name, rule]) =>
    rule.default === undefined || given(condition[name]) ? [] : [[name, rule.default] as const],
  )
  return { ...condition, ...Object.fromEntries(defaults), kind: condition.kind }
}

/** What makes no sense in a policy by itself; that channels and escalation exist is for the store to say. */
export function faultsOfPolicy({ condition, quietHours }: PolicyDefinition): Fault[] {
  return [
    ...faultsOfCondition(condition).map((fault) => ({ ...fault, pointer: `/condition${fault.pointer}` })),
    ...(quietHours === null
      ? []
      : faultsOfQuietHours(quietHours).map((fault) => ({
          ...fault,
          pointer: `/quietHours${fault.pointer}`,
        }))),
  ]
}

/** What a policy looks at of an incident. */
export interface AlertedIncident {
  readonly kind: string
  readonly severity: Severity
  readonly provider: string | null
  /** Its partner and those above it; empty: the whole hub's. */
  readonly partners: readonly string[]
  readonly details: Readonly<Record<string, unknown>>
}

export interface Policy extends PolicyDefinition {
  readonly policyId: string
  /** Null: the hub's own. */
  readonly partnerId: string | null
}

/** Whether a policy has an incident told. One that a policy has opened is that policy's alone. */
export function tellsOf(policy: Policy, incident: AlertedIncident): boolean {
  if (!policy.enabled) return false
  const opener = incident.details['policyId']
  if (opener !== undefined) return opener === policy.policyId
  if (policy.partnerId !== null && !incident.partners.includes(policy.partnerId)) return false
  if (policy.provider !== null && policy.provider !== incident.provider) return false
  const condition = complete(policy.condition)
  if (condition.kind === 'integrity') {
    const accuracy = incident.details['accuracyPercent']
    return incident.kind === 'integrity' && !(Number(accuracy ?? 0) >= Number(condition['belowPercent']))
  }
  if (condition.kind !== 'incident') return false
  const kinds = condition['kinds'] as readonly string[]
  const isOfKind = kinds.length === 0 ? incident.kind !== 'integrity' : kinds.includes(incident.kind)
  return isOfKind && rank(incident.severity) >= rank(condition['minSeverity'] as Severity)
}

const rank = (severity: Severity): number => severities.indexOf(severity)

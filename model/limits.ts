/**
 * How much a caller may ask of the API: rates by class of operation, and quotas of a month. A tier names all of it; a partner and a
 * key override parts. Null means that nothing is limited there.
 */

/** `reads` change nothing, `writes` do, `heavy` make a provider or the hub work long, `auth` get credentials. */
export const rateClasses = ['reads', 'writes', 'heavy', 'auth'] as const
export type RateClass = (typeof rateClasses)[number]

/** Calls at most: in ten seconds, in a minute. */
export interface Rate {
  readonly burst: number | null
  readonly sustained: number | null
}
export type ClassRates = Readonly<Record<RateClass, Rate>>

/**
 * `calls`: of a partner's keys, in the month. `records`: changes that syncs, webhooks and writes brought into the store, in the month.
 * `connections`: living ones, whenever one is made.
 */
export const quotaNames = ['calls', 'records', 'connections'] as const
export type QuotaName = (typeof quotaNames)[number]

/** What is agreed, and where it ends. Warnings go by the soft limit, or by the hard one where there is no soft one. */
export interface Quota {
  readonly soft: number | null
  readonly hard: number | null
}

export interface Limits {
  /** Of each key, of each person who is signed in. */
  readonly perCaller: ClassRates
  /** Of a partner's keys together. Those of the partners below it count for themselves. */
  readonly perPartner: ClassRates
  readonly quotas: Readonly<Record<QuotaName, Quota>>
}

type Partly<T> = { readonly [K in keyof T]?: { readonly [P in keyof T[K]]?: T[K][P] } }
export type RateOverrides = Partly<ClassRates>
export interface LimitOverrides {
  readonly perCaller?: RateOverrides
  readonly perPartner?: RateOverrides
  readonly quotas?: Partly<Limits['quotas']>
}

/** The tier that holds for people who are signed in: each has the rates of its `perCaller`. */
export const peopleTier = 'people'

/** What is not overridden is inherited; null lifts a limit. */
function overriddenRates(rates: ClassRates, overrides: RateOverrides = {}): ClassRates {
  const of = (name: RateClass): Rate => ({ ...rates[name], ...overrides[name] })
  return { reads: of('reads'), writes: of('writes'), heavy: of('heavy'), auth: of('auth') }
}

/** What holds for a partner, or for one of its keys. */
export function limitsInForce(
  tier: Limits,
  ofPartner: LimitOverrides = {},
  ofKey: RateOverrides = {},
): Limits {
  const quota = (name: QuotaName): Quota => ({ ...tier.quotas[name], ...ofPartner.quotas?.[name] })
  return {
    perCaller: overriddenRates(overriddenRates(tier.perCaller, ofPartner.perCaller), ofKey),
    perPartner: overriddenRates(tier.perPartner, ofPartner.perPartner),
    quotas: { calls: quota('calls'), records: quota('records'), connections: quota('connections') },
  }
}

export interface LimitError {
  /** JSON pointer into the limits. */
  readonly pointer: string
  readonly detail: string
}

/** What of these limits could not be meant. Ranges and types are the schema's. */
export function checkLimits(limits: Limits): LimitError[] {
  const errors: LimitError[] = []
  for (const scope of ['perCaller', 'perPartner'] as const)
    errors.push(...checkRates(limits[scope]).map((one) => ({ ...one, pointer: `/${scope}${one.pointer}` })))
  for (const name of quotaNames) {
    const { soft, hard } = limits.quotas[name]
    if (soft !== null && hard !== null && soft > hard)
      errors.push({ pointer: `/quotas/${name}/soft`, detail: `should not be above the hard limit (${hard})` })
  }
  return errors
}

export function checkRates(rates: ClassRates): LimitError[] {
  return rateClasses.flatMap((name) => {
    const { burst, sustained } = rates[name]
    if (burst === null || sustained === null || sustained >= burst) return []
    const detail = `should not be below what ten seconds allow (${burst}): that could never be used`
    return [{ pointer: `/${name}/sustained`, detail }]
  })
}

/** Which class an operation has unless its description says otherwise. */
export function classOfOperation(method: string, permission: string | undefined): RateClass {
  if (permission === 'actions.run' || permission === 'reports.run') return 'heavy'
  return method === 'get' ? 'reads' : 'writes'
}

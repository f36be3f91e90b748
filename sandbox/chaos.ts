/** The chaos dial: faults on demand, from a seed, so that a failure can be repeated. */
import { createChance } from './kit.ts'

/** Rates are chances per call, 0 to 1. */
export interface ChaosSettings {
  readonly seed: number
  /** 429 with Retry-After: 1. */
  readonly rate429: number
  /** 500 or 503. */
  readonly rate5xx: number
  readonly slowRate: number
  readonly slowMs: number
  /** The connection is cut, before the answer or in the middle of its body. */
  readonly cutRate: number
  /** A page of HTML with status 200. */
  readonly htmlRate: number
  /** One row of a list answer comes with an object where a time is documented. */
  readonly driftRate: number
  /** One row of a list answer comes without its id. */
  readonly dropRate: number
  /** Faults end after so many calls; 0: never. */
  readonly forCalls: number
}

export const noChaos: ChaosSettings = {
  seed: 1,
  rate429: 0,
  rate5xx: 0,
  slowRate: 0,
  slowMs: 0,
  cutRate: 0,
  htmlRate: 0,
  driftRate: 0,
  dropRate: 0,
  forCalls: 0,
}

export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'status'; readonly status: 429 | 500 | 503 }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'cut'; readonly inBody: boolean }
  | { readonly kind: 'html' }
  | { readonly kind: 'drift'; readonly row: number }
  | { readonly kind: 'drop'; readonly row: number }

/** Decides call by call: the same settings give the same faults in the same order. */
export function createChaos(settings: ChaosSettings): () => Fault {
  const chance = createChance(settings.seed)
  let calls = 0
  return () => {
    if (settings.forCalls > 0 && calls >= settings.forCalls) return { kind: 'none' }
    calls++
    let roll = chance.next()
    const hits = (rate: number) => {
      const hit = roll < rate
      roll -= rate
      return hit
    }
    if (hits(settings.rate429)) return { kind: 'status', status: 429 }
    if (hits(settings.rate5xx)) return { kind: 'status', status: chance.pick([500, 503] as const) }
    if (hits(settings.cutRate)) return { kind: 'cut', inBody: chance.next() < 0.5 }
    if (hits(settings.htmlRate)) return { kind: 'html' }
    if (hits(settings.driftRate)) return { kind: 'drift', row: chance.below(1000) }
    if (hits(settings.dropRate)) return { kind: 'drop', row: chance.below(1000) }
    if (hits(settings.slowRate)) return { kind: 'slow', ms: settings.slowMs }
    return { kind: 'none' }
  }
}

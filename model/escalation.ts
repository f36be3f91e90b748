/**
 * Escalation: who is told next when nobody answers. Pure: what stands in the store and the time go in, what to do comes out, so that
 * it is the same after a crash, and whichever process asks.
 */
import { faultsOfRotation, type Rotation } from './on-call.ts'
import type { Fault } from './quiet-hours.ts'

export interface Level {
  /** Ids of channels. */
  readonly channels: readonly string[]
  /** Whoever has the week is told as well. */
  readonly rotation?: Rotation | null
  /** How long an answer is waited for before it goes on. */
  readonly waitMinutes: number
  /** How often the same level is told again. */
  readonly repeats: number
}

export interface EscalationDefinition {
  readonly name: string
  readonly levels: readonly Level[]
  /** How often all levels are gone through. */
  readonly rounds: number
  /** The escalation that takes over when this one has come to its end. */
  readonly next: string | null
}

export interface Step {
  /** From 1. */
  readonly level: number
  readonly repeat: number
  readonly round: number
  readonly escalation: string
  readonly waitMinutes: number
  readonly channels: readonly string[]
  readonly rotation: Rotation | null
}

/** More than these are no escalation but a siege. */
export const mostSteps = 200

/** What makes no sense in an escalation by itself. */
export function faultsOfEscalation({ levels, rounds }: EscalationDefinition): Fault[] {
  const faults: Fault[] = []
  if (levels.length === 0) faults.push({ pointer: '/levels', detail: 'should have at least one level' })
  levels.forEach(({ channels, rotation, waitMinutes }, index) => {
    const at = `/levels/${index}`
    if (channels.length === 0 && !rotation)
      faults.push({ pointer: at, detail: 'should name channels or a rotation: nobody would be told' })
    if (!(waitMinutes >= 1))
      faults.push({ pointer: `${at}/waitMinutes`, detail: 'should be at least 1: it would tell without end' })
    if (rotation)
      for (const fault of faultsOfRotation(rotation))
        faults.push({ ...fault, pointer: `${at}/rotation${fault.pointer}` })
  })
  const steps = levels.reduce((sum, { repeats }) => sum + 1 + repeats, 0) * rounds
  if (steps > mostSteps)
    faults.push({
      pointer: '/rounds',
      detail: `makes ${steps} messages for one incident; ${mostSteps} are allowed`,
    })
  return faults
}

/** Every message that an escalation sends if nobody answers, in order. */
export function stepsOf(chain: readonly EscalationDefinition[]): Step[] {
  const steps: Step[] = []
  for (const { name, levels, rounds } of chain)
    for (let round = 1; round <= rounds; round++)
      levels.forEach(({ channels, rotation = null, waitMinutes, repeats }, index) => {
        for (let repeat = 0; repeat <= repeats; repeat++)
          steps.push({ level: index + 1, repeat, round, escalation: name, waitMinutes, channels, rotation })
      })
  return steps.slice(0, mostSteps)
}

/** The first step that is of another level than the one told last; undefined when there is none. */
export function nextLevel(steps: readonly Step[], told: number): number | undefined {
  const last = steps[told - 1]
  if (!last) return undefined
  const index = steps.findIndex(
    (step, n) =>
      n >= told &&
      !(step.level === last.level && step.round === last.round && step.escalation === last.escalation),
  )
  return index < 0 ? undefined : index
}

/** Where a policy stands with an incident. */
export interface Track {
  /** Steps that were told. */
  readonly step: number
  readonly nextAt: Date
  /** By which clock `nextAt` was set. */
  readonly plannedAt: Date
  /** Whoever is told was told of it, so that its end must be told as well. */
  readonly told: boolean
  /** The last level could not be reached: the next one is told at once. */
  readonly hurry: boolean
  /** When it was first seen that all of it is over; null while it is not. */
  readonly overAt: Date | null
}

export interface Member {
  readonly state: 'open' | 'acknowledged' | 'snoozed' | 'resolved'
  readonly snoozedUntil: Date | null
  readonly reopened: number
}

export type Decision =
  | { readonly kind: 'tell'; readonly step: number }
  /** The snooze of some is over: they are open again. */
  | { readonly kind: 'wake' }
  | {
      readonly kind: 'wait'
      readonly until: Date | null
      readonly why: 'escalation' | 'held' | 'acknowledged' | 'snoozed' | 'exhausted' | 'settling'
    }
  | { readonly kind: 'close'; readonly tell: boolean }

const minuteMs = 60_000
/** Clocks of two processes differ by less. */
const toleratedMs = minuteMs
/** That it is over is told when it has stayed so for this long; one that has flapped must stay so longer. */
const settleMs = (reopened: number): number => (reopened === 0 ? minuteMs : 10 * minuteMs)

/** When the next step is due. A clock that was put back does not put it off. */
export function dueAt({ nextAt, plannedAt }: Pick<Track, 'nextAt' | 'plannedAt'>, now: Date): Date {
  const isBack = plannedAt.getTime() - now.getTime() > toleratedMs
  if (!isBack) return nextAt
  return new Date(now.getTime() + Math.max(0, nextAt.getTime() - plannedAt.getTime()))
}

export function decide(situation: {
  readonly track: Track
  readonly members: readonly Member[]
  readonly steps: readonly Step[]
  readonly now: Date
  /** Quiet hours or maintenance last until then. */
  readonly heldUntil: Date | null
}): Decision {
  const { track, members, steps, now, heldUntil } = situation
  if (members.every(({ state }) => state === 'resolved')) return over(track, members, now)
  if (!members.some(({ state }) => state === 'open')) return answered(members, now)
  if (heldUntil !== null && heldUntil > now) return { kind: 'wait', until: heldUntil, why: 'held' }
  if (track.hurry) {
    const step = nextLevel(steps, track.step)
    if (step !== undefined) return { kind: 'tell', step }
  }
  if (track.step >= steps.length) return { kind: 'wait', until: null, why: 'exhausted' }
  const due = dueAt(track, now)
  return due <= now ? { kind: 'tell', step: track.step } : { kind: 'wait', until: due, why: 'escalation' }
}

function over(track: Track, members: readonly Member[], now: Date): Decision {
  if (!track.told) return { kind: 'close', tell: false }
  const wait = settleMs(Math.max(...members.map(({ reopened }) => reopened)))
  const last = (track.overAt ?? now).getTime()
  const until = new Date(last + wait)
  // One that was over in the future: a clock was put back, and there is nothing to wait for.
  return until <= now || last - now.getTime() > toleratedMs
    ? { kind: 'close', tell: true }
    : { kind: 'wait', until, why: 'settling' }
}

/** Nobody has to be told: somebody has taken it on, or wants to be left in peace for a while. */
function answered(members: readonly Member[], now: Date): Decision {
  const ends = members.flatMap(({ state, snoozedUntil }) =>
    state === 'snoozed' ? [snoozedUntil?.getTime() ?? 0] : [],
  )
  if (ends.length === 0) return { kind: 'wait', until: null, why: 'acknowledged' }
  const first = new Date(Math.min(...ends))
  return first <= now ? { kind: 'wake' } : { kind: 'wait', until: first, why: 'snoozed' }
}

/** "level 2, for the third time", for people. */
export function describeStep({ level, repeat, round, escalation }: Step): string {
  const again = repeat === 0 ? '' : `, told again (${repeat})`
  const rounds = round === 1 ? '' : `, round ${round}`
  return `${escalation}: level ${level}${again}${rounds}`
}

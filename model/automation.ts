/**
 * Automations as data: a trigger, a condition, steps. Expressions are JSON Logic over the run's context:
 * `{ trigger, event, record, events, steps, connections }`. In an input, `{"$": <expression>}` stands for its value.
 */
import type { JsonObject, JsonValue } from './json.ts'
import { checkCondition, evaluate, type Condition } from './logic.ts'
import type { ConflictPolicy } from './merge.ts'
import { conflictPolicies } from './merge.ts'

export type Effect = 'created' | 'updated' | 'deleted' | 'restored' | 'remapped'

export type Trigger =
  | {
      readonly kind: 'event'
      /** Role of a connection; any connection of the account when left out. */
      readonly connection?: string
      readonly model: string
      /** `created` and `updated` when left out. */
      readonly effects?: readonly Effect[]
      /** Also what the hub itself wrote; false when left out, so that two automations cannot feed each other. */
      readonly includeOwn?: boolean
      /** One run for up to so many events, as `events`; a run per event when left out. */
      readonly batch?: number
    }
  | { readonly kind: 'schedule'; readonly cron: string; readonly timeZone?: string }
  | { readonly kind: 'webhook' }
  | { readonly kind: 'manual' }

interface StepBase {
  /** Unique in the automation; what it gives is found under `steps.<name>`. */
  readonly name: string
  readonly title?: string
  /** The step is left out where this does not hold. */
  readonly when?: Condition
}

export type Step = StepBase &
  (
    | {
        readonly action: string
        readonly connection: string
        readonly input: JsonObject
        readonly undo?: boolean
      }
    | { readonly report: string; readonly connection: string; readonly input: JsonObject }
    | {
        readonly write: {
          readonly resource: string
          readonly operation: 'create' | 'update' | 'delete'
          readonly externalId?: JsonValue
          readonly fields?: JsonObject
          readonly policy?: ConflictPolicy
        }
        readonly connection: string
        readonly undo?: boolean
      }
    | { readonly wait: { readonly seconds: number } }
    | {
        readonly approval: {
          readonly question: JsonValue
          readonly timeoutSeconds?: number
          readonly onTimeout?: 'approve' | 'reject'
        }
      }
    | { readonly branch: readonly { readonly when?: Condition; readonly steps: readonly Step[] }[] }
  )

export interface AutomationDefinition {
  readonly description?: string
  /** Role → connection id. */
  readonly connections: Readonly<Record<string, string>>
  readonly trigger: Trigger
  readonly condition?: Condition
  readonly steps: readonly Step[]
}

export type StepKind = 'action' | 'report' | 'write' | 'wait' | 'approval' | 'branch'

const kinds: readonly StepKind[] = ['action', 'report', 'write', 'wait', 'approval', 'branch']

export function kindOf(step: Step): StepKind {
  const kind = kinds.find((one) => one in step)
  if (!kind) throw new Error('a step of no kind')
  return kind
}

export interface PlacedStep {
  readonly step: Step
  /** JSON pointer into the definition. */
  readonly pointer: string
}

/** Every step with its place, those inside branches after their branch. */
export const placedSteps = (steps: readonly Step[], at = '/steps'): readonly PlacedStep[] =>
  steps.flatMap((step, index) => {
    const pointer = `${at}/${index}`
    const ways = 'branch' in step ? step.branch : []
    return [
      { step, pointer },
      ...ways.flatMap((way, number) => placedSteps(way.steps, `${pointer}/branch/${number}/steps`)),
    ]
  })

/** Every step, those inside branches after their branch. */
export const allSteps = (steps: readonly Step[]): readonly Step[] =>
  placedSteps(steps).map(({ step }) => step)

/** A step by name. */
export const findStep = (definition: AutomationDefinition, name: string): Step | undefined =>
  allSteps(definition.steps).find((step) => step.name === name)

/** Replaces each `{"$": expression}` by its value over the context. A value that does not exist becomes null. */
export function fill(template: JsonValue, context: JsonObject): JsonValue {
  if (typeof template !== 'object' || template === null) return template
  if (Array.isArray(template)) return template.map((one) => fill(one, context))
  const keys = Object.keys(template)
  if (keys.length === 1 && keys[0] === '$') {
    const value = evaluate(template['$'] ?? null, context)
    // The library hands out parts of the context; what is filled must be JSON of its own.
    return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as JsonValue)
  }
  return Object.fromEntries(keys.map((key) => [key, fill(template[key] ?? null, context)]))
}

/** Without the fields that came out null: an optional input that has no value is left out. */
export function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [
        key,
        typeof value === 'object' && value !== null && !Array.isArray(value) ? withoutNulls(value) : value,
      ]),
  )
}

const cronField = /^[\d*,/\-?LW#A-Za-z]+$/

/** What is wrong with a definition that a person wrote, by JSON pointer; empty when nothing is. Its shape is known to be right. */
export function checkDefinition(
  definition: AutomationDefinition,
): { readonly pointer: string; readonly detail: string }[] {
  const problems: { pointer: string; detail: string }[] = []
  const say = (pointer: string, detail: string) => void problems.push({ pointer, detail })
  const checkLogic = (pointer: string, condition: Condition | undefined) => {
    const wrong = condition === undefined ? undefined : checkCondition(condition)
    if (wrong !== undefined) say(pointer, wrong)
  }
  const { trigger } = definition
  const hasRole = (role: string) => Object.hasOwn(definition.connections, role)
  if (trigger.kind === 'event' && trigger.connection !== undefined && !hasRole(trigger.connection))
    say('/trigger/connection', `is no role of "connections"`)
  if (trigger.kind === 'schedule') {
    const fields = trigger.cron.trim().split(/\s+/)
    if (fields.length !== 5 || !fields.every((field) => cronField.test(field)))
      say('/trigger/cron', 'should be five fields: minute, hour, day of month, month, day of week')
    if (trigger.timeZone !== undefined && !isZone(trigger.timeZone))
      say('/trigger/timeZone', 'should be an IANA time zone such as Europe/Lisbon')
  }
  checkLogic('/condition', definition.condition)
  const names = new Set<string>()
  const walk = (steps: readonly Step[], at: string): void =>
    steps.forEach((step, index) => {
      const pointer = `${at}/${index}`
      if (names.has(step.name)) say(`${pointer}/name`, 'another step has this name')
      names.add(step.name)
      checkLogic(`${pointer}/when`, step.when)
      if (kinds.filter((kind) => kind in step).length !== 1)
        say(pointer, `should have exactly one of ${kinds.join(', ')}`)
      if ('connection' in step && !hasRole(step.connection))
        say(`${pointer}/connection`, 'is no role of "connections"')
      if ('write' in step && step.write.policy !== undefined && !conflictPolicies.includes(step.write.policy))
        say(`${pointer}/write/policy`, `should be one of ${conflictPolicies.join(', ')}`)
      if ('branch' in step)
        step.branch.forEach((way, number) => {
          checkLogic(`${pointer}/branch/${number}/when`, way.when)
          walk(way.steps, `${pointer}/branch/${number}/steps`)
        })
    })
  walk(definition.steps, '/steps')
  return problems
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** Rules for what comes by webhook: which events they are for, what is made of them, where it goes. Data; expressions are JSON Logic. */
import { checkCondition, evaluate, holds, type Condition } from './logic.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

export type HookRuleAbout = 'changed' | 'deleted' | 'notice' | 'unknown'

/** Where an event goes. Without a target of kind `record` or `ignore` the event also has its usual effect. */
export type HookRuleTarget =
  /** The object is neither read nor changed. */
  | { readonly kind: 'ignore' }
  /** What `output` makes is a row of the resource, in the provider's shape: it passes its schema, its mapping, and the usual comparison. */
  | { readonly kind: 'record'; readonly resource: string }
  /** A run of the automation, with the event, its payload, what was looked up and the output as its context. */
  | { readonly kind: 'automation'; readonly automationId: string }
  /** `webhook.routed` in the stream of events: every endpoint of the partner that has subscribed to it gets it. */
  | { readonly kind: 'endpoint'; readonly topic: string }

export interface HookRuleLookup {
  /** Under this name expressions find the record: `{"var": "customer.email"}`; null when the store has none. */
  readonly as: string
  readonly resource: string
  /** Gives the external id. */
  readonly externalId: JsonValue
}

export interface HookRuleDefinition {
  /** As the provider names them; `*` stands for any text: `ticket.*`. Left out: every type. */
  readonly types?: readonly string[]
  readonly about?: readonly HookRuleAbout[]
  readonly resources?: readonly string[]
  /** Over `event`, `payload` and what was looked up. */
  readonly condition?: Condition
  readonly lookups?: readonly HookRuleLookup[]
  /** By field, an expression each; objects within are built field by field. Left out: the payload as it came. */
  readonly output?: JsonObject
  readonly target: HookRuleTarget
}

/** What is known of an event in the inbox. */
export interface HookRuleEvent {
  readonly eventId: string
  readonly connectionId: string | null
  readonly provider: string
  readonly tenant: string | null
  readonly receivedAt: Date
  readonly type: string
  readonly about: string
  readonly resource: string | null
  readonly externalId: string | null
  readonly occurredAt: Date | null
}

/** What expressions see besides lookups. */
export interface HookRuleFacts {
  readonly event: JsonObject & {
    readonly type: string
    readonly about: string
    readonly resource: string | null
  }
  readonly payload: JsonObject
}

export const factsOf = (event: HookRuleEvent, payload: JsonObject): HookRuleFacts => ({
  event: {
    id: event.eventId,
    type: event.type,
    about: event.about,
    resource: event.resource,
    externalId: event.externalId,
    occurredAt: event.occurredAt?.toISOString() ?? null,
    receivedAt: event.receivedAt.toISOString(),
    provider: event.provider,
    connectionId: event.connectionId,
    tenant: event.tenant,
  },
  payload,
})

/** The mapped record with this id, of the event's own connection; null when the store has none. */
export type LookUp = (resource: string, externalId: string) => Promise<JsonObject | null>

/**
 * What a rule sends on for an event, with what its expressions saw; undefined when it does not hold. Processing and the test of a rule ask
 * the same way. @throws Error for an expression that cannot be evaluated over this event.
 */
export async function askRule(
  rule: HookRuleDefinition,
  facts: HookRuleFacts,
  lookUp: LookUp,
): Promise<{ readonly scope: JsonObject; readonly output: JsonObject } | undefined> {
  if (!concerns(rule, facts)) return undefined
  const scope: JsonObject = { ...facts }
  for (const { as, resource, externalId } of rule.lookups ?? []) {
    const id = evaluate(externalId, scope)
    const isId = (typeof id === 'string' && id !== '') || typeof id === 'number'
    scope[as] = isId ? await lookUp(resource, String(id)) : null
  }
  return applies(rule, scope) ? { scope, output: outputOf(rule, scope) } : undefined
}

/** Whether the rule may be for the event, without what has to be looked up. */
export function concerns(rule: HookRuleDefinition, { event }: HookRuleFacts): boolean {
  const { types, about, resources } = rule
  if (types && !types.some((pattern) => fits(pattern, event.type))) return false
  if (about && !about.some((one) => one === event.about)) return false
  return !resources || (event.resource !== null && resources.includes(event.resource))
}

/** `scope`: facts and lookups. */
export const applies = (rule: HookRuleDefinition, scope: JsonObject): boolean => holds(rule.condition, scope)

/** @throws Error for an expression that cannot be evaluated over this event. */
export function outputOf(rule: HookRuleDefinition, scope: JsonObject): JsonObject {
  if (rule.output === undefined) return isJsonObject(scope['payload']) ? scope['payload'] : {}
  return built(rule.output, scope) as JsonObject
}

/** An object with one key that begins an expression is evaluated; others are built field by field. */
function built(value: JsonValue, scope: JsonObject): JsonValue {
  if (Array.isArray(value)) return value.map((one) => built(one, scope))
  if (typeof value !== 'object' || value === null) return value
  if (isExpression(value)) return (evaluate(value, scope) ?? null) as JsonValue
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, built(one, scope)]))
}

/** The operator is marked by the library's own check: a field that happens to be called like one is written with a second field beside it. */
function isExpression(value: JsonObject): boolean {
  const keys = Object.keys(value)
  return keys.length === 1 && checkCondition(value) === undefined
}

function fits(pattern: string, type: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === type
  if (!type.startsWith(first)) return false
  let at = first.length
  for (const [index, part] of rest.entries()) {
    const isLast = index === rest.length - 1
    const found = isLast ? type.length - part.length : type.indexOf(part, at)
    if (found < at || !type.startsWith(part, found)) return false
    at = found + part.length
  }
  return at === type.length
}

export interface HookRuleProblem {
  /** JSON Pointer into the definition. */
  readonly pointer: string
  readonly detail: string
}

const reserved = new Set(['event', 'payload', 'output'])

/** What is wrong with a definition that has passed the schema of the description. */
export function checkHookRule(rule: HookRuleDefinition): HookRuleProblem[] {
  const problems: HookRuleProblem[] = []
  const wrong = rule.condition === undefined ? undefined : checkCondition(rule.condition)
  if (wrong !== undefined) problems.push({ pointer: '/condition', detail: wrong })
  const names = new Set<string>()
  for (const [index, { as }] of (rule.lookups ?? []).entries()) {
    if (reserved.has(as) || names.has(as))
      problems.push({ pointer: `/lookups/${index}/as`, detail: 'should be a name of its own' })
    names.add(as)
  }
  if (rule.target.kind === 'ignore' && rule.output)
    problems.push({ pointer: '/output', detail: 'has no use where the event is ignored' })
  return problems
}

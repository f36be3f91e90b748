/** Conditions as data: JSON Logic (jsonlogic.com), evaluated by a library. Used by mappings and automations. */
import { LogicEngine } from 'json-logic-engine'
import type { JsonObject, JsonValue } from './json.ts'

/** `{"==": [{"var": "status"}, "won"]}` */
export type Condition = JsonObject

const engine = new LogicEngine()
const compiled = new WeakMap<Condition, (data: unknown) => unknown>()

/** The value of an expression over `data`. @throws Error for an operator that does not exist. */
export function evaluate(expression: JsonValue, data: unknown): unknown {
  if (typeof expression !== 'object' || expression === null) return expression
  if (Array.isArray(expression)) return expression.map((one) => evaluate(one, data))
  let run = compiled.get(expression)
  if (!run) {
    run = engine.build(expression) as (data: unknown) => unknown
    compiled.set(expression, run)
  }
  return run(data)
}

/** True when a condition holds; one that cannot be evaluated over this data does not. */
export function holds(condition: Condition | undefined, data: unknown): boolean {
  if (condition === undefined) return true
  try {
    return Boolean(evaluate(condition, data))
  } catch {
    return false
  }
}

/** What is wrong with a condition; undefined when nothing is. */
export function checkCondition(condition: unknown): string | undefined {
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition))
    return 'a condition is a JSON Logic object'
  try {
    engine.build(condition)
    return undefined
  } catch (error) {
    return `not JSON Logic: ${error instanceof Error ? error.message : JSON.stringify(error)}`
  }
}

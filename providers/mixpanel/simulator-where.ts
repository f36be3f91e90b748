/** The part of Mixpanel's expression language that this simulator knows: comparisons joined by `and`. */
import type { JsonObject, JsonValue } from '../../model/json.ts'

const comparison =
  /^\(?\s*properties\["([^"]+)"\]\s*(==|!=|>=|<=|>|<)\s*(?:datetime\((\d+)\)|"([^"]*)"|(-?\d+(?:\.\d+)?))\s*\)?$/

type Test = (properties: JsonObject) => boolean

/** A test for properties; undefined for an expression that is not understood. */
export function parseWhere(text: string | null | undefined): Test | undefined {
  if (text === null || text === undefined || text.trim() === '') return () => true
  const tests: Test[] = []
  for (const part of text.split(/\s+and\s+/i)) {
    const [match, name = '', operator = '', seconds, quoted, number] = comparison.exec(part.trim()) ?? []
    if (match === undefined) return undefined
    const wanted =
      seconds !== undefined ? Number(seconds) * 1000 : quoted !== undefined ? quoted : Number(number)
    tests.push((properties) => compare(valueOf(properties, name), operator, wanted))
  }
  return (properties) => tests.every((test) => test(properties))
}

/** `$time` is what the export calls `time`. */
const valueOf = (properties: JsonObject, name: string): JsonValue | undefined =>
  name === '$time' ? properties['time'] : properties[name]

function compare(value: JsonValue | undefined, operator: string, wanted: string | number): boolean {
  if (value === undefined || value === null) return operator === '!='
  const [a, b] =
    typeof wanted === 'number'
      ? [Number(value), wanted]
      : [typeof value === 'string' ? value : JSON.stringify(value), wanted]
  if (operator === '==') return a === b
  if (operator === '!=') return a !== b
  if (operator === '>=') return a >= b
  if (operator === '<=') return a <= b
  return operator === '>' ? a > b : a < b
}

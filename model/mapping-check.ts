/** What is wrong with a mapping that a person wrote, one line each. */
import { conversions, fits, nameOf, resultOf } from './conversions.ts'
import type { FieldType, Model } from './fields.ts'
import { checkCondition } from './logic.ts'
import type { FieldMapping, FieldRule, OutwardMapping } from './mapping.ts'
import { isModelName, models } from './records.ts'

/** Empty when nothing is wrong. */
export function checkMapping(mapping: FieldMapping): string[] {
  if (!isModelName(mapping.model)) return [`model: there is no model "${String(mapping.model)}"`]
  const fields: Model = models[mapping.model]
  const set = new Set<string>()
  const problems: string[] = []
  for (const rule of mapping.rules) {
    const field = Object.hasOwn(fields, rule.to) ? fields[rule.to] : undefined
    if (!field && !/^custom\.[\w-]{1,64}$/.test(rule.to))
      problems.push(`${rule.to}: ${mapping.model} has no such field`)
    if (set.has(rule.to)) problems.push(`${rule.to}: a rule without a condition stands before it`)
    if (rule.when === undefined) set.add(rule.to)
    problems.push(...checkRule(rule, field?.type).map((problem) => `${rule.to}: ${problem}`))
  }
  if (!mapping.rules.some((rule) => rule.to === 'id')) problems.push('id: no rule sets it')
  return problems
}

/** The same for a mapping outwards: sources are the model's, targets are paths at the provider. */
export function checkOutward(mapping: OutwardMapping): string[] {
  if (!isModelName(mapping.model)) return [`model: there is no model "${String(mapping.model)}"`]
  const fields: Model = models[mapping.model]
  const problems: string[] = []
  for (const rule of mapping.rules) {
    for (const path of rule.concat?.from ?? (rule.from === undefined ? [] : [rule.from])) {
      const [first = ''] = path.split('.')
      if (first !== 'custom' && !Object.hasOwn(fields, first))
        problems.push(`${rule.to}: ${mapping.model} has no field "${first}"`)
    }
    if (rule.to.split('.').includes('')) problems.push(`"${rule.to}" is not a path`)
    problems.push(...checkRule(rule, undefined).map((problem) => `${rule.to}: ${problem}`))
  }
  return problems
}

/** What is wrong with a rule for a field of the given type; undefined: a custom field. */
function checkRule(rule: FieldRule, type: FieldType | undefined): string[] {
  const { convert, each } = rule
  const problems = checkSource(rule)
  if (rule.when !== undefined) {
    const wrong = checkCondition(rule.when)
    if (wrong !== undefined) problems.push(wrong)
  }
  if (convert !== undefined && !Object.hasOwn(resultOf, convert))
    return [...problems, `there is no conversion "${String(convert)}"`]
  if ((convert === 'money' || convert === 'minor') && !rule.currency) problems.push('money needs a currency')
  if (each) {
    if (convert !== undefined) problems.push('it has both "each" and "convert"')
    if (type !== undefined && type !== 'objects')
      problems.push(`it is ${nameOf[type]}, but "each" makes a list of objects`)
    for (const inner of each)
      problems.push(...checkRule(inner, undefined).map((text) => `${inner.to}: ${text}`))
    return problems
  }
  return type === undefined ? problems : [...problems, ...checkTypes(type, rule)]
}

function checkSource({ from, constant, concat, split }: FieldRule): string[] {
  const problems: string[] = []
  const given = [from, constant, concat].filter((source) => source !== undefined).length
  if (given !== 1) problems.push('exactly one of "from", "constant" and "concat" is needed')
  for (const path of concat?.from ?? (from === undefined ? [] : [from]))
    if (path.split('.').includes('')) problems.push(`"${path}" is not a path`)
  if (concat?.from.length === 0) problems.push('"concat" names no field')
  if (split && (split.by === '' || !Number.isInteger(split.at)))
    problems.push('"split" needs "by" and a whole number "at"')
  return problems
}

function checkTypes(
  type: FieldType,
  { convert, values, fallback }: Pick<FieldRule, 'convert' | 'values' | 'fallback'>,
): string[] {
  const problems: string[] = []
  if (convert !== undefined && resultOf[convert] !== type)
    problems.push(`it is ${nameOf[type]}, but the rule makes ${nameOf[resultOf[convert]]}`)
  if (fallback !== undefined && fallback !== null && !fits(type, fallback))
    problems.push(`it is ${nameOf[type]}, but its fallback is not`)
  // Amounts cannot be tried without their currency.
  if (convert === 'money' || convert === 'minor') return problems
  for (const [key, value] of Object.entries(values ?? {})) {
    if (
      value !== null &&
      (convert === undefined ? !fits(type, value) : conversions[convert](value, {}) === undefined)
    )
      problems.push(`it is ${nameOf[type]}, but what stands for "${key}" is not`)
  }
  return problems
}

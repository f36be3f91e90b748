/**
 * The templates of automations: JSON files in `automations/`, read and checked when the API starts. They are settings, not
 * code: the only place besides a provider's folder that names providers.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { AutomationDefinition } from '../model/automation.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import { invalidInput } from './problem.ts'

export interface AutomationTemplate {
  /** The file's name. */
  readonly name: string
  readonly title: string
  readonly description: string
  /** Role → provider. */
  readonly connections: Readonly<Record<string, string>>
  readonly parameters: Readonly<Record<string, { readonly title: string; readonly default: JsonValue }>>
  /** A definition without its connections; `{"parameter": name}` stands for a parameter. */
  readonly definition: JsonObject
}

const folder = path.resolve(import.meta.dirname, '..', 'automations')

function readTemplate(file: string): AutomationTemplate {
  const parsed: unknown = JSON.parse(readFileSync(path.join(folder, file), 'utf8'))
  if (!isJsonObject(parsed)) throw new Error(`automations/${file} is not a JSON object`)
  const { title, description, connections, parameters = {}, definition } = parsed
  if (
    typeof title !== 'string' ||
    typeof description !== 'string' ||
    !isJsonObject(connections) ||
    !isJsonObject(definition)
  )
    throw new Error(`automations/${file} lacks title, description, connections or definition`)
  return {
    name: file.replace(/\.json$/, ''),
    title,
    description,
    connections: connections as Record<string, string>,
    parameters: parameters as AutomationTemplate['parameters'],
    definition,
  }
}

export const automationTemplates: readonly AutomationTemplate[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map(readTemplate)

/**
 * The definition that a template makes of connections and parameters.
 * @throws HubError `NoSuchThing` for an unknown template; InvalidInput for roles and parameters that do not fit it.
 */
export function definitionOf(
  name: string,
  connections: Readonly<Record<string, string>>,
  parameters: JsonObject,
): { readonly template: AutomationTemplate; readonly definition: AutomationDefinition } {
  const template = automationTemplates.find((one) => one.name === name)
  if (!template) {
    const names = automationTemplates.map((one) => one.name).join(', ')
    throw new HubError('NoSuchThing', `There is no template "${name}". There are: ${names}.`)
  }
  const wrong = [
    ...Object.keys(template.connections)
      .filter((role) => connections[role] === undefined)
      .map((role) => ({
        pointer: `/connections/${role}`,
        detail: `is missing: a connection to ${template.connections[role] ?? ''}`,
      })),
    ...Object.keys(connections)
      .filter((role) => template.connections[role] === undefined)
      .map((role) => ({ pointer: `/connections/${role}`, detail: 'is no role of this template' })),
    ...Object.keys(parameters)
      .filter((parameter) => template.parameters[parameter] === undefined)
      .map((parameter) => ({
        pointer: `/parameters/${parameter}`,
        detail: 'is no parameter of this template',
      })),
  ]
  if (wrong.length > 0) throw invalidInput(wrong.map((one) => ({ in: 'body', ...one })))
  const values = Object.fromEntries(
    Object.entries(template.parameters).map(([key, value]) => [key, parameters[key] ?? value.default]),
  )
  const definition = {
    description: template.description,
    connections: { ...connections },
    ...(replaced(template.definition, values) as JsonObject),
  } as unknown as AutomationDefinition
  return { template, definition }
}

function replaced(value: JsonValue, values: Readonly<Record<string, JsonValue>>): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => replaced(one, values))
  const { parameter } = value
  if (typeof parameter === 'string' && Object.keys(value).length === 1) return values[parameter] ?? null
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, values)]))
}

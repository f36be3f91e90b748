/** Definitions of automations at the edge: taken from a body or a template, checked against the connections that they name. */
import { getConnection, type Connection } from '../../db/connections.ts'
import {
  checkDefinition,
  placedSteps,
  type AutomationDefinition,
  type PlacedStep,
} from '../../model/automation.ts'
import type { JsonObject } from '../../model/json.ts'
import type { components } from '../../openapi/types.ts'
import { definitionOf } from '../automation-templates.ts'
import type { ApiDeps } from '../deps.ts'
import { invalidInput } from '../problem.ts'
import { compileSchema, type PlacedError } from '../validation.ts'

type Schemas = components['schemas']

/** The definition that a body gives or has a template make. @throws InvalidInput, HubError `NoSuchThing`. */
export function definitionIn(body: Schemas['NewAutomation']) {
  const say = (pointer: string, detail: string) => invalidInput([{ in: 'body', pointer, detail }])
  if (body.template !== undefined && body.definition)
    throw say('/definition', 'goes without template: give one of them')
  if (body.template !== undefined) {
    const { template, definition } = definitionOf(
      body.template,
      body.connections ?? {},
      (body.parameters ?? {}) as JsonObject,
    )
    const wrong = checkShape(definition)
    if (wrong.length > 0) throw invalidInput(wrong.map(inParameters))
    return { template: template.name, title: template.title, definition, place: inParameters }
  }
  if (!body.definition) throw say('/definition', 'or template is needed')
  if (body.name === undefined) throw say('/name', 'is missing')
  const definition = body.definition as unknown as AutomationDefinition
  return { template: null, title: body.name, definition, place: inDefinition }
}

type DefinitionProblem = Pick<PlacedError, 'pointer' | 'detail'>

/** A definition that a template made has not passed the check of the body. */
const checkShape = compileSchema({ $ref: 'tieline#/components/schemas/AutomationDefinition' })

/** Places a problem of a definition that the body gives as a whole. */
export const inDefinition = ({ pointer, detail }: DefinitionProblem): PlacedError => ({
  in: 'body',
  pointer: `/definition${pointer}`,
  detail,
})

/** Whoever takes a template gives connections and parameters, and no definition to point into. */
const inParameters = ({ pointer, detail }: DefinitionProblem): PlacedError =>
  pointer.startsWith('/connections')
    ? { in: 'body', pointer, detail }
    : { in: 'body', pointer: '/parameters', detail: `make ${pointer} of the definition wrong: ${detail}` }

/** Whose it is. @throws InvalidInput for a definition that could not run. */
export async function checkedDefinition(
  deps: ApiDeps,
  definition: AutomationDefinition,
  place: (problem: DefinitionProblem) => PlacedError,
): Promise<Pick<Connection, 'partnerId' | 'accountId'>> {
  const errors: DefinitionProblem[] = checkDefinition(definition)
  const connections = new Map<string, Connection>()
  for (const [role, connectionId] of Object.entries(definition.connections)) {
    const connection = await getConnection(deps.database.db, connectionId)
    if (connection && connection.state !== 'deleted') connections.set(role, connection)
    else errors.push({ pointer: `/connections/${role}`, detail: 'should be a connection of this hub' })
  }
  const [first] = connections.values()
  for (const [role, { accountId }] of connections)
    if (accountId !== first?.accountId)
      errors.push({ pointer: `/connections/${role}`, detail: 'is of another account than the others' })
  for (const placed of placedSteps(definition.steps)) errors.push(...checkWork(deps, placed, connections))
  if (!first && errors.length === 0) errors.push({ pointer: '/connections', detail: 'names no connection' })
  if (errors.length > 0 || !first) throw invalidInput(errors.map(place))
  return first
}

/** Does the provider of a step's connection have what the step asks for? */
function checkWork(
  deps: ApiDeps,
  { step, pointer }: PlacedStep,
  connections: ReadonlyMap<string, Connection>,
): DefinitionProblem[] {
  if (!('connection' in step)) return []
  const connection = connections.get(step.connection)
  const provider = connection && deps.findProvider(connection.provider)
  if (!provider) return []
  const say = (what: string, names: readonly string[]): DefinitionProblem[] => [
    { pointer, detail: `${provider.name} has no ${what}; it has ${names.join(', ') || 'none'}` },
  ]
  const isNamed = (name: string) => (one: { readonly name: string }) =>
    one.name === name || `${provider.slug}.${one.name}` === name
  if ('action' in step && !provider.actions.some(isNamed(step.action)))
    return say(
      `action "${step.action}"`,
      provider.actions.map(({ name }) => name),
    )
  if ('report' in step && !provider.reports.some(isNamed(step.report)))
    return say(
      `report "${step.report}"`,
      provider.reports.map(({ name }) => name),
    )
  if ('write' in step && !provider.resources.some(({ name, write }) => write && name === step.write.resource))
    return say(
      `writable resource "${step.write.resource}"`,
      provider.resources.filter(({ write }) => write).map(({ name }) => name),
    )
  return []
}

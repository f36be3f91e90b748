/** Automations: made from templates or definitions, changed, switched on and off, deleted. */
import { randomBytes } from 'node:crypto'
import {
  createAutomation as insertAutomation,
  deleteAutomation as eraseAutomation,
  listAutomations as selectAutomations,
  updateAutomation as changeAutomation,
  type Automation,
} from '../../db/automations.ts'
import { inTransaction } from '../../db/client.ts'
import type { AutomationDefinition } from '../../model/automation.ts'
import type { components } from '../../openapi/types.ts'
import { newId } from '../../platform/new-id.ts'
import { sha256 } from '../../platform/secrets/hash.ts'
import { automationTemplates } from '../automation-templates.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { checkedDefinition, definitionIn, inDefinition } from './automation-definitions.ts'
import { auditAutomation, automationOf } from './find-automation.ts'

type Schemas = components['schemas']

export const listAutomationTemplates: Handler<'listAutomationTemplates'> = async () => ({
  status: 200,
  body: {
    items: automationTemplates.map((template) => ({
      ...template,
      connections: { ...template.connections },
      parameters: { ...template.parameters },
    })),
  },
})

function showAutomation(deps: ApiDeps, automation: Automation, secret?: string): Schemas['Automation'] {
  const { definition, createdAt, updatedAt, ...rest } = automation
  const url = `${deps.config.publicUrl}/hooks/automations/${automation.automationId}`
  return {
    ...rest,
    // What is stored has passed the same schema.
    definition: definition as unknown as Schemas['AutomationDefinition'],
    webhook:
      definition.trigger.kind === 'webhook' ? { url, ...(secret === undefined ? {} : { secret }) } : null,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}

export const listAutomations: Handler<'listAutomations'> = async (deps, call) => {
  const after = positionOf(call, { automationId: 'string' })?.automationId
  const rows = await selectAutomations(deps.database.db, { after, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    (automation) => showAutomation(deps, automation),
    ({ automationId }) => ({ automationId }),
  )
}

export const createAutomation: Handler<'createAutomation'> = async (deps, { body, caller }) => {
  const made = definitionIn(body)
  const { partnerId, accountId } = await checkedDefinition(deps, made.definition, made.place)
  const secret =
    made.definition.trigger.kind === 'webhook' ? randomBytes(24).toString('base64url') : undefined
  const automation = await inTransaction(deps.database.db, async (tx) => {
    const row = await insertAutomation(tx, {
      automationId: newId('automation'),
      partnerId,
      accountId,
      name: body.name ?? made.title,
      template: made.template,
      definition: made.definition,
      createdBy: caller.name,
      hookSecretHash: secret === undefined ? null : sha256(secret),
    })
    await auditAutomation(tx, caller.name, 'automation.created', row)
    await follow(deps, row)
    return row
  })
  const headers = { Location: `/admin/v1/automations/${automation.automationId}`, ETag: etagOf(automation) }
  return { status: 201, body: showAutomation(deps, automation, secret), headers }
}

/** Schedule and dispatcher follow the row; inside its transaction, so that without Temporal nothing is changed. */
async function follow(deps: ApiDeps, automation: Automation): Promise<void> {
  const { trigger } = automation.definition
  const schedule = trigger.kind === 'schedule' && automation.state !== 'deleted' ? trigger : null
  await deps.temporal.ensureAutomationSchedule({
    ...automation,
    isEnabled: automation.state === 'enabled',
    schedule,
  })
  if ((trigger.kind === 'event' || trigger.kind === 'webhook') && automation.state === 'enabled')
    await deps.temporal.ensureDispatcher()
}

export const getAutomation: Handler<'getAutomation'> = async (deps, { path }) => {
  const automation = await automationOf(deps, path.automationId)
  return { status: 200, body: showAutomation(deps, automation), headers: { ETag: etagOf(automation) } }
}

export const updateAutomation: Handler<'updateAutomation'> = async (deps, { path, header, body, caller }) => {
  const before = await automationOf(deps, path.automationId)
  const definition = body.definition as unknown as AutomationDefinition | undefined
  if (definition) {
    const owner = await checkedDefinition(deps, definition, inDefinition)
    const detail = 'are of another account than the automation'
    if (owner.accountId !== before.accountId)
      throw invalidInput([{ in: 'body', pointer: '/definition/connections', detail }])
    if (definition.trigger.kind === 'webhook' && before.definition.trigger.kind !== 'webhook')
      throw invalidInput([
        {
          in: 'body',
          pointer: '/definition/trigger/kind',
          detail: 'cannot become webhook: make a new automation, which gets a secret',
        },
      ])
  }
  const expected = expectedVersion(header['If-Match'])
  const changed = await inTransaction(deps.database.db, async (tx) => {
    const after = await changeAutomation(
      tx,
      before.automationId,
      { name: body.name, state: body.state, definition },
      expected,
    )
    if (!after) throw hasChanged('The automation')
    await auditAutomation(tx, caller.name, 'automation.changed', after)
    await follow(deps, after)
    return after
  })
  return { status: 200, body: showAutomation(deps, changed), headers: { ETag: etagOf(changed) } }
}

export const deleteAutomation: Handler<'deleteAutomation'> = async (deps, { path, caller }) => {
  const automation = await automationOf(deps, path.automationId)
  await inTransaction(deps.database.db, async (tx) => {
    if (await eraseAutomation(tx, automation.automationId))
      await auditAutomation(tx, caller.name, 'automation.deleted', automation)
    await follow(deps, { ...automation, state: 'deleted' })
  })
  return { status: 204, body: undefined }
}

/** Automations: made from templates or definitions, run, approved, resumed. */
import { randomBytes } from 'node:crypto'
import { appendAudit } from '../../db/audit.ts'
import {
  addAutomationRun,
  findAutomationRun,
  getAutomationRun as findRun,
  listAutomationRuns as selectRuns,
  lockAutomationRun,
  openContext,
  saveAutomationRun,
  type AutomationRun,
} from '../../db/automation-runs.ts'
import {
  createAutomation as insertAutomation,
  deleteAutomation as eraseAutomation,
  getAutomation as findAutomation,
  hookSecretHash,
  listAutomations as selectAutomations,
  updateAutomation as changeAutomation,
  type Automation,
} from '../../db/automations.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { getConnection, type Connection } from '../../db/connections.ts'
import { allSteps, checkDefinition, type AutomationDefinition, type Step } from '../../model/automation.ts'
import type { JsonObject } from '../../model/json.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { sha256, timingSafeEqualText } from '../../platform/secrets/hash.ts'
import { findProvider } from '../../providers/registry.ts'
import { automationTemplates, definitionOf } from '../automation-templates.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import type { PlacedError } from '../validation.ts'

type Schemas = components['schemas']

const time = (at: Date | null): string | null => at?.toISOString() ?? null

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

const etagOf = ({ version }: Automation): string => `"${version}"`

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
  const made = fromBody(body)
  const { partnerId, accountId } = await checked(deps.database.db, made.definition)
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
    await audit(tx, caller.name, 'automation.created', row)
    await follow(deps, row)
    return row
  })
  const headers = { Location: `/admin/v1/automations/${automation.automationId}`, ETag: etagOf(automation) }
  return { status: 201, body: showAutomation(deps, automation, secret), headers }
}

function fromBody(body: Schemas['NewAutomation']) {
  const say = (pointer: string, detail: string) => invalidInput([{ in: 'body', pointer, detail }])
  if (body.template !== undefined && body.definition)
    throw say('/definition', 'goes without template: give one of them')
  if (body.template !== undefined) {
    const { template, definition } = definitionOf(
      body.template,
      body.connections ?? {},
      (body.parameters ?? {}) as JsonObject,
    )
    return { template: template.name, title: template.title, definition }
  }
  if (!body.definition) throw say('/definition', 'or template is needed')
  if (body.name === undefined) throw say('/name', 'is missing')
  return { template: null, title: body.name, definition: body.definition as unknown as AutomationDefinition }
}

/** Whose it is. @throws InvalidInput for a definition that could not run. */
async function checked(
  db: Db,
  definition: AutomationDefinition,
): Promise<Pick<Connection, 'partnerId' | 'accountId'>> {
  const errors: PlacedError[] = checkDefinition(definition).map((problem) => ({ in: 'body', ...problem }))
  const connections = new Map<string, Connection>()
  for (const [role, connectionId] of Object.entries(definition.connections)) {
    const connection = await getConnection(db, connectionId)
    if (connection && connection.state !== 'deleted') connections.set(role, connection)
    else
      errors.push({
        in: 'body',
        pointer: `/connections/${role}`,
        detail: 'should be a connection of this hub',
      })
  }
  const [first] = connections.values()
  for (const [role, { accountId }] of connections)
    if (accountId !== first?.accountId)
      errors.push({
        in: 'body',
        pointer: `/connections/${role}`,
        detail: 'is of another account than the others',
      })
  for (const step of allSteps(definition.steps)) errors.push(...checkWork(step, connections))
  if (errors.length > 0) throw invalidInput(errors)
  if (!first) throw invalidInput([{ in: 'body', pointer: '/connections', detail: 'names no connection' }])
  return first
}

/** Does the provider of a step's connection have what the step asks for? */
function checkWork(step: Step, connections: ReadonlyMap<string, Connection>): PlacedError[] {
  if (!('connection' in step)) return []
  const connection = connections.get(step.connection)
  const provider = connection && findProvider(connection.provider)
  if (!provider) return []
  const say = (what: string, names: readonly string[]): PlacedError[] => [
    {
      in: 'body',
      pointer: `/steps/${step.name}`,
      detail: `${provider.name} has no ${what}; it has ${names.join(', ') || 'none'}`,
    },
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

async function audit(
  tx: Db,
  actor: string,
  action: string,
  { automationId, partnerId, version }: Automation,
): Promise<void> {
  await appendAudit(tx, { actor, action, subject: automationId, partnerId, details: { version } })
}

/** @throws HubError `NoSuchThing`. */
async function automationOf(deps: ApiDeps, automationId: string): Promise<Automation> {
  const automation = await findAutomation(deps.database.db, automationId)
  if (automation && automation.state !== 'deleted') return automation
  throw new HubError('NoSuchThing', `There is no automation "${automationId}".`)
}

export const getAutomation: Handler<'getAutomation'> = async (deps, { path }) => {
  const automation = await automationOf(deps, path.automationId)
  return { status: 200, body: showAutomation(deps, automation), headers: { ETag: etagOf(automation) } }
}

export const updateAutomation: Handler<'updateAutomation'> = async (deps, { path, header, body, caller }) => {
  const before = await automationOf(deps, path.automationId)
  const definition = body.definition as unknown as AutomationDefinition | undefined
  if (definition) {
    const owner = await checked(deps.database.db, definition)
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
  const match = header['If-Match']?.trim()
  const expected =
    match === undefined || match === '*' ? undefined : Number(/^"(\d{1,9})"$/.exec(match)?.[1] ?? -1)
  const changed = await inTransaction(deps.database.db, async (tx) => {
    const after = await changeAutomation(
      tx,
      before.automationId,
      { name: body.name, state: body.state, definition },
      expected,
    )
    if (!after)
      throw new HubError('PreconditionFailed', 'The automation has changed. Read it again and decide anew.')
    await audit(tx, caller.name, 'automation.changed', after)
    await follow(deps, after)
    return after
  })
  return { status: 200, body: showAutomation(deps, changed), headers: { ETag: etagOf(changed) } }
}

export const deleteAutomation: Handler<'deleteAutomation'> = async (deps, { path, caller }) => {
  const automation = await automationOf(deps, path.automationId)
  await inTransaction(deps.database.db, async (tx) => {
    if (await eraseAutomation(tx, automation.automationId))
      await audit(tx, caller.name, 'automation.deleted', automation)
    await follow(deps, { ...automation, state: 'deleted' })
  })
  return { status: 204, body: undefined }
}

export const startAutomationRun: Handler<'startAutomationRun'> = async (
  deps,
  { path, header, body, caller },
) => {
  const automation = await automationOf(deps, path.automationId)
  const run = await written(deps, automation, 'manual', header['Idempotency-Key'], body as JsonObject)
  await deps.temporal.startAutomationRun({ ...run, name: automation.name })
  await audit(deps.database.db, caller.name, 'automation.run', automation)
  const headers = { Location: `/admin/v1/automation-runs/${run.automationRunId}` }
  return { status: 202, body: await showRun(deps, run, null), headers }
}

/** A run that the given key starts; the same one however often it comes. */
async function written(
  deps: ApiDeps,
  automation: Automation,
  kind: 'manual' | 'webhook',
  key: string | undefined,
  payload: JsonObject,
): Promise<AutomationRun> {
  const dedupeKey = `${kind}:${key ?? newId('automationRun')}`
  const context: JsonObject = { trigger: { kind, at: new Date().toISOString(), payload } }
  const run = await inTransaction(deps.database.db, async (tx) => {
    const automationRunId = newId('automationRun')
    const made = await addAutomationRun(tx, deps.vault, automation, {
      automationRunId,
      triggerKind: kind,
      dedupeKey,
      context,
    })
    return made ?? (await findAutomationRun(tx, { automationId: automation.automationId, dedupeKey }))
  })
  if (!run) throw new HubError('Internal', 'A run is gone')
  return run
}

/** A public door: the secret is checked before anything is said about the automation. */
export const triggerAutomation: Handler<'triggerAutomation'> = async (deps, { path, header, body }) => {
  const hash = await hookSecretHash(deps.database.db, path.automationId)
  const given = sha256(header['Tieline-Secret']).toString('hex')
  const isRight = timingSafeEqualText(given, hash?.toString('hex') ?? '')
  const automation = isRight ? await findAutomation(deps.database.db, path.automationId) : undefined
  if (!hash || !automation || automation.definition.trigger.kind !== 'webhook')
    throw new HubError('Unauthenticated', 'There is no such webhook, or its secret is another one.')
  const run = await written(deps, automation, 'webhook', header['Idempotency-Key'], body as JsonObject)
  // The row is committed. Should Temporal be away, the dispatcher of events takes the run up.
  await deps.temporal
    .startAutomationRun({ ...run, name: automation.name })
    .catch((error: unknown) =>
      deps.log.warn({ err: error, automationRunId: run.automationRunId }, 'the run starts later'),
    )
  return { status: 202, body: { automationRunId: run.automationRunId } }
}

async function showRun(
  deps: ApiDeps,
  run: AutomationRun,
  context: JsonObject | null,
): Promise<Schemas['AutomationRun']> {
  const { definition: _definition, dedupeKey: _key, ...rest } = run
  return {
    ...rest,
    steps: run.steps.map(({ name, kind, state, work, startedAt, endedAt }) => ({
      name,
      kind,
      state,
      work,
      startedAt,
      endedAt,
    })),
    context,
    startedAt: run.startedAt.toISOString(),
    endedAt: time(run.endedAt),
    temporalUrl: deps.temporal.workflowLink(await deps.temporal.automationWorkflowId(run)),
  }
}

async function runOf({ database }: ApiDeps, automationRunId: string): Promise<AutomationRun> {
  const run = await findRun(database.db, automationRunId)
  if (!run) throw new HubError('NoSuchThing', `There is no run "${automationRunId}" of an automation.`)
  return run
}

export const listAutomationRuns: Handler<'listAutomationRuns'> = async (deps, call) => {
  const before = positionOf(call, { automationRunId: 'string' })?.automationRunId
  const { automationId } = call.query
  const rows = await selectRuns(deps.database.db, { automationId, before, limit: rowsFor(call) })
  const shown = new Map(
    await Promise.all(rows.map(async (row) => [row, await showRun(deps, row, null)] as const)),
  )
  return listAnswer(
    call,
    rows,
    (row) => shown.get(row) as Schemas['AutomationRun'],
    ({ automationRunId }) => ({ automationRunId }),
  )
}

export const getAutomationRun: Handler<'getAutomationRun'> = async (deps, { path }) => {
  const run = await runOf(deps, path.automationRunId)
  return { status: 200, body: await showRun(deps, run, await openContext(deps.database.db, deps.vault, run)) }
}

export const decideAutomationRun: Handler<'decideAutomationRun'> = async (deps, { path, body, caller }) => {
  const { automationRunId } = await runOf(deps, path.automationRunId)
  await inTransaction(deps.database.db, async (tx) => {
    const run = await lockAutomationRun(tx, automationRunId)
    if (!run || run.state !== 'waiting' || !run.waiting || run.waiting['decision'] !== undefined)
      throw new HubError('StateConflict', 'This run does not wait for an answer.')
    const waiting: JsonObject = {
      ...run.waiting,
      decision: body.decision,
      by: caller.name,
      note: body.note ?? null,
    }
    await saveAutomationRun(tx, deps.vault, run, { waiting })
    const action = body.decision === 'approve' ? 'automation_run.approved' : 'automation_run.not_approved'
    await appendAudit(tx, { actor: caller.name, action, subject: automationRunId, partnerId: run.partnerId })
  })
  const run = await runOf(deps, automationRunId)
  await deps.temporal.tellApproval(await deps.temporal.automationWorkflowId(run))
  return { status: 202, body: await showRun(deps, run, null) }
}

export const resumeAutomationRun: Handler<'resumeAutomationRun'> = async (deps, { path, caller }) => {
  const { automationRunId, automationId } = await runOf(deps, path.automationRunId)
  await inTransaction(deps.database.db, async (tx) => {
    const run = await lockAutomationRun(tx, automationRunId)
    if (!run || !['failed', 'rejected', 'cancelled', 'compensation_failed'].includes(run.state))
      throw new HubError(
        'StateConflict',
        'Only a run that has failed, or was rejected or cancelled, can be resumed.',
      )
    // What was taken back has to be done anew, under a key of its own.
    const steps = run.steps.map((step) =>
      ['undone', 'rejected', 'running'].includes(step.state)
        ? {
            ...step,
            name: `${step.name}#${Date.now()}`,
            state: step.state === 'running' ? ('failed' as const) : step.state,
          }
        : step,
    )
    await saveAutomationRun(tx, deps.vault, run, {
      state: 'running',
      steps,
      failure: null,
      waiting: null,
      ended: false,
    })
    await appendAudit(tx, {
      actor: caller.name,
      action: 'automation_run.resumed',
      subject: automationRunId,
      partnerId: run.partnerId,
    })
  })
  const run = await runOf(deps, automationRunId)
  const automation = await findAutomation(deps.database.db, automationId)
  await deps.temporal.startAutomationRun({ ...run, name: automation?.name ?? automationId })
  return { status: 202, body: await showRun(deps, run, null) }
}

export const cancelAutomationRun: Handler<'cancelAutomationRun'> = async (deps, { path }) => {
  const run = await runOf(deps, path.automationRunId)
  if (run.endedAt) throw new HubError('StateConflict', 'The run has ended already.')
  await deps.temporal.cancelAutomationRun(await deps.temporal.automationWorkflowId(run))
  return { status: 202, body: await showRun(deps, run, null) }
}

/** Rules for webhooks: made, tried on stored events, put in force. */
import { appendAudit } from '../../db/audit.ts'
import { getAutomation } from '../../db/automations.ts'
import { inTransaction } from '../../db/client.ts'
import {
  activateHookRule as putInForce,
  addHookRuleVersion as addVersion,
  createHookRule as insertRule,
  deleteHookRule as eraseRule,
  getHookRule as findRule,
  getHookRuleVersion,
  listHookRules as selectRules,
  listHookRuleVersions,
  type HookRule,
  type HookRuleVersion,
} from '../../db/hook-rules.ts'
import { listInboxEvents } from '../../db/inbox.ts'
import { defaultTenant } from '../../db/partners.ts'
import { mappedRecord } from '../../db/records.ts'
import { askRule, checkHookRule, factsOf, type HookRuleDefinition } from '../../model/hook-rule.ts'
import type { components } from '../../openapi/types.ts'
import { HubError, messageOf } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { findHookSource } from '../../providers/registry.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { livingConnection } from './find.ts'
import { payloadsOf } from './inbox.ts'

type Schemas = components['schemas']

function showRule(rule: HookRule, versions?: readonly HookRuleVersion[]): Schemas['HookRule'] {
  return {
    ...rule,
    createdAt: rule.createdAt.toISOString(),
    updatedAt: rule.updatedAt.toISOString(),
    ...(versions
      ? {
          versions: versions.map(({ ruleId: _rule, definition, createdAt, activatedAt, ...rest }) => ({
            ...rest,
            // What is stored has passed the same schema.
            definition: definition as unknown as Schemas['HookRuleDefinition'],
            createdAt: createdAt.toISOString(),
            activatedAt: activatedAt?.toISOString() ?? null,
          })),
        }
      : {}),
  }
}

async function ruleOf({ database }: ApiDeps, ruleId: string): Promise<HookRule> {
  const rule = await findRule(database.db, ruleId)
  if (!rule) throw new HubError('NoSuchThing', `There is no rule "${ruleId}".`)
  return rule
}

const withVersions = async (deps: ApiDeps, rule: HookRule): Promise<Schemas['HookRule']> =>
  showRule(rule, await listHookRuleVersions(deps.database.db, rule.ruleId))

/** @throws InvalidInput for a definition that could not work for these connections. */
async function checked(
  deps: ApiDeps,
  given: Schemas['HookRuleDefinition'],
  place: { readonly partnerId: string; readonly provider: string | null },
): Promise<HookRuleDefinition> {
  const definition = given as unknown as HookRuleDefinition
  const problems = checkHookRule(definition)
  const { target } = definition
  if (target.kind === 'automation') {
    const automation = await getAutomation(deps.database.db, target.automationId)
    if (!automation || automation.state === 'deleted' || automation.partnerId !== place.partnerId)
      problems.push({
        pointer: '/target/automationId',
        detail: 'should be an automation of the same partner',
      })
  }
  const known = place.provider === null ? undefined : resourcesOf(deps, place.provider)
  if (target.kind === 'record' && place.provider === null)
    problems.push({ pointer: '/target/kind', detail: 'needs a rule for a connection or a provider' })
  if (target.kind === 'record' && known && !known.includes(target.resource))
    problems.push({ pointer: '/target/resource', detail: `should be one of ${known.join(', ')}` })
  if (problems.length > 0)
    throw invalidInput(
      problems.map(({ pointer, detail }) => ({ in: 'body', pointer: `/definition${pointer}`, detail })),
    )
  return definition
}

function resourcesOf({ findProvider }: ApiDeps, slug: string): readonly string[] {
  const received = findHookSource(slug, findProvider)?.webhooks.received ?? []
  return [...(findProvider(slug)?.resources ?? []), ...received].map(({ name }) => name)
}

/** Where a rule stands: what it may name is checked against the connection, or the provider. */
async function placeOf(deps: ApiDeps, rule: Pick<HookRule, 'partnerId' | 'connectionId' | 'provider'>) {
  if (rule.connectionId === null) return rule
  const { partnerId, provider } = await livingConnection(deps, rule.connectionId)
  return { partnerId, provider }
}

export const listHookRules: Handler<'listHookRules'> = async (deps, call) => {
  const after = positionOf(call, { ruleId: 'string' })?.ruleId
  const { connectionId } = call.query
  const rows = await selectRules(deps.database.db, { connectionId, after, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    (rule) => showRule(rule),
    ({ ruleId }) => ({ ruleId }),
  )
}

export const createHookRule: Handler<'createHookRule'> = async (deps, { body, caller }) => {
  const { name, connectionId, provider, definition: given } = body
  if (connectionId !== undefined && provider !== undefined)
    throw invalidInput([{ in: 'body', pointer: '/provider', detail: 'goes without connectionId' }])
  if (provider !== undefined && !findHookSource(provider, deps.findProvider))
    throw invalidInput([{ in: 'body', pointer: '/provider', detail: 'sends no webhooks' }])
  const place =
    connectionId === undefined
      ? { partnerId: defaultTenant.partnerId, connectionId: null, provider: provider ?? null }
      : { partnerId: (await livingConnection(deps, connectionId)).partnerId, connectionId, provider: null }
  const definition = await checked(deps, given, await placeOf(deps, place))
  const rule = await inTransaction(deps.database.db, async (tx) => {
    const made = await insertRule(
      tx,
      { ...place, ruleId: newId('hookRule'), name, createdBy: caller.name },
      definition,
    )
    await audit(tx, caller.name, 'webhook_rule.created', made)
    return made
  })
  const headers = { Location: `/admin/v1/hook-rules/${rule.ruleId}` }
  return { status: 201, body: await withVersions(deps, rule), headers }
}

const audit = (
  tx: Parameters<typeof appendAudit>[0],
  actor: string,
  action: string,
  { ruleId, partnerId, activeVersion, latestVersion }: HookRule,
): ReturnType<typeof appendAudit> =>
  appendAudit(tx, { actor, action, subject: ruleId, partnerId, details: { activeVersion, latestVersion } })

export const getHookRule: Handler<'getHookRule'> = async (deps, { path }) => ({
  status: 200,
  body: await withVersions(deps, await ruleOf(deps, path.ruleId)),
})

export const addHookRuleVersion: Handler<'addHookRuleVersion'> = async (deps, { path, body, caller }) => {
  const before = await ruleOf(deps, path.ruleId)
  const definition = await checked(deps, body.definition, await placeOf(deps, before))
  const rule = await inTransaction(deps.database.db, async (tx) => {
    const after = await addVersion(tx, before.ruleId, definition, caller.name)
    if (!after) throw new HubError('NoSuchThing', `There is no rule "${before.ruleId}".`)
    await audit(tx, caller.name, 'webhook_rule.changed', after)
    return after
  })
  return { status: 201, body: await withVersions(deps, rule) }
}

export const activateHookRule: Handler<'activateHookRule'> = async (deps, { path, body, caller }) => {
  const before = await ruleOf(deps, path.ruleId)
  const { version } = body
  const chosen =
    version === null ? undefined : await getHookRuleVersion(deps.database.db, before.ruleId, version)
  if (version !== null && !chosen)
    throw invalidInput([{ in: 'body', pointer: '/version', detail: `the rule has no version ${version}` }])
  const rule = await inTransaction(deps.database.db, async (tx) => {
    const target = chosen?.definition.target.kind
    const after = await putInForce(
      tx,
      before.ruleId,
      version === null || target === undefined ? null : { version, target },
    )
    if (!after) throw new HubError('NoSuchThing', `There is no rule "${before.ruleId}".`)
    await audit(tx, caller.name, version === null ? 'webhook_rule.stopped' : 'webhook_rule.activated', after)
    // Inside the transaction, so that without Temporal nothing is changed.
    if (target === 'automation' || target === 'endpoint') await deps.temporal.ensureDispatcher()
    return after
  })
  return { status: 200, body: await withVersions(deps, rule) }
}

export const deleteHookRule: Handler<'deleteHookRule'> = async (deps, { path, caller }) => {
  const rule = await ruleOf(deps, path.ruleId)
  await inTransaction(deps.database.db, async (tx) => {
    if (await eraseRule(tx, rule.ruleId)) await audit(tx, caller.name, 'webhook_rule.deleted', rule)
  })
  return { status: 204, body: undefined }
}

export const testHookRule: Handler<'testHookRule'> = async (deps, { body }) => {
  const { db } = deps.database
  const connection = await livingConnection(deps, body.connectionId)
  const definition = await tested(deps, body, connection)
  const events = await listInboxEvents(db, {
    connectionId: connection.connectionId,
    type: body.type,
    since: body.since === undefined ? undefined : new Date(body.since),
    until: body.until === undefined ? undefined : new Date(body.until),
    limit: body.limit ?? 100,
  })
  const payloads = await payloadsOf(deps, events)
  const lookUp = (resource: string, externalId: string) =>
    mappedRecord(db, { connectionId: connection.connectionId, resource, externalId })
  const results: Schemas['HookRuleTested']['results'] = []
  let looked = 0
  for (const event of events) {
    const payload = payloads.get(event.eventId)
    if (!payload) continue
    looked++
    const { eventId, type } = event
    try {
      const hit = await askRule(definition, factsOf(event, payload), lookUp)
      if (hit) results.push({ eventId, type, output: hit.output, error: null })
    } catch (error) {
      results.push({ eventId, type, output: null, error: messageOf(error) })
    }
  }
  const failed = results.filter(({ error }) => error !== null).length
  return { status: 200, body: { events: looked, matched: results.length - failed, failed, results } }
}

async function tested(
  deps: ApiDeps,
  body: Schemas['HookRuleTest'],
  place: { readonly partnerId: string; readonly provider: string },
): Promise<HookRuleDefinition> {
  if ((body.definition === undefined) === (body.ruleId === undefined))
    throw invalidInput([{ in: 'body', pointer: '', detail: 'should give definition or ruleId, one of them' }])
  if (body.definition) return await checked(deps, body.definition, place)
  const rule = await ruleOf(deps, body.ruleId ?? '')
  const version = body.version ?? rule.latestVersion
  const found = await getHookRuleVersion(deps.database.db, rule.ruleId, version)
  if (!found)
    throw invalidInput([{ in: 'body', pointer: '/version', detail: `the rule has no version ${version}` }])
  return found.definition
}

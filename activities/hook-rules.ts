/** Rules at work: what they make of the events of a batch, and their effects, in the transaction that settles the event. */
import { addAutomationRun } from '../db/automation-runs.ts'
import { getAutomation } from '../db/automations.ts'
import type { Db } from '../db/client.ts'
import type { Connection } from '../db/connections.ts'
import { tellEvent } from '../db/events.ts'
import { noteHookRuleEffect, type ActiveHookRule, type HookRuleEffect } from '../db/hook-rules.ts'
import type { InboxEvent } from '../db/inbox.ts'
import { isLostDatabase } from '../db/lost-database.ts'
import { mappedRecord } from '../db/records.ts'
import { askRule, factsOf, type HookRuleFacts, type LookUp } from '../model/hook-rule.ts'
import type { JsonObject } from '../model/json.ts'
import { HubError, isHubError, messageOf } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import type { HookEvent } from '../providers/contract-webhook.ts'
import type { ActivityDeps } from './deps.ts'

/** A rule that holds for an event, with what it sends on. */
export interface HookRuleHit {
  readonly rule: ActiveHookRule
  readonly scope: JsonObject
  readonly output: JsonObject
}

export interface RuledEvent {
  /** Those that hold, oldest first. */
  readonly hits: readonly HookRuleHit[]
  /** What the event says now: a rule may have made a row of it. Undefined: its usual effect is not wanted. */
  readonly told: HookEvent | undefined
}

/**
 * Asks the rules about an event; looks up records, changes nothing.
 * @throws HubError `Invalid` where a rule's expressions fail on this event, with the rule's id.
 */
export async function askRules(
  db: Db,
  rules: readonly ActiveHookRule[],
  event: InboxEvent,
  told: HookEvent,
): Promise<RuledEvent> {
  if (rules.length === 0) return { hits: [], told }
  const facts = factsOf(event, told.payload)
  const { connectionId } = event
  const lookUp: LookUp = async (resource, externalId) =>
    connectionId === null ? null : await mappedRecord(db, { connectionId, resource, externalId })
  const hits: HookRuleHit[] = []
  for (const rule of rules) {
    let failure: unknown
    const hit = await askRule(rule.definition, facts, lookUp).catch((error: unknown) => {
      // The store's own failures are not the rule's.
      if (isHubError(error) || isLostDatabase(error)) throw error
      failure = error
      return undefined
    })
    if (failure !== undefined)
      throw new HubError('Invalid', `The rule ${rule.ruleId} fails on this event: ${messageOf(failure)}`)
    if (hit) hits.push({ rule, ...hit })
  }
  return { hits, told: changedBy(hits, told) }
}

function changedBy(hits: readonly HookRuleHit[], told: HookEvent): HookEvent | undefined {
  const maker = hits.find(({ rule }) => rule.definition.target.kind === 'record')
  const target = maker?.rule.definition.target
  if (maker && target?.kind === 'record') {
    // The id is the row's own.
    const { externalId: _other, ...rest } = told
    return { ...rest, about: 'changed', resource: target.resource, row: maker.output }
  }
  return hits.some(({ rule }) => rule.definition.target.kind === 'ignore') ? undefined : told
}

/** What the rules do besides the event's own effect. Once per event and rule. */
export async function applyRules(
  deps: ActivityDeps,
  tx: Db,
  connection: Connection,
  event: InboxEvent,
  hits: readonly HookRuleHit[],
): Promise<void> {
  for (const hit of hits) {
    const { ruleId, version, definition } = hit.rule
    const key = { eventId: event.eventId, ruleId, version, partnerId: connection.partnerId }
    const { target } = definition
    const note = (rest: Pick<HookRuleEffect, 'outcome' | 'detail' | 'subject'>) =>
      noteHookRuleEffect(tx, { ...key, target: target.kind, ...rest })
    if (target.kind === 'automation') await startAutomation(deps, tx, connection, event, hit, note)
    else if (target.kind === 'endpoint') {
      if (await note({ outcome: 'done', detail: null, subject: null }))
        await sendOn(tx, connection, event, hit, target.topic)
    } else await note({ outcome: 'done', detail: null, subject: null })
  }
}

async function startAutomation(
  deps: ActivityDeps,
  tx: Db,
  { partnerId, accountId }: Connection,
  { eventId }: InboxEvent,
  { rule, scope, output }: HookRuleHit,
  note: (rest: Pick<HookRuleEffect, 'outcome' | 'detail' | 'subject'>) => Promise<boolean>,
): Promise<void> {
  const { target } = rule.definition
  const automation = target.kind === 'automation' ? await getAutomation(tx, target.automationId) : undefined
  if (
    automation?.state !== 'enabled' ||
    automation.accountId !== accountId ||
    automation.partnerId !== partnerId
  ) {
    await note({
      outcome: 'skipped',
      detail: 'The automation is not enabled, or not of this account.',
      subject: null,
    })
    return
  }
  const automationRunId = newId('automationRun')
  if (!(await note({ outcome: 'done', detail: null, subject: automationRunId }))) return
  await addAutomationRun(tx, deps.vault, automation, {
    automationRunId,
    triggerKind: 'webhook',
    dedupeKey: `rule:${rule.ruleId}:${eventId}`,
    context: { ...scope, output },
  })
}

async function sendOn(
  tx: Db,
  { connectionId, partnerId, provider }: Connection,
  event: InboxEvent,
  { rule, scope, output }: HookRuleHit,
  topic: string,
): Promise<void> {
  const { type, resource, externalId } = scope['event'] as HookRuleFacts['event']
  const { ruleId } = rule
  const about = { connectionId, provider, type, resource, externalId: externalId ?? null }
  await tellEvent(tx, {
    partnerId,
    type: 'webhook.routed',
    subject: connectionId,
    data: { topic, ruleId, inboxEventId: event.eventId, ...about, content: output },
  })
}

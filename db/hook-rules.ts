/** Rules for webhooks: made in versions, at most one of them in force; what they did, once per event. */
import { sql } from 'kysely'
import type { HookRuleDefinition, HookRuleTarget } from '../model/hook-rule.ts'
import type { Db } from './client.ts'

export interface HookRule {
  readonly ruleId: string
  readonly partnerId: string
  /** Null: every connection of the partner (of `provider`, where it is named). */
  readonly connectionId: string | null
  readonly provider: string | null
  readonly name: string
  readonly activeVersion: number | null
  readonly latestVersion: number
  readonly createdBy: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface HookRuleVersion {
  readonly ruleId: string
  readonly version: number
  readonly definition: HookRuleDefinition
  readonly createdBy: string
  readonly createdAt: Date
  readonly activatedAt: Date | null
}

const columns = sql`rule_id, partner_id, connection_id, provider, name, active_version, latest_version, created_by, created_at, updated_at`
const versionColumns = sql`rule_id, version, definition, created_by, created_at, activated_at`

/** Made with its first version, which is not in force yet. */
export async function createHookRule(
  tx: Db,
  rule: Pick<HookRule, 'ruleId' | 'partnerId' | 'connectionId' | 'provider' | 'name' | 'createdBy'>,
  definition: HookRuleDefinition,
): Promise<HookRule> {
  const made = await sql<HookRule>`
    insert into hook_rules (rule_id, partner_id, connection_id, provider, name, created_by)
    values (${rule.ruleId}, ${rule.partnerId}, ${rule.connectionId}, ${rule.provider}, ${rule.name}, ${rule.createdBy})
    returning ${columns}
  `.execute(tx)
  const [row] = made.rows
  if (!row) throw new Error('an insert returned no row')
  await insertVersion(tx, row, 1, definition, rule.createdBy)
  return row
}

async function insertVersion(
  tx: Db,
  { ruleId, partnerId }: Pick<HookRule, 'ruleId' | 'partnerId'>,
  version: number,
  definition: HookRuleDefinition,
  createdBy: string,
): Promise<void> {
  await sql`
    insert into hook_rule_versions (rule_id, version, partner_id, definition, created_by)
    values (${ruleId}, ${version}, ${partnerId}, ${JSON.stringify(definition)}::jsonb, ${createdBy})
  `.execute(tx)
}

export async function getHookRule(db: Db, ruleId: string): Promise<HookRule | undefined> {
  const found = await sql<HookRule>`select ${columns} from hook_rules where rule_id = ${ruleId}`.execute(db)
  return found.rows[0]
}

/** Oldest first: the order in which they are looked at. */
export async function listHookRules(
  db: Db,
  query: {
    readonly connectionId?: string | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<HookRule[]> {
  const found = await sql<HookRule>`
    select ${columns} from hook_rules where true
      ${query.connectionId === undefined ? sql`` : sql`and connection_id = ${query.connectionId}`}
      ${query.after === undefined ? sql`` : sql`and rule_id > ${query.after}`}
    order by rule_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Newest first. */
export async function listHookRuleVersions(db: Db, ruleId: string): Promise<HookRuleVersion[]> {
  const found = await sql<HookRuleVersion>`
    select ${versionColumns} from hook_rule_versions where rule_id = ${ruleId} order by version desc limit 100
  `.execute(db)
  return found.rows
}

export async function getHookRuleVersion(
  db: Db,
  ruleId: string,
  version: number,
): Promise<HookRuleVersion | undefined> {
  const found = await sql<HookRuleVersion>`
    select ${versionColumns} from hook_rule_versions where rule_id = ${ruleId} and version = ${version}
  `.execute(db)
  return found.rows[0]
}

/** A new version beside the one in force. Undefined for a rule that is gone. */
export async function addHookRuleVersion(
  tx: Db,
  ruleId: string,
  definition: HookRuleDefinition,
  createdBy: string,
): Promise<HookRule | undefined> {
  const changed = await sql<HookRule>`
    update hook_rules set latest_version = latest_version + 1, updated_at = now() where rule_id = ${ruleId} returning ${columns}
  `.execute(tx)
  const [rule] = changed.rows
  if (rule) await insertVersion(tx, rule, rule.latestVersion, definition, createdBy)
  return rule
}

/** Puts a version in force; null: none. Undefined for a rule that is gone. */
export async function activateHookRule(
  tx: Db,
  ruleId: string,
  version: { readonly version: number; readonly target: HookRuleTarget['kind'] } | null,
): Promise<HookRule | undefined> {
  const changed = await sql<HookRule>`
    update hook_rules set active_version = ${version?.version ?? null}, active_target = ${version?.target ?? null}, updated_at = now()
    where rule_id = ${ruleId} returning ${columns}
  `.execute(tx)
  if (version)
    await sql`
      update hook_rule_versions set activated_at = now() where rule_id = ${ruleId} and version = ${version.version}
    `.execute(tx)
  return changed.rows[0]
}

/** With its versions. What it did stays told. */
export async function deleteHookRule(tx: Db, ruleId: string): Promise<boolean> {
  const gone = await sql<{ ruleId: string }>`
    delete from hook_rules where rule_id = ${ruleId} returning rule_id
  `.execute(tx)
  return gone.rows.length > 0
}

export interface ActiveHookRule {
  readonly ruleId: string
  readonly version: number
  readonly definition: HookRuleDefinition
}

/** Those in force for a connection, oldest first. */
export async function activeHookRules(
  db: Db,
  connection: { readonly connectionId: string; readonly partnerId: string; readonly provider: string },
): Promise<ActiveHookRule[]> {
  const found = await sql<ActiveHookRule>`
    select r.rule_id, v.version, v.definition from hook_rules r
    join hook_rule_versions v on v.rule_id = r.rule_id and v.version = r.active_version
    where r.active_version is not null and r.partner_id = ${connection.partnerId}
      and (r.connection_id is null or r.connection_id = ${connection.connectionId})
      and (r.provider is null or r.provider = ${connection.provider})
    order by r.rule_id
  `.execute(db)
  return found.rows
}

export interface HookRuleEffect {
  readonly eventId: string
  readonly ruleId: string
  readonly version: number
  readonly partnerId: string
  readonly target: HookRuleTarget['kind']
  readonly outcome: 'done' | 'skipped'
  readonly detail: string | null
  readonly subject: string | null
}

/** False: the rule has done it for this event before. */
export async function noteHookRuleEffect(tx: Db, effect: HookRuleEffect): Promise<boolean> {
  const made = await sql<{ eventId: string }>`
    insert into hook_rule_effects (event_id, rule_id, version, partner_id, target, outcome, detail, subject)
    values (${effect.eventId}, ${effect.ruleId}, ${effect.version}, ${effect.partnerId}, ${effect.target}, ${effect.outcome},
      ${effect.detail}, ${effect.subject})
    on conflict do nothing returning event_id
  `.execute(tx)
  return made.rows.length > 0
}

/** What rules did with an event. */
export async function listHookRuleEffects(db: Db, eventId: string): Promise<HookRuleEffect[]> {
  const found = await sql<HookRuleEffect>`
    select event_id, rule_id, version, partner_id, target, outcome, detail, subject from hook_rule_effects
    where event_id = ${eventId} order by rule_id
  `.execute(db)
  return found.rows
}

/** Alert policies and escalations. */
import { sql } from 'kysely'
import type { Policy, PolicyDefinition } from '../model/alert-policy.ts'
import type { EscalationDefinition } from '../model/escalation.ts'
import type { Db } from './client.ts'

interface Kept {
  readonly version: number
  readonly createdBy: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

export type StoredPolicy = Policy & Kept

const policyColumns = sql`policy_id, partner_id, name, provider, condition, severity, channels, escalation_id, quiet_hours, enabled, version,
  created_by, created_at, updated_at`

/** Living ones, oldest first. */
export async function listPolicies(
  db: Db,
  query: {
    readonly partnerId?: string | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<StoredPolicy[]> {
  const found = await sql<StoredPolicy>`
    select ${policyColumns} from alert_policies where state = 'active'
      ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`}
      ${query.after === undefined ? sql`` : sql`and policy_id > ${query.after}`}
    order by policy_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function getPolicy(db: Db, policyId: string): Promise<StoredPolicy | undefined> {
  const found = await sql<StoredPolicy>`
    select ${policyColumns} from alert_policies where policy_id = ${policyId} and state = 'active'
  `.execute(db)
  return found.rows[0]
}

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))

export async function insertPolicy(
  tx: Db,
  policyId: string,
  partnerId: string | null,
  made: PolicyDefinition,
  actor: string,
): Promise<StoredPolicy> {
  const rows = await sql<StoredPolicy>`
    insert into alert_policies (policy_id, partner_id, name, provider, condition, severity, channels, escalation_id, quiet_hours, enabled, created_by)
    values (${policyId}, ${partnerId}, ${made.name}, ${made.provider}, ${JSON.stringify(made.condition)}::jsonb, ${made.severity},
      ${[...made.channels]}::text[], ${made.escalationId}, ${json(made.quietHours)}::jsonb, ${made.enabled}, ${actor})
    returning ${policyColumns}
  `.execute(tx)
  const [row] = rows.rows
  if (!row) throw new Error('an insert returned no row')
  await keepVersion(tx, row, actor)
  return row
}

/** Undefined when it is not there any more, or not in this version. */
export async function replacePolicy(
  tx: Db,
  before: StoredPolicy,
  next: PolicyDefinition,
  actor: string,
): Promise<StoredPolicy | undefined> {
  const rows = await sql<StoredPolicy>`
    update alert_policies set name = ${next.name}, provider = ${next.provider}, condition = ${JSON.stringify(next.condition)}::jsonb,
      severity = ${next.severity}, channels = ${[...next.channels]}::text[], escalation_id = ${next.escalationId},
      quiet_hours = ${json(next.quietHours)}::jsonb, enabled = ${next.enabled}, version = version + 1, updated_at = now()
    where policy_id = ${before.policyId} and version = ${before.version} and state = 'active' returning ${policyColumns}
  `.execute(tx)
  const [row] = rows.rows
  if (row) await keepVersion(tx, row, actor)
  return row
}

async function keepVersion(tx: Db, policy: StoredPolicy, actor: string): Promise<void> {
  const { policyId, version, partnerId, name, provider, condition, severity, channels, escalationId } = policy
  const { quietHours, enabled } = policy
  const definition = { name, provider, condition, severity, channels, escalationId, quietHours, enabled }
  await sql`
    insert into alert_policy_versions (policy_id, version, partner_id, definition, changed_by)
    values (${policyId}, ${version}, ${partnerId}, ${JSON.stringify(definition)}::jsonb, ${actor})
  `.execute(tx)
}

export interface PolicyVersion {
  readonly version: number
  readonly definition: PolicyDefinition
  readonly changedBy: string
  readonly changedAt: Date
}

/** Newest first. */
export async function listPolicyVersions(
  db: Db,
  policyId: string,
  query: { readonly before?: number | undefined; readonly limit: number },
): Promise<PolicyVersion[]> {
  const found = await sql<PolicyVersion>`
    select version, definition, changed_by, changed_at from alert_policy_versions where policy_id = ${policyId}
      ${query.before === undefined ? sql`` : sql`and version < ${query.before}`}
    order by version desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

export async function erasePolicy(tx: Db, policyId: string): Promise<boolean> {
  const gone = await sql<{ policyId: string }>`
    update alert_policies set state = 'deleted', enabled = false, version = version + 1, updated_at = now()
    where policy_id = ${policyId} and state = 'active' returning policy_id
  `.execute(tx)
  return gone.rows.length > 0
}

export interface StoredEscalation extends EscalationDefinition, Kept {
  readonly escalationId: string
  readonly partnerId: string | null
}

type EscalationRow = Omit<StoredEscalation, 'levels' | 'rounds' | 'next'> & {
  readonly definition: Pick<EscalationDefinition, 'levels' | 'rounds'>
  readonly nextId: string | null
}

const escalationColumns = sql`escalation_id, partner_id, name, definition, next_id, version, created_by, created_at, updated_at`

const escalationOf = ({ definition, nextId, ...rest }: EscalationRow): StoredEscalation => ({
  ...rest,
  ...definition,
  next: nextId,
})

/** Two that are changed at the same time could make a loop together. */
export async function lockEscalations(tx: Db): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('tieline.escalations'), 0)`.execute(tx)
}

export async function listEscalations(
  db: Db,
  query: { readonly after?: string | undefined; readonly limit: number },
): Promise<StoredEscalation[]> {
  const found = await sql<EscalationRow>`
    select ${escalationColumns} from escalations where state = 'active'
      ${query.after === undefined ? sql`` : sql`and escalation_id > ${query.after}`} order by escalation_id limit ${query.limit}
  `.execute(db)
  return found.rows.map(escalationOf)
}

/** An escalation and those that take over from it, in order; stops where they come round again. */
export async function escalationChain(db: Db, escalationId: string): Promise<StoredEscalation[]> {
  const found = await sql<EscalationRow>`
    with recursive chain as (
      select e.*, 1 as depth, array[e.escalation_id] as seen from escalations e where e.escalation_id = ${escalationId} and e.state = 'active'
      union all
      select e.*, c.depth + 1, c.seen || e.escalation_id from chain c join escalations e on e.escalation_id = c.next_id
      where e.state = 'active' and not e.escalation_id = any (c.seen) and c.depth < 20)
    select ${escalationColumns} from chain order by depth
  `.execute(db)
  return found.rows.map(escalationOf)
}

export async function putEscalation(
  tx: Db,
  escalationId: string,
  partnerId: string | null,
  { name, levels, rounds, next }: EscalationDefinition,
  actor: string,
): Promise<StoredEscalation> {
  const rows = await sql<EscalationRow>`
    insert into escalations as e (escalation_id, partner_id, name, definition, next_id, created_by)
    values (${escalationId}, ${partnerId}, ${name}, ${JSON.stringify({ levels, rounds })}::jsonb, ${next}, ${actor})
    on conflict (escalation_id) do update set name = excluded.name, definition = excluded.definition, next_id = excluded.next_id,
      version = e.version + 1, updated_at = now()
    returning ${escalationColumns}
  `.execute(tx)
  const [row] = rows.rows
  if (!row) throw new Error('an insert returned no row')
  return escalationOf(row)
}

/** What uses an escalation: names of policies and of escalations that hand over to it. */
export async function usersOfEscalation(db: Db, escalationId: string): Promise<string[]> {
  const found = await sql<{ name: string }>`
    select name from alert_policies where escalation_id = ${escalationId} and state = 'active'
    union all select name from escalations where next_id = ${escalationId} and state = 'active' order by 1 limit 20
  `.execute(db)
  return found.rows.map(({ name }) => name)
}

export async function eraseEscalation(tx: Db, escalationId: string): Promise<boolean> {
  const gone = await sql<{ escalationId: string }>`
    update escalations set state = 'deleted', next_id = null, version = version + 1, updated_at = now()
    where escalation_id = ${escalationId} and state = 'active' returning escalation_id
  `.execute(tx)
  return gone.rows.length > 0
}

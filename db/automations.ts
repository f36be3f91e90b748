/** Automations: rules of a partner that react and act. Their runs are in `automation-runs.ts`. */
import { sql } from 'kysely'
import type { AutomationDefinition } from '../model/automation.ts'
import type { Db } from './client.ts'

export type AutomationState = 'enabled' | 'disabled' | 'deleted'

export interface Automation {
  readonly automationId: string
  readonly partnerId: string
  readonly accountId: string
  readonly name: string
  readonly template: string | null
  readonly definition: AutomationDefinition
  readonly state: AutomationState
  readonly version: number
  readonly createdBy: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

const columns = sql`automation_id, partner_id, account_id, name, template, definition, state, version, created_by, created_at, updated_at`

/** The end of the change feed now: an automation hears of what comes after it was made. */
const feedEnd = sql`pg_snapshot_xmin(pg_current_snapshot())`

export async function createAutomation(
  tx: Db,
  made: Pick<
    Automation,
    'automationId' | 'partnerId' | 'accountId' | 'name' | 'template' | 'definition' | 'createdBy'
  > & {
    readonly hookSecretHash: Buffer | null
  },
): Promise<Automation> {
  const listens = made.definition.trigger.kind === 'event'
  const rows = await sql<Automation>`
    insert into automations (automation_id, partner_id, account_id, name, template, definition, created_by, hook_secret_hash,
      feed_transaction, feed_seq)
    values (${made.automationId}, ${made.partnerId}, ${made.accountId}, ${made.name}, ${made.template}, ${JSON.stringify(made.definition)}::jsonb,
      ${made.createdBy}, ${made.hookSecretHash}, case when ${listens} then ${feedEnd} end, case when ${listens} then 0 end)
    returning ${columns}
  `.execute(tx)
  const [row] = rows.rows
  if (!row) throw new Error('an insert returned no row')
  return row
}

export async function getAutomation(db: Db, automationId: string): Promise<Automation | undefined> {
  const found =
    await sql<Automation>`select ${columns} from automations where automation_id = ${automationId}`.execute(
      db,
    )
  return found.rows[0]
}

/** Living ones, oldest first. */
export async function listAutomations(
  db: Db,
  query: {
    readonly partnerId?: string | undefined
    readonly after?: string | undefined
    readonly limit: number
  },
): Promise<Automation[]> {
  const found = await sql<Automation>`
    select ${columns} from automations where state <> 'deleted'
      ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`}
      ${query.after === undefined ? sql`` : sql`and automation_id > ${query.after}`}
    order by automation_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/**
 * Changes what is given. One that is enabled again hears of what happens from then on.
 * @returns undefined when there is none with this id (and version, if one is expected).
 */
export async function updateAutomation(
  tx: Db,
  automationId: string,
  change: {
    readonly name?: string | undefined
    readonly definition?: AutomationDefinition | undefined
    readonly state?: Exclude<AutomationState, 'deleted'> | undefined
  },
  expectedVersion?: number,
): Promise<Automation | undefined> {
  const definition = change.definition === undefined ? null : JSON.stringify(change.definition)
  const found = await sql<Automation>`
    update automations a set name = coalesce(${change.name ?? null}, name), definition = coalesce(${definition}::jsonb, definition),
      state = coalesce(${change.state ?? null}, state), version = version + 1, updated_at = now(),
      feed_transaction = case when coalesce(${definition}::jsonb, definition)->'trigger'->>'kind' <> 'event' then null
        when feed_transaction is null or (state = 'disabled' and ${change.state ?? null} = 'enabled') then ${feedEnd} else feed_transaction end,
      feed_seq = case when feed_transaction is null or (state = 'disabled' and ${change.state ?? null} = 'enabled') then 0 else feed_seq end
    where automation_id = ${automationId} and state <> 'deleted'
      ${expectedVersion === undefined ? sql`` : sql`and version = ${expectedVersion}`}
    returning ${columns}
  `.execute(tx)
  return found.rows[0]
}

export async function deleteAutomation(tx: Db, automationId: string): Promise<boolean> {
  const gone = await sql<{ automationId: string }>`
    update automations set state = 'deleted', hook_secret_hash = null, version = version + 1, updated_at = now()
    where automation_id = ${automationId} and state <> 'deleted' returning automation_id
  `.execute(tx)
  return gone.rows.length > 0
}

/** SHA-256 of the secret that its webhook is called with; undefined for one without a webhook. */
export async function hookSecretHash(db: Db, automationId: string): Promise<Buffer | undefined> {
  const found = await sql<{ hash: Buffer | null }>`
    select hook_secret_hash as hash from automations where automation_id = ${automationId} and state = 'enabled'
  `.execute(db)
  return found.rows[0]?.hash ?? undefined
}

/** An automation that listens to the feed, and where it stands. */
export interface Listener extends Automation {
  readonly feedTransaction: string
  readonly feedSeq: number
}

/** Every enabled automation with an event trigger. */
export async function listListeners(db: Db): Promise<Listener[]> {
  const found = await sql<Listener>`
    select ${columns}, feed_transaction::text as feed_transaction, feed_seq from automations
    where state = 'enabled' and feed_transaction is not null order by automation_id
  `.execute(db)
  return found.rows
}

/** Whether any enabled automation is started by a webhook, or by a rule for webhooks: runs may be written down whose workflow is not started yet. */
export async function hasWebhooks(db: Db): Promise<boolean> {
  const found = await sql<{ some: boolean }>`
    select exists (select from automations where state = 'enabled' and hook_secret_hash is not null)
      or exists (select from hook_rules where active_target = 'automation') as some
  `.execute(db)
  return found.rows[0]?.some ?? false
}

/** Moves a listener on. False when another dispatcher has moved it meanwhile. */
export async function moveListener(
  tx: Db,
  listener: Pick<Listener, 'automationId' | 'feedTransaction' | 'feedSeq'>,
  to: { readonly transactionId: string; readonly seq: number },
): Promise<boolean> {
  const moved = await sql<{ automationId: string }>`
    update automations set feed_transaction = ${to.transactionId}::xid8, feed_seq = ${to.seq}
    where automation_id = ${listener.automationId} and feed_transaction = ${listener.feedTransaction}::xid8 and feed_seq = ${listener.feedSeq}
      and state = 'enabled' returning automation_id
  `.execute(tx)
  return moved.rows.length > 0
}

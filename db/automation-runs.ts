/** Runs of automations: what started them, how far their steps are, what they gave (sealed). */
import { sql } from 'kysely'
import type { AutomationDefinition, StepKind } from '../model/automation.ts'
import type { FailureNote } from '../model/failures.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import type { Automation } from './automations.ts'
import type { Db } from './client.ts'
import type { Vault } from './vault.ts'

export type AutomationRunState =
  | 'pending'
  | 'running'
  | 'waiting'
  | 'succeeded'
  | 'failed'
  | 'rejected'
  | 'cancelled'
  | 'compensation_failed'
export type TriggerKind = 'event' | 'schedule' | 'webhook' | 'manual'

export interface StepState extends JsonObject {
  name: string
  kind: StepKind
  state: 'running' | 'succeeded' | 'skipped' | 'failed' | 'rejected' | 'undone' | 'undo_failed'
  /** The operation or write that does it. */
  work: string | null
  startedAt: string
  endedAt: string | null
}

export interface AutomationRun {
  readonly automationRunId: string
  readonly automationId: string
  readonly partnerId: string
  readonly accountId: string
  readonly definition: AutomationDefinition
  readonly version: number
  readonly triggerKind: TriggerKind
  readonly dedupeKey: string
  readonly state: AutomationRunState
  readonly steps: readonly StepState[]
  /** `{step, question, until}` while a person is asked. */
  readonly waiting: JsonObject | null
  readonly failure: FailureNote | null
  readonly startedAt: Date
  readonly endedAt: Date | null
}

const columns = sql`automation_run_id, automation_id, partner_id, account_id, definition, version, trigger_kind, dedupe_key, state, steps, waiting,
  failure, started_at, ended_at`

const place = (row: string) => ({ table: 'automation_runs', column: 'sealed_context', row })

/** Writes a run down; undefined when the same trigger made one before. */
export async function addAutomationRun(
  tx: Db,
  vault: Vault,
  automation: Pick<Automation, 'automationId' | 'partnerId' | 'accountId' | 'definition' | 'version'>,
  run: {
    readonly automationRunId: string
    readonly triggerKind: TriggerKind
    readonly dedupeKey: string
    readonly context: JsonObject
  },
): Promise<AutomationRun | undefined> {
  const { automationId, partnerId, accountId, definition, version } = automation
  const sealed = await vault.seal(tx, accountId, place(run.automationRunId), JSON.stringify(run.context))
  const made = await sql<AutomationRun>`
    insert into automation_runs (automation_run_id, automation_id, partner_id, account_id, definition, version, trigger_kind, dedupe_key, sealed_context)
    values (${run.automationRunId}, ${automationId}, ${partnerId}, ${accountId}, ${JSON.stringify(definition)}::jsonb, ${version},
      ${run.triggerKind}, ${run.dedupeKey}, ${sealed})
    on conflict (automation_id, dedupe_key) do nothing returning ${columns}
  `.execute(tx)
  return made.rows[0]
}

export async function getAutomationRun(db: Db, automationRunId: string): Promise<AutomationRun | undefined> {
  const found = await sql<AutomationRun>`
    select ${columns} from automation_runs where automation_run_id = ${automationRunId}
  `.execute(db)
  return found.rows[0]
}

export async function findAutomationRun(
  db: Db,
  key: { readonly automationId: string; readonly dedupeKey: string },
): Promise<AutomationRun | undefined> {
  const found = await sql<AutomationRun>`
    select ${columns} from automation_runs where automation_id = ${key.automationId} and dedupe_key = ${key.dedupeKey}
  `.execute(db)
  return found.rows[0]
}

/** Newest first. */
export async function listAutomationRuns(
  db: Db,
  query: {
    readonly automationId?: string | undefined
    readonly partnerId?: string | undefined
    readonly before?: string | undefined
    readonly limit: number
  },
): Promise<AutomationRun[]> {
  const found = await sql<AutomationRun>`
    select ${columns} from automation_runs where true
      ${query.automationId === undefined ? sql`` : sql`and automation_id = ${query.automationId}`}
      ${query.partnerId === undefined ? sql`` : sql`and partner_id = ${query.partnerId}`}
      ${query.before === undefined ? sql`` : sql`and automation_run_id < ${query.before}`}
    order by automation_run_id desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Runs that were written down and whose workflow may not have been started. */
export async function listPendingRuns(
  db: Db,
  limit: number,
): Promise<Pick<AutomationRun, 'automationRunId' | 'automationId' | 'partnerId'>[]> {
  const found = await sql<Pick<AutomationRun, 'automationRunId' | 'automationId' | 'partnerId'>>`
    select automation_run_id, automation_id, partner_id from automation_runs where state = 'pending' order by automation_run_id limit ${limit}
  `.execute(db)
  return found.rows
}

export async function openContext(db: Db, vault: Vault, run: AutomationRun): Promise<JsonObject> {
  const found = await sql<{ sealed: Buffer }>`
    select sealed_context as sealed from automation_runs where automation_run_id = ${run.automationRunId}
  `.execute(db)
  const sealed = found.rows[0]?.sealed
  const plain: unknown = sealed
    ? JSON.parse((await vault.open(db, run.accountId, place(run.automationRunId), sealed)).toString('utf8'))
    : undefined
  if (!isJsonObject(plain)) throw new HubError('Internal', 'The context of a run cannot be read')
  return plain
}

/** Locks a run for a change of its steps. */
export async function lockAutomationRun(tx: Db, automationRunId: string): Promise<AutomationRun | undefined> {
  const found = await sql<AutomationRun>`
    select ${columns} from automation_runs where automation_run_id = ${automationRunId} for update
  `.execute(tx)
  return found.rows[0]
}

/** Saves what changed; what is left out stays. */
export async function saveAutomationRun(
  tx: Db,
  vault: Vault,
  run: AutomationRun,
  change: {
    readonly state?: AutomationRunState
    readonly steps?: readonly StepState[]
    readonly context?: JsonObject
    readonly waiting?: JsonObject | null
    readonly failure?: FailureNote | null
    readonly ended?: boolean
  },
): Promise<void> {
  const sealed = change.context
    ? await vault.seal(tx, run.accountId, place(run.automationRunId), JSON.stringify(change.context))
    : null
  const waiting = change.waiting === undefined ? run.waiting : change.waiting
  const failure = change.failure === undefined ? run.failure : change.failure
  const ended = change.ended === true ? sql`now()` : change.ended === false ? sql`null` : sql`ended_at`
  await sql`
    update automation_runs set state = ${change.state ?? run.state}, steps = ${JSON.stringify(change.steps ?? run.steps)}::jsonb,
      sealed_context = coalesce(${sealed}, sealed_context), waiting = ${waiting === null ? null : JSON.stringify(waiting)}::jsonb,
      failure = ${failure === null ? null : JSON.stringify(failure)}::jsonb, ended_at = ${ended}
    where automation_run_id = ${run.automationRunId}
  `.execute(tx)
}

/** How many runs of an automation have not ended. */
export async function openCount(db: Db, automationId: string): Promise<number> {
  const found = await sql<{ open: number }>`
    select count(*)::int as open from automation_runs where automation_id = ${automationId} and ended_at is null
  `.execute(db)
  return found.rows[0]?.open ?? 0
}

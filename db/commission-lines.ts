/** Commission lines: what each level earned from a source, in which state it is, and how it came about. */
import { sql, type RawBuilder } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'
import type { CommissionSource } from './commission-sources.ts'

export type LineKind = 'earning' | 'reversal' | 'restoration'
export type LineState = 'accrued' | 'held' | 'due' | 'in_statement' | 'paid'

export interface CommissionLine {
  readonly lineId: string
  readonly sourceId: string
  readonly documentKey: string
  readonly partnerId: string
  readonly accountId: string
  /** 0: the partner that the account is attributed to; 1: its parent; … */
  readonly level: number
  readonly kind: LineKind
  readonly originalLineId: string | null
  readonly currency: string
  /** Of all levels together. */
  readonly grossMinor: number
  /** The level's share of the gross: `weight` of `weights`. */
  readonly weight: number
  readonly weights: number
  readonly amountMinor: number
  readonly state: LineState
  readonly heldUntil: Date
  readonly dueAt: Date | null
  readonly statementId: string | null
  readonly planId: string
  readonly planVersion: number
  readonly calculation: JsonObject
  readonly period: string
  readonly occurredAt: Date
  readonly createdAt: Date
}

const columns = sql`line_id, source_id, document_key, partner_id, account_id, level, kind, original_line_id, currency, gross_minor, weight, weights,
  amount_minor, state, held_until, due_at, statement_id, plan_id, plan_version, calculation, period, occurred_at, created_at`

export type NewLine = Omit<CommissionLine, 'statementId' | 'createdAt'>

/** Adds lines. A line that the same source has made before is an error of the database: nothing is posted twice. */
export async function addLines(tx: Db, lines: readonly NewLine[]): Promise<void> {
  for (const line of lines)
    await sql`
      insert into commission_lines (line_id, source_id, document_key, partner_id, account_id, level, kind, original_line_id, currency, gross_minor,
        weight, weights, amount_minor, state, held_until, due_at, plan_id, plan_version, calculation, period, occurred_at)
      values (${line.lineId}, ${line.sourceId}, ${line.documentKey}, ${line.partnerId}, ${line.accountId}, ${line.level}, ${line.kind},
        ${line.originalLineId}, ${line.currency}, ${line.grossMinor}, ${line.weight}, ${line.weights}, ${line.amountMinor}, ${line.state},
        ${line.heldUntil}::timestamptz, ${line.dueAt}::timestamptz, ${line.planId}, ${line.planVersion}, ${JSON.stringify(line.calculation)}::jsonb,
        ${line.period}, ${line.occurredAt}::timestamptz)
    `.execute(tx)
}

/** The earning lines of a document, lowest level first, locked, with what each has left of its amount. */
export async function lockEarnings(
  tx: Db,
  documentKey: string,
): Promise<(CommissionLine & { readonly leftMinor: number })[]> {
  await sql`
    select from commission_lines where document_key = ${documentKey} and kind = 'earning' order by line_id for update
  `.execute(tx)
  const found = await sql<CommissionLine & { leftMinor: number }>`
    select ${columns}, (amount_minor + coalesce((select sum(amount_minor) from commission_lines c where c.original_line_id = l.line_id), 0))::bigint as left_minor
    from commission_lines l where document_key = ${documentKey} and kind = 'earning' order by level
  `.execute(tx)
  return found.rows
}

/** The held lines of a source become due, as of the moment until which they were held. Answers them. */
export async function releaseLines(
  tx: Db,
  sourceId: string,
): Promise<Pick<CommissionLine, 'lineId' | 'partnerId' | 'amountMinor' | 'currency'>[]> {
  const moved = await sql<Pick<CommissionLine, 'lineId' | 'partnerId' | 'amountMinor' | 'currency'>>`
    update commission_lines set state = 'due', due_at = held_until where source_id = ${sourceId} and state = 'held'
    returning line_id, partner_id, amount_minor, currency
  `.execute(tx)
  return moved.rows
}

export interface LineQuery {
  readonly partnerId?: string | undefined
  readonly accountId?: string | undefined
  readonly period?: string | undefined
  readonly state?: LineState | undefined
  readonly level?: number | undefined
  readonly statementId?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** A line with what it comes from, as far as the reader may see that. */
export interface SourcedLine extends CommissionLine {
  readonly source: Pick<
    CommissionSource,
    | 'sourceId'
    | 'kind'
    | 'documentKey'
    | 'connectionId'
    | 'resource'
    | 'externalId'
    | 'recordVersion'
    | 'facts'
  > | null
}

/** Lines that a condition picks, each with its source; the newest first. */
const sourced = (condition: RawBuilder<unknown>, limit: number) => sql<SourcedLine>`
  select l.*, case when s.source_id is not null then jsonb_build_object('sourceId', s.source_id, 'kind', s.kind, 'documentKey', s.document_key,
    'connectionId', s.connection_id, 'resource', s.resource, 'externalId', s.external_id, 'recordVersion', s.record_version, 'facts', s.facts) end as source
  from (select ${columns} from commission_lines where ${condition} order by line_id desc limit ${limit}) l
  left join commission_sources s using (source_id) order by l.line_id desc`

/** Newest first. */
export async function listLines(db: Db, query: LineQuery): Promise<SourcedLine[]> {
  const { partnerId, accountId, period, state, level, statementId, before } = query
  const condition = sql`true
    ${partnerId === undefined ? sql`` : sql`and partner_id = ${partnerId}`}
    ${accountId === undefined ? sql`` : sql`and account_id = ${accountId}`}
    ${period === undefined ? sql`` : sql`and period = ${period}`}
    ${state === undefined ? sql`` : sql`and state = ${state}`}
    ${level === undefined ? sql`` : sql`and level = ${level}`}
    ${statementId === undefined ? sql`` : sql`and statement_id = ${statementId}`}
    ${before === undefined ? sql`` : sql`and line_id < ${before}`}`
  return (await sourced(condition, query.limit).execute(db)).rows
}

export async function getLine(db: Db, lineId: string): Promise<SourcedLine | undefined> {
  return (await sourced(sql`line_id = ${lineId}`, 1).execute(db)).rows[0]
}

/** The other lines of the same posting, and those that have changed this one since. */
export async function listSiblings(db: Db, line: CommissionLine): Promise<SourcedLine[]> {
  const condition = sql`line_id <> ${line.lineId} and (original_line_id = ${line.lineId}
    or (source_id = ${line.sourceId} and document_key = ${line.documentKey} and kind = ${line.kind}))`
  return (await sourced(condition, 200).execute(db)).rows
}

export interface LedgerTrail {
  readonly transactionId: string
  readonly kind: string
  readonly account: string
  readonly amountMinor: number
  readonly createdAt: Date
}

/** What the ledger holds of a line, in order. */
export async function ledgerTrail(db: Db, lineId: string): Promise<LedgerTrail[]> {
  const found = await sql<LedgerTrail>`
    select t.transaction_id, t.kind, a.account_key as account, e.amount_minor, t.created_at
    from ledger_entries e join ledger_transactions t using (transaction_id) join ledger_accounts a using (account_key)
    where e.line_id = ${lineId} order by t.transaction_id, e.ordinal
  `.execute(db)
  return found.rows
}

/** What the commission workflows take and answer. Callers import it from messages.ts. */

export interface PostCommissionInput {
  readonly sourceId: string
}

export interface PostCommissionResult {
  readonly sourceId: string
  readonly state: 'posted' | 'nothing' | 'failed' | 'pending'
  /** Lines that became due at the end of the refund window. */
  readonly released: number
}

export interface CloseStatementInput {
  readonly partnerId: string
  /** A calendar month: `2026-11`. */
  readonly period: string
  /** Who asks for it; the workflow itself when left out. */
  readonly by?: string
}

export interface CloseStatementResult {
  readonly statementId: string
  readonly state: 'awaiting_approval' | 'approved' | 'paid' | 'rejected' | 'carried'
}

export interface StatementDecision {
  readonly decision: 'approve' | 'reject'
  /** Needed to reject. */
  readonly reason?: string
  readonly by: string
}

export interface StatementPayout {
  readonly reference: string
  /** A day: `2026-11-30`. */
  readonly paidOn: string
  readonly by: string
}

export interface CloseStatementsInput {
  /** The month before this one when left out. */
  readonly period?: string
  /** Carried over by continue-as-new; not for callers. */
  readonly continued?: {
    readonly rated: number
    readonly closed: number
    readonly isRated: boolean
    readonly after: string | null
  }
}

export interface CloseStatementsResult {
  readonly period: string
  /** Accounts whose usage was billed. */
  readonly rated: number
  /** Statements that were begun. */
  readonly closed: number
}

export interface CheckLedgersResult {
  readonly ok: boolean
  readonly lines: number
  readonly transactions: number
  readonly violations: number
}

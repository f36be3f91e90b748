/** A statement as CSV: one row per line, amounts as decimals, so that a spreadsheet adds up to the totals. */
import type { SourcedLine } from '../db/commission-lines.ts'
import type { Statement } from '../db/statements.ts'
import { decimalOf } from '../model/money.ts'

const headings = [
  'statement',
  'period',
  'line',
  'kind',
  'takes back',
  'account',
  'level',
  'occurred at',
  'source',
  'document',
  'number',
  'gross',
  'amount',
  'currency',
] as const

export function statementCsv(
  { statementId, period }: Pick<Statement, 'statementId' | 'period'>,
  lines: readonly SourcedLine[],
): string {
  const rows = lines.map((line) => [
    statementId,
    period,
    line.lineId,
    line.kind,
    line.originalLineId ?? '',
    line.accountId,
    String(line.level),
    line.occurredAt.toISOString(),
    line.source?.kind ?? '',
    line.documentKey,
    documentNumber(line),
    decimalOf({ amountMinor: line.grossMinor, currency: line.currency }),
    decimalOf({ amountMinor: line.amountMinor, currency: line.currency }),
    line.currency,
  ])
  return [headings, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** The number that people know the document by. */
export function documentNumber({ source }: Pick<SourcedLine, 'source'>): string {
  const number = source?.facts['number']
  return typeof number === 'string' ? number : (source?.externalId ?? '')
}

/** Quoted where it must be (RFC 4180); what a spreadsheet would take for a formula is kept as text. Amounts are numbers. */
function cell(text: string): string {
  const isNumber = /^-?\d+(\.\d+)?$/.test(text)
  const safe = !isNumber && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

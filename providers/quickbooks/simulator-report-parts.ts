/** The pieces that reports are made of. */
import type { JsonObject } from '../../model/json.ts'
import type { Books } from './simulator-books.ts'
import { malformed } from './simulator-faults.ts'
import { dateAfter, isDate, localDate, stamp } from './simulator-values.ts'

export interface ReportDesk {
  readonly books: Books
  readonly now: Date
}

export interface Period {
  readonly start: string
  readonly end: string
  /** undefined: the report has none. */
  readonly basis: 'Accrual' | 'Cash' | undefined
  /** Of a report of one day. */
  readonly date?: string
}

export const money = (cents: number): string => (cents / 100).toFixed(2)

export const cell = (value: string, id?: string): JsonObject => ({
  value,
  ...(id === undefined ? {} : { id }),
})

export const column = (ColTitle: string, ColType: string, key: string): JsonObject => ({
  ColTitle,
  ColType,
  MetaData: [{ Name: 'ColKey', Value: key }],
})

export const data = (ColData: JsonObject[], group?: string): JsonObject => ({
  ColData,
  type: 'Data',
  ...(group === undefined ? {} : { group }),
})

export const section = (
  group: string | undefined,
  header: JsonObject[] | undefined,
  rows: JsonObject[] | undefined,
  summary: JsonObject[],
): JsonObject => ({
  ...(header ? { Header: { ColData: header } } : {}),
  ...(rows ? { Rows: { Row: rows } } : {}),
  Summary: { ColData: summary },
  type: 'Section',
  ...(group === undefined ? {} : { group }),
})

/** `start_date`, `end_date` or `date_macro`, and `accounting_method`; this year to date when nothing is asked for. */
export function periodOf(asked: URLSearchParams, now: Date): Period {
  const today = localDate(now.getTime())
  const [from, to] = macroOf(asked.get('date_macro'), today)
  const start = asked.get('start_date') ?? from
  const end = asked.get('end_date') ?? to
  if (!isDate(start)) throw malformed('start_date')
  if (!isDate(end)) throw malformed('end_date')
  if (start > end) throw malformed('start_date')
  const method = asked.get('accounting_method') ?? 'Accrual'
  if (method !== 'Accrual' && method !== 'Cash') throw malformed('accounting_method')
  return { start, end, basis: method }
}

function macroOf(macro: string | null, today: string): [string, string] {
  const year = Number(today.slice(0, 4))
  const month = today.slice(0, 7)
  const firstOfMonth = `${month}-01`
  const lastMonthEnd = dateAfter(firstOfMonth, -1)
  switch ((macro ?? 'this fiscal year-to-date').toLowerCase()) {
    case 'this fiscal year-to-date':
    case 'this calendar year-to-date':
      return [`${year}-01-01`, today]
    case 'this fiscal year':
      return [`${year}-01-01`, `${year}-12-31`]
    case 'last fiscal year':
      return [`${year - 1}-01-01`, `${year - 1}-12-31`]
    case 'this month-to-date':
    case 'this month':
      return [firstOfMonth, today]
    case 'last month':
      return [`${lastMonthEnd.slice(0, 7)}-01`, lastMonthEnd]
    case 'today':
      return [today, today]
    case 'all':
      return ['1970-01-01', today]
    default:
      throw malformed('date_macro')
  }
}

export const reportOf = (
  ReportName: string,
  period: Period,
  now: Date,
  columns: JsonObject[],
  isEmpty: boolean,
  rows: JsonObject[],
): JsonObject => ({
  Header: {
    Time: stamp(now.getTime()),
    ReportName,
    ...(period.basis === undefined ? {} : { ReportBasis: period.basis }),
    StartPeriod: period.start,
    EndPeriod: period.end,
    ...(period.basis === undefined ? {} : { SummarizeColumnsBy: 'Total' }),
    Currency: 'USD',
    Option: [
      ...(period.date === undefined
        ? [{ Name: 'AccountingStandard', Value: 'GAAP' }]
        : [{ Name: 'report_date', Value: period.date }]),
      { Name: 'NoReportData', Value: String(isEmpty) },
    ],
  },
  Columns: { Column: columns },
  Rows: isEmpty ? {} : { Row: rows },
})

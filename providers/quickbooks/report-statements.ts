/**
 * QuickBooks' own reports, their nested sections laid out as rows. A report holds at most 400,000 cells; beyond, QuickBooks
 * cuts it and says so in a last row, or refuses it (reports page, README).
 */
import type { ProviderContext, Report } from '../contract.ts'
import type { JsonObject, JsonSchema } from '../../model/json.ts'
import { moneyOf } from '../../model/money.ts'
import {
  countSchema,
  currencySchema,
  dayOrNull,
  daySchema,
  flagSchema,
  listOf,
  moneySchema,
  optionalText,
  part,
  refuse,
  schemaOf,
  textOrNull,
} from './action-input.ts'
import { ask, fieldsIn, listIn, protocolError, textIn, type Fields } from './answer.ts'
import type { Group } from './limits.ts'

/** Rows that are handed on; QuickBooks' own bound are the cells. */
const mostRows = 50_000

interface Column {
  readonly key: string
  readonly title: string
  readonly isMoney: boolean
}

function columnsOf(report: Fields): Column[] {
  const used = new Set<string>()
  return listIn(fieldsIn(report, 'Columns'), 'Column').map((column, index) => {
    const meta = listIn(column, 'MetaData').find((one) => textIn(one, 'Name') === 'ColKey')
    const title = textIn(column, 'ColTitle') ?? ''
    const wanted =
      textIn(meta, 'Value') ??
      (title === '' ? `column_${index + 1}` : title.toLowerCase().replace(/\W+/g, '_'))
    const key = used.has(wanted) ? `${wanted}_${index + 1}` : wanted
    used.add(key)
    return { key, title, isMoney: /money|amount/i.test(textIn(column, 'ColType') ?? '') }
  })
}

/** One line: texts by column, ids where a cell names an object, amounts where the column is of money. */
function lineOf(
  kind: string,
  place: readonly string[],
  cells: readonly Fields[],
  columns: readonly Column[],
  currency: string,
): JsonObject {
  const values: JsonObject = {}
  const ids: JsonObject = {}
  const amounts: JsonObject = {}
  cells.forEach((cell, index) => {
    const column = columns[index]
    if (!column) return
    const value = textIn(cell, 'value') ?? ''
    values[column.key] = value
    const id = textIn(cell, 'id')
    if (id !== undefined) ids[column.key] = id
    const amount = column.isMoney && value !== '' ? moneyOf(value.replaceAll(',', ''), currency) : undefined
    if (amount) amounts[column.key] = amount
  })
  return { kind, section: [...place], values, ids, amounts }
}

const titleOf = (cells: readonly Fields[]): string => textIn(cells[0], 'value') ?? ''

function layOut(rows: Fields | undefined, columns: readonly Column[], currency: string): JsonObject[] {
  const lines: JsonObject[] = []
  const walk = (list: readonly Fields[], place: readonly string[]): void => {
    for (const row of list) {
      const header = listIn(fieldsIn(row, 'Header'), 'ColData')
      const summary = listIn(fieldsIn(row, 'Summary'), 'ColData')
      const own = listIn(row, 'ColData')
      const inner = fieldsIn(row, 'Rows')
      const name = titleOf(header) || (textIn(row, 'group') ?? '')
      const within = name === '' ? place : [...place, name]
      if (own.length > 0) lines.push(lineOf('data', place, own, columns, currency))
      if (header.length > 0) lines.push(lineOf('section', place, header, columns, currency))
      if (inner) walk(listIn(inner, 'Row'), within)
      if (summary.length > 0) lines.push(lineOf('summary', within, summary, columns, currency))
    }
  }
  walk(listIn(rows, 'Row'), [])
  return lines
}

/** What QuickBooks writes into the last row of a report that it has cut. */
const wasCut = (line: JsonObject | undefined): boolean =>
  /unable to display more data/i.test(JSON.stringify(line?.['values'] ?? ''))

async function read(
  context: ProviderContext,
  name: string,
  query: Readonly<Record<string, string | undefined>>,
): Promise<JsonObject> {
  const group: Group = 'report'
  const response = await ask(context, group, `/reports/${name}`, { query, repeatable: true })
  const header = fieldsIn(response.fields, 'Header')
  if (!header) throw protocolError('the report has no header')
  const currency = textIn(header, 'Currency') ?? context.settings['home_currency'] ?? 'USD'
  const columns = columnsOf(response.fields)
  const all = layOut(fieldsIn(response.fields, 'Rows'), columns, currency)
  const isCut = wasCut(all.at(-1))
  const rows = (isCut ? all.slice(0, -1) : all).slice(0, mostRows)
  return {
    report: textIn(header, 'ReportName') ?? name,
    basis: textIn(header, 'ReportBasis') ?? null,
    from: textIn(header, 'StartPeriod') ?? null,
    to: textIn(header, 'EndPeriod') ?? null,
    currency,
    cells: rows.length * columns.length,
    isWhole: !isCut && rows.length === all.length,
    columns: columns.map(({ key, title, isMoney }) => ({ key, title, isMoney })),
    rows,
  }
}

const texts = { type: 'object', additionalProperties: { type: 'string' } }
const output: JsonSchema = schemaOf(
  {
    report: { type: 'string' },
    basis: textOrNull,
    from: dayOrNull,
    to: dayOrNull,
    currency: currencySchema,
    cells: countSchema,
    isWhole: flagSchema,
    columns: listOf(part({ key: { type: 'string' }, title: { type: 'string' }, isMoney: flagSchema })),
    rows: listOf(
      part({
        kind: { enum: ['section', 'data', 'summary'] },
        section: listOf({ type: 'string' }),
        values: texts,
        ids: texts,
        amounts: { type: 'object', additionalProperties: moneySchema },
      }),
    ),
  },
  ['report', 'basis', 'from', 'to', 'currency', 'cells', 'isWhole', 'columns', 'rows'],
  [],
)

const bound = `At most 400,000 cells at QuickBooks and ${mostRows} rows here; \`isWhole\` is false when it was cut.`
const method = { enum: ['Accrual', 'Cash'] }

interface Statement {
  readonly name: string
  readonly title: string
  readonly description: string
  /** QuickBooks' name. */
  readonly report: string
}

/** A report over a range of days. */
const overRange = ({ name, title, description, report }: Statement): Report => ({
  name,
  title,
  description: `${description} ${bound}`,
  cacheSeconds: 900,
  input: schemaOf(
    { from: daySchema, to: daySchema, accountingMethod: method },
    ['from', 'to'],
    [{ from: '2026-11-01', to: '2026-11-30', accountingMethod: 'Accrual' }],
  ),
  output,
  run(context, input) {
    const [from, to] = [optionalText(input, 'from'), optionalText(input, 'to')]
    if (from === undefined || to === undefined || from > to)
      throw refuse('from', 'is missing, or later than "to"')
    const accounting = optionalText(input, 'accountingMethod')
    return read(context, report, { start_date: from, end_date: to, accounting_method: accounting })
  },
})

const agedReceivables: Report = {
  name: 'aged_receivables',
  title: 'Aged receivables',
  description: `What customers owe on a day, by how long it has been due. ${bound}`,
  cacheSeconds: 900,
  input: schemaOf({ asOf: daySchema }, [], [{ asOf: '2026-11-30' }]),
  output,
  run: (context, input) => read(context, 'AgedReceivables', { report_date: optionalText(input, 'asOf') }),
}

export const statements: readonly Report[] = [
  agedReceivables,
  overRange({
    name: 'profit_and_loss',
    title: 'Profit and loss',
    description: 'Income and expenses of a range of days.',
    report: 'ProfitAndLoss',
  }),
  overRange({
    name: 'balance_sheet',
    title: 'Balance sheet',
    description: 'Assets, liabilities and equity at the end of a range of days.',
    report: 'BalanceSheet',
  }),
  overRange({
    name: 'trial_balance',
    title: 'Trial balance',
    description: 'Debits and credits of every account.',
    report: 'TrialBalance',
  }),
  overRange({
    name: 'general_ledger',
    title: 'General ledger',
    description: 'Every posting, by account.',
    report: 'GeneralLedger',
  }),
  overRange({
    name: 'transaction_list',
    title: 'Transaction list',
    description: 'Every transaction of a range of days.',
    report: 'TransactionList',
  }),
]

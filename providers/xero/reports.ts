/** What the hub can ask Xero: `open_invoices`. */
import type { ProviderContext, Report } from '../contract.ts'
import type { JsonObject } from '../../model/json.ts'
import { moneyOf } from '../../model/money.ts'
import { ask, fieldsIn, listIn, numberIn, textIn, type Fields } from './answer.ts'
import { dayOf } from './times.ts'

const draft = 'https://json-schema.org/draft/2020-12/schema'
const money = {
  type: 'object',
  required: ['amountMinor', 'currency'],
  properties: { amountMinor: { type: 'integer' }, currency: { type: 'string', pattern: '^[A-Z]{3}$' } },
}

/** More pages of a thousand would be more than a report is good for. */
const mostPages = 10

/** Approved sales invoices without their lines. */
async function openInvoices(context: ProviderContext): Promise<{ rows: Fields[]; isWhole: boolean }> {
  const rows = new Map<string, Fields>()
  for (let page = 1; page <= mostPages; page++) {
    const { fields } = await ask(context, 'read', '/Invoices', {
      query: { where: 'Type=="ACCREC"', Statuses: 'AUTHORISED', summaryOnly: true, page, pageSize: 1000 },
    })
    for (const row of listIn(fields, 'Invoices')) rows.set(textIn(row, 'InvoiceID') ?? '', row)
    const pages = numberIn(fieldsIn(fields, 'pagination'), 'pageCount') ?? 1
    if (page >= pages) return { rows: [...rows.values()], isWhole: true }
  }
  return { rows: [...rows.values()], isWhole: false }
}

interface Sum {
  count: number
  due: number
  overdueCount: number
  overdue: number
}

/** Sums by currency; what is due until today is not overdue yet. */
function sumUp(rows: readonly Fields[], today: string): JsonObject[] {
  const sums = new Map<string, Sum>()
  for (const row of rows) {
    const due = moneyOf(row['AmountDue'], textIn(row, 'CurrencyCode'))
    if (!due || due.amountMinor === 0) continue
    const sum = sums.get(due.currency) ?? { count: 0, due: 0, overdueCount: 0, overdue: 0 }
    const isOverdue = (dayOf(row['DueDate']) ?? today) < today
    sums.set(due.currency, {
      count: sum.count + 1,
      due: sum.due + due.amountMinor,
      overdueCount: sum.overdueCount + (isOverdue ? 1 : 0),
      overdue: sum.overdue + (isOverdue ? due.amountMinor : 0),
    })
  }
  return [...sums].sort().map(([currency, sum]) => ({
    currency,
    count: sum.count,
    due: { amountMinor: sum.due, currency },
    overdueCount: sum.overdueCount,
    overdue: { amountMinor: sum.overdue, currency },
  }))
}

const openInvoicesReport: Report = {
  name: 'open_invoices',
  title: 'Open invoices',
  description:
    'What customers owe today on approved invoices, and how much of it is overdue, by currency. `isWhole` is false when there are more than 10,000.',
  cacheSeconds: 300,
  input: { $schema: draft, type: 'object', additionalProperties: false, properties: {}, examples: [{}] },
  output: {
    $schema: draft,
    type: 'object',
    required: ['asOf', 'isWhole', 'currencies'],
    properties: {
      asOf: { type: 'string', format: 'date' },
      isWhole: { type: 'boolean' },
      currencies: {
        type: 'array',
        items: {
          type: 'object',
          required: ['currency', 'count', 'due', 'overdueCount', 'overdue'],
          properties: {
            currency: { type: 'string' },
            count: { type: 'integer' },
            due: money,
            overdueCount: { type: 'integer' },
            overdue: money,
          },
        },
      },
    },
  },
  async run(context) {
    const { rows, isWhole } = await openInvoices(context)
    const asOf = context.now().toISOString().slice(0, 10)
    return { asOf, isWhole, currencies: sumUp(rows, asOf) }
  },
}

export const reports: readonly Report[] = [openInvoicesReport]

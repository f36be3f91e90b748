/** `tieline commissions`: what partners earn, traced to what was paid; plans; the check of the books. */
import type { ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { jsonObject } from '../input.ts'
import { decimalOf } from '../../model/money.ts'
import { table, type Out } from '../print.ts'

export interface ListOptions extends GlobalOptions {
  readonly limit: string
  readonly partner?: string
  readonly account?: string
  readonly period?: string
  readonly state?: Schemas['CommissionState']
  readonly level?: string
}

export const money = (amount: Schemas['Amount']): string => `${decimalOf({ ...amount })} ${amount.currency}`

export async function listCommissions(options: ListOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const { partner: partnerId, account: accountId, period, state, level } = options
  const filter = {
    ...(partnerId === undefined ? {} : { partnerId }),
    ...(accountId === undefined ? {} : { accountId }),
    ...(period === undefined ? {} : { period }),
    ...(state === undefined ? {} : { state }),
    ...(level === undefined ? {} : { level: Number(level) }),
  }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/commissions', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else printLines(items, out)
  return 0
}

export function printLines(items: readonly Schemas['CommissionLine'][], out: Out): void {
  const rows = items.map((line) => [
    line.lineId,
    line.occurredAt.slice(0, 10),
    line.kind,
    documentName(line.source),
    line.partnerId,
    String(line.level),
    money(line.amount),
    line.state,
  ])
  const headings = ['line', 'day', 'kind', 'document', 'partner', 'level', 'amount', 'state']
  for (const line of table(headings, rows, out.paint)) out.line(line)
}

function documentName(source: Schemas['SourceSummary'] | null): string {
  const number = source?.facts['number']
  return source
    ? `${source.kind} ${typeof number === 'string' ? number : (source.externalId ?? '')}`.trim()
    : ''
}

export async function traceCommission(lineId: string, options: GlobalOptions, out: Out): Promise<ExitCode> {
  const trace = await need(
    openApi(options).GET('/admin/v1/commissions/{lineId}', { params: { path: { lineId } } }),
  )
  if (options.json) {
    out.json(trace)
    return 0
  }
  const { line, plan, document } = trace
  out.line(`${out.paint.bold(money(line.amount))}  ${line.kind}, ${line.state}  ${line.lineId}`)
  out.line(
    `  ${line.share.weight} of ${line.share.of} of ${money(line.gross)}, level ${line.level}, ${line.partnerId}`,
  )
  out.line(`  plan "${plan.name}" (${plan.planId}, version ${plan.version})`)
  out.line(`  calculation: ${JSON.stringify(trace.calculation)}`)
  out.line(`  document: ${documentName(document)} ${JSON.stringify(document?.facts ?? {})}`)
  if (trace.record !== null) out.line(`  record: ${trace.record}`)
  for (const entry of trace.ledger)
    out.line(out.paint.dim(`  ${entry.createdAt}  ${entry.kind}  ${entry.account}  ${entry.amountMinor}`))
  return 0
}

export async function listPlans(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const items = await collect(1_000, (cursor, limit) =>
    need(
      api.GET('/admin/v1/commission-plans', {
        params: { query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else
    for (const line of table(
      ['plan', 'name', 'for', 'version', 'from', 'state'],
      items.map((one) => [
        one.planId,
        one.name,
        one.partnerId ?? (one.tier === null ? 'everybody' : `tier ${one.tier}`),
        String(one.version),
        one.effectiveFrom,
        one.state,
      ]),
      out.paint,
    ))
      out.line(line)
  return 0
}

export interface CreatePlanOptions extends GlobalOptions {
  readonly definition: string
  readonly partner?: string
  readonly tier?: string
  readonly from?: string
}

export async function createPlan(name: string, options: CreatePlanOptions, out: Out): Promise<ExitCode> {
  const { partner: partnerId, tier, from: effectiveFrom } = options
  const body = {
    name,
    definition: jsonObject(options.definition, '--definition') as unknown as Schemas['PlanDefinition'],
    ...(partnerId === undefined ? {} : { partnerId }),
    ...(tier === undefined ? {} : { tier }),
    ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
  }
  const made = await need(
    openApi(options).POST('/admin/v1/commission-plans', { params: { header: {} }, body }),
  )
  if (options.json) out.json(made)
  else out.line(`${made.planId}: "${made.name}" counts from ${made.effectiveFrom}.`)
  return 0
}

export interface AttributeOptions extends GlobalOptions {
  readonly connection?: string
  readonly customer?: string
  readonly partner?: string
}

export async function attribute(accountId: string, options: AttributeOptions, out: Out): Promise<ExitCode> {
  const { connection: connectionId, customer: customerId, partner: partnerId } = options
  const body = {
    accountId,
    ...(connectionId === undefined ? {} : { connectionId }),
    ...(customerId === undefined ? {} : { customerId }),
    ...(partnerId === undefined ? {} : { partnerId }),
  }
  const made = await need(openApi(options).POST('/admin/v1/attributions', { params: { header: {} }, body }))
  if (options.json) out.json(made)
  else
    out.line(
      `${made.attributionId}: ${made.accountId} earns for ${made.partnerId} from ${made.effectiveFrom} on.`,
    )
  return 0
}

export async function checkBooks(options: GlobalOptions, out: Out): Promise<ExitCode> {
  const report = await need(openApi(options).GET('/admin/v1/commission-ledger/check'))
  if (options.json) out.json(report)
  else if (report.ok)
    out.line(`${out.paint.green('in order')}  ${report.lines} lines, ${report.transactions} transactions`)
  else
    for (const { check, subject, detail } of report.violations)
      out.line(`${out.paint.red(check)}  ${subject}: ${detail}`)
  return report.ok ? 0 : 1
}

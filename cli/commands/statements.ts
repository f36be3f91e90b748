/** `tieline statements`: closed months, decided and paid out. */
import { writeFileSync } from 'node:fs'
import { CliError, type ExitCode } from '../cli-error.ts'
import { collect, need, openApi, type GlobalOptions, type Schemas } from '../client.ts'
import { table, type Out } from '../print.ts'
import { money, printLines } from './commissions.ts'

type Statement = Schemas['Statement']

export interface ListOptions extends GlobalOptions {
  readonly limit: string
  readonly partner?: string
  readonly period?: string
  readonly state?: Schemas['StatementState']
}

const sums = ({ totals }: Statement): string =>
  totals
    .map(({ total, outcome }) => `${money(total)}${outcome === 'carried' ? ' (carried forward)' : ''}`)
    .join(', ')

export async function listStatements(options: ListOptions, out: Out): Promise<ExitCode> {
  const api = openApi(options)
  const { partner: partnerId, period, state } = options
  const filter = {
    ...(partnerId === undefined ? {} : { partnerId }),
    ...(period === undefined ? {} : { period }),
    ...(state === undefined ? {} : { state }),
  }
  const items = await collect(Number(options.limit), (cursor, limit) =>
    need(
      api.GET('/admin/v1/statements', {
        params: { query: { ...filter, limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json(items)
  else
    for (const line of table(
      ['statement', 'partner', 'period', 'state', 'totals'],
      items.map((one) => [one.statementId, one.partnerName, one.period, one.state, sums(one)]),
      out.paint,
    ))
      out.line(line)
  return 0
}

export async function showStatement(
  statementId: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const api = openApi(options)
  const path = { statementId }
  const statement = await need(api.GET('/admin/v1/statements/{statementId}', { params: { path } }))
  const items = await collect(10_000, (cursor, limit) =>
    need(
      api.GET('/admin/v1/statements/{statementId}/lines', {
        params: { path, query: { limit, ...(cursor === undefined ? {} : { cursor }) } },
      }),
    ),
  )
  if (options.json) out.json({ ...statement, lines: items })
  else {
    print(statement, out)
    printLines(items, out)
  }
  return 0
}

function print(statement: Statement, out: Out): void {
  const { statementId, state } = statement
  out.line(`${out.paint.bold(statement.partnerName)}  ${statement.period}  ${state}  ${statementId}`)
  if (statement.totals.length > 0) out.line(`  ${sums(statement)}`)
  if (statement.reason !== null) out.line(`  ${statement.reason}`)
  for (const payout of statement.payouts)
    out.line(`  paid ${money(payout.amount)} on ${payout.paidOn}, ${payout.reference}`)
  if (state === 'awaiting_approval')
    out.line(`  tieline statements approve ${statementId}   or   reject ${statementId} --reason "…"`)
  if (state === 'approved') out.line(`  tieline statements pay ${statementId} --reference "…"`)
}

function answer(statement: Statement, options: GlobalOptions, out: Out): ExitCode {
  if (options.json) out.json(statement)
  else print(statement, out)
  return 0
}

export async function closeStatement(
  partnerId: string,
  period: string,
  options: GlobalOptions,
  out: Out,
): Promise<ExitCode> {
  const begun = await need(openApi(options).POST('/admin/v1/statements', { body: { partnerId, period } }))
  if (options.json) out.json(begun)
  else out.line(`${period} is being closed: ${begun.temporalUrl}`)
  return 0
}

export async function decideStatement(
  statementId: string,
  decision: 'approve' | 'reject',
  options: GlobalOptions & { readonly reason?: string },
  out: Out,
): Promise<ExitCode> {
  const { reason } = options
  if (decision === 'reject' && reason === undefined)
    throw new CliError('Who rejects a statement says why: --reason "…".', 2)
  const decided = await need(
    openApi(options).POST('/admin/v1/statements/{statementId}/decision', {
      params: { path: { statementId } },
      body: { decision, ...(reason === undefined ? {} : { reason }) },
    }),
  )
  return answer(decided, options, out)
}

export async function payStatement(
  statementId: string,
  options: GlobalOptions & { readonly reference: string; readonly on?: string },
  out: Out,
): Promise<ExitCode> {
  const { reference, on: paidOn } = options
  const paid = await need(
    openApi(options).POST('/admin/v1/statements/{statementId}/payout', {
      params: { path: { statementId } },
      body: { reference, ...(paidOn === undefined ? {} : { paidOn }) },
    }),
  )
  return answer(paid, options, out)
}

export async function exportStatement(
  statementId: string,
  options: GlobalOptions & { readonly format: string; readonly output?: string },
  out: Out,
): Promise<ExitCode> {
  const { format, output = `statement-${statementId}.${format}` } = options
  const api = openApi(options)
  const params = { path: { statementId } }
  if (format !== 'csv' && format !== 'pdf') throw new CliError('--format is csv or pdf.', 2)
  const bytes = await need<ArrayBuffer>(
    format === 'csv'
      ? api.GET('/admin/v1/statements/{statementId}/csv', { params, parseAs: 'arrayBuffer' })
      : api.GET('/admin/v1/statements/{statementId}/pdf', { params, parseAs: 'arrayBuffer' }),
  )
  writeFileSync(output, Buffer.from(bytes))
  if (options.json) out.json({ file: output, bytes: bytes.byteLength })
  else out.line(`${output} (${bytes.byteLength} bytes)`)
  return 0
}

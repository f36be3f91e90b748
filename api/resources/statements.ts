/** Statements: listed, read as pages, CSV and PDF; closed, decided and paid by people of the hub. */
import type { Db } from '../../db/client.ts'
import { listLines, type SourcedLine } from '../../db/commission-lines.ts'
import { findPartner, defaultTenant } from '../../db/partners.ts'
import {
  findStatement,
  getStatement as selectStatement,
  listStatements as selectStatements,
  type Statement,
} from '../../db/statements.ts'
import { isPeriod, periodEnd } from '../../model/commission.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { statementCsv } from '../statement-csv.ts'
import { statementPdf } from '../statement-pdf.ts'
import { showLine } from './commission-lines.ts'
import { today } from './commission-plans.ts'

type Schemas = components['schemas']

function show(statement: Statement): Schemas['Statement'] {
  const { totals, payouts, createdAt, decidedAt, paidAt, ...rest } = statement
  return {
    ...rest,
    totals: totals.map(({ currency, totalMinor, lineCount, minimumMinor, outcome }) => ({
      total: { amountMinor: totalMinor, currency },
      lines: lineCount,
      minimum: { amountMinor: minimumMinor, currency },
      outcome,
    })),
    payouts: payouts.map(({ payoutId, currency, amountMinor, reference, paidOn }) => ({
      payoutId,
      amount: { amountMinor, currency },
      reference,
      paidOn,
    })),
    createdAt: createdAt.toISOString(),
    decidedAt: decidedAt?.toISOString() ?? null,
    paidAt: paidAt?.toISOString() ?? null,
  }
}

async function statementOf(db: Db, statementId: string): Promise<Statement> {
  const statement = await selectStatement(db, statementId)
  if (!statement) throw new HubError('NoSuchThing', `There is no statement "${statementId}".`)
  return statement
}

export const listStatements: Handler<'listStatements'> = async (deps, call) => {
  const before = positionOf(call, { statementId: 'string' })?.statementId
  const { partnerId, period, state } = call.query
  const query = { partnerId, period, state, before, limit: rowsFor(call) }
  const rows = await selectStatements(deps.database.db, query)
  return listAnswer(call, rows, show, ({ statementId }) => ({ statementId }))
}

export const getStatement: Handler<'getStatement'> = async (deps, { path }) => ({
  status: 200,
  body: show(await statementOf(deps.database.db, path.statementId)),
})

export const listStatementLines: Handler<'listStatementLines'> = async (deps, call) => {
  const { db } = deps.database
  const { statementId } = call.path
  const before = positionOf(call, { lineId: 'string' })?.lineId
  await statementOf(db, statementId)
  const rows = await listLines(db, { statementId, before, limit: rowsFor(call) })
  return listAnswer(call, rows, showLine, ({ lineId }) => ({ lineId }))
}

const linesAtOnce = 1_000

async function allLines(db: Db, statementId: string): Promise<SourcedLine[]> {
  const lines: SourcedLine[] = []
  for (;;) {
    const page = await listLines(db, { statementId, before: lines.at(-1)?.lineId, limit: linesAtOnce })
    lines.push(...page)
    if (page.length < linesAtOnce) return lines.reverse()
  }
}

const attached = (statement: Statement, ending: string) => ({
  'Content-Disposition': `attachment; filename="statement-${statement.period}-${statement.statementId}.${ending}"`,
  'Cache-Control': 'private, no-store',
})

export const getStatementCsv: Handler<'getStatementCsv'> = async (deps, { path }) => {
  const { db } = deps.database
  const statement = await statementOf(db, path.statementId)
  const body = statementCsv(statement, await allLines(db, statement.statementId))
  return {
    status: 200,
    body,
    headers: { 'Content-Type': 'text/csv; charset=utf-8', ...attached(statement, 'csv') },
  }
}

export const getStatementPdf: Handler<'getStatementPdf'> = async (deps, { path }) => {
  const { db } = deps.database
  const statement = await statementOf(db, path.statementId)
  const lines = await allLines(db, statement.statementId)
  const body = await statementPdf({ issuer: await issuerOf(deps), statement, lines })
  return { status: 200, body, headers: { 'Content-Type': 'application/pdf', ...attached(statement, 'pdf') } }
}

/** Who pays: the partner that stands for the hub itself. */
async function issuerOf({ hubDatabase }: ApiDeps): Promise<string> {
  return (await findPartner(hubDatabase.db, defaultTenant.partnerId))?.name ?? defaultTenant.partnerName
}

export const closeStatement: Handler<'closeStatement'> = async (deps, { body, caller }) => {
  const { db } = deps.database
  const { partnerId, period } = body
  if (!(await findPartner(db, partnerId)))
    throw new HubError('NoSuchThing', `There is no partner "${partnerId}".`)
  if (!isPeriod(period) || periodEnd(period) > new Date())
    throw new HubError('StateConflict', `The month ${period} is not over.`)
  const workflowId = workflowIds.closeStatement(partnerId, period)
  const existing = await findStatement(db, { partnerId, period })
  const isOver = existing && ['paid', 'carried'].includes(existing.state)
  if (!isOver) await deps.temporal.startStatement({ partnerId, period, by: caller.name })
  return { status: 202, body: { workflowId, temporalUrl: deps.temporal.workflowLink(workflowId) } }
}

export const decideStatement: Handler<'decideStatement'> = async (deps, { path, body, caller }) => {
  const { db } = deps.database
  const { decision, reason } = body
  if (decision === 'reject' && reason === undefined)
    throw invalidInput([
      { in: 'body', pointer: '/reason', detail: 'is missing: who rejects a statement says why' },
    ])
  const statement = await statementOf(db, path.statementId)
  expectState(statement, 'awaiting_approval')
  const wish = { decision, by: caller.name, ...(reason === undefined ? {} : { reason }) }
  await deps.temporal.decideStatement(placeOf(statement), wish)
  return { status: 200, body: show(await statementOf(db, path.statementId)) }
}

export const payStatement: Handler<'payStatement'> = async (deps, { path, body, caller }) => {
  const { db } = deps.database
  const statement = await statementOf(db, path.statementId)
  expectState(statement, 'approved')
  const { reference, paidOn = today() } = body
  await deps.temporal.payStatement(placeOf(statement), { reference, paidOn, by: caller.name })
  return { status: 200, body: show(await statementOf(db, path.statementId)) }
}

const placeOf = ({ partnerId, period }: Statement) => ({ partnerId, period })

function expectState({ state, statementId }: Statement, wanted: Statement['state']): void {
  if (state !== wanted)
    throw new HubError(
      'StateConflict',
      `The statement ${statementId} is ${state.replace('_', ' ')}, not ${wanted.replace('_', ' ')}.`,
    )
}

// What a partner asks is the same question: its database shows it less.
export const listOwnStatements: Handler<'listOwnStatements'> = (deps, call) => listStatements(deps, call)
export const getOwnStatement: Handler<'getOwnStatement'> = (deps, call) => getStatement(deps, call)
export const listOwnStatementLines: Handler<'listOwnStatementLines'> = (deps, call) =>
  listStatementLines(deps, call)
export const getOwnStatementCsv: Handler<'getOwnStatementCsv'> = (deps, call) => getStatementCsv(deps, call)
export const getOwnStatementPdf: Handler<'getOwnStatementPdf'> = (deps, call) => getStatementPdf(deps, call)

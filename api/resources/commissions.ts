/** Commission lines, each traced to what it comes from; reports over them; the check of the ledger. */
import { getDocument } from '../../db/commission-documents.ts'
import { getLine, ledgerTrail, listLines, listSiblings, type SourcedLine } from '../../db/commission-lines.ts'
import { getPlan } from '../../db/commission-plans.ts'
import { getSource } from '../../db/commission-sources.ts'
import { earnings, heldPipeline, leaderboard } from '../../db/earnings.ts'
import { checkLedger } from '../../db/ledger.ts'
import { HubError } from '../../platform/errors.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { showLine, showSource } from './commission-lines.ts'

export const listCommissions: Handler<'listCommissions'> = async (deps, call) => {
  const before = positionOf(call, { lineId: 'string' })?.lineId
  const { partnerId, accountId, period, state, level, statementId } = call.query
  const query = { partnerId, accountId, period, state, level, statementId, before, limit: rowsFor(call) }
  const rows = await listLines(deps.database.db, query)
  return listAnswer(call, rows, showLine, ({ lineId }) => ({ lineId }))
}

export const getCommission: Handler<'getCommission'> = async (deps, { path }) => {
  const { db } = deps.database
  const line = await getLine(db, path.lineId)
  if (!line) throw new HubError('NoSuchThing', `There is no commission line "${path.lineId}".`)
  // The caller may see the line: what the hub knows of its origin is shown with it, although it lies with the hub.
  const hub = deps.hubDatabase.db
  const plan = await getPlan(hub, line.planId, line.planVersion)
  const document = await documentOf(deps, line)
  const ledger = await ledgerTrail(hub, line.lineId)
  return {
    status: 200,
    body: {
      line: showLine(line),
      plan: { planId: line.planId, version: line.planVersion, name: plan?.name ?? line.planId },
      calculation: { ...line.calculation },
      document: document ? showSource(document) : null,
      record: recordPath(document),
      siblings: (await listSiblings(db, line)).map(showLine),
      ledger: ledger.map((one) => ({
        ...one,
        kind: one.kind as 'accrue',
        createdAt: one.createdAt.toISOString(),
      })),
    },
  }
}

/** The source that the document earned by: of a reversal not what took it back, but the paid invoice. */
async function documentOf({ hubDatabase }: ApiDeps, { documentKey }: SourcedLine) {
  const document = await getDocument(hubDatabase.db, documentKey)
  return document && (await getSource(hubDatabase.db, document.sourceId))
}

function recordPath(source: Awaited<ReturnType<typeof getSource>>): string | null {
  const { connectionId, resource, externalId } = source ?? {}
  return connectionId && resource && externalId
    ? `/admin/v1/connections/${connectionId}/records/${resource}/${encodeURIComponent(externalId)}`
    : null
}

export const getOwnEarnings: Handler<'getOwnEarnings'> = async (deps, { query }) => {
  const { from, to, partnerId, by = 'period' } = query
  return { status: 200, body: { by, items: await earnings(deps.database.db, { from, to, partnerId, by }) } }
}

export const getOwnPipeline: Handler<'getOwnPipeline'> = async (deps, { query }) => ({
  status: 200,
  body: { items: await heldPipeline(deps.database.db, query) },
})

export const getLeaderboard: Handler<'getLeaderboard'> = async (deps, { query }) => {
  const { currency = 'EUR', from, to, top = 20 } = query
  return {
    status: 200,
    body: { currency, items: await leaderboard(deps.database.db, { currency, from, to, top }) },
  }
}

export const checkCommissionLedger: Handler<'checkCommissionLedger'> = async (deps) => {
  const report = await checkLedger(deps.database.db)
  return { status: 200, body: { ...report, violations: [...report.violations] } }
}

// What a partner asks is the same question: its database shows it less.
export const listOwnCommissions: Handler<'listOwnCommissions'> = (deps, call) => listCommissions(deps, call)
export const getOwnCommission: Handler<'getOwnCommission'> = (deps, call) => getCommission(deps, call)

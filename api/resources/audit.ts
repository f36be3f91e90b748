/** The audit chain: read and walked, never written here. */
import { listAudit as selectAudit, verifyAudit as walkChain } from '../../db/audit.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'

export const listAudit: Handler<'listAudit'> = async (deps, call) => {
  const before = positionOf(call, { seq: 'bigint' })?.seq
  const { subject, partnerId } = call.query
  const rows = await selectAudit(deps.database.db, { subject, partnerId, before, limit: rowsFor(call) })
  return listAnswer(
    call,
    rows,
    ({ at, ...rest }) => ({ ...rest, at: at.toISOString() }),
    ({ seq }) => ({ seq }),
  )
}

export const verifyAudit: Handler<'verifyAudit'> = async ({ database }) => ({
  status: 200,
  body: await walkChain(database.db),
})

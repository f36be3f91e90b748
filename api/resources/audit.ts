/** The audit chain: searched, exported and walked, never written here. */
import { Readable } from 'node:stream'
import {
  eachAuditEntry,
  listAudit as selectAudit,
  verifyAudit as walkChain,
  type AuditEntry,
  type AuditFilter,
} from '../../db/audit.ts'
import type { operations } from '../../openapi/types.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Call, Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'

export const listAudit: Handler<'listAudit'> = async (deps, call) => {
  const before = positionOf(call, { seq: 'bigint' })?.seq
  const rows = await selectAudit(deps.database.db, { ...filterOf(call.query), before, limit: rowsFor(call) })
  return listAnswer(call, rows, show, ({ seq }) => ({ seq }))
}

const show = ({ at, ...rest }: AuditEntry) => ({ ...rest, at: at.toISOString() })

function filterOf(query: Call<operations['exportAudit']>['query']): AuditFilter {
  const { subject, actor, action, partnerId, since, until } = query
  const moment = (name: string, text: string | undefined): Date | undefined => {
    if (text === undefined) return undefined
    const at = new Date(text)
    if (!Number.isNaN(at.getTime()) && at.getUTCFullYear() > 0) return at
    throw invalidInput([{ in: 'query', pointer: `/${name}`, detail: 'is not a moment that there is' }])
  }
  return { subject, actor, action, partnerId, since: moment('since', since), until: moment('until', until) }
}

/** Never more than a batch is held, however long the chain is and however slowly it is read. */
export const exportAudit: Handler<'exportAudit'> = async ({ database }, { query }) => {
  const entries = eachAuditEntry(database.db, filterOf(query))
  const lines = async function* (): AsyncGenerator<string> {
    for await (const entry of entries) yield `${JSON.stringify(show(entry))}\n`
  }
  return {
    status: 200,
    body: Readable.from(lines()),
    headers: {
      'Content-Type': 'application/x-ndjson',
      'Content-Disposition': 'attachment; filename="audit.ndjson"',
      'Cache-Control': 'no-store',
    },
  }
}

export const verifyAudit: Handler<'verifyAudit'> = async ({ database }) => ({
  status: 200,
  body: await walkChain(database.db),
})

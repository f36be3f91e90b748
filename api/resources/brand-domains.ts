/** Domains of a partner: asked for, proved by DNS in a workflow, removed. */
import { randomBytes } from 'node:crypto'
import { appendAudit } from '../../db/audit.ts'
import {
  askAgain,
  countBrandDomains,
  deleteBrandDomain as eraseDomain,
  getBrandDomain as findDomain,
  insertBrandDomain,
  listBrandDomains as selectDomains,
  type BrandDomain,
} from '../../db/brand-domains.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { hostName, proofName, proofValue } from '../../model/hosts.ts'
import type { components } from '../../openapi/types.ts'
import { HubError, isHubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { ApiDeps } from '../deps.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import { invalidInput } from '../problem.ts'
import { partnerOf, type BrandCall } from './brand.ts'

type Schemas = components['schemas']
type OneCall = Omit<BrandCall, 'path'> & {
  readonly path: { readonly partnerId?: string; readonly domainId: string }
}

const mostDomains = 20

const show = (row: BrandDomain): Schemas['BrandDomain'] => ({
  domainId: row.domainId,
  domain: row.domain,
  state: row.state,
  reason: row.reason,
  record: { type: 'TXT', name: proofName(row.domain), value: proofValue(row.token) },
  checkedAt: row.checkedAt?.toISOString() ?? null,
  verifiedAt: row.verifiedAt?.toISOString() ?? null,
  createdAt: row.createdAt.toISOString(),
})

/** @throws NoSuchThing, also for a domain of somebody else. */
async function domainOf(db: Db, partnerId: string, domainId: string): Promise<BrandDomain> {
  const found = await findDomain(db, domainId)
  if (found?.partnerId !== partnerId) throw new HubError('NoSuchThing', `There is no domain "${domainId}".`)
  return found
}

/** @throws InvalidInput for what is no name, or the hub's own. */
function checkedName({ config }: ApiDeps, text: string): string {
  const wrong = (detail: string) => invalidInput([{ in: 'body', pointer: '/domain', detail }])
  const domain = hostName(text)
  if (domain === undefined || text.includes(':'))
    throw wrong('should be a host name like connect.example.com, an international one in its "xn--" form')
  const own = new URL(config.publicUrl).hostname
  if (domain === own || own.endsWith(`.${domain}`)) throw wrong('is where the hub itself is')
  return domain
}

export async function createBrandDomain(deps: ApiDeps, call: BrandCall<object, Schemas['NewBrandDomain']>) {
  const partnerId = await partnerOf(deps, call)
  const domain = checkedName(deps, call.body.domain)
  const { name: createdBy } = call.caller
  const row = await inTransaction(deps.database.db, async (tx) => {
    if ((await countBrandDomains(tx, partnerId)) >= mostDomains)
      throw new HubError('StateConflict', `A partner has ${mostDomains} domains at most.`)
    const made = await insertBrandDomain(tx, {
      ...{ domainId: newId('brandDomain'), partnerId, domain, createdBy },
      token: randomBytes(18).toString('base64url'),
    })
    if (!made) throw new HubError('StateConflict', `The partner has the domain "${domain}" already.`)
    await appendAudit(tx, {
      ...{ actor: createdBy, action: 'brand_domain.created', subject: made.domainId, partnerId },
      details: { domain },
    })
    return made
  })
  await look(deps, row)
  const base = call.path.partnerId === undefined ? '/v1' : `/admin/v1/partners/${partnerId}`
  return {
    status: 201 as const,
    body: show(row),
    headers: { Location: `${base}/brand/domains/${row.domainId}` },
  }
}

/** The row is the truth: while Temporal does not answer it waits, and a worker that starts finds it. */
async function look(deps: ApiDeps, row: BrandDomain): Promise<void> {
  try {
    await deps.temporal.startVerifyDomain(row)
  } catch (error) {
    if (!isHubError(error, 'TemporalUnavailable')) throw error
    deps.log.warn({ domainId: row.domainId }, 'a domain waits for Temporal')
  }
}

export async function listBrandDomains(
  deps: ApiDeps,
  call: BrandCall<{ readonly limit?: number; readonly cursor?: string }>,
) {
  const after = positionOf(call, { domainId: 'string' })?.domainId
  const partnerId = await partnerOf(deps, call)
  const rows = await selectDomains(deps.database.db, { partnerId, after, limit: rowsFor(call) })
  return listAnswer(call, rows, show, ({ domainId }) => ({ domainId }))
}

export async function getBrandDomain(deps: ApiDeps, call: OneCall) {
  const partnerId = await partnerOf(deps, call)
  return { status: 200 as const, body: show(await domainOf(deps.database.db, partnerId, call.path.domainId)) }
}

export async function verifyBrandDomain(deps: ApiDeps, call: OneCall) {
  const partnerId = await partnerOf(deps, call)
  const before = await domainOf(deps.database.db, partnerId, call.path.domainId)
  const row = await inTransaction(deps.database.db, async (tx) => {
    const asked = await askAgain(tx, before.domainId)
    if (!asked) throw new HubError('NoSuchThing', `There is no domain "${before.domainId}".`)
    await appendAudit(tx, {
      ...{ actor: call.caller.name, action: 'brand_domain.asked', subject: asked.domainId, partnerId },
      details: { domain: asked.domain, state: asked.state },
    })
    return asked
  })
  await look(deps, row)
  return { status: 202 as const, body: show(row) }
}

export async function deleteBrandDomain(deps: ApiDeps, call: OneCall) {
  const partnerId = await partnerOf(deps, call)
  const { domainId } = await domainOf(deps.database.db, partnerId, call.path.domainId)
  await inTransaction(deps.database.db, async (tx) => {
    const gone = await eraseDomain(tx, domainId)
    if (!gone) throw new HubError('NoSuchThing', `There is no domain "${domainId}".`)
    await appendAudit(tx, {
      ...{ actor: call.caller.name, action: 'brand_domain.deleted', subject: domainId, partnerId },
      details: { domain: gone.domain, state: gone.state },
    })
  })
  return { status: 204 as const, body: undefined }
}

/** The main paths of a domain: proved and then removed, given up because another partner has it, one that there is not. */
import type { WorkflowHandle } from '@temporalio/client'
import { deleteBrandDomain, getBrandDomain, insertBrandDomain } from '../../db/brand-domains.ts'
import { defaultTenant, ensurePartner } from '../../db/partners.ts'
import { proofName, proofValue } from '../../model/hosts.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { DnsServer } from '../harness/dns-server.ts'
import type { TestHub } from '../harness/worker.ts'

export async function recordBrands({
  test,
  dns,
  keep,
}: {
  readonly test: TestHub
  readonly dns: DnsServer
  keep(name: string, handle: WorkflowHandle): Promise<void>
}): Promise<void> {
  const { deps, hub, temporal } = test
  const { db } = deps.database
  const domain = 'connect.recorded.example'
  const handle = (domainId: string) => temporal.client.workflow.getHandle(workflowIds.verifyDomain(domainId))
  const make = async (partnerId: string) => {
    const row = {
      domainId: newId('brandDomain'),
      partnerId,
      domain,
      token: newId('request'),
      createdBy: 'test',
    }
    await insertBrandDomain(db, row)
    return row
  }
  const until = async (isDone: () => Promise<boolean>): Promise<void> => {
    while (!(await isDone())) await new Promise((next) => setTimeout(next, 50))
  }
  const first = await make(defaultTenant.partnerId)
  await hub.startVerifyDomain(first)
  await until(async () => (await getBrandDomain(db, first.domainId))?.misses === 1)
  dns.records.set(proofName(domain), [proofValue(first.token)])
  await hub.startVerifyDomain(first)
  await until(async () => (await getBrandDomain(db, first.domainId))?.state === 'verified')
  const partnerId = newId('partner')
  await ensurePartner(db, { partnerId, name: 'Rival' })
  const rival = await make(partnerId)
  dns.records.set(proofName(domain), [proofValue(first.token), proofValue(rival.token)])
  await hub.startVerifyDomain(rival)
  await keep('verifyDomain-taken', handle(rival.domainId))
  await deleteBrandDomain(db, first.domainId)
  await hub.startVerifyDomain(first)
  await keep('verifyDomain-proved-then-removed', handle(first.domainId))
  const nothing = { ...first, domainId: newId('brandDomain') }
  await hub.startVerifyDomain(nothing)
  await keep('verifyDomain-no-domain', handle(nothing.domainId))
}

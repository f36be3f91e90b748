/** Domains whose workflow was never started, or is lost with a Temporal of before, are taken up when a worker starts. */
import { domainsInCare } from '../db/brand-domains.ts'
import type { Db } from '../db/client.ts'
import type { HubClient } from '../workflows/client.ts'

const batch = 200

/** Repeatable: one that is looked after already looks once more. */
export async function careForDomains(db: Db, client: Pick<HubClient, 'startVerifyDomain'>): Promise<number> {
  let count = 0
  let after: string | undefined
  for (;;) {
    const page = await domainsInCare(db, { after, limit: batch })
    for (const domain of page) await client.startVerifyDomain(domain)
    count += page.length
    after = page.at(-1)?.domainId
    if (after === undefined || page.length < batch) return count
  }
}

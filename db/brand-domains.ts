/** Domains of partners: asked for, proved by a TXT record, looked at again. A verified one has one partner. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface BrandDomain {
  readonly domainId: string
  readonly partnerId: string
  readonly domain: string
  readonly token: string
  readonly state: 'pending' | 'verified' | 'failed'
  readonly reason: string | null
  readonly misses: number
  readonly askedAt: Date
  readonly checkedAt: Date | null
  readonly verifiedAt: Date | null
  readonly createdBy: string
  readonly createdAt: Date
}

const columns = sql`domain_id, partner_id, domain, token, state, reason, misses, asked_at, checked_at, verified_at, created_by, created_at`

/** Undefined: the partner has it already. */
export async function insertBrandDomain(
  tx: Db,
  domain: Pick<BrandDomain, 'domainId' | 'partnerId' | 'domain' | 'token' | 'createdBy'>,
): Promise<BrandDomain | undefined> {
  const made = await sql<BrandDomain>`
    insert into brand_domains (domain_id, partner_id, domain, token, created_by)
    values (${domain.domainId}, ${domain.partnerId}, ${domain.domain}, ${domain.token}, ${domain.createdBy})
    on conflict (partner_id, domain) do nothing returning ${columns}
  `.execute(tx)
  return made.rows[0]
}

export async function getBrandDomain(db: Db, domainId: string): Promise<BrandDomain | undefined> {
  const found = await sql<BrandDomain>`
    select ${columns} from brand_domains where domain_id = ${domainId}
  `.execute(db)
  return found.rows[0]
}

export async function listBrandDomains(
  db: Db,
  query: { readonly partnerId: string; readonly after?: string | undefined; readonly limit: number },
): Promise<BrandDomain[]> {
  const found = await sql<BrandDomain>`
    select ${columns} from brand_domains where partner_id = ${query.partnerId}
      ${query.after === undefined ? sql`` : sql`and domain_id > ${query.after}`}
    order by domain_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** How many a partner has. */
export async function countBrandDomains(db: Db, partnerId: string): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*) as count from brand_domains where partner_id = ${partnerId}
  `.execute(db)
  return found.rows[0]?.count ?? 0
}

/** A failed one waits again; the time of one that waits begins anew. One that is verified stays so. */
export async function askAgain(tx: Db, domainId: string): Promise<BrandDomain | undefined> {
  const changed = await sql<BrandDomain>`
    update brand_domains set asked_at = now(),
      state = case when state = 'failed' then 'pending' else state end,
      reason = case when state = 'failed' then null else reason end,
      misses = case when state = 'failed' then 0 else misses end
    where domain_id = ${domainId} returning ${columns}
  `.execute(tx)
  return changed.rows[0]
}

export interface DomainFinding {
  readonly state: BrandDomain['state']
  readonly reason: string | null
  readonly misses: number
}

/**
 * What a look has found, unless the domain has changed since it was read. `taken`: another partner has proved it before. Undefined: it has
 * changed meanwhile, or is gone.
 */
export async function settleBrandDomain(
  tx: Db,
  before: BrandDomain,
  finding: DomainFinding,
): Promise<BrandDomain | 'taken' | undefined> {
  if (finding.state === 'verified') {
    // Two that prove the same at once stand in line; the index would only make the second one fail.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`domain ${before.domain}`}, 0))`.execute(tx)
    const others = await sql<{ domainId: string }>`
      select domain_id from brand_domains
      where domain = ${before.domain} and state = 'verified' and domain_id <> ${before.domainId}
    `.execute(tx)
    if (others.rows.length > 0) return 'taken'
  }
  const changed = await sql<BrandDomain>`
    update brand_domains set state = ${finding.state}, reason = ${finding.reason}, misses = ${finding.misses}, checked_at = now(),
      verified_at = case when ${finding.state} = 'verified' and state <> 'verified' then now() else verified_at end
    where domain_id = ${before.domainId} and state = ${before.state} 
      and date_trunc('milliseconds', asked_at) = ${before.askedAt}::timestamptz
    returning ${columns}
  `.execute(tx)
  return changed.rows[0]
}

export async function deleteBrandDomain(tx: Db, domainId: string): Promise<BrandDomain | undefined> {
  const gone = await sql<BrandDomain>`
    delete from brand_domains where domain_id = ${domainId} returning ${columns}
  `.execute(tx)
  return gone.rows[0]
}

/** Whose domain it is, once that is proved. */
export async function partnerOfDomain(db: Db, domain: string): Promise<string | undefined> {
  const found = await sql<{ partnerId: string }>`
    select d.partner_id from brand_domains d join partners p using (partner_id)
    where d.domain = ${domain} and d.state = 'verified' and p.state = 'active'
  `.execute(db)
  return found.rows[0]?.partnerId
}

/** Those that a workflow should look after, by id. */
export async function domainsInCare(
  db: Db,
  query: { readonly after?: string | undefined; readonly limit: number },
): Promise<Pick<BrandDomain, 'domainId' | 'partnerId' | 'domain'>[]> {
  const found = await sql<Pick<BrandDomain, 'domainId' | 'partnerId' | 'domain'>>`
    select domain_id, partner_id, domain from brand_domains where state <> 'failed'
      ${query.after === undefined ? sql`` : sql`and domain_id > ${query.after}`}
    order by domain_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

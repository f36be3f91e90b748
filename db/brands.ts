/** Brands: versions that are written down, one of them published, and the chain of partners whose brands make one. */
import { sql } from 'kysely'
import type { BrandContent, BrandLink } from '../model/brand.ts'
import type { Db } from './client.ts'

export interface BrandRow {
  readonly partnerId: string
  readonly latestVersion: number
  readonly publishedVersion: number | null
  /** What If-Match is compared with. */
  readonly revision: number
  readonly updatedAt: Date
}

export interface BrandVersion {
  readonly partnerId: string
  readonly version: number
  readonly content: BrandContent
  readonly note: string | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly publishedBy: string | null
  readonly publishedAt: Date | null
}

const columns = sql`partner_id, latest_version, published_version, revision, updated_at`
const versionColumns = sql`partner_id, version, content, note, created_by, created_at, published_by, published_at`

/** Drafts that were never published, beyond the newest so many, are forgotten. */
const draftsKept = 100

/** Undefined: this partner has never set anything. */
export async function getBrand(db: Db, partnerId: string): Promise<BrandRow | undefined> {
  const found = await sql<BrandRow>`select ${columns} from brands where partner_id = ${partnerId}`.execute(db)
  return found.rows[0]
}

/** The row, locked until the transaction ends; made when there was none. */
export async function lockBrand(tx: Db, partnerId: string): Promise<BrandRow> {
  await sql`insert into brands (partner_id) values (${partnerId}) on conflict do nothing`.execute(tx)
  const found = await sql<BrandRow>`
    select ${columns} from brands where partner_id = ${partnerId} for update
  `.execute(tx)
  const [row] = found.rows
  if (!row) throw new Error('the brand that was just made is not there')
  return row
}

/** Writes the next version down; nothing is published by it. The row must be locked. */
export async function addBrandVersion(
  tx: Db,
  { partnerId, latestVersion }: BrandRow,
  draft: { readonly content: BrandContent; readonly note: string | null; readonly createdBy: string },
): Promise<{ readonly brand: BrandRow; readonly version: BrandVersion }> {
  const made = await sql<BrandVersion>`
    insert into brand_versions (partner_id, version, content, note, created_by)
    values (${partnerId}, ${latestVersion + 1}, ${JSON.stringify(draft.content)}::jsonb, ${draft.note}, ${draft.createdBy})
    returning ${versionColumns}
  `.execute(tx)
  const changed = await sql<BrandRow>`
    update brands set latest_version = latest_version + 1, revision = revision + 1, updated_at = now()
    where partner_id = ${partnerId} returning ${columns}
  `.execute(tx)
  await sql`
    delete from brand_versions where partner_id = ${partnerId} and published_at is null and version <= ${latestVersion + 1 - draftsKept}
  `.execute(tx)
  const [[version], [brand]] = [made.rows, changed.rows]
  if (!version || !brand) throw new Error('a version of a brand was not written')
  return { brand, version }
}

/** Puts a version in force. Undefined: there is no such version. The row must be locked. */
export async function publishBrandVersion(
  tx: Db,
  { partnerId }: BrandRow,
  version: number,
  publishedBy: string,
): Promise<BrandRow | undefined> {
  const told = await sql<{ version: number }>`
    update brand_versions set published_at = now(), published_by = ${publishedBy}
    where partner_id = ${partnerId} and version = ${version} returning version
  `.execute(tx)
  if (told.rows.length === 0) return undefined
  const changed = await sql<BrandRow>`
    update brands set published_version = ${version}, revision = revision + 1, updated_at = now()
    where partner_id = ${partnerId} returning ${columns}
  `.execute(tx)
  return changed.rows[0]
}

export async function getBrandVersion(
  db: Db,
  partnerId: string,
  version: number,
): Promise<BrandVersion | undefined> {
  const found = await sql<BrandVersion>`
    select ${versionColumns} from brand_versions where partner_id = ${partnerId} and version = ${version}
  `.execute(db)
  return found.rows[0]
}

/** Newest first. @param query.before the version of the last one of the page before. */
export async function listBrandVersions(
  db: Db,
  query: { readonly partnerId: string; readonly before?: number | undefined; readonly limit: number },
): Promise<BrandVersion[]> {
  const found = await sql<BrandVersion>`
    select ${versionColumns} from brand_versions where partner_id = ${query.partnerId}
      ${query.before === undefined ? sql`` : sql`and version < ${query.before}`}
    order by version desc limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** The partner and the ones above it, nearest first, each with what it has published. Empty: no such partner. Ask the hub's database: a tenant does not see what is above it. */
export async function brandChain(hub: Db, partnerId: string): Promise<BrandLink[]> {
  const found = await sql<BrandLink>`
    select p.partner_id, p.name as partner_name, v.version, coalesce(v.content, '{}') as content
    from partner_ancestry a join partners p on p.partner_id = a.ancestor_id
    left join brands b on b.partner_id = p.partner_id
    left join brand_versions v on v.partner_id = b.partner_id and v.version = b.published_version
    where a.partner_id = ${partnerId} order by a.depth
  `.execute(hub)
  return found.rows
}

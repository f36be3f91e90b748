/** Files of brands. What is stored is what is served: it was checked, and an SVG written anew, before. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface BrandAsset {
  readonly assetId: string
  readonly partnerId: string
  readonly kind: 'logo' | 'favicon' | 'image' | 'font'
  readonly mediaType: string
  readonly width: number | null
  readonly height: number | null
  readonly sizeBytes: number
  readonly createdBy: string
  readonly createdAt: Date
}

const columns = sql`asset_id, partner_id, kind, media_type, width, height, octet_length(bytes) as size_bytes, created_by, created_at`

export interface NewBrandAsset extends Omit<BrandAsset, 'sizeBytes' | 'createdAt'> {
  readonly hash: Buffer
  readonly bytes: Buffer
}

/** The same file of the same kind is the same asset. Counts are checked under the partner's lock. Undefined: `most` are there already. */
export async function putBrandAsset(
  tx: Db,
  asset: NewBrandAsset,
  most: number,
): Promise<{ readonly asset: BrandAsset; readonly isNew: boolean } | undefined> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`brand assets ${asset.partnerId}`}, 0))`.execute(
    tx,
  )
  const known = await sql<BrandAsset>`
    select ${columns} from brand_assets where partner_id = ${asset.partnerId} and kind = ${asset.kind} and hash = ${asset.hash}
  `.execute(tx)
  const [before] = known.rows
  if (before) return { asset: before, isNew: false }
  const made = await sql<BrandAsset>`
    insert into brand_assets (asset_id, partner_id, kind, media_type, width, height, hash, bytes, created_by)
    select ${asset.assetId}, ${asset.partnerId}, ${asset.kind}, ${asset.mediaType}, ${asset.width}::int, ${asset.height}::int, ${asset.hash},
      ${asset.bytes}, ${asset.createdBy}
    where (select count(*) from brand_assets where partner_id = ${asset.partnerId}) < ${most}
    returning ${columns}
  `.execute(tx)
  const [row] = made.rows
  return row && { asset: row, isNew: true }
}

export async function listBrandAssets(
  db: Db,
  query: { readonly partnerId: string; readonly after?: string | undefined; readonly limit: number },
): Promise<BrandAsset[]> {
  const found = await sql<BrandAsset>`
    select ${columns} from brand_assets where partner_id = ${query.partnerId}
      ${query.after === undefined ? sql`` : sql`and asset_id > ${query.after}`}
    order by asset_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Those of the ids that are the partner's, with their kinds. */
export async function findBrandAssets(
  db: Db,
  partnerId: string,
  assetIds: readonly string[],
): Promise<BrandAsset[]> {
  if (assetIds.length === 0) return []
  const found = await sql<BrandAsset>`
    select ${columns} from brand_assets where partner_id = ${partnerId} and asset_id = any (${[...assetIds]}::text[])
  `.execute(db)
  return found.rows
}

export interface ServedAsset {
  readonly mediaType: string
  readonly hash: Buffer
  readonly bytes: Buffer
}

/** For browsers: whoever knows the id may have it, as it is shown to everybody who sees the brand. */
export async function openBrandAsset(db: Db, assetId: string): Promise<ServedAsset | undefined> {
  const found = await sql<ServedAsset>`
    select media_type, hash, bytes from brand_assets where asset_id = ${assetId}
  `.execute(db)
  return found.rows[0]
}

/** `used`: a version that is kept names it. */
export async function deleteBrandAsset(
  tx: Db,
  partnerId: string,
  assetId: string,
): Promise<'deleted' | 'used' | 'missing'> {
  // Whoever writes a version down locks the same row first: none can begin to name the file meanwhile.
  await sql`insert into brands (partner_id) values (${partnerId}) on conflict do nothing`.execute(tx)
  await sql`select 1 from brands where partner_id = ${partnerId} for update`.execute(tx)
  const used = await sql<{ version: number }>`
    select version from brand_versions where partner_id = ${partnerId} and position(${assetId} in content::text) > 0 limit 1
  `.execute(tx)
  if (used.rows.length > 0) return 'used'
  const gone = await sql<{ assetId: string }>`
    delete from brand_assets where partner_id = ${partnerId} and asset_id = ${assetId} returning asset_id
  `.execute(tx)
  return gone.rows.length > 0 ? 'deleted' : 'missing'
}

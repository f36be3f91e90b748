/** Proofs of runs, the page manifests they cover, and the keys that sign them. */
import { sql } from 'kysely'
import type { JsonObject } from '../model/json.ts'
import type { Db } from './client.ts'

export interface PageManifest {
  readonly resource: string
  readonly page: number
  readonly positionIn: JsonObject | null
  readonly positionOut: JsonObject
  readonly scanned: number
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly deleted: number
  readonly stale: number
  readonly quarantined: number
  /** Decimal, modulo 2^256. */
  readonly contentHash: string
  readonly readAt: Date
}

/** Manifests of a run in order of resource and page; `after` is the last one before. */
export async function listPages(
  db: Db,
  query: {
    readonly runId: string
    readonly after?: { readonly resource: string; readonly page: number } | undefined
    readonly limit: number
  },
): Promise<PageManifest[]> {
  const { after } = query
  const found = await sql<PageManifest>`
    select resource, page, position_in, position_out, scanned, created, updated, unchanged, deleted, stale, quarantined,
      content_hash::text as content_hash, read_at
    from pages where run_id = ${query.runId}
      ${after ? sql`and (resource, page) > (${after.resource}, ${after.page})` : sql``}
    order by run_id, resource, page limit ${query.limit}
  `.execute(db)
  return found.rows
}

export interface Proof {
  readonly runId: string
  readonly keyId: string
  /** Compact JWS (EdDSA) over the canonical JSON of the proof. */
  readonly jws: string
  readonly createdAt: Date
}

/** Keeps a proof. The first one for a run stays. */
export async function saveProof(
  tx: Db,
  proof: { readonly runId: string; readonly partnerId: string; readonly keyId: string; readonly jws: string },
): Promise<void> {
  await sql`
    insert into proofs (run_id, partner_id, key_id, jws) values (${proof.runId}, ${proof.partnerId}, ${proof.keyId}, ${proof.jws})
    on conflict (run_id) do nothing
  `.execute(tx)
}

export async function getProof(db: Db, runId: string): Promise<Proof | undefined> {
  const found =
    await sql<Proof>`select run_id, key_id, jws, created_at from proofs where run_id = ${runId}`.execute(db)
  return found.rows[0]
}

/** Public halves (JWK) of all keys that ever signed a proof, newest first. */
export async function listProofKeys(db: Db): Promise<JsonObject[]> {
  const found = await sql<{ publicJwk: JsonObject }>`
    select public_jwk from signing_keys where purpose = 'proof' order by created_at desc
  `.execute(db)
  return found.rows.map((row) => row.publicJwk)
}

/** The audit chain (INV-10): each entry's hash covers its content and the hash before it; entries are never changed. */
import { sql, type RawBuilder } from 'kysely'
import { canonicalJson, type JsonObject } from '../model/json.ts'
import { sha256 } from '../platform/secrets/hash.ts'
import type { Db } from './client.ts'

export interface NewAuditEntry {
  /** Who: `admin`, a key, a workflow. */
  readonly actor: string
  /** What, as noun and verb: `connection.paused`. */
  readonly action: string
  /** The id of what it was done to. */
  readonly subject: string
  readonly partnerId?: string | undefined
  /** Ids, counts, names of fields. No secrets, no personal data. */
  readonly details?: JsonObject | undefined
}

export interface AuditEntry {
  readonly seq: number
  readonly at: Date
  readonly partnerId: string | null
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly details: JsonObject
  /** Hex. */
  readonly previousHash: string
  /** Hex. */
  readonly hash: string
}

/** What the first entry's `previousHash` is: 32 zero bytes. */
const chainStart = '0'.repeat(64)

function hashOf(entry: Omit<AuditEntry, 'hash'>): string {
  const { seq, at, partnerId, actor, action, subject, details, previousHash } = entry
  const content = { seq, at: at.toISOString(), partnerId, actor, action, subject, details, previousHash }
  return sha256(canonicalJson(content)).toString('hex')
}

/**
 * Appends an entry in the transaction of what it tells about. Holds the end of the chain until that transaction ends, so
 * call it last.
 */
export async function appendAudit(tx: Db, entry: NewAuditEntry): Promise<void> {
  const tail = await sql<{
    lastSeq: number | null
    lastHash: Buffer | null
  }>`select last_seq, last_hash from audit_tail()`.execute(tx)
  const seq = (tail.rows[0]?.lastSeq ?? 0) + 1
  const previousHash = tail.rows[0]?.lastHash?.toString('hex') ?? chainStart
  const { actor, action, subject, details = {}, partnerId = null } = entry
  // The database keeps what JSON keeps: the hash must be over the same.
  const content = {
    seq,
    at: new Date(),
    partnerId,
    actor,
    action,
    subject,
    details: JSON.parse(JSON.stringify(details)) as JsonObject,
    previousHash,
  }
  await sql`
    insert into audit (seq, at, partner_id, actor, action, subject, details, previous_hash, hash)
    values (${seq}, ${content.at}::timestamptz, ${partnerId}, ${actor}, ${action}, ${subject}, ${JSON.stringify(content.details)}::jsonb,
      decode(${previousHash}, 'hex'), decode(${hashOf(content)}, 'hex'))
  `.execute(tx)
}

const columns = sql`seq, at, partner_id, actor, action, subject, details, encode(previous_hash, 'hex') as previous_hash, encode(hash, 'hex') as hash`

export interface AuditFilter {
  readonly subject?: string | undefined
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly partnerId?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

/** Clocks of processes differ a little: an entry may be so many places away from where its time would have put it. */
const outOfOrder = 1_000

function whereOf(query: AuditFilter, place: RawBuilder<unknown> | undefined): RawBuilder<unknown> {
  const { subject, actor, action, partnerId, since, until } = query
  const filter = [
    subject === undefined ? undefined : sql`subject = ${subject}`,
    actor === undefined ? undefined : sql`actor = ${actor}`,
    action === undefined ? undefined : sql`action = ${action}`,
    partnerId === undefined ? undefined : sql`partner_id = ${partnerId}`,
    // The chain is in the order of time but for that: by places, which the order of the list is, a search need not walk there.
    since &&
      sql`at >= ${since}::timestamptz and seq >= coalesce((select seq from audit where at >= ${since}::timestamptz
        order by at, seq limit 1), 0) - ${outOfOrder}::bigint`,
    until &&
      sql`at < ${until}::timestamptz and seq <= coalesce((select seq from audit where at < ${until}::timestamptz
        order by at desc, seq desc limit 1), 0) + ${outOfOrder}::bigint`,
    place,
  ].filter((part) => part !== undefined)
  return filter.length === 0 ? sql`` : sql`where ${sql.join(filter, sql` and `)}`
}

/** Entries, oldest first, in batches: as long as somebody reads them. */
export async function* eachAuditEntry(
  db: Db,
  query: AuditFilter,
): AsyncGenerator<AuditEntry, void, undefined> {
  let after = 0
  for (;;) {
    const found = await sql<AuditEntry>`
      select ${columns} from audit ${whereOf(query, sql`seq > ${after}`)} order by seq limit 1000`.execute(db)
    yield* found.rows
    const last = found.rows.at(-1)
    if (!last || found.rows.length < 1000) return
    after = last.seq
  }
}

/** Entries, newest first; `before` is the `seq` of the last one of the page before. */
export async function listAudit(
  db: Db,
  query: AuditFilter & { readonly before?: number | undefined; readonly limit: number },
): Promise<AuditEntry[]> {
  const where = whereOf(query, query.before === undefined ? undefined : sql`seq < ${query.before}`)
  const found =
    await sql<AuditEntry>`select ${columns} from audit ${where} order by seq desc limit ${query.limit}`.execute(
      db,
    )
  return found.rows
}

export interface AuditVerdict {
  readonly ok: boolean
  /** Entries that were checked. */
  readonly entries: number
  /** First `seq` at which the chain does not hold. */
  readonly brokenAt?: number
}

/**
 * Walks the chain from its beginning, in batches: a changed, removed or inserted entry shows at the place where it is. The
 * chain alone cannot tell that its newest entries were cut off: whoever must rule that out keeps `entries` elsewhere.
 */
export async function verifyAudit(db: Db): Promise<AuditVerdict> {
  let entries = 0
  let previousHash = chainStart
  for (;;) {
    const found =
      await sql<AuditEntry>`select ${columns} from audit where seq > ${entries} order by seq limit 1000`.execute(
        db,
      )
    for (const entry of found.rows) {
      const holds =
        entry.seq === entries + 1 && entry.previousHash === previousHash && entry.hash === hashOf(entry)
      if (!holds) return { ok: false, entries, brokenAt: Math.min(entry.seq, entries + 1) }
      entries++
      previousHash = entry.hash
    }
    if (found.rows.length < 1000) return { ok: true, entries }
  }
}

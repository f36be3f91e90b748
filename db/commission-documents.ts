/** Documents that have earned: how much, how much of it was taken back and by which credit. Changed under the lock of their customer. */
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface CommissionDocument {
  readonly documentKey: string
  readonly sourceId: string
  readonly partnerId: string
  readonly accountId: string
  readonly connectionId: string | null
  readonly customerId: string | null
  readonly currency: string
  readonly baseMinor: number
  readonly totalMinor: number
  readonly grossMinor: number
  readonly takenMinor: number
  readonly lostMinor: number
}

const columns = sql`document_key, source_id, partner_id, account_id, connection_id, customer_id, currency, base_minor, total_minor, gross_minor,
  taken_minor, lost_minor`

/** One posting at a time for a customer of a connection (for an account, where there is none): its documents and credits touch each other. */
export async function lockCustomer(
  tx: Db,
  of: {
    readonly connectionId: string | null
    readonly customerId: string | null
    readonly accountId: string
  },
): Promise<void> {
  const name = `commission/${of.connectionId ?? of.accountId}/${of.customerId ?? ''}`
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(tx)
}

export async function getDocument(db: Db, documentKey: string): Promise<CommissionDocument | undefined> {
  const found = await sql<CommissionDocument>`
    select ${columns} from commission_documents where document_key = ${documentKey}
  `.execute(db)
  return found.rows[0]
}

export async function hasDocument(db: Db, documentKey: string): Promise<boolean> {
  const found = await sql`select from commission_documents where document_key = ${documentKey}`.execute(db)
  return found.rows.length > 0
}

export async function addDocument(
  tx: Db,
  made: Omit<CommissionDocument, 'takenMinor' | 'lostMinor'>,
): Promise<void> {
  await sql`
    insert into commission_documents (document_key, source_id, partner_id, account_id, connection_id, customer_id, currency, base_minor,
      total_minor, gross_minor)
    values (${made.documentKey}, ${made.sourceId}, ${made.partnerId}, ${made.accountId}, ${made.connectionId}, ${made.customerId},
      ${made.currency}, ${made.baseMinor}, ${made.totalMinor}, ${made.grossMinor})
  `.execute(tx)
}

export async function setTaken(
  tx: Db,
  documentKey: string,
  taken: { readonly takenMinor: number; readonly lostMinor: number },
): Promise<void> {
  await sql`
    update commission_documents set taken_minor = ${taken.takenMinor}, lost_minor = ${taken.lostMinor} where document_key = ${documentKey}
  `.execute(tx)
}

/** Of one customer in one currency, newest first, with the provider's id of each. */
export async function listCustomerDocuments(
  tx: Db,
  of: { readonly connectionId: string; readonly customerId: string | null; readonly currency: string },
): Promise<(CommissionDocument & { readonly externalId: string | null })[]> {
  const found = await sql<CommissionDocument & { externalId: string | null }>`
    select d.*, s.external_id from (
      select ${columns}, posted_at from commission_documents
      where connection_id = ${of.connectionId} and customer_id is not distinct from ${of.customerId} and currency = ${of.currency}
      order by posted_at desc limit 500
    ) d join commission_sources s using (source_id) order by d.posted_at desc, d.document_key desc
  `.execute(tx)
  return found.rows
}

/** How much of a credit was taken from which document. */
export async function creditShares(tx: Db, creditKey: string): Promise<ReadonlyMap<string, number>> {
  const found = await sql<{ documentKey: string; amountMinor: number }>`
    select document_key, amount_minor from commission_credits where credit_key = ${creditKey} order by document_key
  `.execute(tx)
  return new Map(found.rows.map((row) => [row.documentKey, row.amountMinor]))
}

/** How much credits have taken from a document, all of them together. */
export async function creditedOf(tx: Db, documentKey: string): Promise<number> {
  const found = await sql<{ sum: number | null }>`
    select sum(amount_minor)::bigint as sum from commission_credits where document_key = ${documentKey}
  `.execute(tx)
  return found.rows[0]?.sum ?? 0
}

export async function setCreditShare(
  tx: Db,
  share: {
    readonly creditKey: string
    readonly documentKey: string
    readonly partnerId: string
    readonly amountMinor: number
  },
): Promise<void> {
  const { creditKey, documentKey, partnerId, amountMinor } = share
  if (amountMinor === 0) {
    await sql`delete from commission_credits where credit_key = ${creditKey} and document_key = ${documentKey}`.execute(
      tx,
    )
    return
  }
  await sql`
    insert into commission_credits (credit_key, document_key, partner_id, amount_minor)
    values (${creditKey}, ${documentKey}, ${partnerId}, ${amountMinor})
    on conflict (credit_key, document_key) do update set amount_minor = excluded.amount_minor
  `.execute(tx)
}

/** When the account's first document earned something; undefined before that. */
export async function firstEarnedAt(db: Db, accountId: string): Promise<Date | undefined> {
  const found = await sql<{ at: Date | null }>`
    select min(s.occurred_at) as at from commission_documents d join commission_sources s using (source_id) where d.account_id = ${accountId}
  `.execute(db)
  return found.rows[0]?.at ?? undefined
}

export interface VolumeKey {
  readonly partnerId: string
  readonly planId: string
  readonly planVersion: number
  readonly rule: number
  readonly period: string
  readonly currency: string
}

/** Adds to the month's volume under a rule, which stays locked until the transaction ends. Answers what it is now. */
export async function addVolume(tx: Db, key: VolumeKey, moreMinor: number): Promise<number> {
  const { partnerId, planId, planVersion, rule, period, currency } = key
  const found = await sql<{ volumeMinor: number }>`
    insert into commission_volumes as v (partner_id, plan_id, plan_version, rule, period, currency, volume_minor)
    values (${partnerId}, ${planId}, ${planVersion}, ${rule}, ${period}, ${currency}, ${moreMinor})
    on conflict (partner_id, plan_id, plan_version, rule, period, currency) do update set volume_minor = v.volume_minor + excluded.volume_minor
    returning volume_minor
  `.execute(tx)
  return found.rows[0]?.volumeMinor ?? 0
}

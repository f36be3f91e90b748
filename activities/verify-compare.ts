/** Compares pages of a provider with the store, object by object. */
import { asTenant } from '../db/client.ts'
import { sampleRecords } from '../db/scan.ts'
import {
  commitVerifiedPage,
  storedObjects,
  unseenRecords,
  type Finding,
  type VerifiedPage,
  type VerifiedResource,
} from '../db/verifications.ts'
import { compareCopies, type IntegrityCounts } from '../model/integrity.ts'
import type { JsonObject } from '../model/json.ts'
import type { Row } from '../providers/contract.ts'
import { preparePage } from './prepare-page.ts'
import type { Verifying } from './verify-open.ts'

/** Ids that a provider is asked for at once (contract of `getMany`). */
const idsPerCall = 100
/** A sample of 1,000 shows a fault of one per cent nearly always, in ten calls. */
const sampleSize = 1_000

type Counts = { -readonly [K in keyof IntegrityCounts]: number }
const none = (): Counts => ({
  ...{ checked: 0, matching: 0, pending: 0, missing: 0, extra: 0, stale: 0, different: 0, orphans: 0 },
})

interface Compared {
  readonly counts: Counts
  readonly findings: readonly Finding[]
  readonly seen: readonly string[]
}

/** Compares rows that the provider has just answered with what the store has of them. */
export async function compareRows(
  { deps, connection, resource, mapping, inStepAt }: Verifying,
  rows: readonly Row[],
): Promise<Compared> {
  const prepared = preparePage(resource, mapping, { rows, deletedIds: [] })
  const living = prepared.rows.filter(({ deleted }) => !deleted)
  const seen = living.map(({ externalId }) => externalId)
  const place = { connectionId: connection.connectionId, resource: resource.name }
  const stored = await storedObjects(deps.database.db, place, seen)
  const counts = none()
  const findings: Finding[] = []
  for (const row of living) {
    const provider = {
      raw: JSON.parse(row.raw) as JsonObject,
      mapped: JSON.parse(row.mapped) as JsonObject,
      sourceUpdatedAt: row.sourceUpdatedAt,
    }
    const verdict = compareCopies(stored.get(row.externalId), provider, inStepAt, resource.volatile)
    counts.checked++
    counts[verdict.kind]++
    if ('fields' in verdict)
      findings.push({ externalId: row.externalId, kind: verdict.kind, fields: verdict.fields })
  }
  // What does not fit its schema is in the quarantine, where a sync puts it: it was seen, and nothing of it is in the store.
  return { counts, findings, seen: [...seen, ...prepared.quarantined.map(({ externalId }) => externalId)] }
}

const pageOf = (
  { verification, resource }: Verifying,
  state: VerifiedResource,
): Pick<VerifiedPage, 'verificationId' | 'partnerId' | 'resource' | 'page'> => ({
  verificationId: verification.verificationId,
  partnerId: verification.partnerId,
  resource: resource.name,
  page: state.pages,
})

/** One page of a comparison in full. Answers whether it was the last one. */
export async function compareNextPage(verifying: Verifying, state: VerifiedResource): Promise<boolean> {
  const { deps, context, resource, verification, calls } = verifying
  const position = state.position ?? resource.start(context)
  const answer = await resource.readPage(context, position)
  const compared = await compareRows(verifying, answer.rows)
  await asTenant(deps.database.db, verification.partnerId, (tx) =>
    commitVerifiedPage(tx, {
      ...pageOf(verifying, state),
      ...{ position: answer.next, done: answer.done, calls: calls.take() },
      ...{ seen: compared.seen, counts: compared.counts, findings: compared.findings },
    }),
  )
  return answer.done
}

/**
 * After a full reading: living records that it did not meet. The provider is asked for each by id where it can be; only what is gone there
 * too is extra.
 */
export async function compareUnseen(
  verifying: Verifying,
  startedAt: Date,
  signal: AbortSignal,
): Promise<void> {
  const { deps, connection, context, resource, verification, calls } = verifying
  if (resource.deletions === 'none') return
  for (let after = ''; ;) {
    signal.throwIfAborted()
    const scope = {
      verificationId: verification.verificationId,
      connectionId: connection.connectionId,
      resource: resource.name,
    }
    const ids = await unseenRecords(deps.database.db, {
      ...scope,
      before: startedAt,
      after,
      limit: idsPerCall,
    })
    const last = ids.at(-1)
    if (last === undefined) return
    after = last
    const rows = resource.getMany ? (await resource.getMany(context, ids)).rows : []
    const compared = await compareRows(verifying, rows)
    const there = new Set(compared.seen)
    const gone = ids.filter((id) => !there.has(id))
    const state = await verifying.load()
    const counts = { ...compared.counts, checked: compared.counts.checked + gone.length, extra: gone.length }
    const extra = gone.map((externalId): Finding => ({ externalId, kind: 'extra', fields: [] }))
    await asTenant(deps.database.db, verification.partnerId, (tx) =>
      commitVerifiedPage(tx, {
        ...pageOf(verifying, state),
        ...{ position: state.position, done: true, calls: calls.take(), counts },
        ...{ seen: ids, findings: [...compared.findings, ...extra] },
      }),
    )
  }
}

/** Some records read again by id. What the store lacks a sample cannot see: the counts beside it can. */
export async function compareSample(
  verifying: Verifying,
  pivot: string,
  signal: AbortSignal,
): Promise<string | null> {
  const { deps, connection, context, resource, verification, calls } = verifying
  if (!resource.getMany) return 'The provider answers no objects by id: compare in full.'
  const sample = await sampleRecords(deps.database.db, {
    ...{ connectionId: connection.connectionId, resource: resource.name, pivot, limit: sampleSize },
  })
  for (let at = (await verifying.load()).pages * idsPerCall; at < sample.length; at += idsPerCall) {
    signal.throwIfAborted()
    const ids = sample.slice(at, at + idsPerCall).map(({ externalId }) => externalId)
    const { rows } = await resource.getMany(context, ids)
    const compared = await compareRows(verifying, rows)
    const there = new Set(compared.seen)
    const gone = ids.filter((id) => !there.has(id))
    const counts = { ...compared.counts, checked: compared.counts.checked + gone.length, extra: gone.length }
    const extra = gone.map((externalId): Finding => ({ externalId, kind: 'extra', fields: [] }))
    const state = await verifying.load()
    await asTenant(deps.database.db, verification.partnerId, (tx) =>
      commitVerifiedPage(tx, {
        ...pageOf(verifying, state),
        ...{ position: null, done: false, seen: [], calls: calls.take(), counts },
        findings: [...compared.findings, ...extra],
      }),
    )
  }
  return null
}

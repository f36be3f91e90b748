/** The proof of a run: counts and hashes of everything it read, signed so that it can be checked without the hub. */
import { CompactSign, importJWK, type JWK } from 'jose'
import { listPages } from '../db/proofs.ts'
import { ensureSigningKey, openSigningKey } from '../db/signing-keys.ts'
import type { Db } from '../db/client.ts'
import type { Run } from '../db/runs.ts'
import type { Vault } from '../db/vault.ts'
import { canonicalJson, isJsonObject } from '../model/json.ts'
import { accuracyPercent, type Comparison, type ProofContent, type ResourceProof } from '../model/proof.ts'
import { chainManifest, chainStart } from '../platform/manifest-chain.ts'

/** Signs the proof of a run that has ended with `outcome`. Reads its page manifests in batches. */
export async function signProof(
  db: Db,
  vault: Vault,
  run: Run,
  outcome: string,
  endedAt: Date,
): Promise<{ keyId: string; jws: string; content: ProofContent }> {
  const content = await proofContent(db, run, outcome, endedAt)
  const key = await ensureSigningKey(db, vault, 'proof', 'syncConnection')
  const privateKey = await importJWK((await openSigningKey(db, vault, key)) as JWK, 'EdDSA')
  const jws = await new CompactSign(new TextEncoder().encode(canonicalJson(content)))
    .setProtectedHeader({ alg: 'EdDSA', kid: key.keyId, typ: 'tieline-proof+json' })
    .sign(privateKey)
  return { keyId: key.keyId, jws, content }
}

async function proofContent(db: Db, run: Run, outcome: string, endedAt: Date): Promise<ProofContent> {
  const chains = await manifestChains(db, run.runId)
  const resources = run.resources.map((resource): ResourceProof => ({
    resource: resource.resource,
    state: resource.state,
    fullScan: resource.fullScan,
    pages: resource.pages,
    scanned: resource.scanned,
    created: resource.created,
    updated: resource.updated,
    unchanged: resource.unchanged,
    deleted: resource.deleted,
    stale: resource.stale,
    quarantined: resource.quarantined,
    retried: resource.retried,
    contentHash: resource.contentHash,
    manifestChain: chains.get(resource.resource) ?? chainStart,
    comparison: isJsonObject(resource.verification) ? (resource.verification as Comparison) : null,
  }))
  const compared = resources
    .map((resource) => resource.comparison)
    .filter((comparison) => comparison !== null)
  const sum = (pick: (comparison: Comparison) => number) =>
    compared.reduce((total, one) => total + pick(one), 0)
  return {
    version: 1,
    runId: run.runId,
    connectionId: run.connectionId,
    provider: run.provider,
    mode: run.mode,
    outcome,
    startedAt: run.startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    resources,
    accuracyPercent: accuracyPercent(
      sum((one) => one.matching),
      sum((one) => one.checked - one.changedSince),
    ),
  }
}

async function manifestChains(db: Db, runId: string): Promise<Map<string, string>> {
  const chains = new Map<string, string>()
  let after: { resource: string; page: number } | undefined
  for (;;) {
    const pages = await listPages(db, { runId, after, limit: 1000 })
    for (const page of pages)
      chains.set(page.resource, chainManifest(chains.get(page.resource) ?? chainStart, page))
    const last = pages.at(-1)
    if (!last) return chains
    after = { resource: last.resource, page: last.page }
  }
}

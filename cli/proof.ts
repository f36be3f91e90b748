/** Checking a run's proof: the signature, the chain over its pages, and that the sums are the pages' sums. Needs no hub. */
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import type { ProofContent } from '../model/proof.ts'
import { chainManifest, chainStart, type ChainedManifest } from '../platform/manifest-chain.ts'

/** Everything that a check needs; what `tieline runs proof --save` writes. */
export interface ProofBundle {
  readonly jws: string
  /** Public keys (JWKS) of the hub. */
  readonly keys: JSONWebKeySet
  readonly pages: readonly ChainedManifest[]
}

export interface ProofCheck {
  readonly what: string
  readonly ok: boolean
  readonly detail: string
}

const modulus = 1n << 256n
const counted = ['scanned', 'created', 'updated', 'unchanged', 'deleted', 'stale', 'quarantined'] as const

/** All checks of a proof. `content` is undefined when the signature does not hold: nothing in it is to be believed then. */
export async function checkProof(
  bundle: ProofBundle,
): Promise<{ checks: ProofCheck[]; content: ProofContent | undefined }> {
  let content: ProofContent
  let keyId: string
  try {
    const verified = await compactVerify(bundle.jws, createLocalJWKSet(bundle.keys), {
      algorithms: ['EdDSA'],
    })
    content = JSON.parse(new TextDecoder().decode(verified.payload)) as ProofContent
    keyId = String(verified.protectedHeader.kid)
  } catch {
    const detail = 'the signature does not belong to the content, or to any of the keys'
    return { checks: [{ what: 'signature', ok: false, detail }], content: undefined }
  }
  const checks: ProofCheck[] = [{ what: 'signature', ok: true, detail: `Ed25519, key ${keyId}` }]
  for (const resource of content.resources) {
    const pages = bundle.pages.filter((page) => page.resource === resource.resource)
    checks.push(checkResource(resource, pages))
  }
  return { checks, content }
}

function checkResource(
  resource: ProofContent['resources'][number],
  pages: readonly ChainedManifest[],
): ProofCheck {
  const what = resource.resource
  if (pages.length !== resource.pages)
    return { what, ok: false, detail: `${pages.length} pages are there, ${resource.pages} are signed` }
  const chain = pages.reduce((before, page) => chainManifest(before, page), chainStart)
  if (chain !== resource.manifestChain)
    return { what, ok: false, detail: 'the chain over its pages does not end where it was signed' }
  const hash = pages.reduce((sum, page) => (sum + BigInt(page.contentHash)) % modulus, 0n)
  if (hash.toString() !== resource.contentHash)
    return { what, ok: false, detail: 'the content hash is not the sum of its pages' }
  const wrong = counted.find((name) => pages.reduce((sum, page) => sum + page[name], 0) !== resource[name])
  if (wrong !== undefined) return { what, ok: false, detail: `"${wrong}" is not the sum of its pages` }
  return { what, ok: true, detail: `${pages.length} pages, ${resource.scanned} rows` }
}

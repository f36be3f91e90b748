import { CompactSign, exportJWK, generateKeyPair, type JSONWebKeySet } from 'jose'
import type { ProofContent } from '../model/proof.ts'
import { chainManifest, chainStart, type ChainedManifest } from '../platform/manifest-chain.ts'
import { checkProof, type ProofBundle } from './proof.ts'

const page = (number: number, scanned: number): ChainedManifest => ({
  resource: 'tickets',
  page: number,
  positionIn: number === 0 ? null : { cursor: `${number}` },
  positionOut: { cursor: `${number + 1}` },
  scanned,
  created: scanned,
  updated: 0,
  unchanged: 0,
  deleted: 0,
  stale: 0,
  quarantined: 0,
  contentHash: String(BigInt(number + 1) * 7n),
})

async function makeBundle(): Promise<{ bundle: ProofBundle; foreign: JSONWebKeySet }> {
  const pages = [page(0, 1000), page(1, 250)]
  const content: ProofContent = {
    version: 1,
    runId: 'run_1',
    connectionId: 'con_1',
    provider: 'acme',
    mode: 'full',
    outcome: 'succeeded',
    startedAt: '2026-11-23T00:00:00.000Z',
    endedAt: '2026-11-23T00:00:05.000Z',
    accuracyPercent: 100,
    resources: [
      {
        resource: 'tickets',
        state: 'succeeded',
        fullScan: true,
        pages: 2,
        scanned: 1250,
        created: 1250,
        updated: 0,
        unchanged: 0,
        deleted: 0,
        stale: 0,
        quarantined: 0,
        retried: 3,
        contentHash: '21',
        manifestChain: pages.reduce((before, one) => chainManifest(before, one), chainStart),
        comparison: null,
      },
    ],
  }
  const [pair, other] = await Promise.all(
    [0, 1].map(() => generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })),
  )
  if (!pair || !other) throw new Error('no keys')
  const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(content)))
    .setProtectedHeader({ alg: 'EdDSA', kid: 'k1' })
    .sign(pair.privateKey)
  const keysOf = async (one: typeof pair): Promise<JSONWebKeySet> => ({
    keys: [{ ...(await exportJWK(one.publicKey)), kid: 'k1', alg: 'EdDSA' }],
  })
  return { bundle: { jws, keys: await keysOf(pair), pages }, foreign: await keysOf(other) }
}

const passes = async (bundle: ProofBundle) => (await checkProof(bundle)).checks.every((check) => check.ok)

describe('checking a proof without the hub', () => {
  it('passes what was signed', async () => {
    const { bundle } = await makeBundle()
    const { checks, content } = await checkProof(bundle)
    expect(checks.map((check) => [check.what, check.ok])).toEqual([
      ['signature', true],
      ['tickets', true],
    ])
    expect(content?.runId).toBe('run_1')
  })

  it('fails another key, a changed signature and changed content, and believes nothing of them', async () => {
    const { bundle, foreign } = await makeBundle()
    const [head = '', payload = '', signature = ''] = bundle.jws.split('.')
    const forged = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('1250', '1251')).toString(
      'base64url',
    )
    for (const changed of [
      { ...bundle, keys: foreign },
      { ...bundle, jws: `${head}.${forged}.${signature}` },
      { ...bundle, jws: `${head}.${payload}.` },
    ]) {
      expect(await checkProof(changed)).toMatchObject({
        checks: [{ what: 'signature', ok: false }],
        content: undefined,
      })
    }
  })

  it('fails a page that was changed, left out, added or moved', async () => {
    const { bundle } = await makeBundle()
    const [first = page(0, 1), second = page(1, 1)] = bundle.pages
    expect(await passes({ ...bundle, pages: [{ ...first, created: 999 }, second] })).toBe(false)
    expect(await passes({ ...bundle, pages: [first] })).toBe(false)
    expect(await passes({ ...bundle, pages: [first, second, second] })).toBe(false)
    expect(await passes({ ...bundle, pages: [second, first] })).toBe(false)
    expect(
      await passes({
        ...bundle,
        pages: [
          { ...first, contentHash: '8' },
          { ...second, contentHash: '13' },
        ],
      }),
    ).toBe(false)
  })
})

/** The step "encryption" of a connection's test, with real servers and certificates. */
import { execFile } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../cli/up/ports.ts'
import type { StepFinding } from '../model/diagnosis.ts'
import { certificates, startSecureServer, type SecureServer } from '../test/harness/secure-server.ts'
import { lookAtEncryption } from './diagnosis-network.ts'

const root = path.resolve(import.meta.dirname, '..')

const kinds = ['good', 'expired', 'early', 'wrong-host', 'self-signed'] as const
type Kind = (typeof kinds)[number]

let servers: Record<Kind, SecureServer>
beforeAll(async () => {
  const made: [Kind, SecureServer][] = []
  for (const kind of kinds) made.push([kind, await startSecureServer(kind)])
  servers = Object.fromEntries(made) as Record<Kind, SecureServer>
})
afterAll(async () => {
  for (const kind of kinds) await servers[kind].close()
})

const now = new Date('2026-11-29T00:00:00Z')
const look = (url: string, at = now): Promise<StepFinding> =>
  lookAtEncryption({ url: new URL(url), redirectedFrom: undefined }, at, AbortSignal.timeout(20_000))

/** By a process that trusts the authority of these certificates. */
async function lookTrusting(at: Date, ...asked: string[]): Promise<StepFinding[]> {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    NODE_EXTRA_CA_CERTS: path.join(certificates, 'ca.pem'),
  }
  const args = ['--import', 'tsx', 'test/harness/look-at-tls-worker.ts', at.toISOString(), ...asked]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env })
  return JSON.parse(stdout) as StepFinding[]
}

describe('where the workers trust who signed', () => {
  let found: Record<Kind, StepFinding>
  beforeAll(async () => {
    const findings = await lookTrusting(now, ...kinds.map((kind) => servers[kind].url))
    found = Object.fromEntries(kinds.map((kind, n) => [kind, findings[n]])) as Record<Kind, StepFinding>
  }, 30_000)

  it('a good certificate passes, with who signed it and how long it lasts', () => {
    expect(found.good).toMatchObject({
      state: 'passed',
      proves: expect.stringMatching(
        /^localhost shows a certificate by Tieline tests that is valid for \d+ more days \(TLSv1\.3\)/,
      ) as string,
      facts: { issuer: 'Tieline tests', validTo: '2120-01-01T00:00:00.000Z' },
    })
  })

  it.each([
    [
      'expired',
      'CERT_HAS_EXPIRED',
      /certificate of localhost:\d+ has ended/,
      /Tell the provider.*clock of the workers/,
    ],
    ['early', 'CERT_NOT_YET_VALID', /is not valid yet/, /clock of the workers: it is probably behind/],
    [
      'wrong-host',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      /is made out to another name/,
      /settings of the connection/,
    ],
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT', /is signed by itself/, /NODE_EXTRA_CA_CERTS/],
  ] as const)('one that is %s fails, and says what to do', (kind, fault, proves, advice) => {
    expect(found[kind]).toMatchObject({
      ...{ state: 'failed', facts: { host: 'localhost', fault } },
      proves: expect.stringMatching(proves) as string,
      advice: expect.stringMatching(advice) as string,
      failure: { code: 'Protocol' },
    })
  })

  it('one that ends in a few days is a warning', async () => {
    const [soon] = await lookTrusting(new Date('2119-12-27T00:00:00Z'), servers.good.url)
    expect(soon).toMatchObject({
      ...{ state: 'warned', facts: { daysLeft: 5 } },
      advice: expect.stringContaining('ends soon') as string,
    })
  }, 30_000)
})

it('a certificate by somebody whom the workers do not know fails: it may be a proxy, or somebody else', async () => {
  expect(await look(servers.good.url)).toMatchObject({
    ...{ state: 'failed', facts: { fault: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } },
    proves: expect.stringContaining('is signed by nobody known') as string,
    advice: expect.stringMatching(/proxy.*NODE_EXTRA_CA_CERTS.*do not go on/) as string,
  })
})

it('what speaks no TLS, and where nobody listens, are told apart', async () => {
  const plain = createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await new Promise<void>((resolve) => plain.listen(0, 'localhost', resolve))
  const { port: plainPort } = plain.address() as AddressInfo
  expect(await look(`https://localhost:${plainPort}`)).toMatchObject({
    ...{ state: 'failed', failure: { code: 'Protocol' } },
    advice: expect.stringContaining('does not speak TLS') as string,
  })
  await new Promise((resolve) => plain.close(resolve))
  const [port = 0] = await freePorts(1)
  expect(await look(`https://localhost:${port}`)).toMatchObject({
    ...{ state: 'failed', failure: { code: 'Unavailable' }, facts: { fault: 'ECONNREFUSED' } },
    advice: expect.stringContaining('firewall') as string,
  })
})

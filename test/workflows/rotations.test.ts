/** Rotations of the hub's own secrets: signing keys, keys of the ring, client secrets of its apps. Under load nothing fails. */
import { compactVerify, CompactSign, importJWK, type JWK } from 'jose'
import { sql } from 'kysely'
import { createRingRotationActivities } from '../../activities/rotate-encryption-key.ts'
import { announceRing, ringKeyFacts } from '../../db/ring-keys.ts'
import { getProviderApp, putProviderApp } from '../../db/provider-apps.ts'
import { getRotationById, openRotationOf, rotationUnderWay } from '../../db/rotations.ts'
import { ensureSigningKey, listSigningKeys, openSigningKey } from '../../db/signing-keys.ts'
import { createVault } from '../../db/vault.ts'
import { newId } from '../../platform/new-id.ts'
import { newRingKeyText, parseKeyRing } from '../../platform/secrets/keyring.ts'
import { until } from '../harness/api.ts'
import { perform } from '../harness/engine.ts'
import { startMintingProvider, type MintingProvider } from '../harness/minting-provider.ts'
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts'
import { connect } from '../harness/tiny-connection.ts'
import { ledgerlyVariables } from '../harness/token-endpoint.ts'
import { createTestHub, type TestHub } from '../harness/worker.ts'
import { putCredential } from '../../db/credentials.ts'

const oldKey = newRingKeyText([])
const newKey = newRingKeyText([oldKey.split(':')[0] ?? ''])
const [oldId = ''] = oldKey.split(':')
const [newKeyId = ''] = newKey.split(':')

let database: TestDatabase
let minting: MintingProvider
let test: TestHub
beforeAll(async () => {
  database = await createTestDatabase()
  minting = await startMintingProvider()
  test = await createTestHub({
    database: database.database,
    ring: `${newKey},${oldKey}`,
    providers: [minting.provider],
    originMap: minting.originMap,
    variables: ledgerlyVariables,
  })
})
/** Ends what a test that failed has left going. */
let isStopped = false
afterAll(async () => {
  isStopped = true
  await test?.close()
  await minting?.close()
  await database?.drop()
})

const db = () => database.database.db
const result = (workflowId: string) => test.temporal.client.workflow.getHandle(workflowId).result()

describe('rotateSigningKey', () => {
  it('under load: what is signed is believed at every moment by who knows the published keys', async () => {
    const { vault } = test.deps
    await ensureSigningKey(db(), vault, 'access', 'test')
    const published = () => listSigningKeys(db(), 'access', ['upcoming', 'current', 'retiring'])
    const signed: { token: string; at: number }[] = []
    let refused = 0
    let isOver = false
    // Who checks looks the keys up again twice a second, as one that caches them does.
    let cached = await published()
    const cache = setInterval(() => void published().then((keys) => (cached = keys)), 500)
    const client = (async () => {
      while (!isOver && !isStopped) {
        const [current] = await listSigningKeys(db(), 'access', ['current'])
        if (!current?.sealedPrivate) continue
        const key = await importJWK((await openSigningKey(db(), vault, current)) as JWK, 'EdDSA')
        const token = await new CompactSign(Buffer.from('{}'))
          .setProtectedHeader({ alg: 'EdDSA', kid: current.keyId })
          .sign(key)
        signed.push({ token, at: Date.now() })
        // Tokens live a second here.
        for (const one of signed.filter(({ at }) => Date.now() - at < 1_000).slice(-10)) {
          const kid = JSON.parse(Buffer.from(one.token.split('.')[0] ?? '', 'base64url').toString()) as {
            kid: string
          }
          const known = cached.find(({ keyId }) => keyId === kid.kid)
          if (!known) refused++
          else await compactVerify(one.token, await importJWK(known.publicJwk as JWK, 'EdDSA'))
        }
      }
    })()
    const workflowId = test.hub.rotationWorkflowId({ kind: 'signing_key', subject: 'access' })
    const [before] = await published()
    await test.temporal.client.workflow.start('rotateSigningKey', {
      workflowId,
      taskQueue: test.taskQueue,
      args: [{ purpose: 'access', publishSeconds: 2, retireSeconds: 3 }],
    })
    expect(await result(workflowId)).toMatchObject({ state: 'done' })
    isOver = true
    await client
    clearInterval(cache)
    expect(refused).toBe(0)
    const states = (await listSigningKeys(db(), 'access')).map(({ state }) => state)
    expect(states.sort()).toEqual(['current', 'retired'])
    expect((await published()).map(({ keyId }) => keyId)).not.toContain(before?.keyId)
  }, 60_000)

  it('one that is called off before it signs leaves the old key signing', async () => {
    const { vault } = test.deps
    const before = await ensureSigningKey(db(), vault, 'proof', 'test')
    const rotation = { kind: 'signing_key', subject: 'proof' } as const
    await test.hub.startRotationOf({ ...rotation, partnerId: null, startedBy: 'test' })
    expect(await test.hub.cancelRotation(rotation)).toMatchObject({ state: 'cancelled' })
    const [current] = await listSigningKeys(db(), 'proof', ['current', 'upcoming'])
    expect(current?.keyId).toBe(before.keyId)
    expect(await rotationUnderWay(db(), 'signing_key', 'proof')).toBeUndefined()
  }, 60_000)
})

describe('rotateEncryptionKey', () => {
  const place = (row: string) => ({ table: 'things', column: 'sealed', row })

  it('under load, with a batch that dies in the middle: everything is readable at every moment', async () => {
    const before = createVault(parseKeyRing(oldKey))
    const owners = Array.from({ length: 600 }, (_, n) => `acc_ring_${n}`)
    const sealed = new Map<string, Buffer>()
    for (const owner of owners) sealed.set(owner, await before.seal(db(), owner, place(owner), owner))
    // A process that does not seal with the new key yet is waited for.
    await announceRing(db(), 'api old', 'api', { currentId: oldId, ids: [oldId, newKeyId] })
    let isOver = false
    let read = 0
    const client = (async () => {
      while (!isOver && !isStopped) {
        // Without memory of its own: each look unwraps.
        const reader = createVault(parseKeyRing(`${oldKey},${newKey}`))
        const owner = owners[read++ % owners.length] ?? ''
        const opened = await reader.open(db(), owner, place(owner), sealed.get(owner) ?? Buffer.alloc(0))
        expect(opened.toString()).toBe(owner)
      }
    })()
    // A worker that is killed in the middle of a batch: its transaction is gone, as if it had never begun.
    const { rotation } = await openRotationOf(db(), {
      ...{ kind: 'encryption_key', subject: oldId, partnerId: null, facts: {}, startedBy: 'test' },
      ...{ graceSeconds: null, mostGraceSeconds: null },
    })
    await expect(
      db()
        .transaction()
        .execute(async (tx) => {
          expect(await test.deps.vault.rewrap(tx, oldId, 100)).toBe(100)
          throw new Error('killed')
        }),
    ).rejects.toThrow('killed')
    const left = async () => (await ringKeyFacts(db())).find(({ keyId }) => keyId === oldId)?.dataKeys ?? 0
    expect(await left()).toBe(owners.length)
    await test.hub.startRotationOf({
      kind: 'encryption_key',
      subject: oldId,
      partnerId: null,
      startedBy: 'test',
    })
    await until(
      () => getRotationById(db(), rotation.rotationId),
      (one) => one?.state === 'waiting_for_person',
    )
    expect(await left()).toBe(owners.length)
    await announceRing(db(), 'api old', 'api', { currentId: newKeyId, ids: [newKeyId, oldId] })
    const workflowId = test.hub.rotationWorkflowId({ kind: 'encryption_key', subject: oldId })
    expect(await result(workflowId)).toMatchObject({ state: 'done', rewrapped: owners.length })
    isOver = true
    await client
    expect(read).toBeGreaterThan(20)
    expect(await left()).toBe(0)
    // The new key alone opens all of it.
    const after = createVault(parseKeyRing(newKey))
    for (const owner of owners)
      expect(
        (await after.open(db(), owner, place(owner), sealed.get(owner) ?? Buffer.alloc(0))).toString(),
      ).toBe(owner)
    expect(await getRotationById(db(), rotation.rotationId)).toMatchObject({
      done: owners.length,
      total: owners.length,
    })
  }, 60_000)

  it('the same batch twice changes nothing more; the current key is not taken out of use', async () => {
    const activities = createRingRotationActivities(test.deps)
    await expect(perform(() => activities.beginRingRotation({ ringKeyId: newKeyId }))).rejects.toMatchObject({
      type: 'InvalidInput',
    })
    const { rotationId } = await perform(() => activities.beginRingRotation({ ringKeyId: oldId }))
    expect(await perform(() => activities.rewrapDataKeys({ rotationId }))).toEqual({ done: 0, left: 0 })
    await sql`update rotations set ended_at = now(), state = 'done' where rotation_id = ${rotationId}`.execute(
      db(),
    )
  })
})

describe('rotateClientSecret', () => {
  const next = 'ledgerly-new'
  const offer = async (clientSecret: string) => {
    const stored = await getProviderApp(db(), test.deps.vault, 'minty')
    const current = stored?.current ?? {
      clientId: ledgerlyVariables.LEDGERLY_CLIENT_ID,
      clientSecret: ledgerlyVariables.LEDGERLY_CLIENT_SECRET,
    }
    const app = {
      provider: 'minty',
      current,
      other: { ...current, clientSecret, is: 'entered' as const },
      updatedBy: 'test',
    }
    await putProviderApp(db(), test.deps.vault, app, stored?.version ?? 0)
    await test.hub.nudgeRotation({ kind: 'client_secret', subject: 'minty' })
  }
  /** The provider takes these secrets. */
  const takes = (...secrets: string[]) =>
    minting.endpoint.instead(({ authorization }) => {
      const text = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()
      return secrets.some((secret) => text.endsWith(`:${secret}`))
        ? undefined
        : { status: 401, body: { error: 'invalid_client' } }
    })

  it('under load: proven, put in force, the old one forgotten; tokens are got at every moment', async () => {
    const old = ledgerlyVariables.LEDGERLY_CLIENT_SECRET
    takes(old)
    const connection = await connect(test, 'minty')
    await sql`update connections set auth = 'oauth' where connection_id = ${connection.connectionId}`.execute(
      db(),
    )
    minting.endpoint.good.add('refresh-proof')
    await putCredential(db(), test.deps.vault, connection, {
      access_token: 'access-0',
      refresh_token: 'refresh-proof',
    })
    const [, method] = minting.provider.auth
    if (method?.kind !== 'oauth2') throw new Error('no way to connect')
    let isOver = false
    let got = 0
    const client = (async () => {
      for (let n = 0; !isOver && !isStopped; n++) {
        const app = await test.deps.appOf('minty', method)
        if (!app) throw new Error('no app')
        minting.endpoint.good.add(`refresh-load-${n}`)
        await test.deps.oauth.refresh(method, {}, app, { refresh_token: `refresh-load-${n}` })
        got++
      }
    })()
    const rotation = { kind: 'client_secret', subject: 'minty' } as const
    await test.hub.startRotationOf({ ...rotation, partnerId: null, startedBy: 'test' })
    const row = () => rotationUnderWay(db(), 'client_secret', 'minty')
    await until(row, (one) => one?.state === 'waiting_for_person')
    // Mistyped: the provider refuses it, and a person is told so.
    await offer('mistyped')
    await until(row, (one) => one?.steps[0]?.includes('refuses') === true)
    takes(old, next)
    await offer(next)
    await until(row, (one) => one?.inPlaceAt !== null && one?.state === 'waiting_for_person')
    expect(await getProviderApp(db(), test.deps.vault, 'minty')).toMatchObject({
      current: { clientSecret: next },
      other: { clientSecret: old, is: 'old' },
    })
    takes(next)
    await test.hub.confirmRotation(rotation)
    expect(await result(test.hub.rotationWorkflowId(rotation))).toMatchObject({ state: 'done' })
    isOver = true
    await client
    expect(got).toBeGreaterThan(5)
    expect(await getProviderApp(db(), test.deps.vault, 'minty')).toMatchObject({
      current: { clientSecret: next },
      other: null,
    })
  }, 60_000)

  it('called off while the new secret is being proven keeps the old one', async () => {
    takes(next, 'third')
    let letGo: () => void = () => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    let isProving = false
    minting.endpoint.beforeAnswer(async ({ authorization }) => {
      if (!Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().endsWith(':third')) return
      isProving = true
      await held
    })
    const rotation = { kind: 'client_secret', subject: 'minty' } as const
    await test.hub.startRotationOf({ ...rotation, partnerId: null, startedBy: 'test' })
    const workflowId = test.hub.rotationWorkflowId(rotation)
    await until(
      () => rotationUnderWay(db(), 'client_secret', 'minty'),
      (one) => one?.state === 'waiting_for_person',
    )
    await offer('third')
    await until(
      () => Promise.resolve(isProving),
      (yes) => yes,
    )
    const cancelled = test.hub.cancelRotation(rotation)
    await until(
      () => test.temporal.client.workflow.getHandle(workflowId).fetchHistory(),
      ({ events }) => events?.some((one) => one.workflowExecutionUpdateAcceptedEventAttributes) ?? false,
    )
    letGo()
    expect(await cancelled).toMatchObject({ state: 'cancelled' })
    expect(await result(workflowId)).toMatchObject({ state: 'cancelled' })
    expect(await getProviderApp(db(), test.deps.vault, 'minty')).toMatchObject({
      current: { clientSecret: next },
      other: null,
    })
  }, 60_000)

  it('refuses input that is wrong', async () => {
    const handle = await test.temporal.client.workflow.start('rotateClientSecret', {
      workflowId: `rotate-${newId('request')}`,
      taskQueue: test.taskQueue,
      args: [{ provider: 'nobody' }],
    })
    await expect(handle.result()).rejects.toMatchObject({ cause: { cause: { type: 'InvalidInput' } } })
  })
})

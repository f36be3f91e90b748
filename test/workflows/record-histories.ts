/**
 * Records one history for each main path of each workflow, from real runs on the real server, in clear (the codec's work
 * is undone), so that `histories.test.ts` can replay them against tomorrow's code. Never edit them by hand.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { WorkflowHandle } from '@temporalio/client'
import { createConnection, setConnectionState, type Connection } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { beginOperation, type OperationKind } from '../../db/operations.ts'
import { defaultTenant, ensureDefaultTenant } from '../../db/partners.ts'
import { reviewWorkflows } from '../../model/reviews.ts'
import { newId } from '../../platform/new-id.ts'
import { decodePayloads, type JsonPayload } from '../../platform/temporal/codec.ts'
import { newRingKeyText } from '../../platform/secrets/keyring.ts'
import { findProvider, providers } from '../../providers/registry.ts'
import { startSandbox } from '../../sandbox/server.ts'
import { simulators } from '../../sandbox/simulators.ts'
import { workflowIds } from '../../workflows/client.ts'
import {
  pauseSignal,
  resumeSignal,
  setSpeedUpdate,
  type SyncConnectionInput,
  type VerifyIntegrityInput,
} from '../../workflows/messages.ts'
import { createTestDatabase } from '../harness/postgres.ts'
import { startOAuthProvider, tinybooks, tinybooksVariables } from '../harness/oauth-provider.ts'
import { startMintingProvider } from '../harness/minting-provider.ts'
import { startNotesProvider } from '../harness/notes-provider.ts'
import { startTinyProvider, type TinyProvider } from '../harness/tiny-provider.ts'
import { ledgerlyVariables } from '../harness/token-endpoint.ts'
import { createTestHub, type TestHub } from '../harness/worker.ts'
import { createTxtLookup } from '../../platform/dns.ts'
import { startDnsServer } from '../harness/dns-server.ts'
import { recordBrands } from './record-brands.ts'
import { recordCommissions } from './record-commissions.ts'
import { recordAlerts } from './record-alerts.ts'
import { recordConnects } from './record-connects.ts'
import { recordCredentials } from './record-credentials.ts'
import { recordDelivery } from './record-delivery.ts'
import { recordDiagnoses } from './record-diagnoses.ts'
import { recordInbox } from './record-inbox.ts'
import { recordRotations } from './record-rotations.ts'
import { recordKeys } from './record-keys.ts'
import { recordAutomations, recordRemaps, recordWrites } from './record-integrations.ts'

interface Recorder {
  readonly test: TestHub
  readonly tiny: TinyProvider
  keep(name: string, handle: WorkflowHandle): Promise<void>
}

/**
 * Records into `folder`, which is emptied first. Takes about a minute.
 * @param only record and replace the histories of these workflows alone, separated by commas.
 */
export async function recordHistories(folder: string, only?: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const wanted = only?.split(',')
  const isWanted = (name: string): boolean => wanted?.includes(name.split('-')[0] ?? '') ?? true
  for (const name of await readdir(folder))
    if (name.endsWith('.json') && isWanted(name)) await rm(path.join(folder, name))
  const database = await createTestDatabase()
  const tiny = await startTinyProvider()
  const books = await startOAuthProvider()
  const notes = await startNotesProvider()
  const minting = await startMintingProvider()
  const sandbox = await startSandbox({ port: 0 })
  const dns = await startDnsServer()
  const test = await createTestHub({
    database: database.database,
    txtOf: createTxtLookup({ servers: [dns.address] }),
    ring: `${newRingKeyText(['k1'])},k1:${Buffer.alloc(32, 1).toString('base64')}`,
    providers: [...providers, tiny.provider, notes.provider, tinybooks, minting.provider],
    originMap: {
      ...sandbox.originMap,
      ...tiny.originMap,
      ...notes.originMap,
      ...books.originMap,
      ...minting.originMap,
    },
    variables: { ...tinybooksVariables, ...ledgerlyVariables },
  })
  const keep = async (name: string, handle: WorkflowHandle): Promise<void> => {
    // What is not wanted is waited for all the same: later parts build on it.
    await handle.result().catch(() => undefined)
    if (!isWanted(name)) return
    const clear = await inClear(test, JSON.parse(JSON.stringify(await handle.fetchHistory())))
    await writeFile(path.join(folder, `${name}.json`), `${JSON.stringify(clear)}\n`)
  }
  try {
    await ensureDefaultTenant(database.database.db)
    const recorder = { test, tiny, keep }
    const withNotes = async () => {
      const connection = await connect(test, notes.provider.slug, { token: 'good-token' })
      return { test, notes, keep, connection }
    }
    const parts: readonly (readonly [names: readonly string[], record: () => Promise<void>])[] = [
      [['syncConnection', 'syncMany'], () => recordSyncs(recorder)],
      [['runAction', 'runReport'], () => recordOperations(recorder)],
      [['checkConnection'], () => recordChecks(recorder)],
      [
        ['testConnection'],
        async () => {
          const { connection: toNotes } = await withNotes()
          await recordDiagnoses({
            ...recorder,
            toNotes,
            toTiny: await connect(test, 'tiny', { token: 'good' }),
          })
        },
      ],
      [['checkHealth'], () => recordHealth(recorder)],
      [['verifyIntegrity', 'verifyMany'], () => recordVerifications(recorder)],
      [['evaluateAlerts', 'escalateIncident'], () => recordAlerts({ test, keep })],
      [
        ['enforceRetention', 'dailyHealthReport', 'weeklyReview', 'securityAudit'],
        () => recordUpkeep(recorder),
      ],
      [['startScheduledSync'], () => recordTicks(recorder)],
      [['connectAccount'], () => recordConnects({ test, books, keep })],
      [
        ['rotateCredential', 'revokeCredential', 'keepCredentialsAlive'],
        () => recordCredentials({ test, minting, keep }),
      ],
      [
        [
          'rotateWebhookSecret',
          'rotateSigningKey',
          'rotateSigningKeys',
          'rotateEncryptionKey',
          'rotateClientSecret',
        ],
        () => recordRotations({ test, keep }),
      ],
      [['rotateApiKey', 'enforceKeyAge'], () => recordKeys({ test, keep })],
      [['writeRecord', 'writeMany'], async () => recordWrites(await withNotes())],
      [['remapRecords', 'describeFields'], async () => recordRemaps(await withNotes())],
      [['processInbox', 'sweepInbox', 'keepSubscriptions'], async () => recordInbox(await withNotes())],
      [
        ['postCommission', 'closeStatement', 'closeStatements', 'checkLedgers'],
        () => recordCommissions({ test, keep }),
      ],
      [['deliverEvents'], () => recordDelivery({ test, keep })],
      [['verifyDomain'], () => recordBrands({ test, dns, keep })],
      [['runAutomation', 'dispatchEvents'], async () => recordAutomations(await withNotes())],
    ]
    for (const [names, record] of parts)
      if (wanted?.some((one) => names.includes(one)) ?? true) await record()
  } finally {
    await test.close()
    await sandbox.close()
    await tiny.close()
    await notes.close()
    await minting.close()
    await books.close()
    await dns.close()
    await database.drop()
  }
}

async function connect(
  test: TestHub,
  provider: string,
  secrets: Readonly<Record<string, string>>,
  settings = {},
): Promise<Connection> {
  const { db } = test.deps.database
  const { partnerId, accountId } = defaultTenant
  const connectionId = newId('connection')
  const connection = await createConnection(db, {
    connectionId,
    partnerId,
    accountId,
    provider,
    auth: findProvider(provider)?.auth[0].name ?? 'token',
    name: 'Recorded',
    settings,
  })
  await putCredential(db, test.deps.vault, connection, secrets)
  return connection
}

function sample(test: TestHub, change: Readonly<Record<string, string>> = {}): Promise<Connection> {
  const [simulator] = simulators
  if (!simulator) throw new Error('the sandbox is empty')
  const { provider, secrets, settings } = simulator.sample
  return connect(test, provider, { ...secrets, ...change }, settings)
}

async function recordSyncs({ test, keep }: Recorder): Promise<void> {
  const connection = await sample(test)
  const { connectionId } = connection
  const run = async (input: Omit<SyncConnectionInput, 'connectionId'>, of: Connection = connection) => {
    const started = await test.hub.startSync({ connectionId: of.connectionId, ...input }, of)
    return test.temporal.client.workflow.getHandle(started.workflowId, started.runId)
  }
  await keep('syncConnection-full', await run({ mode: 'full' }))
  await keep('syncConnection-incremental', await run({}))
  await keep('syncConnection-dry-run', await run({ dryRun: true, mode: 'force' }))
  const steered = await run({ mode: 'force', speed: { pagesPerMinute: 30 } })
  await steered.signal(pauseSignal)
  await delay(1_500)
  await steered.signal(resumeSignal)
  await delay(1_500)
  await steered.executeUpdate(setSpeedUpdate, { args: [{ pagesPerMinute: null }] })
  await keep('syncConnection-paused', steered)
  const cancelled = await run({ mode: 'force', speed: { pagesPerMinute: 1 } })
  await delay(2_000)
  await cancelled.cancel()
  await keep('syncConnection-cancelled', cancelled)
  const wrong = await sample(test, { token: 'wrong', api_token: 'wrong', apiToken: 'wrong' })
  await keep('syncConnection-refused', await run({}, wrong))
  await keep('syncConnection-bad-input', await run({ resources: ['nothing'] }))
  const { client } = test.temporal
  const all = await test.hub.startSyncMany({ connectionId })
  await keep('syncMany-one', client.workflow.getHandle(all.workflowId))
  const many = await test.hub.startSyncMany({ provider: connection.provider })
  await keep('syncMany-provider', client.workflow.getHandle(many.workflowId))
  const mistyped = await test.hub.startSyncMany({ provider: `${connection.provider}k` })
  await keep('syncMany-bad-input', client.workflow.getHandle(mistyped.workflowId))
}

async function recordOperations({ test, tiny, keep }: Recorder): Promise<void> {
  const connection = await connect(test, 'tiny', { token: 'good' })
  const run = async (kind: OperationKind, name: string): Promise<WorkflowHandle> => {
    const wish = { operationId: newId('operation'), connection, kind, name, input: { text: 'hello' } }
    const { operation } = await beginOperation(test.deps.database.db, test.deps.vault, {
      ...wish,
      idempotencyKey: wish.operationId,
      startedBy: 'admin',
    })
    const started = await test.hub.startOperation({
      ...connection,
      operationId: operation.operationId,
      kind,
      operation: name,
    })
    return test.temporal.client.workflow.getHandle(started.workflowId)
  }
  await keep('runAction-done', await run('action', 'tiny.create_note'))
  await keep('runReport-done', await run('report', 'tiny.count'))
  tiny.answer(() => ({ status: 403 }))
  await keep('runAction-refused', await run('action', 'tiny.create_note'))
  tiny.answer(() => ({ delayMs: 20_000 }))
  const cancelled = await run('action', 'tiny.create_note')
  await delay(1_000)
  await cancelled.cancel()
  await keep('runAction-cancelled', cancelled)
  tiny.answer(() => ({}))
}

async function recordChecks({ test, tiny, keep }: Recorder): Promise<void> {
  const connection = await connect(test, 'tiny', { token: 'good' })
  const handle = () =>
    test.temporal.client.workflow.getHandle(workflowIds.checkConnection(connection.connectionId))
  await test.hub.checkConnection(connection)
  await keep('checkConnection-works', handle())
  tiny.answer(() => ({ status: 502 }))
  await test.hub.checkConnection(connection)
  await keep('checkConnection-outage', handle())
  tiny.answer(() => ({}))
}

async function recordVerifications({ test, keep }: Recorder): Promise<void> {
  const connection = await sample(test)
  const { connectionId } = connection
  const { db } = test.deps.database
  const handleOf = async (input: Omit<VerifyIntegrityInput, 'connectionId'>): Promise<WorkflowHandle> => {
    const { workflowId, runId } = await test.hub.startVerification({ connectionId, ...input }, connection)
    return test.temporal.client.workflow.getHandle(workflowId, runId)
  }
  const run = await test.hub.startSync({ connectionId, mode: 'full', resources: ['tickets'] }, connection)
  await test.temporal.client.workflow.getHandle(run.workflowId, run.runId).result()
  await keep('verifyIntegrity-right', await handleOf({ resources: ['tickets'] }))
  const lose = (): Promise<unknown> =>
    db
      .deleteFrom('records')
      .where('connectionId', '=', connectionId)
      .where('externalId', 'in', ['1', '2'])
      .execute()
  await lose()
  const asking = await handleOf({ mode: 'full', repair: 'ask', resources: ['tickets'] })
  for (;;) {
    const isTaken = await test.hub.decideVerification(connectionId, { approve: true, by: 'admin' }).then(
      () => true,
      () => false,
    )
    if (isTaken) break
    await delay(500)
  }
  await keep('verifyIntegrity-repaired', asking)
  await lose()
  await keep(
    'verifyIntegrity-applied',
    await handleOf({ mode: 'full', repair: 'apply', resources: ['tickets'] }),
  )
  const many = await test.temporal.client.workflow.start('verifyMany', {
    workflowId: `verify-many:${newId('request')}`,
    taskQueue: test.taskQueue,
    args: [{ provider: connection.provider }],
  })
  await keep('verifyMany-provider', many)
}

async function recordHealth({ test, tiny, keep }: Recorder): Promise<void> {
  await connect(test, 'tiny', { token: 'good' })
  const round = async (): Promise<WorkflowHandle> => {
    const { workflowId, runId } = await test.hub.startHealthRound('tiny')
    return test.temporal.client.workflow.getHandle(workflowId, runId)
  }
  await keep('checkHealth-healthy', await round())
  tiny.answer(() => ({ status: 502 }))
  await keep('checkHealth-outage', await round())
  await keep('checkHealth-canary', await round())
  tiny.answer(() => ({}))
  await keep('checkHealth-back', await round())
}

async function recordUpkeep({ test, keep }: Recorder): Promise<void> {
  for (const workflow of Object.values(reviewWorkflows)) {
    const { workflowId, runId } = await test.hub.startUpkeep(workflow)
    await keep(`${workflow}-done`, test.temporal.client.workflow.getHandle(workflowId, runId))
  }
}

async function recordTicks({ test, keep }: Recorder): Promise<void> {
  const connection = await connect(test, 'tiny', { token: 'good' })
  const tick = () =>
    test.temporal.client.workflow.start('startScheduledSync', {
      workflowId: `${workflowIds.scheduledSync(connection.connectionId)}-${newId('request')}`,
      taskQueue: test.taskQueue,
      args: [{ connectionId: connection.connectionId }],
    })
  await keep('startScheduledSync-started', await tick())
  await setConnectionState(test.deps.database.db, connection.connectionId, 'paused', null)
  await keep('startScheduledSync-skipped', await tick())
}

/** The same JSON with each payload decrypted. */
async function inClear(test: TestHub, json: unknown): Promise<unknown> {
  if (Array.isArray(json)) return await Promise.all(json.map((one) => inClear(test, one)))
  if (typeof json !== 'object' || json === null) return json
  if ('metadata' in json && 'data' in json) {
    const { payloads } = await decodePayloads(test.temporal.codec, { payloads: [json as JsonPayload] })
    return payloads[0]
  }
  const entries = Object.entries(json).map(
    async ([name, value]) => [name, await inClear(test, value)] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

/** Histories of the rotations of secrets. */
import type { WorkflowHandle } from '@temporalio/client'
import { putHookSettings } from '../../db/hook-settings.ts'
import { putProviderApp } from '../../db/provider-apps.ts'
import { rotationUnderWay } from '../../db/rotations.ts'
import { ensureSigningKey } from '../../db/signing-keys.ts'
import { newId } from '../../platform/new-id.ts'
import { until } from '../harness/api.ts'
import { connect } from '../harness/tiny-connection.ts'
import { ledgerlyVariables } from '../harness/token-endpoint.ts'
import type { TestHub } from '../harness/worker.ts'

interface Bench {
  readonly test: TestHub
  keep(name: string, handle: WorkflowHandle): Promise<void>
}

export async function recordRotations(bench: Bench): Promise<void> {
  await recordWebhookSecrets(bench)
  await recordSigningKeys(bench)
  await recordRing(bench)
  await recordClientSecrets(bench)
}

const begin = ({ test }: Bench, type: string, args: object) =>
  test.temporal.client.workflow.start(type, {
    workflowId: `${type}-${newId('request')}`,
    taskQueue: test.taskQueue,
    args: [args],
  })

async function recordWebhookSecrets(bench: Bench): Promise<void> {
  const { test, keep } = bench
  const { db } = test.deps.database
  const rotate = async () => {
    const connection = await connect(test, 'notes')
    const { connectionId } = connection
    await putHookSettings(db, test.deps.vault, connection, {
      secrets: { secret: [{ value: 'old', until: null }] },
    })
    const handle = await begin(bench, 'rotateWebhookSecret', { connectionId, quietSeconds: 10 })
    await until(
      () => rotationUnderWay(db, 'webhook_secret', connectionId),
      (one) => one?.state === 'waiting_for_person',
    )
    return handle
  }
  const confirmed = await rotate()
  await confirmed.executeUpdate('confirm')
  await keep('rotateWebhookSecret-confirmed', confirmed)
  const cancelled = await rotate()
  await cancelled.executeUpdate('extendGrace', { args: [{ seconds: 60 }] })
  await cancelled.executeUpdate('cancel')
  await keep('rotateWebhookSecret-cancelled', cancelled)
  const revoked = await rotate()
  await revoked.executeUpdate('revokeNow')
  await keep('rotateWebhookSecret-revoked', revoked)
  await keep('rotateWebhookSecret-bad-input', await begin(bench, 'rotateWebhookSecret', {}))
}

async function recordSigningKeys(bench: Bench): Promise<void> {
  const { test, keep } = bench
  const { db } = test.deps.database
  await ensureSigningKey(db, test.deps.vault, 'access', 'test')
  const quick = { purpose: 'access', publishSeconds: 1, retireSeconds: 1 }
  await keep('rotateSigningKey-done', await begin(bench, 'rotateSigningKey', quick))
  const called = await begin(bench, 'rotateSigningKey', { ...quick, publishSeconds: 60 })
  await called.executeUpdate('cancel')
  await keep('rotateSigningKey-cancelled', called)
  const scheduled = await begin(bench, 'rotateSigningKeys', { purposes: ['access'], hub: test.taskQueue })
  await keep('rotateSigningKeys-started', scheduled)
  await keep(
    'rotateSigningKeys-running',
    await begin(bench, 'rotateSigningKeys', { purposes: ['access'], hub: test.taskQueue }),
  )
  await test.hub.cancelRotation({ kind: 'signing_key', subject: 'access' })
}

async function recordRing(bench: Bench): Promise<void> {
  const { test, keep } = bench
  const { ids, currentId } = test.deps.vault.ring
  const ringKeyId = ids.find((id) => id !== currentId) ?? ''
  await keep('rotateEncryptionKey-done', await begin(bench, 'rotateEncryptionKey', { ringKeyId }))
  await keep(
    'rotateEncryptionKey-current',
    await begin(bench, 'rotateEncryptionKey', { ringKeyId: currentId }),
  )
}

async function recordClientSecrets(bench: Bench): Promise<void> {
  const { test, keep } = bench
  const { db } = test.deps.database
  const waiting = async () => {
    const handle = await begin(bench, 'rotateClientSecret', { provider: 'minty' })
    await until(
      () => rotationUnderWay(db, 'client_secret', 'minty'),
      (one) => one?.state === 'waiting_for_person',
    )
    return handle
  }
  const cancelled = await waiting()
  await cancelled.executeUpdate('cancel')
  await keep('rotateClientSecret-cancelled', cancelled)
  const done = await waiting()
  const current = {
    clientId: ledgerlyVariables.LEDGERLY_CLIENT_ID,
    clientSecret: ledgerlyVariables.LEDGERLY_CLIENT_SECRET,
  }
  const other = { ...current, clientSecret: 'new', is: 'entered' as const }
  await putProviderApp(db, test.deps.vault, { provider: 'minty', current, other, updatedBy: 'test' }, 0)
  await done.signal('lookAgain')
  await until(
    () => rotationUnderWay(db, 'client_secret', 'minty'),
    (one) => one !== undefined && one.inPlaceAt !== null,
  )
  await done.executeUpdate('confirm')
  await keep('rotateClientSecret-done', done)
}

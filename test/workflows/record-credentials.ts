/** Histories of the workflows that care for credentials. */
import { sql } from 'kysely'
import type { WorkflowHandle } from '@temporalio/client'
import { deleteConnection, type Connection } from '../../db/connections.ts'
import { keepForRevocation } from '../../db/credential-revocations.ts'
import { putCredential } from '../../db/credentials.ts'
import { newId } from '../../platform/new-id.ts'
import { workflowIds } from '../../workflows/client.ts'
import { firstKey, type MintingProvider } from '../harness/minting-provider.ts'
import { connect } from '../harness/tiny-connection.ts'
import type { TestHub } from '../harness/worker.ts'

interface Bench {
  readonly test: TestHub
  readonly minting: MintingProvider
  keep(name: string, handle: WorkflowHandle): Promise<void>
}

export async function recordCredentials(bench: Bench): Promise<void> {
  await recordRotations(bench)
  await recordRevocations(bench)
  await recordKeeping(bench)
}

async function recordRotations({ test, keep, minting }: Bench): Promise<void> {
  const rotate = async () => {
    const connection = await connect(test, 'minty', { token: firstKey })
    const { workflowId } = await test.hub.startRotation(connection, 1)
    return test.temporal.client.workflow.getHandle(workflowId)
  }
  const again = () => void minting.keys.set(firstKey, 'by hand')
  await keep('rotateCredential-done', await rotate())
  again()
  // The new one works only when it is asked for the second time.
  let asked = 0
  minting.instead(({ path }) => (path === '/me' && ++asked === 1 ? { status: 401 } : undefined))
  await keep('rotateCredential-slow-proof', await rotate())
  again()
  minting.instead(({ method }) => (method === 'POST' ? { status: 403 } : undefined))
  await keep('rotateCredential-refused', await rotate())
  // The old one cannot be ended.
  minting.instead(({ method, path }) =>
    method === 'DELETE' && path.startsWith('/keys') ? { status: 403 } : undefined,
  )
  await keep('rotateCredential-not-retired', await rotate())
  again()
  minting.instead(undefined)
}

async function withTokens({ test }: Bench, refreshToken: string): Promise<Connection> {
  const connection = await connect(test, 'minty')
  const { db } = test.deps.database
  const { connectionId } = connection
  await sql`update connections set auth = 'oauth' where connection_id = ${connectionId}`.execute(db)
  await putCredential(db, test.deps.vault, connection, {
    access_token: 'access-0',
    refresh_token: refreshToken,
  })
  return connection
}

async function recordRevocations(bench: Bench): Promise<void> {
  const { test, keep } = bench
  const { endpoint } = bench.minting
  const { db } = test.deps.database
  const revoke = async () => {
    const connection = await withTokens(bench, 'refresh-0')
    await keepForRevocation(db, test.deps.vault, connection)
    await deleteConnection(db, connection.connectionId)
    await test.hub.startRevocation(connection)
    return test.temporal.client.workflow.getHandle(workflowIds.revokeCredential(connection.connectionId))
  }
  await keep('revokeCredential-done', await revoke())
  endpoint.instead(() => ({ status: 401, body: { error: 'invalid_client' } }))
  await keep('revokeCredential-refused', await revoke())
  endpoint.instead(undefined)
}

async function recordKeeping(bench: Bench): Promise<void> {
  const { test, keep } = bench
  const { endpoint } = bench.minting
  const run = () =>
    test.temporal.client.workflow.start('keepCredentialsAlive', {
      workflowId: `keep-alive-${newId('request')}`,
      taskQueue: test.taskQueue,
      args: [{}],
    })
  await keep('keepCredentialsAlive-nothing', await run())
  for (let n = 0; n < 7; n++) {
    await withTokens(bench, `refresh-of-${n}`)
    if (n < 6) endpoint.good.add(`refresh-of-${n}`)
  }
  await keep('keepCredentialsAlive-some', await run())
}

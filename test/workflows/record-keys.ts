/** Histories of the workflows that care for API keys. */
import { sql } from 'kysely'
import type { WorkflowHandle } from '@temporalio/client'
import { insertApiKey, type ApiKey } from '../../db/api-keys.ts'
import { defaultTenant } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import { mintApiKey } from '../../platform/secrets/api-key.ts'
import { workflowIds } from '../../workflows/client.ts'
import type { RotateApiKeyInput } from '../../workflows/messages.ts'
import type { TestHub } from '../harness/worker.ts'

interface Bench {
  readonly test: TestHub
  keep(name: string, handle: WorkflowHandle): Promise<void>
}

const { partnerId } = defaultTenant

export async function recordKeys(bench: Bench): Promise<void> {
  await recordRotations(bench)
  await recordAges(bench)
}

const keyFor = ({ test }: Bench): Promise<ApiKey> =>
  insertApiKey(
    test.deps.database.db,
    { partnerId, name: 'Recorded', mode: 'live', scopes: ['records.read'], createdBy: 'test' },
    mintApiKey('live'),
  )

async function recordRotations(bench: Bench): Promise<void> {
  const { test, keep } = bench
  const { db } = test.deps.database
  const start = async (input: Omit<RotateApiKeyInput, 'keyId'>) => {
    const key = await keyFor(bench)
    const { keyId } = key
    const { workflowId } = await test.hub.startKeyRotation(key, { keyId, lookEverySeconds: 1, ...input })
    return { keyId, handle: test.temporal.client.workflow.getHandle(workflowId) }
  }
  const done = await start({ overlapSeconds: 600 })
  await test.hub.newKeyOf(done.keyId)
  await test.hub.extendKeyRotation(done.keyId, 60, 'admin')
  await sql`update key_rotations set deadline_at = now() where key_id = ${done.keyId}`.execute(db)
  await keep('rotateApiKey-done', done.handle)
  const now = await start({ overlapSeconds: 600 })
  await test.hub.newKeyOf(now.keyId)
  await test.hub.endOldKey(now.keyId, 'admin')
  await keep('rotateApiKey-revoke-now', now.handle)
  const cancelled = await start({ overlapSeconds: 600 })
  await test.hub.newKeyOf(cancelled.keyId)
  await test.hub.cancelKeyRotation(cancelled.keyId, 'admin')
  await keep('rotateApiKey-cancelled', cancelled.handle)
  const leak = await start({ overlapSeconds: 0, reason: 'leak' })
  await test.hub.newKeyOf(leak.keyId)
  await keep('rotateApiKey-leak', leak.handle)
  const stopped = await start({ overlapSeconds: 600 })
  await test.hub.newKeyOf(stopped.keyId)
  await stopped.handle.cancel()
  await keep('rotateApiKey-stopped', stopped.handle)
  await keep('rotateApiKey-bad-input', (await start({ quietSeconds: 1 })).handle)
}

async function recordAges(bench: Bench): Promise<void> {
  const { test, keep } = bench
  const { db } = test.deps.database
  const run = () =>
    test.temporal.client.workflow.start('enforceKeyAge', {
      workflowId: `enforce-key-age-${newId('request')}`,
      taskQueue: test.taskQueue,
      args: [{}],
    })
  await keep('enforceKeyAge-nothing', await run())
  const [left, aged] = [await keyFor(bench), await keyFor(bench)]
  await test.hub.startKeyRotation(left, { keyId: left.keyId })
  await test.hub.newKeyOf(left.keyId)
  await test.temporal.client.workflow.getHandle(workflowIds.rotateApiKey(left.keyId)).terminate('recorded')
  await sql`
    insert into key_policies (partner_id, max_age_days, overlap_seconds, quiet_seconds, updated_by)
    values (${partnerId}, 90, 3600, 600, 'test')
  `.execute(db)
  await sql`update api_keys set created_at = now() - interval '91 days' where key_id = ${aged.keyId}`.execute(
    db,
  )
  await keep('enforceKeyAge-some', await run())
}

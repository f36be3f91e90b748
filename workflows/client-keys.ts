/** Starting and steering rotations of API keys. */
import { reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import {
  cancelRotationUpdate,
  extendGraceUpdate,
  keyMintedUpdate,
  revokeNowUpdate,
  temporalPriority,
  workflowIds,
  type RotateApiKeyInput,
  type RotateApiKeyResult,
  type StartedKeyRotation,
} from './messages.ts'
import type { rotateApiKey } from './rotate-api-key.ts'
import { searchAttributes } from './search-attributes.ts'

interface KeyFacts {
  readonly keyId: string
  readonly partnerId: string
  readonly name: string
}

export function createKeyClient(options: HubClientOptions) {
  return { ...createStarts(options), ...createSteering(options) }
}

function createStarts({ client, taskQueue }: HubClientOptions) {
  return {
    /** @throws HubError `AlreadyRunning` when the key is being rotated. */
    startKeyRotation: (key: KeyFacts, input: RotateApiKeyInput): Promise<Started> =>
      reaching(
        async () => {
          const workflowId = workflowIds.rotateApiKey(key.keyId)
          const handle = await client.workflow.start<typeof rotateApiKey>('rotateApiKey', {
            workflowId,
            workflowIdConflictPolicy: 'FAIL',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            taskQueue,
            args: [input],
            typedSearchAttributes: searchAttributes({ partnerId: key.partnerId }),
            priority: { priorityKey: temporalPriority.interactive, fairnessKey: key.partnerId },
            staticSummary: `New API key for ${key.name}`,
          })
          return { workflowId, runId: handle.firstExecutionRunId }
        },
        { running: 'This key is being rotated already.' },
      ),
  }
}

/** Steering of the rotation that a key is under. Each throws `NoSuchThing` when it is under none, `StateConflict` when that is ending. */
function createSteering({ client }: HubClientOptions) {
  const handle = (keyId: string) =>
    client.workflow.getHandle<typeof rotateApiKey>(workflowIds.rotateApiKey(keyId))
  const steer = <T>(work: () => Promise<T>): Promise<T> =>
    reaching(() => client.withDeadline(Date.now() + 30_000, work), {
      missing: 'No rotation of this key is under way.',
    })
  return {
    /** Waits until the new key is there. */
    newKeyOf: (keyId: string): Promise<StartedKeyRotation> =>
      steer(() => handle(keyId).executeUpdate(keyMintedUpdate)),
    endOldKey: (keyId: string, by: string): Promise<RotateApiKeyResult> =>
      steer(() => handle(keyId).executeUpdate(revokeNowUpdate, { args: [{ by }] })),
    extendKeyRotation: (
      keyId: string,
      seconds: number,
      by: string,
    ): Promise<{ readonly deadlineAt: string }> =>
      steer(() => handle(keyId).executeUpdate(extendGraceUpdate, { args: [{ seconds, by }] })),
    cancelKeyRotation: (keyId: string, by: string): Promise<RotateApiKeyResult> =>
      steer(() => handle(keyId).executeUpdate(cancelRotationUpdate, { args: [{ by }] })),
  }
}

/** Starting and steering the rotations of secrets. */
import type { RotationKind, SigningPurpose } from '../model/rotation.ts'
import { isHubError } from '../platform/errors.ts'
import { reaching } from './client-errors.ts'
import type { HubClientOptions, Started } from './client-options.ts'
import { temporalPriority, workflowIds } from './messages.ts'
import type { rotateClientSecret } from './rotate-client-secret.ts'
import type { rotateEncryptionKey } from './rotate-encryption-key.ts'
import type { rotateSigningKey } from './rotate-signing-key.ts'
import type { rotateWebhookSecret } from './rotate-webhook-secret.ts'
import {
  confirmUpdate,
  endOldUpdate,
  extendUpdate,
  lookAgainSignal,
  takeBackUpdate,
  type Extended,
  type RotateClientSecretInput,
  type RotateEncryptionKeyInput,
  type RotateSigningKeyInput,
  type RotateWebhookSecretInput,
  type RotationResult,
} from './rotation-messages.ts'
import { searchAttributes } from './search-attributes.ts'

/** Which rotation is meant; a `Rotation` of the store fits. */
export interface RotationName {
  readonly kind: RotationKind
  readonly subject: string
}

export type RotationStart = RotationName & {
  readonly partnerId: string | null
  readonly name?: string | undefined
  readonly graceSeconds?: number | undefined
  readonly quietSeconds?: number | undefined
  readonly startedBy: string
}

export function rotationWorkflowId({ kind, subject }: RotationName, taskQueue: string): string {
  switch (kind) {
    case 'webhook_secret':
      return workflowIds.rotateWebhookSecret(subject)
    case 'endpoint_secret':
      return workflowIds.rotateEndpointSecret(subject)
    case 'signing_key':
      return workflowIds.rotateSigningKey(subject, taskQueue)
    case 'encryption_key':
      return workflowIds.rotateEncryptionKey(subject, taskQueue)
    case 'client_secret':
      return workflowIds.rotateClientSecret(subject, taskQueue)
  }
}

export function createRotationClient(options: HubClientOptions) {
  return {
    ...createStart(options),
    ...createSteering(options),
    workflowsBefore: (until: Date) => workflowsBefore(options, until),
  }
}

export interface KeptWorkflows {
  readonly running: number
  readonly histories: number
  readonly retentionSeconds: number | null
}

/** What Temporal keeps of this hub's workflows that began before a moment; counted by its index, which may lag by moments. */
function workflowsBefore(
  { client, namespace, taskQueue }: HubClientOptions,
  until: Date,
): Promise<KeptWorkflows> {
  return reaching(() =>
    client.withDeadline(Date.now() + 5_000, async () => {
      const began = `StartTime < "${until.toISOString()}" AND TaskQueue = "${taskQueue}"`
      const [running, histories, described] = await Promise.all([
        client.workflow.count(`${began} AND ExecutionStatus = "Running"`),
        client.workflow.count(began),
        client.workflowService.describeNamespace({ namespace }),
      ])
      const seconds = described.config?.workflowExecutionRetentionTtl?.seconds
      return {
        running: running.count,
        histories: histories.count,
        retentionSeconds: seconds === undefined || seconds === null ? null : Number(seconds),
      }
    }),
  )
}

const given = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

function createStart({ client, taskQueue }: HubClientOptions) {
  /** What all of them are started with. */
  const shared = (wish: RotationStart) => ({
    workflowId: rotationWorkflowId(wish, taskQueue),
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    taskQueue,
    typedSearchAttributes: searchAttributes({
      partnerId: wish.partnerId ?? undefined,
      connectionId: wish.kind === 'webhook_secret' ? wish.subject : undefined,
      provider: wish.kind === 'client_secret' ? wish.subject : undefined,
    }),
    priority: { priorityKey: temporalPriority.interactive, fairnessKey: wish.partnerId ?? 'hub' },
    staticSummary: `Rotation of ${wish.kind.replace('_', ' ')} ${wish.subject}`,
  })
  const start = async (wish: RotationStart) => {
    const { kind, subject, name, graceSeconds, quietSeconds, startedBy } = wish
    const lengths = given({ graceSeconds })
    switch (kind) {
      case 'webhook_secret': {
        const args: [RotateWebhookSecretInput] = [
          { connectionId: subject, startedBy, ...lengths, ...given({ name, quietSeconds }) },
        ]
        return await client.workflow.start<typeof rotateWebhookSecret>('rotateWebhookSecret', {
          ...shared(wish),
          args,
        })
      }
      case 'endpoint_secret':
        return await client.workflow.start<typeof rotateWebhookSecret>('rotateWebhookSecret', {
          ...shared(wish),
          args: [{ endpointId: subject, startedBy, ...lengths }],
        })
      case 'signing_key': {
        const args: [RotateSigningKeyInput] = [{ purpose: subject as SigningPurpose, startedBy }]
        return await client.workflow.start<typeof rotateSigningKey>('rotateSigningKey', {
          ...shared(wish),
          args,
        })
      }
      case 'encryption_key': {
        const args: [RotateEncryptionKeyInput] = [{ ringKeyId: subject, startedBy }]
        return await client.workflow.start<typeof rotateEncryptionKey>('rotateEncryptionKey', {
          ...shared(wish),
          args,
        })
      }
      case 'client_secret': {
        const args: [RotateClientSecretInput] = [{ provider: subject, startedBy, ...lengths }]
        return await client.workflow.start<typeof rotateClientSecret>('rotateClientSecret', {
          ...shared(wish),
          args,
        })
      }
    }
  }
  return {
    /** Begins a rotation, or joins the one that is under way. */
    startRotationOf: (wish: RotationStart): Promise<Started> =>
      reaching(async () => {
        const handle = await start(wish)
        return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId }
      }),
    rotationWorkflowId: (rotation: RotationName): string => rotationWorkflowId(rotation, taskQueue),
  }
}

/** Each throws `NoSuchThing` when no such rotation is under way, `StateConflict` when it is ending or does not allow it. */
function createSteering({ client, taskQueue }: HubClientOptions) {
  const handle = (rotation: RotationName) =>
    client.workflow.getHandle<typeof rotateWebhookSecret>(rotationWorkflowId(rotation, taskQueue))
  const steer = <T>(work: () => Promise<T>): Promise<T> =>
    reaching(() => client.withDeadline(Date.now() + 30_000, work), {
      missing: 'This rotation is not under way.',
    })
  return {
    /** Ends the old one at once. */
    endOldOf: (rotation: RotationName): Promise<RotationResult> =>
      steer(() => handle(rotation).executeUpdate(endOldUpdate)),
    extendRotation: (rotation: RotationName, seconds: number): Promise<Extended> =>
      steer(() => handle(rotation).executeUpdate(extendUpdate, { args: [{ seconds }] })),
    /** Takes the new one back. */
    cancelRotation: (rotation: RotationName): Promise<RotationResult> =>
      steer(() => handle(rotation).executeUpdate(takeBackUpdate)),
    confirmRotation: (rotation: RotationName): Promise<void> =>
      steer(() => handle(rotation).executeUpdate(confirmUpdate)),
    /** Something was entered: the workflow looks at once rather than later. One that is not under way is no error. */
    nudgeRotation: (rotation: RotationName): Promise<void> =>
      steer(async () => {
        await handle(rotation).signal(lookAgainSignal)
      }).catch((error: unknown) => {
        if (!isHubError(error, 'NoSuchThing')) throw error
      }),
  }
}

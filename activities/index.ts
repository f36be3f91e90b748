/**
 * Durable steps: thin, repeatable, with their truth in Postgres. They join the database and a provider's functions; they
 * never decide what comes next, that is the workflows'.
 */
import { createAlertActivities } from './alerts.ts'
import { createAutomationActivities } from './automations.ts'
import { createBrandDomainActivities } from './brand-domains.ts'
import { createCheckActivities } from './check.ts'
import { createCommissionActivities } from './commissions.ts'
import { createConnectActivities } from './connect-account.ts'
import { createHookGapActivities } from './hook-gaps.ts'
import { createSubscriptionActivities } from './hook-subscription.ts'
import { createHealthActivities } from './health.ts'
import { createInboxActivities } from './inbox.ts'
import { createKeepingActivities } from './custodian-keeping.ts'
import { createDeliveryActivities } from './delivery.ts'
import type { ActivityDeps } from './deps.ts'
import { createDescribeActivities } from './describe.ts'
import { createDiagnosisActivities } from './diagnosis.ts'
import { createOperationActivities } from './operations.ts'
import { createRemapActivities } from './remap.ts'
import { createRetentionActivities } from './retention.ts'
import { createReviewActivities } from './reviews.ts'
import { createRevocationActivities } from './revoke-credential.ts'
import { createRotationActivities } from './rotate-credential.ts'
import { createAppRotationActivities } from './rotate-client-secret.ts'
import { createRingRotationActivities } from './rotate-encryption-key.ts'
import { createSecretRotationActivities } from './rotate-secret.ts'
import { createSigningRotationActivities } from './rotate-signing-key.ts'
import { createRotationStepActivities } from './rotations.ts'
import { createKeyActivities } from './rotate-api-key.ts'
import { createSyncActivities } from './sync.ts'
import { createVerifyActivities } from './verify.ts'
import { createWriteActivities } from './writes.ts'

/** Every activity, for every queue: which of them runs where is the workflows' choice of queue. */
export function createActivities(deps: ActivityDeps) {
  return {
    ...createSyncActivities(deps),
    ...createDescribeActivities(deps),
    ...createCheckActivities(deps),
    ...createDiagnosisActivities(deps),
    ...createCommissionActivities(deps),
    ...createConnectActivities(deps),
    ...createKeepingActivities(deps),
    ...createRevocationActivities(deps),
    ...createRotationActivities(deps),
    ...createRotationStepActivities(deps),
    ...createSecretRotationActivities(deps),
    ...createSigningRotationActivities(deps),
    ...createRingRotationActivities(deps),
    ...createAppRotationActivities(deps),
    ...createKeyActivities(deps),
    ...createOperationActivities(deps),
    ...createRemapActivities(deps),
    ...createWriteActivities(deps),
    ...createAutomationActivities(deps),
    ...createInboxActivities(deps),
    ...createHealthActivities(deps),
    ...createVerifyActivities(deps),
    ...createAlertActivities(deps),
    ...createRetentionActivities(deps),
    ...createReviewActivities(deps),
    ...createSubscriptionActivities(deps),
    ...createHookGapActivities(deps),
    ...createDeliveryActivities(deps),
    ...createBrandDomainActivities(deps),
  }
}

export type Activities = ReturnType<typeof createActivities>

/**
 * What goes in and out of workflows: inputs, results, ids, signals, updates, queries. Types and names only, so that the
 * client (outside the bundle) and the workflows (inside it) share them. Inputs are small JSON that an admin can type into
 * the Temporal UI; each workflow validates its own.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'
import type { IntegrityCounts } from '../model/integrity.ts'
import type { JsonObject } from '../model/json.ts'
import type { ReviewVerdict, ReviewWorkflow } from '../model/reviews.ts'
import type { RotateApiKeyResult, StartedKeyRotation, SteeringOfKeys } from './key-messages.ts'
import type { CloseStatementResult, StatementDecision, StatementPayout } from './ledger-messages.ts'

export type * from './key-messages.ts'
export type * from './ledger-messages.ts'

/** `incremental`: go on from the cursors. `full`: the same as a first load. `force`: ignore cursors, re-read, re-compare. */
export type SyncMode = 'incremental' | 'full' | 'force'

export interface SyncConnectionInput {
  readonly connectionId: string
  /** Given by the API, which has made the row already; a run started by a schedule or by hand gets one. */
  readonly runId?: string
  readonly mode?: SyncMode
  readonly dryRun?: boolean
  /** Names of resources; what they depend on is not added. All when left out. */
  readonly resources?: readonly string[]
  /** Who started it: `admin`, `schedule`, `ui`, `sync-many`. */
  readonly startedBy?: string
  /** Workflow id of the syncMany that asked for it. */
  readonly batchId?: string
  readonly speed?: Speed
  /** Carried over by continue-as-new; not for callers. */
  readonly continued?: SyncContinuation
}

export interface SyncContinuation {
  readonly runId: string
  readonly paused: boolean
  readonly startedAt: string
}

/** Bounds how fast a run reads. Null: as fast as the provider's limits allow. */
export interface Speed {
  readonly pagesPerMinute: number | null
}

export type RunOutcome = 'succeeded' | 'partly_failed' | 'failed' | 'cancelled'

export interface Counts {
  readonly pages: number
  readonly scanned: number
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly deleted: number
  readonly stale: number
  readonly quarantined: number
  readonly retried: number
}

export interface SyncResult extends Counts {
  readonly runId: string
  readonly connectionId: string
  readonly outcome: RunOutcome
}

export interface ResourceProgress extends Counts {
  readonly resource: string
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped'
}

export interface Progress {
  readonly runId: string
  readonly state: 'running' | 'paused' | 'waiting' | 'closing'
  /** Why it waits and until when (RFC 3339), when it does. */
  readonly waiting: { readonly until: string; readonly reason: string } | null
  readonly speed: Speed
  readonly resources: readonly ResourceProgress[]
}

export interface SyncManyInput {
  /** Slug; all providers when left out. */
  readonly provider?: string
  readonly accountId?: string
  readonly connectionId?: string
  readonly mode?: SyncMode
  readonly dryRun?: boolean
  readonly resources?: readonly string[]
  /** How many connections at once, 1–50; 10 when left out. */
  readonly parallel?: number
  readonly startedBy?: string
  readonly continued?: SyncManyContinuation
}

export interface SyncManyContinuation {
  readonly after: string
  readonly result: SyncManyResult
}

export interface SyncManyResult extends Counts {
  readonly connections: number
  readonly succeeded: number
  readonly partlyFailed: number
  readonly failed: number
  readonly cancelled: number
  /** Connections that already had a run under way or are not active. */
  readonly skipped: number
  /** At most 50, so that the result stays small. */
  readonly failures: readonly { readonly connectionId: string; readonly reason: string }[]
}

export interface OperationInput {
  readonly operationId: string
}

export interface OperationResult {
  readonly operationId: string
  readonly state: 'succeeded' | 'failed'
}

export interface WriteInput {
  readonly writeId: string
}

export interface WriteResult {
  readonly writeId: string
  readonly state: 'succeeded' | 'failed'
}

export interface WriteSetInput {
  readonly setId: string
}

export interface WriteSetResult {
  readonly setId: string
  readonly state: 'succeeded' | 'partly_failed' | 'failed' | 'compensated' | 'compensation_failed'
}

export interface RemapInput {
  readonly remapId: string
}

export interface RemapResult {
  readonly remapId: string
  readonly state: 'succeeded' | 'failed' | 'cancelled'
  readonly scanned: number
  readonly changed: number
}

export interface DescribeFieldsInput {
  readonly connectionId: string
  readonly resource: string
}

/** One of the two. */
export interface RunAutomationInput {
  readonly automationRunId?: string
  readonly automationId?: string
}

export interface RunAutomationResult {
  readonly automationRunId: string
  readonly state: 'succeeded' | 'failed' | 'rejected' | 'cancelled' | 'compensation_failed'
}

export interface CheckConnectionInput {
  readonly connectionId: string
}

/** What a check of a connection found out. A refusal is a result too: the check has done its work. */
export interface CheckConnectionResult {
  readonly connectionId: string
  readonly ok: boolean
  /** What the check proved, in one sentence. */
  readonly proves?: string
  /** Small facts worth showing; no secrets. */
  readonly facts?: JsonObject
  /** Why not: a code of `model/failures.ts` and a public sentence. */
  readonly failure?: { readonly code: string; readonly message: string }
}

export interface TestConnectionInput {
  readonly connectionId: string
  /** Given by the API, which has answered with it; a test that is started by hand gets one. */
  readonly diagnosisId?: string
  /** Also writes one object at the provider and deletes it again, where that is safe; false when left out. */
  readonly write?: boolean
  readonly startedBy?: string
}

export interface TestConnectionResult {
  readonly connectionId: string
  readonly diagnosisId: string
  /** `passed`, `warned`, `failed`; what each step found is in the row and in the current details. */
  readonly state: string
}

export interface RotateCredentialInput {
  readonly connectionId: string
  /** How long the old credential lives on beside the new one, 0 to 604,800; 360 when left out. */
  readonly overlapSeconds?: number
}

export interface RotateCredentialResult {
  readonly connectionId: string
  readonly state: 'rotated'
}

export interface RevokeCredentialInput {
  readonly connectionId: string
}

export interface RevokeCredentialResult {
  readonly connectionId: string
  readonly revoked: boolean
}

export interface KeepCredentialsAliveInput {
  /** Carried over by continue-as-new; not for callers. */
  readonly continued?: { readonly after: string; readonly result: KeepCredentialsAliveResult }
}

export interface KeepCredentialsAliveResult {
  readonly renewed: number
  /** Nothing to do any more. */
  readonly skipped: number
  readonly failed: number
  /** Accesses that end soon. */
  readonly warned: number
  /** Secrets of deleted connections that were left. */
  readonly erased: number
}

export interface VerifyIntegrityInput {
  readonly connectionId: string
  /** Given by the API; one that is started by hand gets one. */
  readonly verificationId?: string
  /** `sample` when left out: some records read again by id. `full`: everything. */
  readonly mode?: 'sample' | 'full'
  /** What is done about findings; `none` when left out. `ask` waits for a person. */
  readonly repair?: 'none' | 'ask' | 'apply'
  /** All when left out. */
  readonly resources?: readonly string[]
  readonly startedBy?: string
}

export interface VerifyIntegrityResult extends IntegrityCounts {
  readonly verificationId: string
  readonly accuracyPercent: number
  readonly repaired: number
  readonly notRepaired: number
}

export interface VerificationDecision {
  readonly approve: boolean
  /** Who decided. */
  readonly by: string
}

export interface VerifyManyInput {
  readonly provider?: string
  readonly mode?: 'sample' | 'full'
  /** Carried over by continue-as-new; not for callers. */
  readonly continued?: { readonly after: string; readonly result: VerifyManyResult }
}

export interface VerifyManyResult {
  readonly verified: number
  /** Of these, not right in every object. */
  readonly wrong: number
  readonly failed: number
}

export interface CheckHealthInput {
  /** Slug. */
  readonly provider: string
  /** Of the schedule, 30 to 86,400; 300 when left out: how long canaries go on before the next tick does. */
  readonly everySeconds?: number
}

export interface CheckHealthResult {
  readonly provider: string
  readonly state: 'healthy' | 'degraded' | 'down' | 'not_configured' | 'unknown'
  /** Connections: of the provider, asked in this round, failing, whose state has changed. */
  readonly looked: number
  readonly probed: number
  readonly bad: number
  readonly changed: number
}

export interface EvaluateAlertsResult {
  readonly policies: number
  /** Incidents that are new or have come back; that are over; that somebody is told of from now on; whose workflow was woken. */
  readonly opened: number
  readonly resolved: number
  readonly followed: number
  readonly woken: number
  /** Policies that could not be evaluated. */
  readonly failed: number
  /** Messages that belong to no incident. */
  readonly sent: number
}

export interface EscalateIncidentInput {
  readonly incidentId: string
  /** Carried over by continue-as-new; not for callers. */
  readonly continued?: { readonly sent: number }
}

export interface EscalateIncidentResult {
  readonly incidentId: string
  readonly state: 'open' | 'acknowledged' | 'snoozed' | 'resolved'
  /** Messages that got through. */
  readonly sent: number
}

/** What a person answers. */
export interface AnswerInput {
  readonly by?: string
  readonly note?: string
  /** Of a snooze. */
  readonly minutes?: number
}

export interface AnswerResult {
  readonly state: 'open' | 'acknowledged' | 'snoozed' | 'resolved'
  readonly changed: boolean
}

export interface EnforceRetentionResult {
  /** Rows by what they were; `…Months`: parts of tables. */
  readonly removed: Readonly<Record<string, number>>
  readonly reviewId: string
}

export interface MakeReviewResult {
  readonly reviewId: string
  readonly verdict: ReviewVerdict
  readonly summary: string
}

export interface ConnectAccountInput {
  readonly sessionId: string
}

export interface ConnectAccountResult {
  readonly sessionId: string
  /** Of the session. `failed`: this attempt; the person may make another. */
  readonly state: string
  readonly connectionId?: string
  readonly failure?: { readonly code: string; readonly message: string }
}

/** What a connection's schedule starts: Temporal adds the time to a scheduled workflow's id, so it cannot be the sync itself. */
export interface ScheduledSyncInput {
  readonly connectionId: string
}

export interface ScheduledSyncResult {
  readonly connectionId: string
  readonly started: boolean
  /** Why nothing was started. */
  readonly reason?: 'already running' | 'paused' | 'needs attention' | 'deleted'
}

export interface InboxCounts {
  readonly processed: number
  readonly dead: number
  readonly postponed: number
}

export interface ProcessInboxInput {
  readonly connectionId: string
  /** Carried over by continue-as-new; not for callers. */
  readonly continued?: InboxCounts
}

export interface KeepSubscriptionsInput {
  readonly connectionId?: string
}

export interface KeepSubscriptionsResult {
  readonly active: number
  readonly failed: number
  readonly unsupported: number
  readonly none: number
  /** Runs of numbers that never came, found now; what they told of is read by a sync. */
  readonly gaps?: number
}

export interface SweepInboxResult {
  readonly woken: number
}

export interface VerifyDomainInput {
  readonly domainId: string
}

export interface DeliverEventsInput {
  readonly endpointId: string
  /** Carried over by continue-as-new; not for callers. */
  readonly continued?: DeliverEventsResult
}

export interface DeliverEventsResult {
  readonly delivered: number
  readonly failed: number
}

const ofHub = (id: string, taskQueue: string): string => (taskQueue === 'tieline' ? id : `${id}:${taskQueue}`)
const reviewIds = {
  dailyHealthReport: 'health-report',
  weeklyReview: 'weekly-review',
  securityAudit: 'security-audit',
  enforceRetention: 'retention',
} as const satisfies Record<ReviewWorkflow, string>

export const workflowIds = {
  syncConnection: (connectionId: string) => `sync:${connectionId}`,
  syncMany: (scope: string, startedAt: string) => `sync-many:${scope}:${startedAt}`,
  runAction: (operationId: string) => `action:${operationId}`,
  runReport: (operationId: string) => `report:${operationId}`,
  writeRecord: (writeId: string) => `write:${writeId}`,
  writeMany: (setId: string) => `write-set:${setId}`,
  remapRecords: (connectionId: string, resource: string) => `remap:${connectionId}:${resource}`,
  runAutomation: (automationRunId: string) => `automation:${automationRunId}`,
  automationSchedule: (automationId: string) => `automation-schedule:${automationId}`,
  /** Temporal appends the time of each tick. */
  automationTick: (automationId: string) => `automation-tick:${automationId}`,
  /** One per hub: several hubs may share a namespace. */
  dispatchEvents: (taskQueue: string) => `dispatch-events:${taskQueue}`,
  /** A dry run stands beside others. */
  dryRemap: (remapId: string) => `remap-plan:${remapId}`,
  describeFields: (connectionId: string, resource: string) => `describe:${connectionId}:${resource}`,
  checkConnection: (connectionId: string) => `check:${connectionId}`,
  testConnection: (connectionId: string) => `test:${connectionId}`,
  rotateCredential: (connectionId: string) => `rotate-credential:${connectionId}`,
  rotateApiKey: (keyId: string) => `rotate-key:${keyId}`,
  /** One per hub; hubs that share a namespace differ in their queue. */
  enforceKeyAge: (taskQueue: string) =>
    taskQueue === 'tieline' ? 'enforce-key-age' : `enforce-key-age:${taskQueue}`,
  rotateWebhookSecret: (connectionId: string) => `rotate-webhook-secret:${connectionId}`,
  rotateEndpointSecret: (endpointId: string) => `rotate-endpoint-secret:${endpointId}`,
  /** The hub's own secrets: hubs that share a namespace differ in their queue. */
  rotateSigningKey: (purpose: string, taskQueue: string) => ofHub(`rotate-signing-key:${purpose}`, taskQueue),
  rotateSigningKeys: (taskQueue: string) => ofHub('rotate-signing-keys', taskQueue),
  rotateEncryptionKey: (ringKeyId: string, taskQueue: string) =>
    ofHub(`rotate-encryption-key:${ringKeyId}`, taskQueue),
  rotateClientSecret: (provider: string, taskQueue: string) =>
    ofHub(`rotate-client-secret:${provider}`, taskQueue),
  revokeCredential: (connectionId: string) => `revoke-credential:${connectionId}`,
  /** One per hub; hubs that share a namespace differ in their queue. */
  keepCredentialsAlive: (taskQueue: string) =>
    taskQueue === 'tieline' ? 'keep-credentials-alive' : `keep-credentials-alive:${taskQueue}`,
  processInbox: (connectionId: string) => `inbox:${connectionId}`,
  keepSubscription: (connectionId: string) => `keep-subscription:${connectionId}`,
  keepSubscriptions: (taskQueue: string) =>
    taskQueue === 'tieline' ? 'keep-subscriptions' : `keep-subscriptions:${taskQueue}`,
  /** One per hub; hubs that share a namespace differ in their queue. */
  sweepInbox: (taskQueue: string) => (taskQueue === 'tieline' ? 'sweep-inbox' : `sweep-inbox:${taskQueue}`),
  verifyDomain: (domainId: string) => `domain:${domainId}`,
  deliverEvents: (endpointId: string) => `deliver:${endpointId}`,
  /** Temporal appends the time of each tick. One per hub; hubs that share a namespace differ in their queue. */
  checkHealth: (taskQueue: string, provider: string) =>
    taskQueue === 'tieline' ? `health:${provider}` : `health:${provider}:${taskQueue}`,
  checkHealthNow: (taskQueue: string, provider: string) =>
    taskQueue === 'tieline' ? `health-now:${provider}` : `health-now:${provider}:${taskQueue}`,
  verifyIntegrity: (connectionId: string) => `verify:${connectionId}`,
  /** Temporal appends the time of each tick. */
  verifyMany: (taskQueue: string) => (taskQueue === 'tieline' ? 'verify-many' : `verify-many:${taskQueue}`),
  postCommission: (sourceId: string) => `commission:${sourceId}`,
  closeStatement: (partnerId: string, period: string) => `statement:${partnerId}:${period}`,
  /** One per hub; hubs that share a namespace differ in their queue. */
  closeStatements: (taskQueue: string) =>
    taskQueue === 'tieline' ? 'close-statements' : `close-statements:${taskQueue}`,
  checkLedgers: (taskQueue: string) =>
    taskQueue === 'tieline' ? 'check-ledgers' : `check-ledgers:${taskQueue}`,
  /** Temporal appends the time of each tick. One per hub; hubs that share a namespace differ in their queue. */
  evaluateAlerts: (taskQueue: string) => (taskQueue === 'tieline' ? 'alerts' : `alerts:${taskQueue}`),
  evaluateAlertsNow: (taskQueue: string) =>
    taskQueue === 'tieline' ? 'alerts-now' : `alerts-now:${taskQueue}`,
  escalateIncident: (incidentId: string) => `incident:${incidentId}`,
  /** Temporal appends the time of each tick. One per hub; hubs that share a namespace differ in their queue. */
  review: (taskQueue: string, workflow: ReviewWorkflow) =>
    taskQueue === 'tieline' ? reviewIds[workflow] : `${reviewIds[workflow]}:${taskQueue}`,
  reviewNow: (taskQueue: string, workflow: ReviewWorkflow) =>
    taskQueue === 'tieline' ? `${reviewIds[workflow]}-now` : `${reviewIds[workflow]}-now:${taskQueue}`,
  connectAccount: (sessionId: string) => `connect:${sessionId}`,
  syncSchedule: (connectionId: string) => `sync-schedule:${connectionId}`,
  /** Temporal appends the time of each tick. */
  scheduledSync: (connectionId: string) => `sync-tick:${connectionId}`,
} as const

/** A webhook has come for this lane; there is something to send to this endpoint, or it was changed. */
export const wakeSignal = defineSignal('wake')
export const pauseSignal = defineSignal('pause')
export const resumeSignal = defineSignal('resume')
export const setSpeedUpdate = defineUpdate<Speed, [Speed]>('setSpeed')
/** A person has decided a conflict; the decision is in the write's row. */
export const decidedSignal = defineSignal('decided')
export const decideVerificationUpdate = defineUpdate<void, [VerificationDecision]>('decideVerification')
/** Answers when the new key of a rotation is there (and, without an overlap, the old one has ended). */
export const keyMintedUpdate = defineUpdate<StartedKeyRotation, []>('minted')
export const revokeNowUpdate = defineUpdate<RotateApiKeyResult, [SteeringOfKeys]>('revokeNow')
/** Adds to the overlap. Answers the new deadline. */
export const extendGraceUpdate = defineUpdate<
  { readonly deadlineAt: string },
  [SteeringOfKeys & { readonly seconds: number }]
>('extendGrace')
export const cancelRotationUpdate = defineUpdate<RotateApiKeyResult, [SteeringOfKeys]>('cancel')
/** A person approves or rejects a statement; a person has paid it out. */
export const decideStatementUpdate = defineUpdate<CloseStatementResult, [StatementDecision]>('decide')
export const payStatementUpdate = defineUpdate<CloseStatementResult, [StatementPayout]>('recordPayout')
/** Somebody answers an alert. */
export const acknowledgeUpdate = defineUpdate<AnswerResult, [AnswerInput]>('acknowledge')
export const snoozeUpdate = defineUpdate<AnswerResult, [AnswerInput]>('snooze')
export const resolveUpdate = defineUpdate<AnswerResult, [AnswerInput]>('resolve')
export const progressQuery = defineQuery<Progress>('progress')
export const manyProgressQuery = defineQuery<SyncManyResult>('progress')

export { searchAttributeNames } from '../model/search-attributes.ts'

/** Temporal's own priority (1 first) and fairness for a kind of work (temporal-notes §2). */
export const temporalPriority = { webhook: 1, interactive: 2, incremental: 3, backfill: 5 } as const

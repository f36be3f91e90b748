/**
 * The bundle: what runs inside Temporal's sandbox. Orchestration only: no I/O, no Node, no payloads. Names are for ever
 * once something has started them. `client.ts` and what it imports must never get in here.
 */
export { checkConnection } from './check-connection.ts'
export { checkHealth } from './check-health.ts'
export { connectAccount } from './connect-account.ts'
export { deliverEvents } from './deliver-events.ts'
export { describeFields, remapRecords } from './remap-records.ts'
export { dispatchEvents, runAutomation } from './run-automation.ts'
export { processInbox, sweepInbox } from './process-inbox.ts'
export { keepCredentialsAlive } from './keep-credentials-alive.ts'
export { keepSubscriptions } from './keep-subscriptions.ts'
export { revokeCredential } from './revoke-credential.ts'
export { rotateCredential } from './rotate-credential.ts'
export { runAction, runReport } from './run-operation.ts'
export { startScheduledSync } from './scheduled-sync.ts'
export { syncConnection } from './sync-connection.ts'
export { syncMany } from './sync-many.ts'
export { testConnection } from './test-connection.ts'
export { verifyDomain } from './verify-domain.ts'
export { writeMany, writeRecord } from './write-record.ts'

/** Every operation of the description with its handler; the compiler names one that is missing. */
import { decodePayloads, encodePayloads } from './codec.ts'
import type { Handlers } from './operation.ts'
import * as audit from './resources/audit.ts'
import { createConnectSession, getConnectSession } from './resources/connect-sessions.ts'
import * as automationRuns from './resources/automation-runs.ts'
import * as automations from './resources/automations.ts'
import * as steering from './resources/connection-steering.ts'
import { listBudgets } from './resources/budgets.ts'
import * as connections from './resources/connections.ts'
import * as deliveries from './resources/deliveries.ts'
import * as endpoints from './resources/endpoints.ts'
import * as hookRules from './resources/hook-rules.ts'
import * as inbox from './resources/inbox.ts'
import * as keyRotations from './resources/key-rotations.ts'
import * as keys from './resources/keys.ts'
import { getCaller } from './resources/me.ts'
import { createAccessToken, listAccessKeys } from './resources/oauth.ts'
import * as mappings from './resources/mappings.ts'
import * as operations from './resources/operations.ts'
import * as providers from './resources/providers.ts'
import * as records from './resources/records.ts'
import * as runs from './resources/runs.ts'
import * as batches from './resources/sync-many.ts'
import * as system from './resources/system.ts'
import { listEncryptionKeys } from './resources/encryption-keys.ts'
import * as providerApps from './resources/provider-apps.ts'
import * as rotations from './resources/rotations.ts'
import * as webhooks from './resources/webhooks.ts'
import * as writes from './resources/writes.ts'

export const handlers: Handlers = {
  ...system,
  getCaller,
  createAccessToken,
  listAccessKeys,
  listKeys: keys.listKeys,
  createKey: keys.createKey,
  getKey: keys.getKey,
  updateKey: keys.updateKey,
  revokeKey: keys.revokeKey,
  rotateKey: keyRotations.rotateKey,
  fetchKeySecret: keyRotations.fetchKeySecret,
  getKeyRotation: keyRotations.getKeyRotation,
  endOldKey: keyRotations.endOldKey,
  extendKeyRotation: keyRotations.extendKeyRotation,
  cancelKeyRotation: keyRotations.cancelKeyRotation,
  listOwnKeys: (deps, call) => keys.listKeys(deps, call),
  createOwnKey: (deps, call) => keys.createKey(deps, call),
  getOwnKey: (deps, call) => keys.getKey(deps, call),
  updateOwnKey: (deps, call) => keys.updateKey(deps, call),
  revokeOwnKey: (deps, call) => keys.revokeKey(deps, call),
  rotateOwnKey: (deps, call) => keyRotations.rotateKey(deps, call),
  fetchOwnKeySecret: (deps, call) => keyRotations.fetchKeySecret(deps, call),
  getOwnKeyRotation: (deps, call) => keyRotations.getKeyRotation(deps, call),
  endOwnOldKey: (deps, call) => keyRotations.endOldKey(deps, call),
  extendOwnKeyRotation: (deps, call) => keyRotations.extendKeyRotation(deps, call),
  cancelOwnKeyRotation: (deps, call) => keyRotations.cancelKeyRotation(deps, call),
  getKeyPolicy: keyRotations.getKeyPolicy,
  putKeyPolicy: keyRotations.putKeyPolicy,
  listOwnConnections: (deps, call) => connections.listConnections(deps, call),
  getOwnConnection: (deps, call) => connections.getConnection(deps, call),
  ...providers,
  ...connections,
  ...steering,
  listBudgets,
  createConnectSession,
  getConnectSession,
  ...runs,
  ...batches,
  ...records,
  ...mappings,
  ...automations,
  ...automationRuns,
  ...writes,
  ...webhooks,
  ...hookRules,
  ...inbox,
  ...endpoints,
  listDeliveries: deliveries.listDeliveries,
  getDelivery: deliveries.getDelivery,
  listEvents: deliveries.listEvents,
  listEventTypes: deliveries.listEventTypes,
  ...rotations,
  ...providerApps,
  listEncryptionKeys,
  ...operations,
  ...audit,
  encodePayloads,
  decodePayloads,
}

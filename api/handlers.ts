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
import * as health from './resources/health.ts'
import { streamHealth } from './resources/live-health.ts'
import * as hookRules from './resources/hook-rules.ts'
import * as inbox from './resources/inbox.ts'
import { getCaller } from './resources/me.ts'
import * as limits from './resources/limits.ts'
import * as mappings from './resources/mappings.ts'
import * as operations from './resources/operations.ts'
import * as providers from './resources/providers.ts'
import * as records from './resources/records.ts'
import * as reviews from './resources/reviews.ts'
import * as runs from './resources/runs.ts'
import { getMetricSeries } from './resources/series.ts'
import * as batches from './resources/sync-many.ts'
import * as system from './resources/system.ts'
import * as usage from './resources/usage.ts'
import * as webhooks from './resources/webhooks.ts'
import * as writes from './resources/writes.ts'

export const handlers: Handlers = {
  ...system,
  getCaller,
  ...health,
  streamHealth,
  getMetricSeries,
  ...reviews,
  listOwnConnectionHealth: (deps, call) => health.listConnectionHealth(deps, call),
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
  ...limits,
  ...usage,
  ...operations,
  ...audit,
  encodePayloads,
  decodePayloads,
}

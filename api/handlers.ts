/** Every operation of the description with its handler; the compiler names one that is missing. */
import { decodePayloads, encodePayloads } from './codec.ts'
import type { Handlers } from './operation.ts'
import * as audit from './resources/audit.ts'
import { createConnectSession, getConnectSession } from './resources/connect-sessions.ts'
import * as alertChannels from './resources/alert-channels.ts'
import * as alertPolicies from './resources/alert-policies.ts'
import * as automationRuns from './resources/automation-runs.ts'
import * as automations from './resources/automations.ts'
import * as steering from './resources/connection-steering.ts'
import { listBudgets } from './resources/budgets.ts'
import * as connections from './resources/connections.ts'
import * as deliveries from './resources/deliveries.ts'
import * as endpoints from './resources/endpoints.ts'
import * as escalations from './resources/escalations.ts'
import * as incidents from './resources/incidents.ts'
import * as health from './resources/health.ts'
import * as hookRules from './resources/hook-rules.ts'
import * as inbox from './resources/inbox.ts'
import { getCaller } from './resources/me.ts'
import * as mappings from './resources/mappings.ts'
import * as operations from './resources/operations.ts'
import * as providers from './resources/providers.ts'
import * as records from './resources/records.ts'
import * as runs from './resources/runs.ts'
import * as batches from './resources/sync-many.ts'
import * as system from './resources/system.ts'
import * as webhooks from './resources/webhooks.ts'
import * as writes from './resources/writes.ts'

export const handlers: Handlers = {
  ...system,
  getCaller,
  ...health,
  ...incidents,
  listOwnIncidents: (deps, call) => incidents.listIncidents(deps, call),
  getOwnIncident: (deps, call) => incidents.getIncident(deps, call),
  getOwnIncidentTimeline: (deps, call) => incidents.getIncidentTimeline(deps, call),
  acknowledgeOwnIncident: (deps, call) => incidents.acknowledgeIncident(deps, call),
  snoozeOwnIncident: (deps, call) => incidents.snoozeIncident(deps, call),
  resolveOwnIncident: (deps, call) => incidents.resolveIncident(deps, call),
  addOwnIncidentNote: (deps, call) => incidents.addIncidentNote(deps, call),
  ...alertChannels,
  ...alertPolicies,
  ...escalations,
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
  ...operations,
  ...audit,
  encodePayloads,
  decodePayloads,
}

/** Every operation of the description with its handler; the compiler names one that is missing. */
import { decodePayloads, encodePayloads } from './codec.ts'
import type { Handlers } from './operation.ts'
import * as accounts from './resources/accounts.ts'
import * as audit from './resources/audit.ts'
import { createConnectSession, getConnectSession } from './resources/connect-sessions.ts'
import * as attributions from './resources/attributions.ts'
import * as alertChannels from './resources/alert-channels.ts'
import * as alertPolicies from './resources/alert-policies.ts'
import * as automationRuns from './resources/automation-runs.ts'
import * as automations from './resources/automations.ts'
import * as commissionPlans from './resources/commission-plans.ts'
import * as commissions from './resources/commissions.ts'
import * as steering from './resources/connection-steering.ts'
import { brandOperations } from './resources/brand-operations.ts'
import { listBudgets } from './resources/budgets.ts'
import * as connections from './resources/connections.ts'
import * as deliveries from './resources/deliveries.ts'
import * as dependencyAudit from './resources/dependency-audit.ts'
import * as diagnoses from './resources/diagnoses.ts'
import * as endpoints from './resources/endpoints.ts'
import * as escalations from './resources/escalations.ts'
import * as incidents from './resources/incidents.ts'
import * as health from './resources/health.ts'
import { streamHealth } from './resources/live-health.ts'
import * as hookRules from './resources/hook-rules.ts'
import * as inbox from './resources/inbox.ts'
import * as keyRotations from './resources/key-rotations.ts'
import * as keys from './resources/keys.ts'
import { getCaller } from './resources/me.ts'
import * as limits from './resources/limits.ts'
import * as maintenance from './resources/maintenance.ts'
import { createAccessToken, listAccessKeys } from './resources/oauth.ts'
import * as mappings from './resources/mappings.ts'
import * as invitations from './resources/invitations.ts'
import * as operations from './resources/operations.ts'
import { changePassword } from './resources/own-password.ts'
import * as ownSessions from './resources/own-sessions.ts'
import * as partners from './resources/partners.ts'
import * as people from './resources/people.ts'
import * as providers from './resources/providers.ts'
import * as records from './resources/records.ts'
import * as reviews from './resources/reviews.ts'
import * as runs from './resources/runs.ts'
import { confirmTotp, disableTotp, enrolTotp } from './resources/second-factor.ts'
import * as signIns from './resources/sign-in.ts'
import { getMetricSeries } from './resources/series.ts'
import * as batches from './resources/sync-many.ts'
import * as statements from './resources/statements.ts'
import * as system from './resources/system.ts'
import * as usage from './resources/usage.ts'
import { listEncryptionKeys } from './resources/encryption-keys.ts'
import * as providerApps from './resources/provider-apps.ts'
import * as rotations from './resources/rotations.ts'
import * as verifications from './resources/verifications.ts'
import * as webhooks from './resources/webhooks.ts'
import * as writes from './resources/writes.ts'
import { modelHandlers, partnerHandlers } from './handlers-v1.ts'

/** What partners may ask as admins do is made from these. */
const shared = {
  ...providers,
  ...connections,
  ...steering,
  ...diagnoses,
  listBudgets,
  createConnectSession,
  getConnectSession,
  ...runs,
  ...health,
  ...verifications,
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
}

export const handlers: Handlers = {
  ...system,
  getCaller,
  listOwnPartners: (deps, call) => partners.listPartners(deps, call),
  createOwnPartner: (deps, call) => partners.createPartner(deps, call),
  getOwnPartner: (deps, call) => partners.getPartner(deps, call),
  updateOwnPartner: (deps, call) => partners.updatePartner(deps, call),
  moveOwnPartner: (deps, call) => partners.movePartner(deps, call),
  suspendOwnPartner: (deps, call) => partners.suspendPartner(deps, call),
  resumeOwnPartner: (deps, call) => partners.resumePartner(deps, call),
  closeOwnPartner: (deps, call) => partners.closePartner(deps, call),
  listOwnAccounts: (deps, call) => accounts.listAccounts(deps, call),
  getOwnAccount: (deps, call) => accounts.getAccount(deps, call),
  updateOwnAccount: (deps, call) => accounts.updateAccount(deps, call),
  closeOwnAccount: (deps, call) => accounts.closeAccount(deps, call),
  listOwnMembers: (deps, call) => people.listMembers(deps, call),
  getOwnMember: (deps, call) => people.getMember(deps, call),
  updateOwnMember: (deps, call) => people.updateMember(deps, call),
  deleteOwnMember: (deps, call) => people.deleteMember(deps, call),
  listOwnInvitations: (deps, call) => invitations.listInvitations(deps, call),
  createOwnInvitation: (deps, call) => invitations.createInvitation(deps, call),
  getOwnInvitation: (deps, call) => invitations.getInvitation(deps, call),
  deleteOwnInvitation: (deps, call) => invitations.deleteInvitation(deps, call),
  signIn: signIns.signIn,
  meetChallenge: signIns.meetChallenge,
  signOut: signIns.signOut,
  listOwnSessions: ownSessions.listOwnSessions,
  endOtherSessions: ownSessions.endOtherSessions,
  endOwnSession: ownSessions.endOwnSession,
  getOwnPerson: ownSessions.getOwnPerson,
  changePassword,
  enrolTotp,
  confirmTotp,
  disableTotp,
  ...partners,
  listAccounts: accounts.listAccounts,
  createAccount: accounts.createAccount,
  createOwnAccount: accounts.createOwnAccount,
  getAccount: accounts.getAccount,
  updateAccount: accounts.updateAccount,
  closeAccount: accounts.closeAccount,
  listMembers: people.listMembers,
  getMember: people.getMember,
  updateMember: people.updateMember,
  deleteMember: people.deleteMember,
  updatePerson: people.updatePerson,
  listPersonSessions: people.listPersonSessions,
  endPersonSessions: people.endPersonSessions,
  listPermissions: people.listPermissions,
  ...invitations,
  acceptInvitation: invitations.acceptInvitation,
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
  ...limits,
  ...usage,
  ...brandOperations,
  ...shared,
  ...partnerHandlers(shared),
  ...modelHandlers,
  ...commissions,
  ...commissionPlans,
  ...attributions,
  ...statements,
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
  ...maintenance,
  ...dependencyAudit,
  streamHealth,
  getMetricSeries,
  ...reviews,
  ...rotations,
  ...providerApps,
  listEncryptionKeys,
  ...audit,
  encodePayloads,
  decodePayloads,
}

/**
 * What of the admin API partners may ask as well, for themselves and whoever is below them: `npm run gen:partner` derives the operation
 * under /v1 from the one under /admin/v1 (same parameters, bodies and answers, without what is the hub's own affair), and `api/handlers-v1.ts`
 * its handler. What is different for partners is written by hand and stands in neither list.
 */

/** By id of the operation under /admin/v1. */
export const sharedOperations: readonly string[] = [
  'listProviders',
  'getProvider',
  'createConnectSession',
  'getConnectSession',
  'listConnections',
  'createConnection',
  'getConnection',
  'updateConnection',
  'deleteConnection',
  'replaceCredential',
  'testConnection',
  'diagnoseConnection',
  'getDiagnosis',
  'pauseConnection',
  'resumeConnection',
  'getSchedule',
  'triggerSchedule',
  'listQuarantine',
  'getRecord',
  'listRecordVersions',
  'listOperations',
  'runAction',
  'runReport',
  'getOperation',
  'getMapping',
  'putMapping',
  'listMappingVersions',
  'publishMapping',
  'previewMapping',
  'planMapping',
  'listFields',
  'describeFields',
  'listRemaps',
  'getRemap',
  'cancelRemap',
  'listWrites',
  'createWrite',
  'getWrite',
  'decideWrite',
  'createWriteSet',
  'getWriteSet',
  'listAutomationTemplates',
  'listAutomations',
  'createAutomation',
  'getAutomation',
  'updateAutomation',
  'deleteAutomation',
  'startAutomationRun',
  'listAutomationRuns',
  'getAutomationRun',
  'decideAutomationRun',
  'resumeAutomationRun',
  'cancelAutomationRun',
  'listHookSources',
  'getHook',
  'setUpHook',
  'rotateHookSecret',
  'listInboxEvents',
  'getInboxEvent',
  'replayInboxEvents',
  'getInboxEquation',
  'listEndpoints',
  'createEndpoint',
  'getEndpoint',
  'updateEndpoint',
  'deleteEndpoint',
  'rotateEndpointSecret',
  'testEndpoint',
  'enableEndpoint',
  'disableEndpoint',
  'replayEvents',
  'listDeliveries',
  'getDelivery',
  'replayDelivery',
  'listEvents',
  'listEventTypes',
  'listRuns',
  'startRun',
  'getRun',
  'updateRun',
  'pauseRun',
  'resumeRun',
  'cancelRun',
  'getRunProof',
  'listRecords',
  'listChanges',
  'listConnectionHealth',
  'getConnectionHealth',
  'listHealthChanges',
  'listVerifications',
  'startVerification',
  'getVerification',
  'listFindings',
  'decideVerification',
]

/** `listRuns` → `listOwnRuns`. */
export const ownName = (operationId: string): string =>
  operationId.replace(/^(setUp|[a-z]+)([A-Z])/, '$1Own$2')

/** Fields that partners are not shown, wherever they stand: they lead into the hub's own Temporal. */
export const internalFields: readonly string[] = [
  'temporalUrl',
  'workflowId',
  'workflowRunId',
  'scheduleId',
  'environment',
  'env',
]

/** Schemas that say something else to partners. */
export const adapted: Readonly<
  Record<string, { readonly omit?: readonly string[]; readonly require?: readonly string[] }>
> = {
  // The environment is the hub's: its secrets are nobody else's.
  NewConnection: { omit: ['fromEnvironment'], require: ['accountId'] },
  NewCredential: { omit: ['fromEnvironment'], require: ['secrets'] },
  NewConnectSession: {},
}

/** Texts that say something else to partners. */
export const rewordings: readonly (readonly [RegExp, string])[] = [
  [/\/admin\/v1\//g, '/v1/'],
  [/ with `TIELINE_[A-Z_]+`/g, ''],
  [/; the hub's default account when left out\./g, ': one of the accounts of the partner.'],
  [/The hub's own partner when left out\./g, 'The caller’s own partner when left out; or one below it.'],
]

/** What holds for every operation of the description, read from the description. */
import { describedOperations, type Operation } from '../../api/description.ts'
import { compileSchema } from '../../api/validation.ts'
import { defaultTenant } from '../../db/partners.ts'
import { ofModels, sharedWithAdmin } from '../../openapi/derived.ts'
import { newId } from '../../platform/new-id.ts'
import { recordIdOf } from '../../model/record-id.ts'
import { startTestApi, type ApiAnswer, type TestApi } from '../harness/api.ts'

let api: TestApi

beforeAll(async () => {
  api = await startTestApi({ worker: false })
}, 120_000)

afterAll(async () => {
  await api?.close()
})

const strangers: Readonly<Record<string, () => string>> = {
  connectionId: () => newId('connection'),
  runId: () => newId('run'),
  sessionId: () => newId('session'),
  operationId: () => newId('operation'),
  remapId: () => newId('remap'),
  version: () => '1',
  writeId: () => newId('write'),
  setId: () => newId('writeSet'),
  automationId: () => newId('automation'),
  automationRunId: () => newId('automationRun'),
  eventId: () => newId('inboxEvent'),
  endpointId: () => newId('endpoint'),
  rotationId: () => newId('rotation'),
  deliveryId: () => newId('delivery'),
  keyId: () => newId('apiKey'),
  ruleId: () => newId('hookRule'),
  partnerId: () => newId('partner'),
  accountId: () => newId('account'),
  membershipId: () => newId('membership'),
  invitationId: () => newId('invitation'),
  personId: () => newId('person'),
  personSessionId: () => newId('personSession'),
  assetId: () => newId('brandAsset'),
  domainId: () => newId('brandDomain'),
  lineId: () => newId('commissionLine'),
  statementId: () => newId('statement'),
  planId: () => newId('commissionPlan'),
  attributionId: () => newId('attribution'),
  incidentId: () => newId('incident'),
  channelId: () => newId('alertChannel'),
  policyId: () => newId('alertPolicy'),
  escalationId: () => newId('escalation'),
  windowId: () => newId('maintenance'),
  workflowId: () => 'sync-many:nobody:2026-01-01T00:00:00.000Z',
  provider: () => 'nobody',
  resource: () => 'nothings',
  externalId: () => '1',
  name: () => 'nothing',
  tier: () => 'nothing',
  verificationId: () => newId('verification'),
  recordId: () => recordIdOf({ connectionId: newId('connection'), resource: 'nothings', externalId: '1' }),
  reviewId: () => newId('review'),
}

/** A path whose ids are well-formed and name nothing. */
const pathOf = (operation: Operation): string =>
  operation.path.replace(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(strangers[name]?.() ?? 'nothing'),
  )

const rates = {
  reads: { burst: 1, sustained: 1 },
  writes: { burst: 1, sustained: 1 },
  heavy: { burst: 1, sustained: 1 },
  auth: { burst: 1, sustained: 1 },
}
const noQuota = { soft: null, hard: null }
const someLimits = {
  perCaller: rates,
  perPartner: rates,
  quotas: { calls: noQuota, records: noQuota, connections: noQuota },
}
const newKey = { name: 'New', mode: 'live', scopes: ['records.read'] }
const plan = {
  basis: 'invoices',
  rules: [{ kind: 'percentage', rateBasisPoints: 1000 }],
  levels: [1],
  refundDays: 30,
  minimumPayout: {},
}

/** Bodies that are valid wherever the operation wants one. */
const bodies: Readonly<Record<string, () => unknown>> = {
  createConnection: () => ({ provider: 'nobody' }),
  createConnectSession: () => ({ provider: 'nobody' }),
  updateConnection: () => ({ name: 'New' }),
  replaceCredential: () => ({ secrets: {} }),
  diagnoseConnection: () => ({ write: false }),
  diagnoseOwnConnection: () => ({}),
  startRun: () => ({ connectionId: newId('connection') }),
  updateRun: () => ({ speed: { pagesPerMinute: 5 } }),
  startSyncMany: () => ({ connectionId: newId('connection') }),
  putMapping: () => ({ rules: [{ to: 'id', from: 'id' }] }),
  previewMapping: () => ({ version: 0 }),
  planMapping: () => ({ rules: [{ to: 'id', from: 'id' }] }),
  createWrite: () => ({ resource: 'nothings', operation: 'create', fields: { name: 'New' } }),
  decideWrite: () => ({ fields: { name: 'hub' } }),
  createWriteSet: () => ({
    writes: [
      { connectionId: newId('connection'), resource: 'nothings', operation: 'delete', externalId: '1' },
    ],
  }),
  createAutomation: () => ({ template: 'nothing', connections: {} }),
  updateAutomation: () => ({ state: 'disabled' }),
  startAutomationRun: () => ({}),
  decideAutomationRun: () => ({ decision: 'approve' }),
  setUpHook: () => ({}),
  rotateHookSecret: () => ({ name: 'secret' }),
  makeHookSample: () => ({ event: 'thing.updated' }),
  matchInboxEvents: () => ({ tenant: '1' }),
  replayInboxEvents: () => ({ type: 'nothing' }),
  createHookRule: () => ({
    name: 'A rule',
    connectionId: newId('connection'),
    definition: { target: { kind: 'ignore' } },
  }),
  addHookRuleVersion: () => ({ definition: { target: { kind: 'ignore' } } }),
  activateHookRule: () => ({ version: 1 }),
  testHookRule: () => ({
    connectionId: newId('connection'),
    definition: { target: { kind: 'ignore' } },
  }),
  startVerification: () => ({ connectionId: newId('connection') }),
  decideVerification: () => ({ approve: true }),
  createEndpoint: () => ({ url: 'https://nobody.example/', eventTypes: ['*'] }),
  updateEndpoint: () => ({ description: 'New' }),
  rotateEndpointSecret: () => ({ overlapSeconds: 60 }),
  startRotation: () => ({ kind: 'endpoint_secret', subject: newId('endpoint') }),
  extendRotation: () => ({ seconds: 60 }),
  enterRotationSecret: () => ({ value: 'new' }),
  putProviderApp: () => ({ clientId: 'app', clientSecret: 'secret' }),
  replayEvents: () => ({ since: '2026-01-01T00:00:00Z' }),
  createTier: () => ({ tier: 'gold', title: 'Gold', limits: someLimits }),
  replaceTier: () => ({ title: 'Nothing', limits: someLimits }),
  startReview: () => ({ kind: 'health' }),
  putDependencyAudit: () => ({
    auditReportVersion: 2,
    vulnerabilities: {},
    metadata: { dependencies: { total: 1 } },
  }),
  setPartnerLimits: () => ({ tier: 'standard', overrides: {} }),
  setKeyLimits: () => ({ overrides: {} }),
  putBrand: () => ({ name: 'New' }),
  putPartnerBrand: () => ({ name: 'New' }),
  publishBrand: () => ({ version: 1 }),
  publishPartnerBrand: () => ({ version: 1 }),
  createBrandPreviewLink: () => ({}),
  createPartnerBrandPreviewLink: () => ({}),
  createBrandAsset: () => ({ kind: 'logo', data: 'AAAA' }),
  createPartnerBrandAsset: () => ({ kind: 'logo', data: 'AAAA' }),
  createBrandDomain: () => ({ domain: 'nobody.example' }),
  createPartnerBrandDomain: () => ({ domain: 'nobody.example' }),
  createKey: () => newKey,
  createOwnKey: () => newKey,
  updateKey: () => ({ name: 'New' }),
  updateOwnKey: () => ({ name: 'New' }),
  rotateKey: () => ({ overlapSeconds: 60 }),
  rotateOwnKey: () => ({ overlapSeconds: 60 }),
  extendKeyRotation: () => ({ seconds: 60 }),
  extendOwnKeyRotation: () => ({ seconds: 60 }),
  putKeyPolicy: () => ({ maxAgeDays: 90, overlapSeconds: 60, quietSeconds: 300 }),
  closeStatement: () => ({ partnerId: newId('partner'), period: '2026-01' }),
  decideStatement: () => ({ decision: 'approve' }),
  payStatement: () => ({ reference: 'SEPA-1' }),
  createCommissionPlan: () => ({ name: 'A plan', definition: plan }),
  addCommissionPlanVersion: () => ({ definition: plan }),
  previewCommissionPlan: () => ({ definition: plan, amount: { amountMinor: 100, currency: 'EUR' } }),
  putPriceList: () => ({ currency: 'EUR', prices: { connections: 1, records: 1 } }),
  createAttribution: () => ({ accountId: newId('account') }),
  acknowledgeIncident: () => ({}),
  snoozeIncident: () => ({ minutes: 60 }),
  resolveIncident: () => ({}),
  addIncidentNote: () => ({ note: 'Seen' }),
  acknowledgeOwnIncident: () => ({}),
  snoozeOwnIncident: () => ({ minutes: 60 }),
  resolveOwnIncident: () => ({}),
  addOwnIncidentNote: () => ({ note: 'Seen' }),
  createAlertChannel: () => ({ name: 'Night', kind: 'slack', url: 'https://hooks.example/x' }),
  updateAlertChannel: () => ({ state: 'disabled' }),
  createAlertPolicy: () => ({ name: 'Errors', condition: { kind: 'error_rate', percent: 5 } }),
  updateAlertPolicy: () => ({ enabled: false }),
  createEscalation: () => ({
    name: 'Night',
    levels: [{ channels: [newId('alertChannel')], waitMinutes: 15 }],
  }),
  replaceEscalation: () => ({
    name: 'Night',
    levels: [{ channels: [newId('alertChannel')], waitMinutes: 15 }],
  }),
  createMaintenanceWindow: () => ({ reason: 'Announced', endsAt: '2099-01-01T00:00:00Z' }),
  updateMaintenanceWindow: () => ({ reason: 'It takes longer' }),
  runAction: () => ({}),
  runReport: () => ({}),
  createPartner: () => ({ name: 'New' }),
  createOwnPartner: () => ({ name: 'New' }),
  updatePartner: () => ({ name: 'New' }),
  updateOwnPartner: () => ({ name: 'New' }),
  movePartner: () => ({ parentId: defaultTenant.partnerId }),
  moveOwnPartner: () => ({ parentId: defaultTenant.partnerId }),
  createAccount: () => ({ name: 'New', partnerId: defaultTenant.partnerId }),
  createOwnAccount: () => ({ name: 'New' }),
  updateAccount: () => ({ name: 'New' }),
  updateOwnAccount: () => ({ name: 'New' }),
  updateMember: () => ({ role: 'operator' }),
  updateOwnMember: () => ({ role: 'viewer' }),
  createInvitation: () => ({ email: 'new@acme.example', role: 'operator' }),
  createOwnInvitation: () => ({ email: 'new@acme.example', role: 'viewer' }),
  updatePerson: () => ({ state: 'disabled' }),
  changePassword: () => ({ password: 'x', newPassword: 'y' }),
  enrolTotp: () => ({ password: 'x' }),
  confirmTotp: () => ({ code: '123456' }),
  disableTotp: () => ({ password: 'x', code: '123456' }),
  encodePayloads: () => ({ payloads: [] }),
  decodePayloads: () => ({ payloads: [] }),
}

/** Of an operation under /v1 that was made from an admin's, or of a model. */
function bodyOf(operationId: string): unknown {
  const shared: Readonly<Record<string, string>> = sharedWithAdmin
  const models: Readonly<Record<string, { readonly operation: string }>> = ofModels
  const own = bodies[operationId] ?? bodies[shared[operationId] ?? '']
  const accountId = defaultTenant.accountId
  if (own && /^create(Own)Connect/.test(operationId)) return { ...(own() as object), accountId }
  if (own) return own()
  if (models[operationId]?.operation === 'create') return { connectionId: newId('connection'), fields: {} }
  return models[operationId]?.operation === 'update' ? { fields: {} } : undefined
}

/** The admin acts for a partner where partners ask. */
const headersOf = ({ path }: Operation): Record<string, string> => ({
  'Idempotency-Key': newId('request'),
  ...(path.startsWith('/v1/') ? { 'Tieline-Partner': defaultTenant.partnerId } : {}),
})

const ask = (
  operation: Operation,
  wish: { token?: string | null; query?: string } = {},
): Promise<ApiAnswer> => {
  const body = bodyOf(operation.operationId)
  const headers = headersOf(operation)
  const path = pathOf(operation) + (wish.query ?? '')
  return api.request(operation.method.toUpperCase(), path, {
    headers,
    ...(body === undefined ? {} : { body }),
    ...(wish.token === undefined ? {} : { token: wish.token }),
  })
}

const isProblem = compileSchema({ $ref: 'tieline#/components/schemas/Problem' })

function expectProblem(answer: ApiAnswer, status: number, code: string): void {
  expect(answer).toMatchObject({ status, body: { status, code } })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(isProblem(answer.body)).toEqual([])
  expect(answer.body).toMatchObject({ requestId: answer.headers.get('x-request-id') })
}

const guarded = describedOperations.filter((operation) => !operation.isPublic)
const named = (operations: readonly Operation[]) =>
  operations.map((operation) => [operation.operationId, operation] as const)

describe('every guarded operation', () => {
  it.each(named(guarded))('%s names the permission it needs', (_name, operation) => {
    expect(operation.permission).toMatch(/^[a-z]+\.[a-z]+$/)
  })

  it.each(named(guarded))('%s refuses a caller without a token', async (_name, operation) => {
    const answer = await ask(operation, { token: null })
    expectProblem(answer, 401, 'Unauthenticated')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="tieline"')
  })

  it.each(named(guarded))('%s refuses a wrong token', async (_name, operation) => {
    const answer = await ask(operation, { token: 'not-the-token-of-this-hub-at-all' })
    expectProblem(answer, 401, 'Unauthenticated')
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  it.each(named(guarded))('%s refuses a parameter that it does not know', async (_name, operation) => {
    const answer = await ask(operation, { query: '?nonsense=1' })
    expectProblem(answer, 400, 'InvalidInput')
    expect(answer.body).toMatchObject({ errors: [{ in: 'query', pointer: '/nonsense' }] })
  })
})

describe('every operation with a body', () => {
  const withBody = guarded.filter((operation) => operation.body)
  // Actions and reports take what their provider describes, runs of automations any payload.
  const free = [
    'runAction',
    'runReport',
    'startAutomationRun',
    'runOwnAction',
    'runOwnReport',
    'startOwnAutomationRun',
  ]
  const strict = withBody.filter((operation) => !free.includes(operation.operationId))

  it.each(named(strict))('%s refuses a field that it does not know', async (_name, operation) => {
    const body = { ...(bodyOf(operation.operationId) as object), nonsense: 1 }
    const headers = headersOf(operation)
    const answer = await api.request(operation.method.toUpperCase(), pathOf(operation), { body, headers })
    expectProblem(answer, 400, 'InvalidInput')
    expect(answer.body).toMatchObject({ errors: [{ in: 'body', pointer: '/nonsense' }] })
  })

  it.each(named(withBody))('%s refuses what is not an object', async (_name, operation) => {
    const headers = headersOf(operation)
    const answer = await api.request(operation.method.toUpperCase(), pathOf(operation), {
      body: '[]',
      headers,
    })
    expectProblem(answer, 400, 'InvalidInput')
    expect(answer.body).toMatchObject({ errors: [{ in: 'body', pointer: '' }] })
  })
})

describe('every operation on something', () => {
  const missing = guarded.filter(
    (operation) =>
      operation.answers['404'] !== undefined &&
      operation.path.includes('{') &&
      // Only for people who have signed in: test/api/sign-in.test.ts.
      operation.operationId !== 'endOwnSession',
  )

  it.each(named(missing))('%s answers 404 for what is not there', async (_name, operation) => {
    expectProblem(await ask(operation), 404, 'NoSuchThing')
  })

  const anId = /\b[a-z]{2,4}_[0-9A-HJKMNP-TV-Z]{26}\b/
  const withId = guarded.filter((operation) => anId.test(pathOf(operation)))
  it.each(named(withId))('%s refuses an id that is none', async (_name, operation) => {
    const path = pathOf(operation).replace(anId, 'not-an-id')
    const headers = headersOf(operation)
    const answer = await api.request(operation.method.toUpperCase(), path, { headers })
    expectProblem(answer, 400, 'InvalidInput')
    expect(answer.body).toMatchObject({ errors: [{ in: 'path' }] })
  })
})

describe('every list', () => {
  const lists = guarded.filter((operation) => operation.parameters.some(({ name }) => name === 'limit'))

  it.each(named(lists))(
    '%s refuses a limit over 200 and a cursor that it did not make',
    async (_name, operation) => {
      const needed = /^list(Own)?Records$/.test(operation.operationId) ? '&model=ticket' : ''
      const large = await ask(operation, { query: `?limit=201${needed}` })
      expect(large.body).toMatchObject({ code: 'InvalidInput', errors: [{ pointer: '/limit' }] })
      const name = /^list(Own)?Changes$/.test(operation.operationId) ? 'after' : 'cursor'
      for (const cursor of ['x', Buffer.from('{"a":1}').toString('base64url')]) {
        const forged = await ask(operation, { query: `?${name}=${cursor}${needed}` })
        expect(forged.body).toMatchObject({
          code: 'InvalidInput',
          errors: [{ in: 'query', pointer: `/${name}` }],
        })
      }
    },
  )
})

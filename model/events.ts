/**
 * The catalogue of events: what the hub tells partners of, by endpoint or by cursor. Changes of records are
 * `<model>.<effect>`; the rest are happenings of the hub itself. `openapi/webhooks.yaml` is generated from here.
 */
import type { JsonObject, JsonSchema } from './json.ts'
import { models } from './records.ts'

export const effects = ['created', 'updated', 'deleted', 'restored', 'remapped'] as const
export type Effect = (typeof effects)[number]

interface HubEvent {
  readonly title: string
  /** Schemas of what `data` holds; all of it is required. */
  readonly data: Readonly<Record<string, JsonSchema>>
  readonly example: JsonObject
}

const text: JsonSchema = { type: 'string' }
const textOrNull: JsonSchema = { type: ['string', 'null'] }
const time: JsonSchema = { type: 'string', format: 'date-time' }
const count: JsonSchema = { type: 'integer' }
const countOrNull: JsonSchema = { type: ['integer', 'null'] }
const failureSchema: JsonSchema = {
  type: 'object',
  required: ['code', 'message'],
  properties: { code: text, message: text },
}
const connectionId = 'con_01KAT0000000000000000000AA'
const endpointId = 'end_01KAT0000000000000000000AA'

const sync = (title: string, failure: JsonObject | null): HubEvent => ({
  title,
  data: {
    connectionId: text,
    provider: text,
    runId: text,
    mode: text,
    startedAt: time,
    endedAt: time,
    created: count,
    updated: count,
    deleted: count,
    failure: {
      oneOf: [failureSchema, { type: 'null' }],
    },
  },
  example: {
    connectionId,
    provider: 'acme-desk',
    runId: 'run_01KAT0000000000000000000AA',
    mode: 'incremental',
    startedAt: '2026-11-23T20:00:00.000Z',
    endedAt: '2026-11-23T20:00:09.120Z',
    created: 12,
    updated: 3,
    deleted: 0,
    failure,
  },
})

const connection = (title: string, state: string, reason: string | null = null): HubEvent => ({
  title,
  data: {
    connectionId: text,
    provider: text,
    name: text,
    state: text,
    reason: textOrNull,
    whoMustAct: textOrNull,
  },
  example: {
    connectionId,
    provider: 'acme-desk',
    name: 'Support desk',
    state,
    reason,
    whoMustAct: reason === null ? null : 'account',
  },
})

const endpoint = (title: string, reason: string | null): HubEvent => ({
  title,
  data: { endpointId: text, state: text, reason: textOrNull },
  example: { endpointId, state: reason === null ? 'active' : 'failing', reason },
})

const partnerId = 'par_01KAT0000000000000000000AA'

const partner = (title: string, state = 'active'): HubEvent => ({
  title,
  data: { partnerId: text, parentId: textOrNull, name: text, state: text },
  example: { partnerId, parentId: 'par_01KAT0000000000000000000AB', name: 'Acme Resale', state },
})

// `account.*` are changes of records: accounts in a CRM are a model.
const partnersAccount = (title: string, state = 'active'): HubEvent => ({
  title,
  data: { accountId: text, externalId: textOrNull, name: text, state: text },
  example: { accountId: 'acc_01KAT0000000000000000000AA', externalId: 'customer-42', name: 'Acme', state },
})

const rotation = (title: string, state: string, steps: string[]): HubEvent => ({
  title,
  data: {
    rotationId: text,
    kind: text,
    subject: text,
    state: text,
    steps: { type: 'array', items: text },
    deadlineAt: textOrNull,
    failure: { oneOf: [failureSchema, { type: 'null' }] },
  },
  example: {
    rotationId: 'rot_01KAT0000000000000000000AA',
    kind: 'endpoint_secret',
    subject: endpointId,
    state,
    steps,
    deadlineAt: '2026-11-30T20:00:00.000Z',
    failure: null,
  },
})

const apiKeyId = 'key_01KAT0000000000000000000AA'
const timeOrNull: JsonSchema = { type: ['string', 'null'], format: 'date-time' }

const apiKey = (title: string, reason?: string): HubEvent => ({
  title,
  data: {
    keyId: text,
    name: text,
    mode: text,
    hint: text,
    expiresAt: timeOrNull,
    ...(reason === undefined ? {} : { reason: text }),
  },
  example: {
    keyId: apiKeyId,
    name: 'Production',
    mode: 'live',
    hint: 'x4Tq',
    expiresAt: null,
    ...(reason === undefined ? {} : { reason }),
  },
})

const keyRotation = (
  title: string,
  more: Readonly<Record<string, JsonSchema>>,
  example: JsonObject,
): HubEvent => ({
  title,
  data: { keyId: text, name: text, newKeyId: text, newHint: text, ...more },
  example: {
    keyId: apiKeyId,
    name: 'Production',
    newKeyId: 'key_01KAT0000000000000000000BB',
    newHint: 'p9Lm',
    ...example,
  },
})

const statement = (title: string, state: string): HubEvent => ({
  title,
  data: { statementId: text, period: text, state: text, totals: { type: 'object' } },
  example: {
    statementId: 'stm_01KAT0000000000000000000AA',
    period: '2026-11',
    state,
    totals: { EUR: 123_456 },
  },
})

const refused = { code: 'Unauthorized', message: 'The provider refused the credential' }

const hubEvents = {
  'sync.succeeded': sync('A sync has gone through', null),
  'sync.partly_failed': sync('A sync has gone through for some resources only', refused),
  'sync.failed': sync('A sync has failed', refused),
  'connection.created': connection('A connection was made', 'active'),
  'connection.needs_attention': connection(
    'A connection needs somebody to act',
    'needs_attention',
    refused.message,
  ),
  'connection.restored': connection('A connection works again', 'active'),
  'connection.paused': connection('A connection was paused', 'paused'),
  'connection.resumed': connection('A paused connection runs again', 'active'),
  'connection.deleted': connection('A connection was deleted', 'deleted'),
  'connection.health': {
    title: 'The health of a connection has changed; `culprit` says whose fault it is',
    data: {
      connectionId: text,
      provider: text,
      state: text,
      was: textOrNull,
      culprit: textOrNull,
      reason: textOrNull,
    },
    example: {
      connectionId,
      provider: 'acme-desk',
      state: 'down',
      was: 'healthy',
      culprit: 'provider',
      reason: 'Acme Desk did not answer in time.',
    },
  },
  'key.created': apiKey('An API key was made'),
  'key.revoked': apiKey('An API key was revoked', 'Replaced by key_01KAT0000000000000000000BB.'),
  'key.rotation_started': keyRotation(
    'An API key is being replaced: change over to the new one, the old one ends at the deadline',
    { reason: text, deadlineAt: time, secretWaits: { type: 'boolean' } },
    { reason: 'age', deadlineAt: '2026-12-06T20:00:00.000Z', secretWaits: true },
  ),
  'key.rotation_reminder': keyRotation(
    'An API key that is being replaced is still in use: told daily',
    { deadlineAt: time, lastUsedAt: timeOrNull, secretWaits: { type: 'boolean' } },
    {
      deadlineAt: '2026-12-06T20:00:00.000Z',
      lastUsedAt: '2026-11-30T19:59:12.000Z',
      secretWaits: false,
    },
  ),
  'key.rotation_extended': keyRotation(
    'The old API key of a rotation lives longer',
    { deadlineAt: time },
    { deadlineAt: '2026-12-08T20:00:00.000Z' },
  ),
  'key.rotation_completed': keyRotation(
    'An API key was replaced: the old one has ended',
    { outcome: text },
    { outcome: 'quiet' },
  ),
  'key.rotation_cancelled': keyRotation(
    'The replacement of an API key was called off: the new one has ended, the old one stays',
    { outcome: text },
    { outcome: 'cancelled' },
  ),
  'key.rotation_failed': keyRotation(
    'The replacement of an API key has failed: the new one is gone, the old one stays',
    { outcome: text },
    { outcome: 'lost' },
  ),
  'webhook.routed': {
    title: 'A rule sent on what a provider told by webhook',
    data: {
      topic: text,
      ruleId: text,
      inboxEventId: text,
      connectionId: text,
      provider: text,
      type: text,
      resource: textOrNull,
      externalId: textOrNull,
      content: { type: 'object' },
    },
    example: {
      topic: 'vip-tickets',
      ruleId: 'hru_01KAT0000000000000000000AA',
      inboxEventId: 'evt_01KAT0000000000000000000AA',
      connectionId,
      provider: 'acme-desk',
      type: 'ticket.created',
      resource: 'tickets',
      externalId: '4711',
      content: { subject: 'Printer on fire', priority: 'urgent' },
    },
  },
  'webhook.dead_letter': {
    title: 'Webhooks of a connection could not be processed and wait for somebody: told once per batch',
    data: { connectionId: text, provider: text, count, inboxEventId: text, failure: failureSchema },
    example: {
      connectionId,
      provider: 'acme-desk',
      count: 3,
      inboxEventId: 'evt_01KAT0000000000000000000AA',
      failure: { code: 'Invalid', message: 'The row has no field "id".' },
    },
  },
  'quota.warning': {
    title: 'A quota of the month is used to 80 or 100 per cent: told once a month each',
    data: {
      quota: text,
      month: text,
      percent: count,
      used: count,
      soft: countOrNull,
      hard: countOrNull,
    },
    example: {
      quota: 'calls',
      month: '2026-11',
      percent: 80,
      used: 800_000,
      soft: 1_000_000,
      hard: 1_200_000,
    },
  },
  'partner.created': partner('A partner was made below this one'),
  'partner.changed': partner('A partner below this one was changed'),
  'partner.moved': partner('A partner was moved below this one, or away from it'),
  'partner.suspended': partner('A partner below this one was suspended', 'suspended'),
  'partner.resumed': partner('A suspended partner below this one works again'),
  'partner.closed': partner('A partner below this one was closed', 'closed'),
  'partner.account_created': partnersAccount('An account of this partner was made'),
  'partner.account_changed': partnersAccount('An account of this partner was changed'),
  'partner.account_closed': partnersAccount('An account of this partner was closed', 'closed'),
  'statement.closed': statement('A month was closed: its statement waits for approval', 'awaiting_approval'),
  'statement.rejected': statement('A statement was rejected: its lines are due again', 'rejected'),
  'statement.paid': statement('A statement was paid out', 'paid'),
  'ledger.broken': {
    title:
      'The check of the commission ledger has found what must not be; told to the partner that stands for the hub',
    data: { violations: count, check: text, subject: text, detail: text },
    example: {
      violations: 1,
      check: 'levels sum to the gross',
      subject: 'csr_01KAT0000000000000000000AA',
      detail: 'earning: 1199 and not 1200',
    },
  },
  'endpoint.disabled': endpoint(
    'Nothing is sent to an endpoint any more (`failing`: but for a probe now and then; it resumes by itself)',
    'It has failed for an hour.',
  ),
  'endpoint.enabled': endpoint('An endpoint is served again', null),
  'rotation.started': rotation(
    'A secret is being replaced; old and new will be valid side by side',
    'preparing',
    [],
  ),
  'rotation.waits_for_person': rotation(
    'The replacement of a secret waits for somebody to act',
    'waiting_for_person',
    ['Give the new secret to what receives the events.'],
  ),
  'rotation.ended': rotation(
    'The replacement of a secret has ended (`done`, `failed` or `cancelled`)',
    'done',
    ['The old secret is not valid any more.'],
  ),
  'endpoint.test': {
    title:
      'A test that somebody asked for, or a probe; sent to the endpoint that it is about and to no other',
    data: { endpointId: text, message: text },
    example: { endpointId, message: 'This is a test.' },
  },
} as const satisfies Record<string, HubEvent>

export type HubEventType = keyof typeof hubEvents

export interface EventDescription {
  readonly type: string
  readonly title: string
  /** The model of the record that has changed; null for what happened in the hub. */
  readonly model: string | null
  readonly data: Readonly<Record<string, JsonSchema>> | null
  readonly example: JsonObject | null
}

const told: Readonly<Record<Effect, string>> = {
  created: 'has come into the store',
  updated: 'has changed',
  deleted: 'was deleted',
  restored: 'is there again',
  remapped: 'is the same, its mapping has changed',
}

/** Every type there is. */
export const eventCatalogue: readonly EventDescription[] = [
  ...Object.keys(models).flatMap((model) =>
    effects.map((effect) => ({
      type: `${model}.${effect}`,
      title: `A record of the model \`${model}\` ${told[effect]}`,
      model,
      data: null,
      example: null,
    })),
  ),
  ...Object.entries<HubEvent>(hubEvents).map(([type, { title, data, example }]) => ({
    type,
    title,
    model: null,
    data,
    example,
  })),
]

const types = eventCatalogue.map(({ type }) => type)
const groups = new Set(types.map((type) => type.slice(0, type.indexOf('.'))))

/** True for a type, `<group>.*` or `*`. */
export const isEventPattern = (pattern: string): boolean =>
  pattern === '*' ||
  (pattern.endsWith('.*') && groups.has(pattern.slice(0, -2))) ||
  (pattern !== 'endpoint.test' && types.includes(pattern))

/** The types that patterns stand for. A test is nobody's subscription. */
export function expandPatterns(patterns: readonly string[]): string[] {
  const isMeant = (type: string): boolean =>
    patterns.some(
      (pattern) =>
        pattern === '*' ||
        pattern === type ||
        (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
    )
  return types.filter((type) => type !== 'endpoint.test' && isMeant(type))
}

/** Where an event stands in the stream. `transactionId` is decimal text. */
interface EventPlace {
  readonly transactionId: string
  readonly seq: number
}

/** The same for ever, wherever the event is shown; a receiver knows it again by it. */
export const eventIdOf = ({ transactionId, seq }: EventPlace): string => `ev_${transactionId}_${seq}`

export function placeOfEvent(eventId: string): EventPlace | undefined {
  const [, transactionId, seq] = /^ev_(\d{1,19})_(\d{1,15})$/.exec(eventId) ?? []
  return transactionId === undefined ? undefined : { transactionId, seq: Number(seq) }
}

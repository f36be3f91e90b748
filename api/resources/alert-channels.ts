/** Alert channels, their tests, and the messages that went out. */
import { setTimeout as delay } from 'node:timers/promises'
import {
  eraseChannel,
  getChannel as findChannel,
  insertChannel,
  listChannels,
  openChannel,
  sealChannel,
  updateChannel,
  type AlertChannel,
  type ChannelKind,
  type ChannelSecrets,
} from '../../db/alert-channels.ts'
import { addAlert, getAlert, listAlerts, type AlertDelivery } from '../../db/alert-deliveries.ts'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction, type Db } from '../../db/client.ts'
import { findPartner } from '../../db/partners.ts'
import type { components } from '../../openapi/types.ts'
import { HubError, type FieldError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { faultOfUrl } from '../../platform/outbound/addresses.ts'
import { newSigningSecret } from '../../platform/secrets/webhook-signing.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, expectedVersion, hasChanged } from '../etag.ts'
import { listAnswer, positionOf, rowsFor } from '../list.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'

type Schemas = components['schemas']
type Wish = Pick<Schemas['NewAlertChannel'], 'to' | 'smtpUrl' | 'from' | 'url' | 'routingKey'>

const time = (at: Date | null): string | null => at?.toISOString() ?? null

const showChannel = (one: AlertChannel): Schemas['AlertChannel'] => ({
  ...one,
  state: one.state === 'disabled' ? 'disabled' : 'active',
  downSince: time(one.downSince),
  lastOkAt: time(one.lastOkAt),
  createdAt: one.createdAt.toISOString(),
  updatedAt: one.updatedAt.toISOString(),
})

export function showAlert(one: AlertDelivery): Schemas['AlertDelivery'] {
  const { partnerId: _partner, version: _version, ...rest } = one
  return {
    ...rest,
    nextAt: one.nextAt.toISOString(),
    createdAt: one.createdAt.toISOString(),
    endedAt: time(one.endedAt),
  }
}

async function channelOf({ database }: ApiDeps, channelId: string): Promise<AlertChannel> {
  const channel = await findChannel(database.db, channelId)
  if (!channel) throw new HubError('NoSuchThing', `There is no alert channel "${channelId}".`)
  return channel
}

const fieldsOf: Readonly<Record<ChannelKind, readonly (keyof Wish)[]>> = {
  email: ['to', 'smtpUrl', 'from'],
  slack: ['url'],
  webhook: ['url'],
  pagerduty: ['routingKey', 'url'],
}
const neededOf = { email: 'to', slack: 'url', webhook: 'url', pagerduty: 'routingKey' } as const

/** @throws InvalidInput with every field that is wrong. */
function check(deps: ApiDeps, kind: ChannelKind, wish: Wish, secrets: ChannelSecrets): void {
  const errors: FieldError[] = []
  for (const name of ['to', 'smtpUrl', 'from', 'url', 'routingKey'] as const)
    if (wish[name] !== undefined && !fieldsOf[kind].includes(name))
      errors.push({ pointer: `/${name}`, detail: `does not go with a channel of kind ${kind}` })
  const needed = neededOf[kind]
  if (secrets[needed] === undefined)
    errors.push({ pointer: `/${needed}`, detail: `is needed for a channel of kind ${kind}` })
  const allowLoopback = deps.config.environment !== 'production'
  const fault = wish.url === undefined ? undefined : faultOfUrl(wish.url, { allowLoopback })
  if (fault !== undefined) errors.push({ pointer: '/url', detail: fault })
  errors.push(...faultsOfMail(deps, kind, wish, secrets))
  if (errors.length > 0) throw invalidInput(errors.map((error) => ({ in: 'body' as const, ...error })))
}

function faultsOfMail(deps: ApiDeps, kind: ChannelKind, wish: Wish, secrets: ChannelSecrets): FieldError[] {
  if (kind !== 'email') return []
  if (wish.smtpUrl !== undefined && !isSmtpUrl(wish.smtpUrl))
    return [
      { pointer: '/smtpUrl', detail: 'should be a URL like smtp://user:password@host:587 or smtps://…' },
    ]
  if (secrets.smtpUrl !== undefined && secrets.from === undefined && deps.config.mail === undefined)
    return [{ pointer: '/from', detail: 'is needed with a server of its own' }]
  if (secrets.smtpUrl === undefined && deps.config.mail === undefined)
    return [
      {
        pointer: '/smtpUrl',
        detail: 'is needed: the hub has no mail server (TIELINE_SMTP_URL, TIELINE_MAIL_FROM)',
      },
    ]
  return []
}

function isSmtpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return ['smtp:', 'smtps:'].includes(protocol) && hostname !== ''
}

const secretsIn = ({ to, smtpUrl, from, url, routingKey }: Wish): ChannelSecrets => ({
  ...(to === undefined ? {} : { to }),
  ...(smtpUrl === undefined ? {} : { smtpUrl }),
  ...(from === undefined ? {} : { from }),
  ...(url === undefined ? {} : { url }),
  ...(routingKey === undefined ? {} : { routingKey }),
})

/** Of a URL the host alone: path and query may be the secret. */
function targetOf(kind: ChannelKind, { to = [], url, smtpUrl }: ChannelSecrets): string {
  if (kind === 'email') {
    const by = smtpUrl === undefined ? '' : ` by ${new URL(smtpUrl).host}`
    return `${to.length} receiver${to.length === 1 ? '' : 's'}${by}`
  }
  return url === undefined ? 'events.pagerduty.com' : new URL(url).host
}

const audit = (tx: Db, actor: string, action: string, one: AlertChannel, details = {}): Promise<void> =>
  appendAudit(tx, {
    ...{ actor, action: `alert_channel.${action}`, subject: one.channelId },
    ...(one.partnerId === null ? {} : { partnerId: one.partnerId }),
    details: { version: one.version, kind: one.kind, ...details },
  })

/** @throws InvalidInput for a partner that there is not. */
export async function checkPartner({ database }: ApiDeps, partnerId: string | null): Promise<void> {
  if (partnerId !== null && !(await findPartner(database.db, partnerId)))
    throw invalidInput([{ in: 'body', pointer: '/partnerId', detail: 'is not the id of a partner' }])
}

export const listAlertChannels: Handler<'listAlertChannels'> = async (deps, call) => {
  const after = positionOf(call, { channelId: 'string' })?.channelId
  const { partnerId } = call.query
  const rows = await listChannels(deps.database.db, { partnerId, after, limit: rowsFor(call) })
  return listAnswer(call, rows, showChannel, ({ channelId }) => ({ channelId }))
}

export const createAlertChannel: Handler<'createAlertChannel'> = async (deps, { body, caller }) => {
  const { db } = deps.database
  const { name, kind, partnerId = null } = body
  const signing = kind === 'webhook' ? newSigningSecret('hmac', new Date()).secret : undefined
  const secrets = { ...secretsIn(body), ...(signing === undefined ? {} : { secret: signing }) }
  check(deps, kind, body, secrets)
  await checkPartner(deps, partnerId)
  const channelId = newId('alertChannel')
  const sealed = await sealChannel(db, deps.vault, channelId, secrets)
  const made = await inTransaction(db, async (tx) => {
    const target = targetOf(kind, secrets)
    const one = await insertChannel(tx, {
      ...{ channelId, partnerId, name, kind, target, sealed, createdBy: caller.name },
    })
    await audit(tx, caller.name, 'created', one)
    return one
  })
  const headers = { Location: `/admin/v1/alert-channels/${channelId}`, ETag: etagOf(made) }
  return { status: 201, body: { channel: showChannel(made), secret: signing ?? null }, headers }
}

export const getAlertChannel: Handler<'getAlertChannel'> = async (deps, { path }) => {
  const one = await channelOf(deps, path.channelId)
  return { status: 200, body: showChannel(one), headers: { ETag: etagOf(one) } }
}

export const updateAlertChannel: Handler<'updateAlertChannel'> = async (deps, call) => {
  const { path, header, body, caller } = call
  const { db } = deps.database
  const before = await channelOf(deps, path.channelId)
  const expected = expectedVersion(header['If-Match'])
  const given = secretsIn(body)
  const isSecret = Object.keys(given).length > 0
  const secrets = { ...(await openChannel(db, deps.vault, before.channelId)), ...given }
  if (isSecret) check(deps, before.kind, body, secrets)
  const sealed = isSecret ? await sealChannel(db, deps.vault, before.channelId, secrets) : undefined
  const changed = await inTransaction(db, async (tx) => {
    // What is sealed was put together from what was read: it must still be that.
    const version = expected ?? (isSecret ? before.version : undefined)
    const target = isSecret ? targetOf(before.kind, secrets) : undefined
    const change = { name: body.name, state: body.state, target, sealed }
    const one = await updateChannel(tx, before.channelId, change, version)
    if (!one) throw hasChanged('The channel')
    await audit(tx, caller.name, 'changed', one, { fields: Object.keys(body) })
    return one
  })
  return { status: 200, body: showChannel(changed), headers: { ETag: etagOf(changed) } }
}

export const deleteAlertChannel: Handler<'deleteAlertChannel'> = async (deps, { path, caller }) => {
  await channelOf(deps, path.channelId)
  await inTransaction(deps.database.db, async (tx) => {
    const gone = await eraseChannel(tx, path.channelId)
    if (gone) await audit(tx, caller.name, 'deleted', gone)
  })
  return { status: 204, body: undefined }
}

const waitForTestMs = 20_000

export const testAlertChannel: Handler<'testAlertChannel'> = async (deps, { path, caller }) => {
  const { db } = deps.database
  const channel = await channelOf(deps, path.channelId)
  const { channelId, partnerId } = channel
  const deliveryId = await inTransaction(db, async (tx) => {
    const alert = {
      channelId,
      partnerId,
      incidentId: null,
      policyId: null,
      kind: 'test',
      step: null,
    } as const
    const made = await addAlert(tx, alert, new Date())
    await audit(tx, caller.name, 'tested', channel)
    return made
  })
  const end = Date.now() + waitForTestMs
  for (;;) {
    // An evaluation that is under way may have looked for messages already.
    await deps.temporal.evaluateAlerts()
    const alert = await getAlert(db, deliveryId)
    if (!alert) throw new HubError('Internal', 'A message is gone')
    if (alert.endedAt !== null || Date.now() >= end) return { status: 200, body: showAlert(alert) }
    await delay(200)
  }
}

export const listAlertDeliveries: Handler<'listAlertDeliveries'> = async (deps, call) => {
  const before = positionOf(call, { deliveryId: 'string' })?.deliveryId
  const { incidentId, channelId, state } = call.query
  const query = { incidentId, channelId, state, before, limit: rowsFor(call) }
  const rows = await listAlerts(deps.database.db, query)
  return listAnswer(call, rows, showAlert, ({ deliveryId }) => ({ deliveryId }))
}

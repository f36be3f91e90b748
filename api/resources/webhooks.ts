/** Webhooks of connections: who sends them, how each connection's are guarded, samples to try them with. */
import { randomBytes } from 'node:crypto'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import type { Connection } from '../../db/connections.ts'
import {
  openHookSettings,
  putHookSettings,
  replaceSecret,
  valuesNow,
  type OpenHookSettings,
  type StoredHookSecrets,
} from '../../db/hook-settings.ts'
import { inboxEquation } from '../../db/inbox.ts'
import { getRecord, listRecords } from '../../db/records.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import { urlKey, type Webhooks } from '../../providers/contract-webhook.ts'
import { findHookSource, hookSources, type HookSource } from '../../providers/registry.ts'
import type { ApiDeps } from '../deps.ts'
import { parseNetwork } from '../address.ts'
import { etagOf, isMatch } from '../etag.ts'
import { secretsOf } from '../hooks/targets.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { livingConnection } from './find.ts'

type Schemas = components['schemas']

/** 40 characters: the longest that every provider takes. */
const newSecret = (): string => randomBytes(30).toString('base64url')
const time = (at: Date | null): string | null => at?.toISOString() ?? null

export const listHookSources: Handler<'listHookSources'> = (deps) =>
  Promise.resolve({ status: 200, body: { items: hookSources.map((source) => showSource(deps, source)) } })

function showSource(
  { config, findProvider }: ApiDeps,
  { slug, name, webhooks }: HookSource,
): Schemas['HookSource'] {
  const place = webhooks.scope === 'app' ? '' : '/{connectionId}'
  return {
    provider: slug,
    name,
    scope: webhooks.scope,
    url: `${config.publicUrl}/hooks/${slug}${place}`,
    secrets: webhooks.secrets.map(({ name: one, title, help, madeBy, env, optional }) => ({
      name: one,
      title,
      help,
      madeBy,
      env: env ?? null,
      optional: optional ?? false,
    })),
    setup: [...webhooks.setup],
    samples: webhooks.samples.map((sample) => ({ ...sample })),
    addresses: [...(webhooks.addresses ?? [])],
    canSubscribe: webhooks.subscriptions !== undefined,
    isComplete: findProvider(slug) !== undefined,
  }
}

/** @throws HubError `StateConflict` for a provider that sends no webhooks. */
function sourceOf({ findProvider }: ApiDeps, connection: Connection): HookSource {
  const source = findHookSource(connection.provider, findProvider)
  if (source) return source
  throw new HubError(
    'StateConflict',
    'This provider sends no webhooks that the hub takes. Changes are found by syncing, and told in the change feed.',
  )
}

export const getHook: Handler<'getHook'> = async (deps, { path }) => {
  const connection = await livingConnection(deps, path.connectionId)
  const stored = await openHookSettings(deps.database.db, deps.vault, connection.connectionId)
  const body = await show(deps, connection, stored)
  return { status: 200, body, headers: { ETag: etagOf(body) } }
}

async function show(
  deps: ApiDeps,
  connection: Connection,
  stored: OpenHookSettings | undefined,
  made?: Readonly<Record<string, string>>,
): Promise<Schemas['Hook']> {
  const { slug, webhooks } = sourceOf(deps, connection)
  const { connectionId } = connection
  const settings = stored?.settings
  return {
    connectionId,
    provider: slug,
    url: urlOf(deps, connectionId, slug),
    isSetUp: settings !== undefined,
    version: settings?.version ?? 0,
    allowedNetworks: [...(settings?.allowedNetworks ?? [])],
    perMinute: settings?.perMinute ?? 60_000,
    secrets: shownSecrets(deps, webhooks, stored),
    ...(made && Object.keys(made).length > 0 ? { made } : {}),
    subscription: {
      state: settings?.subscriptionState ?? 'none',
      id: settings?.subscriptionId ?? null,
      error: settings?.subscriptionError ?? null,
      expiresAt: time(settings?.subscriptionExpiresAt ?? null),
      checkedAt: time(settings?.subscriptionCheckedAt ?? null),
    },
    equation: await inboxEquation(deps.database.db, { connectionId }),
  }
}

const urlOf = ({ config }: ApiDeps, connectionId: string, slug: string): string =>
  `${config.publicUrl}/hooks/${slug}/${connectionId}`

/** How many values each secret has and until when; never the values. */
function shownSecrets({ env }: ApiDeps, webhooks: Webhooks, stored: OpenHookSettings | undefined) {
  const now = Date.now()
  const shared = secretsOf(webhooks, undefined, env, new Date())
  return webhooks.secrets.map(({ name }) => ({
    name,
    values: (stored?.secrets[name] ?? [])
      .filter(({ until }) => until === null || Date.parse(until) > now)
      .map(({ until }) => ({ until })),
    shared: shared[name]?.length ?? 0,
  }))
}

export const setUpHook: Handler<'setUpHook'> = async (deps, { path, header, body, caller }) => {
  const connection = await livingConnection(deps, path.connectionId)
  const { webhooks, slug } = sourceOf(deps, connection)
  checkNetworks(body.allowedNetworks)
  checkSecrets(webhooks, body.secrets)
  const { db } = deps.database
  const before = await openHookSettings(db, deps.vault, connection.connectionId)
  checkMatch(header['If-Match'], before)
  const { secrets, made } = madeSecrets(webhooks, before?.secrets ?? {}, body.secrets ?? {})
  const url = urlOf(deps, connection.connectionId, slug)
  const key = made[urlKey]
  const shown = key === undefined ? made : { ...made, url: `${url}?key=${key}` }
  const stored = await inTransaction(db, async (tx) => {
    const change = {
      secrets,
      ...(body.allowedNetworks ? { allowedNetworks: body.allowedNetworks } : {}),
      ...(body.perMinute === undefined ? {} : { perMinute: body.perMinute }),
    }
    const after = await putHookSettings(tx, deps.vault, connection, change, before?.settings.version ?? 0)
    await appendAudit(tx, {
      actor: caller.name,
      action: 'webhook.set_up',
      subject: connection.connectionId,
      partnerId: connection.partnerId,
      details: { fields: Object.keys(body).sort(), secrets: Object.keys(body.secrets ?? {}).sort() },
    })
    return after
  })
  // The webhook at the provider follows; without Temporal the schedule sees to it later.
  if (deps.findProvider(connection.provider)?.webhooks?.subscriptions)
    await deps.temporal
      .startKeepSubscription(connection)
      .catch((err: unknown) => deps.log.warn({ err }, 'the webhook at the provider is made later'))
  const shownHook = await show(deps, connection, stored, shown)
  return { status: 200, body: shownHook, headers: { ETag: etagOf(shownHook) } }
}

function checkMatch(ifMatch: string | undefined, before: OpenHookSettings | undefined): void {
  if (isMatch(ifMatch, etagOf({ version: before?.settings.version ?? 0 }))) return
  throw new HubError('PreconditionFailed', 'The webhooks were set up otherwise meanwhile. Read them again.')
}

function checkNetworks(networks: readonly string[] | undefined): void {
  const errors = (networks ?? []).flatMap((text, index) =>
    parseNetwork(text)
      ? []
      : [
          {
            in: 'body' as const,
            pointer: `/allowedNetworks/${index}`,
            detail: 'should be an IP address or a network like 203.0.113.0/24 or 2001:db8::/32',
          },
        ],
  )
  if (errors.length > 0) throw invalidInput(errors)
}

function checkSecrets(webhooks: Webhooks, given: Readonly<Record<string, string>> | undefined): void {
  const known = webhooks.secrets.map(({ name }) => name)
  const errors = Object.keys(given ?? {})
    .filter((name) => !known.includes(name))
    .map((name) => ({
      in: 'body' as const,
      pointer: `/secrets/${name}`,
      detail: `is not a secret of these webhooks; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}`,
    }))
  if (errors.length > 0) throw invalidInput(errors)
}

/** What is given replaces at once; what the hub makes and is not there yet is made. */
function madeSecrets(
  webhooks: Webhooks,
  before: StoredHookSecrets,
  given: Readonly<Record<string, string>>,
): { readonly secrets: StoredHookSecrets; readonly made: Record<string, string> } {
  const names = webhooks.secrets.filter(({ madeBy }) => madeBy === 'hub').map(({ name }) => name)
  if (webhooks.unguessableUrl) names.push(urlKey)
  const made: Record<string, string> = {}
  for (const name of names) if (!before[name]?.length && given[name] === undefined) made[name] = newSecret()
  const current = (value: string) => [{ value, until: null }]
  const all = Object.entries({ ...made, ...given }).map(([name, value]) => [name, current(value)])
  return { secrets: { ...before, ...(Object.fromEntries(all) as StoredHookSecrets) }, made }
}

export const rotateHookSecret: Handler<'rotateHookSecret'> = async (deps, { path, body, caller }) => {
  const connection = await livingConnection(deps, path.connectionId)
  const { webhooks, slug } = sourceOf(deps, connection)
  const spec = webhooks.secrets.find(({ name }) => name === body.name)
  const isOwn = (body.name === urlKey && webhooks.unguessableUrl) || spec?.madeBy === 'hub'
  if (!spec && !isOwn) checkSecrets(webhooks, { [body.name]: '' })
  if (!isOwn && body.value === undefined)
    throw invalidInput([
      {
        in: 'body',
        pointer: '/value',
        detail: 'is needed: the provider makes this secret; make a new one there first',
      },
    ])
  const { db } = deps.database
  const before = await openHookSettings(db, deps.vault, connection.connectionId)
  if (!before) throw new HubError('StateConflict', 'The webhooks of this connection are not set up yet.')
  const value = body.value ?? newSecret()
  const until = new Date(Date.now() + (body.overlapSeconds ?? 86_400) * 1000)
  const secrets = replaceSecret(before.secrets, body.name, value, until)
  const stored = await inTransaction(db, async (tx) => {
    const after = await putHookSettings(tx, deps.vault, connection, { secrets }, before.settings.version)
    await appendAudit(tx, {
      actor: caller.name,
      action: 'webhook.secret_rotated',
      subject: connection.connectionId,
      partnerId: connection.partnerId,
      details: { name: body.name, until: until.toISOString() },
    })
    return after
  })
  const made = body.value === undefined ? { [body.name]: value } : {}
  const url =
    body.name === urlKey ? { url: `${urlOf(deps, connection.connectionId, slug)}?key=${value}` } : {}
  return { status: 200, body: await show(deps, connection, stored, { ...made, ...url }) }
}

export const makeHookSample: Handler<'makeHookSample'> = async (deps, { path, body }) => {
  if (deps.config.environment === 'production')
    throw new HubError('StateConflict', 'In production nothing is signed in the name of a provider.')
  const connection = await livingConnection(deps, path.connectionId)
  const { slug, webhooks } = sourceOf(deps, connection)
  const spec = webhooks.samples.find(({ event }) => event === body.event)
  if (!spec) {
    const detail = `should be one of ${webhooks.samples.map(({ event }) => event).join(', ')}`
    throw invalidInput([{ in: 'body', pointer: '/event', detail }])
  }
  const { db } = deps.database
  const stored = await openHookSettings(db, deps.vault, connection.connectionId)
  const now = new Date()
  const known = secretsOf(webhooks, stored, deps.env, now)
  const missing = webhooks.secrets.filter(({ name, optional }) => !optional && !known[name]?.length)
  if (missing.length > 0)
    throw new HubError(
      'StateConflict',
      `The webhooks of this connection lack ${missing.map(({ name }) => `"${name}"`).join(', ')}: set them up first.`,
    )
  const url = new URL(urlOf(deps, connection.connectionId, slug))
  const [key] = stored ? (valuesNow(stored.secrets, now)[urlKey] ?? []) : []
  if (key !== undefined) url.searchParams.set('key', key)
  const { externalId, row } = await sampleObject(deps, connection, spec.resource, body.externalId)
  const sample = webhooks.sample({
    event: body.event,
    url,
    tenant: tenantOf(connection, webhooks),
    externalId,
    ...(row ? { row } : {}),
    secrets: Object.fromEntries(Object.entries(known).map(([name, [first = '']]) => [name, first])),
    now,
    id: body.id ?? newId('request'),
  })
  return { status: 200, body: { ...sample, headers: { ...sample.headers }, url: url.href } }
}

const tenantOf = ({ externalAccount, settings }: Connection, { tenantSetting }: Webhooks): string =>
  externalAccount ?? (tenantSetting === undefined ? undefined : settings[tenantSetting]) ?? '1'

/** The object that a sample is about: the one that is named, else any that the store has. */
async function sampleObject(
  { database }: ApiDeps,
  { connectionId }: Connection,
  resource: string | undefined,
  wanted: string | undefined,
) {
  if (resource === undefined) return { externalId: wanted ?? '1' }
  if (wanted === undefined) {
    const [any] = await listRecords(database.db, { connectionId, resource, limit: 1 })
    return any ? { externalId: any.externalId, row: any.raw } : { externalId: '1' }
  }
  const record = await getRecord(database.db, { connectionId, resource, externalId: wanted })
  return { externalId: wanted, ...(record ? { row: record.raw } : {}) }
}

/**
 * The door for webhooks: raw bytes → guard → verify → one INSERT → the provider's answer. Nothing else stands between a webhook
 * and its answer; Temporal least of all (INV-1). What is refused learns nothing but that; the audit log and a metric know why.
 */
import type { Middleware } from 'koa'
import { appendAudit } from '../../db/audit.ts'
import { inTransaction } from '../../db/client.ts'
import { sealRequest } from '../../db/hook-payload.ts'
import { isLostDatabase } from '../../db/lost-database.ts'
import { timingSafeEqualText } from '../../platform/secrets/hash.ts'
import { HubError, messageOf } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import {
  urlKey,
  type HookAnswer,
  type HookCheck,
  type HookRequest,
  type HookSecrets,
} from '../../providers/contract-webhook.ts'
import { findHookSource, type HookSource } from '../../providers/registry.ts'
import type { ApiDeps } from '../deps.ts'
import { edgeFailure } from '../problem.ts'
import type { RequestState } from '../request-state.ts'
import { createAcceptor, type Acceptor } from './acceptor.ts'
import { clientAddress, networksOf, type Networks } from '../address.ts'
import { readHook } from './body.ts'
import { routed, ownerOf } from './routing.ts'
import { createSecretUses, usedValues, type SecretUses } from './secret-use.ts'
import { createTargets, secretsOf, type GuardedTarget, type Targets } from './targets.ts'
import { createThrottle, type Throttle } from './throttle.ts'
import { isTrial, trialAnswer } from './trial.ts'

type DoorDeps = Pick<
  ApiDeps,
  'config' | 'database' | 'vault' | 'env' | 'metrics' | 'log' | 'waker' | 'trials' | 'findProvider'
>

interface Door extends DoorDeps {
  readonly targets: Targets
  readonly throttle: Throttle
  readonly acceptor: Acceptor
  readonly secretUses: SecretUses
  readonly isTrusted: Networks
}

/** What is known of one call. */
interface Visit {
  readonly source: HookSource
  readonly request: HookRequest
  readonly address: string
  /** Undefined at the URL of an app. */
  readonly guarded: GuardedTarget | undefined
  readonly checks: readonly HookCheck[]
  readonly secrets: HookSecrets
}

/** Takes what is posted to `/hooks/<provider>` and `/hooks/<provider>/<connectionId>`. */
export function hookDoor(deps: DoorDeps): Middleware<RequestState> {
  const { db } = deps.database
  const door: Door = {
    ...deps,
    targets: createTargets({ db, vault: deps.vault }),
    throttle: createThrottle(deps.config.hookRates),
    acceptor: createAcceptor(db),
    secretUses: createSecretUses(db, deps.log),
    isTrusted: networksOf(deps.config.trustedProxies),
  }
  return async (ctx) => {
    const { provider = '', connectionId } = (ctx as { params?: Record<string, string> }).params ?? {}
    ctx.state.route = connectionId === undefined ? '/hooks/{provider}' : '/hooks/{provider}/{connectionId}'
    const source = findHookSource(provider, door.findProvider)
    if (!source) throw edgeFailure('NoSuchThing', 'There is nothing at this path; see /docs.')
    const address = clientAddress(ctx.req, door.isTrusted)
    await door.throttle.admitAddress(address)
    await door.throttle.admitAfterRefusals(address)
    const type = (ctx.get('content-type').split(';')[0] ?? '').trim().toLowerCase()
    const { contentTypes, maxBytes } = source.webhooks
    if (ctx.method === 'POST' && contentTypes.length > 0 && !contentTypes.includes(type))
      throw edgeFailure('UnsupportedMediaType', `Send the body as ${contentTypes.join(' or ')}.`)
    const request: HookRequest = {
      method: ctx.method,
      url: new URL(door.config.publicUrl + (ctx.req.url ?? '')),
      headers: headersOf(ctx.req.rawHeaders),
      body: await readHook(ctx.req, maxBytes),
      receivedAt: new Date(),
    }
    const answer = await take(door, source, request, address, connectionId)
    ctx.status = answer.status
    ctx.set({ ...answer.headers })
    // Empty answers are sent as such: some providers look.
    ctx.body = answer.body ?? ''
    if (answer.body === undefined) ctx.remove('Content-Type')
  }
}

/** Names in lower case, every value that came: Node joins or drops repeated headers, a verifier must see them. */
function headersOf(raw: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), raw[index + 1] ?? ''])
  }
  return headers
}

async function take(
  door: Door,
  source: HookSource,
  request: HookRequest,
  address: string,
  connectionId: string | undefined,
): Promise<HookAnswer> {
  const early = source.webhooks.unsignedHandshake?.(request)
  if (early) return early
  if (request.method !== 'POST')
    throw edgeFailure('MethodNotAllowed', 'Webhooks are posted here.', { Allow: 'POST' })
  const trial = await isTrial(door.trials, request, connectionId)
  let visit = await look(door, source, request, address, connectionId, trial)
  if (trial) return trialAnswer(source.webhooks, request, visit.checks)
  // What was remembered may be older than a change of the secrets.
  if (!isGenuine(visit) && connectionId !== undefined)
    visit = await look(door, source, request, address, connectionId, true)
  if (!isGenuine(visit)) return await refuse(door, visit)
  const { guarded, secrets } = visit
  if (guarded) {
    const used = usedValues(source, request, secrets, guarded)
    door.secretUses.note(guarded.target.connectionId, used, request.receivedAt)
    await door.throttle.admitConnection(
      guarded.target.connectionId,
      guarded.guard?.settings.perMinute ?? 60_000,
    )
  }
  const handshake = source.webhooks.handshake?.(request, secrets)
  if (handshake) return handshake
  return await accept(door, visit)
}

const isGenuine = ({ checks }: Visit): boolean => checks.length > 0 && checks.every(({ passed }) => passed)

/** Every check, those of the door first. */
async function look(
  door: Door,
  source: HookSource,
  request: HookRequest,
  address: string,
  connectionId: string | undefined,
  fresh: boolean,
): Promise<Visit> {
  const { webhooks } = source
  const guarded =
    connectionId === undefined ? undefined : await door.targets.byId(source.slug, connectionId, fresh)
  const secrets = secretsOf(webhooks, guarded?.guard, door.env, request.receivedAt)
  const visit = { source, request, address, guarded, secrets }
  if (connectionId === undefined && webhooks.scope === 'connection')
    return {
      ...visit,
      checks: [{ name: 'url', passed: false, detail: 'this provider posts to a URL per connection' }],
    }
  if (connectionId !== undefined && !guarded)
    return { ...visit, checks: [{ name: 'url', passed: false, detail: 'there is no such connection' }] }
  const own: HookCheck[] = []
  if (guarded)
    own.push({
      name: 'network',
      passed: guarded.isAllowed(address),
      ...(guarded.isAllowed(address) ? {} : { detail: 'the address is in none of the allowed networks' }),
    })
  if (webhooks.unguessableUrl && guarded) own.push(checkUrlKey(request, guarded))
  return { ...visit, checks: [...own, ...webhooks.verify(request, secrets, guarded?.target.settings ?? {})] }
}

/** The key in the URL of a connection whose provider signs nothing. */
function checkUrlKey({ url, receivedAt }: HookRequest, { guard }: GuardedTarget): HookCheck {
  const given = url.searchParams.getAll('key')
  const values = (guard?.secrets[urlKey] ?? []).filter(
    ({ until }) => until === null || Date.parse(until) > receivedAt.getTime(),
  )
  const passed = given.length === 1 && values.some(({ value }) => timingSafeEqualText(given[0] ?? '', value))
  return {
    name: 'url_key',
    passed,
    ...(passed ? {} : { detail: 'the key in the URL is missing or another one' }),
  }
}

async function refuse(door: Door, { source, request, address, guarded, checks }: Visit): Promise<HookAnswer> {
  const failed = checks.filter(({ passed }) => !passed).map(({ name }) => name)
  const reason = failed.join('+') || 'nothing_checked'
  door.metrics.hookRequests.inc({ provider: source.slug, outcome: 'refused', reason })
  if (await door.throttle.noteRefusal(address)) {
    const details = { provider: source.slug, address, checks: checks.map((check) => ({ ...check })) }
    await inTransaction(door.database.db, (tx) =>
      appendAudit(tx, {
        actor: 'webhook',
        action: 'webhook.refused',
        subject: guarded?.target.connectionId ?? source.slug,
        partnerId: guarded?.target.partnerId,
        details,
      }),
    ).catch((error: unknown) => door.log.warn({ reason: messageOf(error) }, 'a refusal could not be noted'))
  }
  return source.webhooks.refused?.(request) ?? { status: 401 }
}

async function accept(door: Door, visit: Visit): Promise<HookAnswer> {
  const { source, request, guarded } = visit
  const { db } = door.database
  const requestId = newId('hookRequest')
  const owner = guarded ? ownerOf(guarded.target) : null
  try {
    const { events, targets } = await routed(door.targets, source, request, guarded?.target)
    const packed = {
      method: request.method,
      url: request.url.href,
      headers: [...request.headers],
      body: request.body,
    }
    const sealed = await sealRequest(
      db,
      door.vault,
      { requestId, accountId: owner?.accountId ?? null },
      packed,
    )
    const accepted = await door.acceptor.accept({
      request: {
        requestId,
        provider: source.slug,
        owner,
        receivedAt: request.receivedAt,
        clientAddress: visit.address,
        bytes: request.body.length,
        checks: visit.checks.map((check) => ({ ...check })),
        sealed,
      },
      events,
    })
    door.metrics.hookEvents.inc({ provider: source.slug, outcome: 'accepted' }, accepted)
    door.metrics.hookEvents.inc({ provider: source.slug, outcome: 'duplicate' }, events.length - accepted)
    if (accepted > 0)
      // A paused lane is woken when its connection resumes.
      for (const one of targets) if (one.isActive) door.waker.wake({ ...ownerOf(one), provider: source.slug })
  } catch (error) {
    door.metrics.hookRequests.inc({ provider: source.slug, outcome: 'failed', reason: 'database' })
    if (!isLostDatabase(error)) throw error
    throw new HubError('DatabaseUnavailable', 'The webhook cannot be stored now. Send it again.', {
      retryAt: new Date(Date.now() + 15_000),
      cause: error,
    })
  }
  door.metrics.hookRequests.inc({ provider: source.slug, outcome: 'accepted', reason: '' })
  return source.webhooks.accepted?.(request) ?? { status: 200 }
}

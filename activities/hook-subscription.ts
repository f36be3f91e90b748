/**
 * The webhook of a connection at its provider, brought in line with what is wished: made, repaired, renewed; doubles removed. Repeatable:
 * what stands at the provider is looked at first, every time.
 */
import { getConnection, receivesOnly, type Connection } from '../db/connections.ts'
import {
  noteSubscription,
  openHookSettings,
  putHookSettings,
  replaceSecret,
  subscriptionCandidates,
  valuesNow,
  type OpenHookSettings,
} from '../db/hook-settings.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import { sha256 } from '../platform/secrets/hash.ts'
import type { ProviderContext } from '../providers/contract.ts'
import type { HookSubscription, HookSubscriptions, HookWish } from '../providers/contract-webhook.ts'
import { findHookSource, type HookSource } from '../providers/registry.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { removeOurs } from './hook-removal.ts'
import { openSession } from './session.ts'
import { whileBeating } from './steady.ts'

interface Key {
  readonly connectionId: string
}

export interface KeptSubscription {
  readonly state: 'active' | 'failed' | 'unsupported' | 'none'
}

/** A channel that ends within this time is renewed. */
const renewBeforeMs = 12 * 3_600_000
/** Old secrets of a webhook that was made anew stay in force as long: deliveries may be under way. */
const overlapMs = 24 * 3_600_000
const checkAgainMs = 10 * 60_000
const perRun = 200

/** @param renews makes it anew whatever stands there: who makes the secret makes another one. */
async function keep(
  deps: ActivityDeps,
  { connectionId, renews = false }: Key & { readonly renews?: boolean },
  signal: AbortSignal,
): Promise<KeptSubscription> {
  const { db } = deps.database
  const connection = await getConnection(db, connectionId)
  const stored = await openHookSettings(db, deps.vault, connectionId)
  if (connection?.state !== 'active' || !stored) return { state: 'none' }
  const source = findHookSource(connection.provider, deps.findProvider)
  const subscriptions = deps.findProvider(connection.provider)?.webhooks?.subscriptions
  if (!source || !subscriptions || connection.auth === receivesOnly) {
    await noteSubscription(db, connectionId, { id: null, state: 'unsupported' })
    return { state: 'unsupported' }
  }
  try {
    const { context } = await openSession(deps, connectionId, { priority: 'interactive', signal })
    const wish = wishOf(deps, connection, source.slug, stored, subscriptions)
    // One whose secret was lost (a crash before it was kept) is of no use: it is made again.
    const isKnown = source.webhooks.secrets.every(
      ({ name, madeBy, optional }) => madeBy === 'hub' || optional || wish.secrets[name] !== undefined,
    )
    // Nor is one that was made with secrets that are replaced: what it sends is refused once their overlap is over.
    const secretsHash = hashOf(source, wish)
    const before = stored.settings.subscriptionSecretsHash
    const isCurrent = before === null || before.equals(secretsHash)
    const kept = await align(
      context,
      subscriptions,
      { wish, isKnown: isKnown && isCurrent && !renews },
      deps.clock.now(),
    )
    if (kept.secrets) await keepSecrets(deps, connection, stored, kept.secrets)
    for (const id of kept.stale ?? []) await subscriptions.remove(context, id)
    const { id, expiresAt } = kept
    await noteSubscription(db, connectionId, { id, state: 'active', expiresAt, secretsHash })
    // Deleted meanwhile: whoever removes its webhooks may have looked before this one was made.
    if ((await getConnection(db, connectionId))?.state === 'deleted') {
      await removeOurs(context, subscriptions, (url) => isOurs(url, wish.url))
      return { state: 'none' }
    }
    return { state: 'active' }
  } catch (error) {
    if (!isHubError(error)) throw error
    await noteSubscription(db, connectionId, {
      id: stored.settings.subscriptionId,
      state: 'failed',
      error: error.message,
    })
    return { state: 'failed' }
  }
}

function wishOf(
  deps: ActivityDeps,
  { connectionId }: Connection,
  slug: string,
  stored: OpenHookSettings,
  { topics }: HookSubscriptions,
): HookWish {
  const values = valuesNow(stored.secrets, deps.clock.now())
  const url = new URL(`/hooks/${slug}/${connectionId}`, deps.config.publicUrl)
  const [key] = values['urlKey'] ?? []
  if (key !== undefined) url.searchParams.set('key', key)
  const secrets = Object.fromEntries(
    Object.entries(values).flatMap(([name, [first]]) => (first === undefined ? [] : [[name, first]])),
  )
  return { url: url.href, topics, secrets }
}

/** Of what the hub makes; what the provider makes is its own to know. The key in the URL is compared with the URL. */
const hashOf = ({ webhooks }: HookSource, { secrets }: HookWish): Buffer =>
  sha256(
    JSON.stringify(
      webhooks.secrets
        .filter(({ madeBy }) => madeBy === 'hub')
        .map(({ name }) => [name, secrets[name] ?? null]),
    ),
  )

interface Kept {
  readonly id: string
  readonly secrets?: Readonly<Record<string, string>>
  readonly expiresAt?: Date | undefined
  /** Those that it has taken over from; they go when its secret is kept. */
  readonly stale?: readonly string[]
}

async function align(
  context: ProviderContext,
  subscriptions: HookSubscriptions,
  { wish, isKnown }: { readonly wish: HookWish; readonly isKnown: boolean },
  now: Date,
): Promise<Kept> {
  const standing = (await subscriptions.list(context)).filter(({ url }) => isOurs(url, wish.url))
  if (!isKnown) return await replaced(context, subscriptions, wish, standing)
  const [first, ...doubles] = standing.sort(
    (a, b) => Number(isInLine(b, wish, now)) - Number(isInLine(a, wish, now)),
  )
  for (const { id } of doubles) await subscriptions.remove(context, id)
  if (first && isInLine(first, wish, now)) return { id: first.id, expiresAt: first.expiresAt }
  if (first && subscriptions.update) {
    const updated = await subscriptions.update(context, first.id, wish)
    return { id: first.id, expiresAt: updated.expiresAt ?? first.expiresAt }
  }
  if (first) await subscriptions.remove(context, first.id)
  return await subscriptions.create(context, wish)
}

/**
 * Made anew beside the old ones, which go when its secret is kept here: nothing is lost in between, and what both tell of is one event
 * (INV-2). A provider that takes no second one of the same kind has the old ones removed first.
 */
async function replaced(
  context: ProviderContext,
  subscriptions: HookSubscriptions,
  wish: HookWish,
  standing: readonly HookSubscription[],
): Promise<Kept> {
  try {
    const made = await subscriptions.create(context, wish)
    return { ...made, stale: standing.flatMap(({ id }) => (id === made.id ? [] : [id])) }
  } catch (error) {
    const isTaken = isHubError(error, 'Conflict') || isHubError(error, 'Invalid')
    if (!isTaken || standing.length === 0) throw error
    for (const { id } of standing) await subscriptions.remove(context, id)
    return await subscriptions.create(context, wish)
  }
}

/** The key in the URL may be an older one. */
function isOurs(url: string, wished: string): boolean {
  try {
    const [one, other] = [new URL(url), new URL(wished)]
    return one.origin === other.origin && one.pathname === other.pathname
  } catch {
    return false
  }
}

function isInLine({ url, active, topics, expiresAt }: HookSubscription, wish: HookWish, now: Date): boolean {
  const hasAll = wish.topics.every((topic) => topics.includes(topic)) && topics.length === wish.topics.length
  const isLasting = !expiresAt || expiresAt.getTime() - now.getTime() > renewBeforeMs
  return url === wish.url && active && hasAll && isLasting
}

async function keepSecrets(
  deps: ActivityDeps,
  connection: Connection,
  before: OpenHookSettings,
  made: Readonly<Record<string, string>>,
): Promise<void> {
  const until = new Date(deps.clock.now().getTime() + overlapMs)
  let secrets = before.secrets
  for (const [name, value] of Object.entries(made)) secrets = replaceSecret(secrets, name, value, until)
  await putHookSettings(deps.database.db, deps.vault, connection, { secrets }, before.settings.version)
}

export interface SubscribedConnection {
  readonly connectionId: string
  readonly provider: string
}

export function createSubscriptionActivities(deps: ActivityDeps) {
  return {
    /** Connections whose webhooks are set up and were not looked at for a while; one of them when it is named. */
    listSubscribed: failing(
      async ({
        connectionId,
      }: {
        readonly connectionId?: string
      }): Promise<readonly SubscribedConnection[]> => {
        const slugs = deps.providerSlugs.filter((slug) => deps.findProvider(slug)?.webhooks?.subscriptions)
        const before = new Date(deps.clock.now().getTime() - checkAgainMs)
        const query =
          connectionId === undefined ? { slugs, before } : { slugs, before: deps.clock.now(), connectionId }
        const found = await subscriptionCandidates(deps.database.db, { ...query, limit: perRun })
        if (connectionId !== undefined && found.length === 0)
          throw new HubError(
            'InvalidInput',
            `The hub keeps no webhook for "${connectionId}" at its provider.`,
          )
        return found
      },
    ),
    keepSubscription: failing((input: Key) => whileBeating((signal) => keep(deps, input, signal))),
    renewSubscription: failing((input: Key) =>
      whileBeating((signal) => keep(deps, { ...input, renews: true }, signal)),
    ),
  }
}

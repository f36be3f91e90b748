/**
 * The credential custodian: the only one who uses refresh tokens. One refresh at a time per connection in all processes;
 * whoever waits takes what the other got. What was begun is written down before the call, what was got is stored before it
 * is used, so that a crash in between costs no connection that the provider's own rules allow to be saved (INV-5).
 */
import { inTransaction, type Database } from '../db/client.ts'
import { openCredential, putCredential, type StoredCredential } from '../db/credentials.ts'
import {
  beginRefresh,
  getRefreshState,
  noteRefreshed,
  withRefreshLock,
  type RefreshState,
} from '../db/credential-refreshes.ts'
import { isLostDatabase } from '../db/lost-database.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import type { TokenAnswer } from '../providers/http/oauth.ts'
import type { CredentialVersion } from '../providers/http/session.ts'
import { alignSchedule } from './align-schedule.ts'
import { lifeOf } from './custodian-life.ts'
import { coolDown, needAttention, noteMended, settle } from './custodian-verdict.ts'
import type { Ward } from './custodian-ward.ts'
import type { ActivityDeps } from './deps.ts'

/** How long somebody waits for another process's refresh. Longer than a refresh and a save may take. */
const patienceMs = 90_000
/** A token that is refused so soon after it was got will not be mended by another one. */
const newMs = 10_000
/** What was got is worth waiting for the database. */
const savingMs = 30_000

/**
 * A credential that can be used now. One that still lives is given out while somebody else renews it, or when renewing
 * fails.
 * @throws HubError `Unauthorized`, `NotConfigured`: a person must act, the connection is marked; `Unavailable` with
 *   `retryAt`: nobody asks the provider before that.
 */
export async function currentCredential(deps: ActivityDeps, ward: Ward): Promise<CredentialVersion> {
  const stored = await mustOpen(deps, ward)
  const life = lifeOf(ward.method, stored.secrets, deps.clock.now())
  if (life === 'fresh') return stored
  if (life === 'dead') return await newerThan(deps, ward, stored.generation)
  if (flightsOf(deps).has(ward.connectionId)) return stored
  try {
    return await newerThan(deps, ward, stored.generation, { waits: false })
  } catch (error) {
    // What has failed is noted; the token lives on.
    if (isHubError(error)) return stored
    throw error
  }
}

/** A newer one than the one that the provider refused; undefined when a newer one would be refused too. */
export async function renewCredential(
  deps: ActivityDeps,
  ward: Ward,
  refused: number,
): Promise<CredentialVersion | undefined> {
  const stored = await mustOpen(deps, ward)
  if (stored.generation > refused) return stored
  const { refreshedGeneration, refreshedAt } = await getRefreshState(deps.database.db, ward.connectionId)
  const ageMs = deps.clock.now().getTime() - (refreshedAt?.getTime() ?? 0)
  if (refreshedGeneration === refused && ageMs < newMs) return undefined
  if (!stored.secrets['refresh_token']) return undefined
  return await newerThan(deps, ward, refused)
}

/** Renews whatever life is left, unless somebody has just done it. */
export async function renewUnused(deps: ActivityDeps, ward: Ward, generation: number): Promise<void> {
  await newerThan(deps, ward, generation)
}

async function mustOpen(
  { database, vault }: ActivityDeps,
  { connectionId }: Ward,
): Promise<StoredCredential> {
  const stored = await openCredential(database.db, vault, connectionId)
  if (!stored) throw new HubError('Unauthorized', 'The connection has no credential. Connect it again.')
  return stored
}

/** One flight per connection in this process, whoever asks. */
const flights = new WeakMap<Database, Map<string, Promise<CredentialVersion>>>()

function flightsOf({ database }: ActivityDeps): Map<string, Promise<CredentialVersion>> {
  const known = flights.get(database) ?? new Map<string, Promise<CredentialVersion>>()
  flights.set(database, known)
  return known
}

async function newerThan(
  deps: ActivityDeps,
  ward: Ward,
  generation: number,
  { waits = true } = {},
): Promise<CredentialVersion> {
  const under = flightsOf(deps)
  const { connectionId } = ward
  for (;;) {
    const flying = under.get(connectionId)
    if (!flying) break
    // A flight that began before what is asked for now was refused may bring just that.
    const credential = await flying
    if (credential.generation > generation) return credential
  }
  const flight = obtain(deps, ward, generation, waits).finally(() => under.delete(connectionId))
  under.set(connectionId, flight)
  return await flight
}

/** Refreshes as soon as nobody else does, or takes what somebody else got. */
async function obtain(
  deps: ActivityDeps,
  ward: Ward,
  generation: number,
  waits: boolean,
): Promise<CredentialVersion> {
  const until = Date.now() + patienceMs
  const lane = laneOf(deps.database)
  for (;;) {
    const settled = await lane(() =>
      withRefreshLock(deps.database.db, ward.connectionId, () => refresh(deps, ward, generation)),
    )
    if (settled?.ok) return settled.value
    if (settled) throw settled.error
    const stored = await mustOpen(deps, ward)
    if (stored.generation > generation || !waits) return stored
    if (Date.now() > until)
      throw new HubError(
        'Unavailable',
        'The access is being renewed, and that takes long. Trying again later.',
        {
          retryAt: new Date(deps.clock.now().getTime() + 10_000),
        },
      )
    await new Promise((resolve) => setTimeout(resolve, 40 + Math.random() * 80))
  }
}

/** Each refresh holds a connection of the pool and needs another one: at most a quarter of the pool may hold. */
const lanes = new WeakMap<Database, <T>(work: () => Promise<T>) => Promise<T>>()

function laneOf(database: Database): <T>(work: () => Promise<T>) => Promise<T> {
  const known = lanes.get(database)
  if (known) return known
  let free = Math.max(1, Math.floor((database.pool.options.max ?? 10) / 4))
  const waiting: (() => void)[] = []
  const lane = async <T>(work: () => Promise<T>): Promise<T> => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => void waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
  lanes.set(database, lane)
  return lane
}

/** Under the lock: looks at the store first, then asks the provider, then stores. */
async function refresh(deps: ActivityDeps, ward: Ward, generation: number): Promise<CredentialVersion> {
  const stored = await mustOpen(deps, ward)
  if (stored.generation > generation) return stored
  const state = await getRefreshState(deps.database.db, ward.connectionId)
  await checkHope(deps, ward, stored, state)
  const isHealing = state.sent && state.generation === stored.generation
  const failed = { generation: stored.generation, state, isHealing }
  const failing = async (error: unknown): Promise<never> => {
    const verdict = await settle(deps, ward, failed, error)
    deps.metrics.tokenRefreshes.inc({ provider: ward.provider, outcome: verdict.code })
    throw verdict
  }
  const app = (await deps.appOf(ward.provider, ward.method)) ?? (await failing(noApp(ward)))
  await beginRefresh(deps.database.db, ward, stored.generation, deps.clock.now())
  const answer = await deps.oauth.refresh(ward.method, ward.settings, app, stored.secrets).catch(failing)
  deps.metrics.tokenRefreshes.inc({ provider: ward.provider, outcome: isHealing ? 'healed' : 'renewed' })
  return await save(deps, ward, stored.generation, answer)
}

/** @throws what the last attempt found, while it still holds: the provider need not say it again. */
async function checkHope(
  deps: ActivityDeps,
  ward: Ward,
  { generation }: StoredCredential,
  { refusedGeneration, retryAt, lastFailure }: RefreshState,
): Promise<void> {
  if (refusedGeneration === generation) {
    const message = lastFailure?.message ?? 'The access has ended. Connect the account again.'
    await needAttention(deps, ward, generation, { code: 'Unauthorized', message }, 'account')
    throw new HubError('Unauthorized', message)
  }
  if (retryAt && retryAt > deps.clock.now()) throw coolDown(lastFailure, retryAt)
}

function noApp({ method, providerName }: Ward): HubError {
  const { idVariable, secretVariable } = method.client
  const text = `The hub’s own app at ${providerName} is not configured: enter it ("tieline providers app"), or set ${idVariable} and ${secretVariable} in the environment of the workers.`
  return new HubError('NotConfigured', text)
}

/**
 * Stores what was got before anybody uses it. Waits for a database that is away: what is in hand here may exist nowhere
 * else. A credential that a person put in meanwhile goes before it.
 */
async function save(
  deps: ActivityDeps,
  ward: Ward,
  generation: number,
  { secrets }: TokenAnswer,
): Promise<CredentialVersion> {
  const { database, vault, clock } = deps
  const until = Date.now() + savingMs
  for (;;) {
    try {
      let mended = false
      const credential = await inTransaction(database.db, async (tx) => {
        // As it is now: whoever lost the lock without knowing may have been refused meanwhile.
        const before = await getRefreshState(tx, ward.connectionId)
        const made = await putCredential(tx, vault, ward, secrets, { expectedGeneration: generation })
        await noteRefreshed(tx, ward.connectionId, made, clock.now())
        mended = await noteMended(tx, ward, before)
        return { generation: made, secrets }
      })
      if (mended) await alignSchedule(deps, ward.connectionId)
      return credential
    } catch (error) {
      if (isHubError(error, 'Superseded')) return await mustOpen(deps, ward)
      if (!isLostDatabase(error) || Date.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}

/**
 * Replacing a credential by another that the provider makes: mint, prove, switch, retire. Each step finds in the rotation's
 * row what was done before it, so that it may be repeated, and a crash between two costs nothing.
 */
import { appendAudit } from '../db/audit.ts'
import { asTenant } from '../db/client.ts'
import { getConnection, updateConnection, type Connection } from '../db/connections.ts'
import { newestGeneration, openCredential, putCredential } from '../db/credentials.ts'
import {
  endRotation,
  getRotation,
  keepMinted,
  noteSwitched,
  openRotation,
  openRotationKeys,
  type Rotation,
  type RotationState,
} from '../db/credential-rotations.ts'
import { failures, type FailureNote } from '../model/failures.ts'
import { HubError, isHubError } from '../platform/errors.ts'
import { authMethod, type AuthMethod, type CredentialRotation, type Provider } from '../providers/contract.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'
import { openSession } from './session.ts'
import { whileBeating } from './steady.ts'

interface Key {
  readonly connectionId: string
  readonly attempt: string
}

/** What the workflow must know. No settings, no secrets. */
export interface RotationFacts {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly providerName: string
  readonly name: string
  /** Of the rotation that is under way: an earlier one that was left unfinished is taken up. */
  readonly attempt: string
  readonly state: RotationState
}

export type Proof =
  { readonly ok: true; readonly proves: string } | { readonly ok: false; readonly failure: FailureNote }

interface Scene {
  readonly connection: Connection
  readonly provider: Provider
  readonly method: AuthMethod
  readonly steps: CredentialRotation
}

async function sceneOf(deps: ActivityDeps, connectionId: string): Promise<Scene> {
  const connection = await getConnection(deps.database.db, connectionId)
  if (!connection || connection.state === 'deleted')
    throw new HubError('InvalidInput', `There is no connection "${connectionId}".`)
  const provider = deps.findProvider(connection.provider)
  const method = provider && authMethod(provider, connection.auth)
  if (!provider || !method?.rotation)
    throw new HubError(
      'InvalidInput',
      `A credential of this kind cannot be rotated by the hub. Make a new one at ${provider?.name ?? 'the provider'} and put it in.`,
    )
  return { connection, provider, method, steps: method.rotation }
}

async function beginRotation(deps: ActivityDeps, { connectionId, attempt }: Key): Promise<RotationFacts> {
  const { connection, provider } = await sceneOf(deps, connectionId)
  const { partnerId, accountId, name } = connection
  const rotation = await asTenant(deps.database.db, partnerId, async (tx) => {
    const generation = await newestGeneration(tx, connectionId)
    if (generation === 0) throw new HubError('InvalidInput', 'The connection has no credential to rotate.')
    return await openRotation(tx, connection, attempt, generation)
  })
  return {
    connectionId,
    partnerId,
    accountId,
    provider: provider.slug,
    providerName: provider.name,
    name,
    attempt: rotation.attempt,
    state: rotation.state,
  }
}

/** @throws HubError `Superseded` for a rotation that is over or another's. */
async function rotationOf(deps: ActivityDeps, { connectionId, attempt }: Key): Promise<Rotation> {
  const rotation = await getRotation(deps.database.db, connectionId)
  if (rotation?.attempt !== attempt) throw new HubError('Superseded', 'Another rotation has taken over.')
  return rotation
}

/** Has a new credential made beside the old one, and keeps both. */
async function mintCredential(deps: ActivityDeps, key: Key): Promise<void> {
  const rotation = await rotationOf(deps, key)
  if (rotation.state !== 'minting') return
  const { database, vault } = deps
  const { steps, connection } = await sceneOf(deps, key.connectionId)
  const old = await openCredential(database.db, vault, key.connectionId)
  if (!old) throw new HubError('Unauthorized', 'The connection has no credential. Connect it again.')
  await whileBeating(async (signal) => {
    const { context } = await openSession(deps, key.connectionId, { priority: 'interactive', signal })
    const { secrets, settings = {} } = await steps.mint(context, key.attempt)
    const kept = await asTenant(database.db, rotation.partnerId, (tx) =>
      keepMinted(
        tx,
        vault,
        rotation,
        { secrets, settings },
        { secrets: old.secrets, settings: connection.settings },
      ),
    )
    if (!kept) throw new HubError('Superseded', 'Another rotation has taken over.')
  })
}

/** Checks the new credential. A refusal is a finding: a new one may take a moment until it works. */
async function proveMinted(deps: ActivityDeps, key: Key): Promise<Proof> {
  const rotation = await rotationOf(deps, key)
  if (rotation.state !== 'pending') return { ok: true, proves: 'proven before' }
  const { connection, provider, method } = await sceneOf(deps, key.connectionId)
  const { minted } = await openRotationKeys(deps.database.db, deps.vault, rotation)
  return await whileBeating(async (signal): Promise<Proof> => {
    const context = deps.transport.open({
      provider,
      auth: method,
      connectionId: key.connectionId,
      settings: { ...connection.settings, ...minted.settings },
      isSandbox: connection.sandbox,
      credential: {
        current: async () => ({ generation: 0, secrets: minted.secrets }),
        renew: async () => undefined,
      },
      priority: 'interactive',
      signal,
    })
    try {
      return { ok: true, proves: (await provider.health.check(context)).proves }
    } catch (error) {
      if (!isHubError(error) || failures[error.code].retry !== 'no') throw error
      return { ok: false, failure: { code: error.code, message: error.message } }
    }
  })
}

/**
 * Puts the new credential in force.
 * @throws HubError `Superseded` when somebody has replaced the old one meanwhile.
 */
async function switchCredential(deps: ActivityDeps, key: Key): Promise<void> {
  const rotation = await rotationOf(deps, key)
  if (rotation.state !== 'pending') return
  const { database, vault } = deps
  const { minted } = await openRotationKeys(database.db, vault, rotation)
  await asTenant(database.db, rotation.partnerId, async (tx) => {
    const generation = await putCredential(tx, vault, rotation, minted.secrets, {
      expectedGeneration: rotation.oldGeneration,
    })
    const connection = await getConnection(tx, key.connectionId)
    const settings = { ...connection?.settings, ...minted.settings }
    if (Object.keys(minted.settings).length > 0) await updateConnection(tx, key.connectionId, { settings })
    await noteSwitched(tx, rotation, generation)
    await appendAudit(tx, {
      actor: 'rotateCredential',
      action: 'credential.rotated',
      subject: key.connectionId,
      partnerId: rotation.partnerId,
      details: { generation },
    })
  })
}

/** Ends the old credential at the provider, and erases it here. */
async function retireCredential(deps: ActivityDeps, key: Key): Promise<void> {
  const rotation = await rotationOf(deps, key)
  if (rotation.state !== 'switched') return
  const { old } = await openRotationKeys(deps.database.db, deps.vault, rotation)
  await endAtProvider(deps, key, old)
  await finish(deps, rotation, 'retired', 'credential.retired', null)
}

async function endAtProvider(
  deps: ActivityDeps,
  { connectionId }: Key,
  which: Parameters<CredentialRotation['retire']>[1],
): Promise<void> {
  const { steps } = await sceneOf(deps, connectionId)
  await whileBeating(async (signal) => {
    const { context } = await openSession(deps, connectionId, { priority: 'interactive', signal })
    await steps.retire(context, which)
  })
}

/**
 * Takes back what was minted and is not to be used. Where nothing is known of it yet the rotation stays open: the next one
 * goes on under the same name, and finds it.
 */
async function discardMinted(
  deps: ActivityDeps,
  { failure, ...key }: Key & { readonly failure: FailureNote },
): Promise<void> {
  const rotation = await rotationOf(deps, key)
  if (rotation.state !== 'pending') return
  const { minted } = await openRotationKeys(deps.database.db, deps.vault, rotation)
  await endAtProvider(deps, key, minted)
  await finish(deps, rotation, 'discarded', 'credential.rotation_failed', failure)
}

/** The end of a rotation whose last step could not be done at the provider: told, and nothing is kept. */
async function abandonRotation(
  deps: ActivityDeps,
  { failure, ...key }: Key & { readonly failure: FailureNote },
): Promise<void> {
  const rotation = await rotationOf(deps, key)
  if (rotation.state === 'switched')
    await finish(deps, rotation, 'retired', 'credential.retirement_failed', failure)
  if (rotation.state === 'pending')
    await finish(deps, rotation, 'discarded', 'credential.rotation_failed', failure)
}

async function finish(
  deps: ActivityDeps,
  rotation: Rotation,
  state: 'retired' | 'discarded',
  action: string,
  failure: FailureNote | null,
): Promise<void> {
  await asTenant(deps.database.db, rotation.partnerId, async (tx) => {
    await endRotation(tx, rotation, state, failure)
    await appendAudit(tx, {
      actor: 'rotateCredential',
      action,
      subject: rotation.connectionId,
      partnerId: rotation.partnerId,
      details: failure ? { code: failure.code } : {},
    })
  })
}

export function createRotationActivities(deps: ActivityDeps) {
  return {
    beginRotation: failing((input: Key) => beginRotation(deps, input)),
    mintCredential: failing((input: Key) => mintCredential(deps, input)),
    proveMinted: failing((input: Key) => proveMinted(deps, input)),
    switchCredential: failing((input: Key) => switchCredential(deps, input)),
    retireCredential: failing((input: Key) => retireCredential(deps, input)),
    discardMinted: failing((input: Parameters<typeof discardMinted>[1]) => discardMinted(deps, input)),
    abandonRotation: failing((input: Parameters<typeof abandonRotation>[1]) => abandonRotation(deps, input)),
  }
}

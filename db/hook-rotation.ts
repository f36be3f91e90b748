/**
 * Replacing a secret of a connection's webhooks: the new value is valid beside the old ones until these are dropped. Values are known by
 * ids, so that what the door sees in use can be kept without the values.
 */
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import type { Db } from './client.ts'
import type { Connection } from './connections.ts'
import {
  lockHookSettings,
  openHookSettings,
  putHookSettings,
  type OpenHookSettings,
  type SecretValue,
} from './hook-settings.ts'
import { changeRotation, lockRotation, type Rotation } from './rotations.ts'
import { forgetOtherUses } from './secret-uses.ts'
import type { Vault } from './vault.ts'

export interface RotatedValues {
  /** Those that go when the rotation ends. */
  readonly oldIds: readonly string[]
  /** Null: it is not there yet. */
  readonly newId: string | null
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []

export const valuesOf = ({ facts }: Pick<Rotation, 'facts'>): RotatedValues => ({
  oldIds: texts(facts['oldIds']),
  newId: typeof facts['newId'] === 'string' ? facts['newId'] : null,
})

type Owner = Pick<Connection, 'connectionId' | 'partnerId' | 'accountId'>

interface Scene {
  readonly rotation: Rotation
  readonly name: string
  readonly stored: OpenHookSettings
  readonly values: readonly SecretValue[]
}

async function sceneOf(tx: Db, vault: Vault, owner: Owner, rotationId: string): Promise<Scene> {
  const rotation = await lockRotation(tx, rotationId)
  await lockHookSettings(tx, owner.connectionId)
  const stored = await openHookSettings(tx, vault, owner.connectionId)
  const name = rotation.name ?? ''
  const values = stored?.secrets[name] ?? []
  if (!stored || values.length === 0)
    throw new HubError('StateConflict', 'The webhooks of this connection have no such secret of their own.')
  return { rotation, name, stored, values }
}

async function put(
  tx: Db,
  vault: Vault,
  owner: Owner,
  { stored, name }: Scene,
  values: readonly SecretValue[],
): Promise<void> {
  await putHookSettings(
    tx,
    vault,
    owner,
    { secrets: { ...stored.secrets, [name]: values } },
    stored.settings.version,
  )
}

const isLasting = ({ until }: SecretValue): boolean => until === null

/** Gives the values that are to go their ids. Repeatable. */
export async function tagHookValues(
  tx: Db,
  vault: Vault,
  owner: Owner,
  rotationId: string,
): Promise<Rotation> {
  const scene = await sceneOf(tx, vault, owner, rotationId)
  if (valuesOf(scene.rotation).oldIds.length > 0) return scene.rotation
  const tagged = scene.values.map((one) =>
    isLasting(one) ? { ...one, id: one.id ?? newId('secretValue') } : one,
  )
  await put(tx, vault, owner, scene, tagged)
  const oldIds = tagged.flatMap((one) => (isLasting(one) && one.id !== undefined ? [one.id] : []))
  // What was seen in earlier rotations is of no use any more, and must not count for this one.
  await forgetOtherUses(tx, owner.connectionId, [])
  return await changeRotation(tx, rotationId, { facts: { oldIds } })
}

/** Adds the new value, first of all. Repeatable: one that is there already is left. Call it after `tagHookValues`. */
export async function addNewHookValue(
  tx: Db,
  vault: Vault,
  owner: Owner,
  rotationId: string,
  value: string,
): Promise<Rotation> {
  const scene = await sceneOf(tx, vault, owner, rotationId)
  if (valuesOf(scene.rotation).newId !== null) return scene.rotation
  if (scene.values.some((one) => one.value === value))
    throw new HubError('StateConflict', 'This is the value that is to be replaced. Enter the new one.')
  const id = newId('secretValue')
  await put(tx, vault, owner, scene, [{ value, until: null, id }, ...scene.values])
  return await changeRotation(tx, rotationId, { facts: { newId: id } })
}

/** Takes what the provider has just made as the new value, and lets the old ones live on until they are dropped. Repeatable. */
export async function adoptNewHookValue(
  tx: Db,
  vault: Vault,
  owner: Owner,
  rotationId: string,
): Promise<Rotation> {
  const scene = await sceneOf(tx, vault, owner, rotationId)
  const { oldIds, newId: known } = valuesOf(scene.rotation)
  const fresh = scene.values.find((one) => isLasting(one) && !oldIds.includes(one.id ?? ''))
  if (known !== null || !fresh) return scene.rotation
  const id = newId('secretValue')
  const values = scene.values.map((one) => {
    if (one === fresh) return { ...one, id }
    return oldIds.includes(one.id ?? '') ? { ...one, until: null } : one
  })
  await put(tx, vault, owner, scene, values)
  return await changeRotation(tx, rotationId, { facts: { newId: id } })
}

/** Removes the old values, or the new one again. Repeatable. */
export async function dropHookValues(
  tx: Db,
  vault: Vault,
  owner: Owner,
  rotationId: string,
  which: 'old' | 'new',
): Promise<void> {
  const scene = await sceneOf(tx, vault, owner, rotationId)
  const { oldIds, newId: fresh } = valuesOf(scene.rotation)
  const gone = which === 'old' ? oldIds : fresh === null ? [] : [fresh]
  const left = scene.values.filter(({ id }) => id === undefined || !gone.includes(id))
  if (left.length === 0) throw new HubError('StateConflict', 'The new secret is not there yet.')
  if (left.length < scene.values.length) await put(tx, vault, owner, scene, left)
}

/** Replacing the secret that an endpoint's events are signed with: both sign until the old one is dropped. */
import { HubError } from '../platform/errors.ts'
import { newId } from '../platform/new-id.ts'
import { newSigningSecret, type SigningSecret } from '../platform/secrets/webhook-signing.ts'
import type { Db } from './client.ts'
import { lockEndpoint, openSecrets, sealSecrets, updateEndpoint } from './endpoints.ts'
import { valuesOf } from './hook-rotation.ts'
import { changeRotation, lockRotation, type Rotation } from './rotations.ts'
import type { Vault } from './vault.ts'

async function secretsOf(tx: Db, vault: Vault, endpointId: string): Promise<SigningSecret[]> {
  const endpoint = await lockEndpoint(tx, endpointId)
  if (!endpoint || endpoint.state === 'deleted')
    throw new HubError('InvalidInput', `There is no endpoint "${endpointId}".`)
  return await openSecrets(tx, vault, endpointId)
}

async function put(tx: Db, vault: Vault, endpointId: string, secrets: readonly SigningSecret[]) {
  await updateEndpoint(tx, endpointId, { sealedSecrets: await sealSecrets(tx, vault, endpointId, secrets) })
}

/** Makes the new secret; from its commit on every delivery is signed with both. Repeatable. */
export async function mintEndpointSecret(
  tx: Db,
  vault: Vault,
  endpointId: string,
  rotationId: string,
): Promise<Rotation> {
  const rotation = await lockRotation(tx, rotationId)
  const secrets = await secretsOf(tx, vault, endpointId)
  if (valuesOf(rotation).newId !== null) return rotation
  const old = secrets.map((one) =>
    one.until === null ? { ...one, id: one.id ?? newId('secretValue') } : one,
  )
  const made = { ...newSigningSecret(old[0]?.scheme ?? 'hmac', new Date()), id: newId('secretValue') }
  await put(tx, vault, endpointId, [made, ...old])
  const oldIds = old.flatMap(({ id, until }) => (until === null && id !== undefined ? [id] : []))
  return await changeRotation(tx, rotationId, { facts: { oldIds, newId: made.id } })
}

/** Removes the old secrets, or the new one again. Repeatable. */
export async function dropEndpointSecrets(
  tx: Db,
  vault: Vault,
  endpointId: string,
  rotationId: string,
  which: 'old' | 'new',
): Promise<void> {
  const { oldIds, newId: fresh } = valuesOf(await lockRotation(tx, rotationId))
  const secrets = await secretsOf(tx, vault, endpointId)
  const gone = which === 'old' ? oldIds : fresh === null ? [] : [fresh]
  const left = secrets.filter(({ id }) => id === undefined || !gone.includes(id))
  if (left.length === 0) throw new HubError('StateConflict', 'The new secret is not there yet.')
  if (left.length < secrets.length) await put(tx, vault, endpointId, left)
}

/** The new secret of a rotation that is under way; undefined when it is not there (any more). */
export async function newEndpointSecret(
  db: Db,
  vault: Vault,
  { subject, facts }: Pick<Rotation, 'subject' | 'facts'>,
): Promise<SigningSecret | undefined> {
  const { newId: fresh } = valuesOf({ facts })
  return fresh === null ? undefined : (await openSecrets(db, vault, subject)).find(({ id }) => id === fresh)
}

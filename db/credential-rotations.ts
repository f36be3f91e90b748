/**
 * The replacement of one credential by another that the provider makes: one at a time per connection, each step a state
 * that a repetition finds. New and old lie sealed here until the old one is retired.
 */
import { sql } from 'kysely'
import type { FailureNote } from '../model/failures.ts'
import { isJsonObject, type JsonValue } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import type { Db } from './client.ts'
import type { CredentialOwner } from './credentials.ts'
import type { Vault } from './vault.ts'

/** `minting`: the provider is being asked. `pending`: the new one is here, unproven. `switched`: it is in force, the old one still works. */
export type RotationState = 'minting' | 'pending' | 'switched' | 'retired' | 'discarded'

export interface Rotation {
  readonly connectionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly attempt: string
  readonly state: RotationState
  readonly oldGeneration: number
  readonly newGeneration: number | null
  readonly failure: FailureNote | null
}

/** A credential with the settings that go with it. */
export interface Keys {
  readonly secrets: Readonly<Record<string, string>>
  readonly settings: Readonly<Record<string, string>>
}

type Column = 'sealed_new' | 'sealed_old'

const place = (connectionId: string, column: Column) => ({
  table: 'credential_rotations',
  column,
  row: connectionId,
})

const columns = sql`connection_id, partner_id, account_id, attempt, state, old_generation, new_generation, failure`

export async function getRotation(db: Db, connectionId: string): Promise<Rotation | undefined> {
  const found =
    await sql<Rotation>`select ${columns} from credential_rotations where connection_id = ${connectionId}`.execute(
      db,
    )
  return found.rows[0]
}

/**
 * Begins a rotation, or takes up the one that was left unfinished: under its own name, so that what it left at the provider
 * is found.
 */
export async function openRotation(
  tx: Db,
  owner: CredentialOwner,
  attempt: string,
  oldGeneration: number,
): Promise<Rotation> {
  const made = await sql<Rotation>`
    insert into credential_rotations as r (connection_id, partner_id, account_id, attempt, state, old_generation)
    values (${owner.connectionId}, ${owner.partnerId}, ${owner.accountId}, ${attempt}, 'minting', ${oldGeneration})
    on conflict (connection_id) do update set attempt = excluded.attempt, state = 'minting', old_generation = excluded.old_generation,
      new_generation = null, sealed_new = null, sealed_old = null, failure = null, started_at = now(), updated_at = now()
    where r.state in ('retired', 'discarded')
    returning ${columns}
  `.execute(tx)
  const rotation = made.rows[0] ?? (await getRotation(tx, owner.connectionId))
  if (!rotation) throw new Error('a rotation has vanished')
  return rotation
}

/** Keeps what the provider made, and what it replaces. False when this attempt is not the one under way any more. */
export async function keepMinted(
  tx: Db,
  vault: Vault,
  { connectionId, accountId, attempt }: Rotation,
  minted: Keys,
  old: Keys,
): Promise<boolean> {
  const sealedNew = await sealed(tx, vault, accountId, connectionId, 'sealed_new', minted)
  const sealedOld = await sealed(tx, vault, accountId, connectionId, 'sealed_old', old)
  const kept = await sql<{ attempt: string }>`
    update credential_rotations set state = 'pending', sealed_new = ${sealedNew}, sealed_old = ${sealedOld}, updated_at = now()
    where connection_id = ${connectionId} and attempt = ${attempt} and state = 'minting' returning attempt
  `.execute(tx)
  return kept.rows.length > 0
}

const sealed = (tx: Db, vault: Vault, accountId: string, connectionId: string, column: Column, keys: Keys) =>
  vault.seal(tx, accountId, place(connectionId, column), JSON.stringify(keys))

/** New and old in clear. @throws HubError `Superseded` when they are not there (any more). */
export async function openRotationKeys(
  db: Db,
  vault: Vault,
  { connectionId, accountId, attempt }: Rotation,
): Promise<{ readonly minted: Keys; readonly old: Keys }> {
  const found = await sql<{ sealedNew: Buffer | null; sealedOld: Buffer | null }>`
    select sealed_new, sealed_old from credential_rotations where connection_id = ${connectionId} and attempt = ${attempt}
  `.execute(db)
  const [row] = found.rows
  if (!row?.sealedNew || !row.sealedOld) throw new HubError('Superseded', 'This rotation has ended.')
  const open = async (column: Column, bytes: Buffer): Promise<Keys> =>
    keysIn(
      JSON.parse(
        (await vault.open(db, accountId, place(connectionId, column), bytes)).toString('utf8'),
      ) as JsonValue,
    )
  return { minted: await open('sealed_new', row.sealedNew), old: await open('sealed_old', row.sealedOld) }
}

function keysIn(value: JsonValue): Keys {
  const texts = (part: JsonValue | undefined): Record<string, string> =>
    Object.fromEntries(
      Object.entries(isJsonObject(part) ? part : {}).flatMap(([name, one]) =>
        typeof one === 'string' ? [[name, one]] : [],
      ),
    )
  const object = isJsonObject(value) ? value : {}
  return { secrets: texts(object['secrets']), settings: texts(object['settings']) }
}

export async function noteSwitched(
  tx: Db,
  { connectionId, attempt }: Rotation,
  generation: number,
): Promise<void> {
  await sql`
    update credential_rotations set state = 'switched', new_generation = ${generation}, updated_at = now()
    where connection_id = ${connectionId} and attempt = ${attempt} and state = 'pending'
  `.execute(tx)
}

/** Ends a rotation and erases what it held. */
export async function endRotation(
  tx: Db,
  { connectionId, attempt }: Rotation,
  state: 'retired' | 'discarded',
  failure: FailureNote | null,
): Promise<void> {
  await sql`
    update credential_rotations set state = ${state}, failure = ${failure === null ? null : JSON.stringify(failure)}::jsonb,
      sealed_new = null, sealed_old = null, updated_at = now()
    where connection_id = ${connectionId} and attempt = ${attempt}
  `.execute(tx)
}

/** How the webhooks of a connection are guarded: secrets (several while one is replaced), networks, rate; their subscription. */
import { sql } from 'kysely'
import { HubError, isHubError } from '../platform/errors.ts'
import type { Connection } from './connections.ts'
import { inTransaction, type Db } from './client.ts'
import type { HookOwner } from './inbox-accept.ts'
import type { Vault } from './vault.ts'

/** One value of a secret; `until` null: in force without end. RFC 3339. */
export interface SecretValue {
  readonly value: string
  readonly until: string | null
  /** Known by this while it is being replaced (`secret_uses`); has nothing to do with the value. */
  readonly id?: string
}

/** By name, the current value first. */
export type StoredHookSecrets = Readonly<Record<string, readonly SecretValue[]>>

export interface HookSettings extends HookOwner {
  readonly allowedNetworks: readonly string[]
  readonly perMinute: number
  readonly subscriptionId: string | null
  readonly subscriptionState: 'none' | 'active' | 'failed' | 'unsupported'
  readonly subscriptionError: string | null
  readonly subscriptionExpiresAt: Date | null
  readonly subscriptionCheckedAt: Date | null
  /** SHA-256 of the secrets that the webhook at the provider was made with; null: not known. */
  readonly subscriptionSecretsHash: Buffer | null
  readonly version: number
}

interface SettingsRow extends HookSettings {
  readonly sealedSecrets: Buffer
}

export interface OpenHookSettings {
  readonly settings: HookSettings
  readonly secrets: StoredHookSecrets
}

const place = (connectionId: string) => ({
  table: 'hook_settings',
  column: 'sealed_secrets',
  row: connectionId,
})

const columns = sql`connection_id, partner_id, account_id, sealed_secrets, allowed_networks, per_minute, subscription_id, subscription_state,
  subscription_error, subscription_expires_at, subscription_checked_at, subscription_secrets_hash, version`

/** Undefined for a connection whose webhooks were never set up. */
export async function openHookSettings(
  db: Db,
  vault: Vault,
  connectionId: string,
): Promise<OpenHookSettings | undefined> {
  const found =
    await sql<SettingsRow>`select ${columns} from hook_settings where connection_id = ${connectionId}`.execute(
      db,
    )
  const [row] = found.rows
  if (!row) return undefined
  const { sealedSecrets, ...settings } = row
  const opened = await vault.open(db, row.accountId, place(connectionId), sealedSecrets)
  return { settings, secrets: JSON.parse(opened.toString('utf8')) as StoredHookSecrets }
}

export interface HookSettingsChange {
  readonly secrets?: StoredHookSecrets
  readonly allowedNetworks?: readonly string[]
  readonly perMinute?: number
}

/**
 * Makes or changes the settings; what is left out stays.
 * @param expectedVersion refuses with `Superseded` when somebody has changed them meanwhile.
 */
export async function putHookSettings(
  db: Db,
  vault: Vault,
  connection: Pick<Connection, 'connectionId' | 'partnerId' | 'accountId'>,
  change: HookSettingsChange,
  expectedVersion?: number,
): Promise<OpenHookSettings> {
  const { connectionId, partnerId, accountId } = connection
  return await inTransaction(db, async (tx) => {
    await sql`select 1 from connections where connection_id = ${connectionId} for update`.execute(tx)
    const before = await openHookSettings(tx, vault, connectionId)
    if (expectedVersion !== undefined && (before?.settings.version ?? 0) !== expectedVersion)
      throw new HubError('Superseded', 'The settings of the webhooks were changed meanwhile.')
    const secrets = change.secrets ?? before?.secrets ?? {}
    const sealed = await vault.seal(tx, accountId, place(connectionId), JSON.stringify(secrets))
    const networks = change.allowedNetworks ?? before?.settings.allowedNetworks ?? []
    const perMinute = change.perMinute ?? before?.settings.perMinute ?? null
    await sql`
      insert into hook_settings as s (connection_id, partner_id, account_id, sealed_secrets, allowed_networks, per_minute)
      values (${connectionId}, ${partnerId}, ${accountId}, ${sealed}, ${[...networks]}::text[], coalesce(${perMinute}, 60000))
      on conflict (connection_id) do update set sealed_secrets = excluded.sealed_secrets, allowed_networks = excluded.allowed_networks,
        per_minute = excluded.per_minute, version = s.version + 1, updated_at = now()
    `.execute(tx)
    const after = await openHookSettings(tx, vault, connectionId)
    if (!after) throw new Error('settings that were just stored are gone')
    return after
  })
}

/** Keeps everybody else from changing the settings until the transaction ends; `putHookSettings` does so as well. */
export async function lockHookSettings(tx: Db, connectionId: string): Promise<void> {
  await sql`select 1 from connections where connection_id = ${connectionId} for update`.execute(tx)
}

export interface SubscriptionNote {
  readonly id: string | null
  readonly state: HookSettings['subscriptionState']
  readonly error?: string | undefined
  readonly expiresAt?: Date | undefined
  readonly secretsHash?: Buffer
}

/** What became of the subscription at the provider. */
export async function noteSubscription(db: Db, connectionId: string, note: SubscriptionNote): Promise<void> {
  await sql`
    update hook_settings set subscription_id = ${note.id}, subscription_state = ${note.state}, subscription_error = ${note.error ?? null},
      subscription_expires_at = ${note.expiresAt ?? null}::timestamptz, subscription_checked_at = now(),
      subscription_secrets_hash = coalesce(${note.secretsHash ?? null}::bytea, subscription_secrets_hash)
    where connection_id = ${connectionId}
  `.execute(db)
}

/** Whether the hub keeps a webhook for the connection at its provider. */
export async function hasHook(db: Db, connectionId: string): Promise<boolean> {
  const found = await sql`
    select 1 from hook_settings where connection_id = ${connectionId} and subscription_state = 'active'
  `.execute(db)
  return found.rows.length > 0
}

/** Active connections whose webhooks are set up and whose subscription was not looked at since `before`. */
export async function subscriptionCandidates(
  db: Db,
  query: {
    readonly slugs: readonly string[]
    readonly before: Date
    readonly connectionId?: string
    readonly limit: number
  },
): Promise<{ connectionId: string; provider: string }[]> {
  const one = query.connectionId === undefined ? sql`` : sql`and c.connection_id = ${query.connectionId}`
  const found = await sql<{ connectionId: string; provider: string }>`
    select c.connection_id, c.provider from connections c join hook_settings h using (connection_id)
    where c.state = 'active' and c.provider = any (${[...query.slugs]}::text[]) ${one}
      and (h.subscription_checked_at is null or h.subscription_checked_at < ${query.before}::timestamptz)
    order by h.subscription_checked_at nulls first, c.connection_id limit ${query.limit}
  `.execute(db)
  return found.rows
}

/** Values in force at the moment, by name. */
export const valuesNow = (secrets: StoredHookSecrets, now: Date): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(secrets).map(([name, values]) => [
      name,
      values
        .filter(({ until }) => until === null || Date.parse(until) > now.getTime())
        .map(({ value }) => value),
    ]),
  )

/** Values of a secret that are kept: of more the oldest ones go. */
const mostValues = 50

/** Further values, in force beside those that are: a provider with several webhooks may have a secret for each. Repeatable. */
export async function addHookSecrets(
  db: Db,
  vault: Vault,
  connection: HookOwner,
  added: Readonly<Record<string, string>>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const before = await openHookSettings(db, vault, connection.connectionId)
    const secrets = Object.fromEntries(
      Object.entries(added).map(([name, value]) => {
        const known = (before?.secrets[name] ?? []).filter((one) => one.value !== value)
        return [name, [{ value, until: null }, ...known].slice(0, mostValues)]
      }),
    )
    try {
      const change = { secrets: { ...before?.secrets, ...secrets } }
      await putHookSettings(db, vault, connection, change, before?.settings.version ?? 0)
      return
    } catch (error) {
      if (!isHubError(error, 'Superseded') || attempt === 5) throw error
    }
  }
}

/** A new current value; those before it stay in force until `until`. */
export const replaceSecret = (
  secrets: StoredHookSecrets,
  name: string,
  value: string,
  until: Date,
): StoredHookSecrets => {
  const before = (secrets[name] ?? []).filter((one) => one.value !== value)
  const ending = before
    .filter((one) => one.until === null || Date.parse(one.until) > Date.now())
    .map((one) => ({ ...one, until: one.until ?? until.toISOString() }))
  return { ...secrets, [name]: [{ value, until: null }, ...ending] }
}

/** A connection as the door needs it. */
export interface HookTarget extends HookOwner {
  readonly provider: string
  readonly settings: Readonly<Record<string, string>>
  readonly externalAccount: string | null
  /** Its lane may be woken: it is neither paused nor in need of attention. */
  readonly isActive: boolean
}

const targetColumns = sql`connection_id, partner_id, account_id, provider, settings, external_account, state = 'active' as is_active`

/** Undefined for a connection that is not there (any more). */
export async function hookTarget(
  db: Db,
  provider: string,
  connectionId: string,
): Promise<HookTarget | undefined> {
  const found = await sql<HookTarget>`
    select ${targetColumns} from connections where connection_id = ${connectionId} and provider = ${provider} and state <> 'deleted'
  `.execute(db)
  return found.rows[0]
}

/** The connections of the tenants; one tenant may be connected by several partners. @param setting where older connections name it. */
export async function hookTargetsOf(
  db: Db,
  provider: string,
  tenants: readonly string[],
  setting: string | undefined,
): Promise<HookTarget[]> {
  if (tenants.length === 0) return []
  const bySetting =
    setting === undefined
      ? sql``
      : sql`or (external_account is null and settings ->> ${setting} = any (${[...tenants]}::text[]))`
  const found = await sql<HookTarget>`
    select ${targetColumns} from connections where provider = ${provider} and state <> 'deleted'
      and (external_account = any (${[...tenants]}::text[]) ${bySetting})
    order by connection_id
  `.execute(db)
  return found.rows
}

/**
 * The hub's own apps at providers where they were entered through the API: client id and secret, sealed under the hub's own key. While
 * a secret is being replaced both are known, and a token request that the provider refuses under the first is made with the other.
 */
import { sql } from 'kysely'
import { HubError } from '../platform/errors.ts'
import type { Db } from './client.ts'
import type { Vault } from './vault.ts'

export interface AppPair {
  readonly clientId: string
  readonly clientSecret: string
}

export interface ProviderApp {
  readonly provider: string
  readonly current: AppPair
  /** `entered`: the new one, not proven yet. `old`: the one before, until a person has confirmed that it is deleted. */
  readonly other: (AppPair & { readonly is: 'entered' | 'old' }) | null
  readonly version: number
  readonly updatedBy: string
  readonly updatedAt: Date
}

interface Row {
  readonly provider: string
  readonly sealed: Buffer
  readonly otherIs: 'entered' | 'old' | null
  readonly version: number
  readonly updatedBy: string
  readonly updatedAt: Date
}

const place = (provider: string) => ({ table: 'provider_apps', column: 'sealed', row: provider })

async function opened(db: Db, vault: Vault, row: Row): Promise<ProviderApp> {
  const { provider, sealed, otherIs, ...rest } = row
  const text = (await vault.open(db, 'hub', place(provider), sealed)).toString('utf8')
  const { current, other } = JSON.parse(text) as { current: AppPair; other: AppPair | null }
  return { ...rest, provider, current, other: other && otherIs ? { ...other, is: otherIs } : null }
}

const columns = sql`provider, sealed, other_is, version, updated_by, updated_at`

/** All of them: there are as many as providers, at most. */
export async function listProviderApps(db: Db, vault: Vault): Promise<ProviderApp[]> {
  const found = await sql<Row>`select ${columns} from provider_apps order by provider`.execute(db)
  return await Promise.all(found.rows.map((row) => opened(db, vault, row)))
}

export async function getProviderApp(
  db: Db,
  vault: Vault,
  provider: string,
): Promise<ProviderApp | undefined> {
  const found = await sql<Row>`select ${columns} from provider_apps where provider = ${provider}`.execute(db)
  const [row] = found.rows
  return row && (await opened(db, vault, row))
}

/** Makes or replaces it. @param expectedVersion 0: there is none yet. @throws HubError `Superseded` when it was changed meanwhile. */
export async function putProviderApp(
  tx: Db,
  vault: Vault,
  app: Pick<ProviderApp, 'provider' | 'current' | 'other' | 'updatedBy'>,
  expectedVersion: number,
): Promise<void> {
  const { provider, current, other, updatedBy } = app
  const pair = ({ clientId, clientSecret }: AppPair): AppPair => ({ clientId, clientSecret })
  const content = JSON.stringify({ current: pair(current), other: other && pair(other) })
  const sealed = await vault.seal(tx, 'hub', place(provider), content)
  const done = await sql<{ version: number }>`
    insert into provider_apps as a (provider, client_id, sealed, other_is, updated_by)
    select ${provider}, ${current.clientId}, ${sealed}, ${other?.is ?? null}, ${updatedBy}
      where ${expectedVersion} = 0 or exists (select from provider_apps where provider = ${provider})
    on conflict (provider) do update set client_id = excluded.client_id, sealed = excluded.sealed, other_is = excluded.other_is,
      updated_by = excluded.updated_by, version = a.version + 1, updated_at = now() where a.version = ${expectedVersion}
    returning version
  `.execute(tx)
  if (done.rows.length === 0)
    throw new HubError('Superseded', 'The app of this provider was changed meanwhile.')
}

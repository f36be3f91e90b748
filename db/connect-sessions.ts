/**
 * Connect sessions: what became of a link that lets a person connect a provider. Every change of state is a
 * compare-and-swap, so that two tabs, a replayed callback or a zombie worker change nothing. Secrets are sealed and leave
 * the row when the session ends.
 */
import { sql } from 'kysely'
import type { FailureNote } from '../model/failures.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { HubError } from '../platform/errors.ts'
import type { Db } from './client.ts'
import type { Vault } from './vault.ts'

export type ConnectSessionState = 'open' | 'waiting_for_consent' | 'testing' | 'done' | 'failed' | 'expired'

/** Which account of the provider was connected. */
export interface Identity {
  readonly settings: Readonly<Record<string, string>>
  readonly externalAccount: string | null
  readonly label: string | null
}

/** What the test of a fresh credential found. */
export interface ConnectFinding {
  /** One sentence. */
  readonly proves: string
  readonly facts: JsonObject
  /** Features that are off because their scope was not granted. */
  readonly without: readonly string[]
}

export interface ConnectSession {
  readonly sessionId: string
  readonly partnerId: string
  readonly partnerName: string
  readonly accountId: string
  readonly provider: string
  /** Name of the auth method; null until one is chosen. */
  readonly auth: string | null
  readonly isAuthFixed: boolean
  /** Of the connection that exists, or that a new one will have. */
  readonly connectionId: string
  readonly isReconnection: boolean
  readonly allowOtherAccount: boolean
  readonly name: string | null
  readonly syncIntervalSeconds: number | null
  /** Of the connection that exists, or that a new one will have. */
  readonly sandbox: boolean
  readonly returnUrl: string | null
  /** `failed`: the last attempt did; another may be made until it expires. */
  readonly state: ConnectSessionState
  readonly failure: FailureNote | null
  readonly askedScopes: readonly string[] | null
  readonly identity: Identity | null
  readonly finding: ConnectFinding | null
  /** SHA-256 of the secret in the browser's cookie; null until the link was opened. */
  readonly browserHash: Buffer | null
  readonly openedAt: Date | null
  readonly attempt: number
  /** Whether the provider's tokens are kept: the test can be repeated without another consent. */
  readonly hasTokens: boolean
  readonly createdBy: string
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly expiresAt: Date
  readonly endedAt: Date | null
}

/** A session whose time is over shows as expired, also before it has been swept. */
const columns = sql`session_id, partner_id, (select p.name from partners p where p.partner_id = s.partner_id) as partner_name,
  account_id, provider, auth, is_auth_fixed, connection_id, is_reconnection, allow_other_account, name, sync_interval_seconds, sandbox,
  return_url, case when expires_at < now() and state in ('open', 'waiting_for_consent', 'failed') then 'expired' else state end as state,
  failure, asked_scopes, identity, finding, browser_hash, opened_at, attempt, sealed_tokens is not null as has_tokens,
  created_by, created_at, updated_at, expires_at, ended_at`

/** States in which a person may still do something. */
const living = sql`state in ('open', 'waiting_for_consent', 'failed') and expires_at > now()`

export interface NewConnectSession {
  readonly sessionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly auth: string | null
  readonly isAuthFixed: boolean
  readonly connectionId: string
  readonly isReconnection: boolean
  readonly allowOtherAccount: boolean
  readonly name?: string | undefined
  readonly syncIntervalSeconds?: number | undefined
  readonly sandbox: boolean
  readonly returnUrl?: string | undefined
  readonly createdBy: string
  readonly lifetimeSeconds: number
}

export async function insertConnectSession(tx: Db, one: NewConnectSession): Promise<ConnectSession> {
  await sql`
    insert into connect_sessions (session_id, partner_id, account_id, provider, auth, is_auth_fixed, connection_id, is_reconnection,
      allow_other_account, name, sync_interval_seconds, sandbox, return_url, created_by, expires_at)
    values (${one.sessionId}, ${one.partnerId}, ${one.accountId}, ${one.provider}, ${one.auth}, ${one.isAuthFixed},
      ${one.connectionId}, ${one.isReconnection}, ${one.allowOtherAccount}, ${one.name ?? null},
      ${one.syncIntervalSeconds ?? null}, ${one.sandbox}, ${one.returnUrl ?? null}, ${one.createdBy},
      now() + make_interval(secs => ${one.lifetimeSeconds}))
  `.execute(tx)
  const made = await getConnectSession(tx, one.sessionId)
  if (!made) throw new Error('an inserted row is not there')
  return made
}

export async function getConnectSession(db: Db, sessionId: string): Promise<ConnectSession | undefined> {
  const found = await sql<ConnectSession>`
    select ${columns} from connect_sessions s where session_id = ${sessionId}
  `.execute(db)
  return found.rows[0]
}

/** The same, locked until the transaction ends. */
export async function lockConnectSession(tx: Db, sessionId: string): Promise<ConnectSession | undefined> {
  const found = await sql<ConnectSession>`
    select ${columns} from connect_sessions s where session_id = ${sessionId} for update
  `.execute(tx)
  return found.rows[0]
}

/** The session that waits for this OAuth state, or undefined. */
export async function findByOAuthState(db: Db, stateHash: Buffer): Promise<ConnectSession | undefined> {
  const found = await sql<ConnectSession>`
    select ${columns} from connect_sessions s where state_hash = ${stateHash}
  `.execute(db)
  return found.rows[0]
}

/** Binds the link to the browser that opened it. False when another was first, or the session is over. */
export async function bindBrowser(tx: Db, sessionId: string, browserHash: Buffer): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set browser_hash = ${browserHash}, opened_at = now(), updated_at = now()
      where session_id = ${sessionId} and browser_hash is null and ${living}
    `.execute(tx),
  )
}

/** Takes the chosen way to connect, or none again. What was entered for another way is erased. */
export async function chooseAuth(tx: Db, sessionId: string, auth: string | null): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set auth = ${auth}, state = 'open', failure = null, state_hash = null, sealed_given = null,
        sealed_callback = null, sealed_tokens = null, identity = null, finding = null, updated_at = now()
      where session_id = ${sessionId} and not is_auth_fixed and ${living}
    `.execute(tx),
  )
}

/** Keeps what was entered, so that a form that does not pass need not be filled in again. */
export async function keepGiven(tx: Db, sessionId: string, sealedGiven: Buffer): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set sealed_given = ${sealedGiven}, updated_at = now()
      where session_id = ${sessionId} and ${living}
    `.execute(tx),
  )
}

/** The person is sent to the provider: only this state may come back, an earlier one is dead. */
export async function beginConsent(
  tx: Db,
  sessionId: string,
  consent: {
    readonly stateHash: Buffer
    readonly sealedGiven: Buffer
    readonly askedScopes: readonly string[]
  },
): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set state = 'waiting_for_consent', state_hash = ${consent.stateHash},
        sealed_given = ${consent.sealedGiven}, asked_scopes = ${JSON.stringify(consent.askedScopes)}::jsonb, failure = null,
        sealed_callback = null, sealed_tokens = null, identity = null, finding = null, updated_at = now()
      where session_id = ${sessionId} and ${living}
    `.execute(tx),
  )
}

/** What the provider's redirect brought is kept, before anything else is done with it. Once per state. */
export async function takeCallback(
  tx: Db,
  sessionId: string,
  stateHash: Buffer,
  sealedCallback: Buffer,
): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set state = 'testing', state_hash = null, sealed_callback = ${sealedCallback},
        attempt = attempt + 1, updated_at = now()
      where session_id = ${sessionId} and state = 'waiting_for_consent' and state_hash = ${stateHash} and expires_at > now()
    `.execute(tx),
  )
}

/** The provider's redirect said no. Once per state. */
export async function refuseConsent(
  tx: Db,
  sessionId: string,
  stateHash: Buffer,
  failure: FailureNote,
): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set state = 'failed', state_hash = null, failure = ${JSON.stringify(failure)}::jsonb,
        updated_at = now()
      where session_id = ${sessionId} and state = 'waiting_for_consent' and state_hash = ${stateHash}
    `.execute(tx),
  )
}

/** The fields are complete: they are tested. What an earlier attempt found is forgotten. */
export async function beginTest(tx: Db, sessionId: string, sealedGiven: Buffer): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set state = 'testing', sealed_given = ${sealedGiven}, failure = null, attempt = attempt + 1,
        state_hash = null, sealed_callback = null, sealed_tokens = null, identity = null, finding = null, updated_at = now()
      where session_id = ${sessionId} and ${living}
    `.execute(tx),
  )
}

/** The same once more with what is kept: the provider was down. */
export async function repeatTest(tx: Db, sessionId: string): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set state = 'testing', failure = null, attempt = attempt + 1, updated_at = now()
      where session_id = ${sessionId} and state = 'failed' and expires_at > now()
    `.execute(tx),
  )
}

type SealedColumn = 'sealed_given' | 'sealed_callback' | 'sealed_tokens'

type Owned = Pick<ConnectSession, 'sessionId' | 'accountId'>

const place = (column: SealedColumn, sessionId: string) => ({
  table: 'connect_sessions',
  column,
  row: sessionId,
})

/** Seals a value for one column of one session: nowhere else can it be opened. */
export function sealForSession(
  tx: Db,
  vault: Vault,
  { sessionId, accountId }: Owned,
  column: SealedColumn,
  value: JsonObject,
): Promise<Buffer> {
  return vault.seal(tx, accountId, place(column, sessionId), JSON.stringify(value))
}

/** A sealed value of a session in clear, or undefined. */
export async function openSealed(
  db: Db,
  vault: Vault,
  { sessionId, accountId }: Owned,
  column: SealedColumn,
): Promise<JsonObject | undefined> {
  const found = await sql<{ sealed: Buffer | null }>`
    select ${sql.ref(column)} as sealed from connect_sessions where session_id = ${sessionId}
  `.execute(db)
  const sealed = found.rows[0]?.sealed
  if (!sealed) return undefined
  const value: unknown = JSON.parse(
    (await vault.open(db, accountId, place(column, sessionId), sealed)).toString('utf8'),
  )
  if (isJsonObject(value)) return value
  throw new HubError('Internal', 'A stored secret cannot be read', { internal: 'not an object' })
}

/** Keeps the answer of the token endpoint: the code is used up, there is no second one. */
export async function keepTokens(
  tx: Db,
  { sessionId, attempt }: Pick<ConnectSession, 'sessionId' | 'attempt'>,
  sealedTokens: Buffer,
): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set sealed_tokens = ${sealedTokens}, updated_at = now()
      where session_id = ${sessionId} and attempt = ${attempt} and state = 'testing'
    `.execute(tx),
  )
}

/** Keeps which account it is and what the test proved. */
export async function keepFinding(
  tx: Db,
  { sessionId, attempt }: Pick<ConnectSession, 'sessionId' | 'attempt'>,
  identity: Identity,
  finding: ConnectFinding,
): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set identity = ${JSON.stringify(identity)}::jsonb, finding = ${JSON.stringify(finding)}::jsonb,
        updated_at = now()
      where session_id = ${sessionId} and attempt = ${attempt} and state = 'testing'
    `.execute(tx),
  )
}

const withoutSecrets = sql`state_hash = null, sealed_given = null, sealed_callback = null, sealed_tokens = null`

export async function endSessionDone(tx: Db, sessionId: string): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set state = 'done', failure = null, ${withoutSecrets}, updated_at = now(), ended_at = now()
      where session_id = ${sessionId} and state = 'testing'
    `.execute(tx),
  )
}

/** Ends an attempt, not the session. */
export async function endAttemptFailed(
  tx: Db,
  sessionId: string,
  attempt: number,
  failure: FailureNote,
): Promise<boolean> {
  return await changed(
    sql`
      update connect_sessions set state = 'failed', failure = ${JSON.stringify(failure)}::jsonb, updated_at = now()
      where session_id = ${sessionId} and attempt = ${attempt} and state = 'testing'
    `.execute(tx),
  )
}

/**
 * Ends sessions whose time is over and erases what they hold. One that is being tested may finish: it gets a quarter of an
 * hour more. Answers how many were ended.
 */
export async function expireConnectSessions(db: Db): Promise<number> {
  const ended = await sql`
    update connect_sessions set state = 'expired', ${withoutSecrets}, updated_at = now(), ended_at = now()
    where state not in ('done', 'expired') and expires_at < now()
      and (state <> 'testing' or expires_at < now() - interval '15 minutes')
  `.execute(db)
  return Number(ended.numAffectedRows ?? 0)
}

async function changed(work: Promise<{ readonly numAffectedRows?: bigint }>): Promise<boolean> {
  return ((await work).numAffectedRows ?? 0n) > 0n
}

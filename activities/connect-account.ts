/**
 * Connecting an account: what a person entered or approved becomes a connection. Every step reads what it needs from the
 * session's row and leaves its result there, so that each may be repeated and a crash between two costs nothing.
 */
import { Context } from '@temporalio/activity'
import { appendAudit } from '../db/audit.ts'
import { asTenant, type Db } from '../db/client.ts'
import {
  endAttemptFailed,
  endSessionDone,
  getConnectSession,
  lockConnectSession,
  type ConnectSession,
  type ConnectSessionState,
  type Identity,
} from '../db/connect-sessions.ts'
import {
  createConnection,
  getConnection,
  reconnectConnection,
  recordCheck,
  type Connection,
} from '../db/connections.ts'
import { putCredential } from '../db/credentials.ts'
import { isWatched } from '../db/provider-health.ts'
import type { FailureNote } from '../model/failures.ts'
import { HubError } from '../platform/errors.ts'
import type { AuthMethod, Provider, Secrets } from '../providers/contract.ts'
import { exchangeConsent, proveAccount } from './connect-prove.ts'
import { enteredIn, sceneOf, tokensOf, type Scene, type SessionKey } from './connect-scene.ts'
import type { ActivityDeps } from './deps.ts'
import { failing } from './failure.ts'

/** What the workflow must know of a session. No settings, no secrets. */
export interface ConnectFacts {
  readonly sessionId: string
  readonly partnerId: string
  readonly accountId: string
  readonly provider: string
  readonly providerName: string
  readonly kind: AuthMethod['kind']
  readonly isReconnection: boolean
  readonly state: ConnectSessionState
  /** Of the session: which of its tries this is. */
  readonly attempt: number
}

/** @throws `InvalidInput` for a session that is not there. */
async function describeConnectSession(deps: ActivityDeps, key: SessionKey): Promise<ConnectFacts> {
  const { session, provider, method } = await sceneOf(deps, key)
  const { sessionId, partnerId, accountId, isReconnection, state, attempt } = session
  return {
    sessionId,
    partnerId,
    accountId,
    provider: provider.slug,
    providerName: provider.name,
    kind: method.kind,
    isReconnection,
    state,
    attempt,
  }
}

/**
 * Makes the connection, or gives the one that is connected again its new credential, in one transaction with the end of the
 * session. Repeatable: a session that is done is left alone.
 * @throws HubError `StateConflict` for a connection that was deleted meanwhile, or belongs to another account.
 */
async function keepConnection(deps: ActivityDeps, key: SessionKey): Promise<{ connectionId: string }> {
  const scene = await sceneOf(deps, key)
  const { connectionId, partnerId, sessionId } = scene.session
  const { secrets } =
    scene.method.kind === 'oauth2' && scene.session.state === 'testing'
      ? await tokensOf(deps, scene)
      : scene.session.state === 'testing'
        ? await enteredIn(deps, scene)
        : { secrets: {} }
  await asTenant(deps.database.db, partnerId, async (tx) => {
    const session = await lockConnectSession(tx, sessionId)
    if (session?.state === 'done') return
    if (session?.state !== 'testing' || session.attempt !== scene.session.attempt || !session.identity)
      throw new HubError('Superseded', 'Another attempt has taken over.')
    await keep(tx, deps, { ...scene, session }, session.identity, secrets)
  })
  return { connectionId }
}

async function keep(
  tx: Db,
  deps: ActivityDeps,
  { session, provider, method }: Scene,
  identity: Identity,
  secrets: Secrets,
): Promise<void> {
  const connection = session.isReconnection
    ? await renewed(tx, session, provider, method, identity)
    : await made(tx, session, provider, method, identity)
  const generation = await putCredential(tx, deps.vault, connection, secrets)
  const { finding } = session
  if (finding)
    await recordCheck(tx, connection.connectionId, { ok: true, ...finding, without: [...finding.without] })
  await endSessionDone(tx, session.sessionId)
  await appendAudit(tx, {
    actor: session.createdBy,
    action: session.isReconnection ? 'connection.reconnected' : 'connection.created',
    subject: connection.connectionId,
    partnerId: session.partnerId,
    details: {
      provider: provider.slug,
      accountId: session.accountId,
      sessionId: session.sessionId,
      auth: method.name,
      generation,
    },
  })
}

const made = (
  tx: Db,
  session: ConnectSession,
  provider: Provider,
  method: AuthMethod,
  { settings, externalAccount, label }: Identity,
): Promise<Connection> =>
  createConnection(tx, {
    connectionId: session.connectionId,
    partnerId: session.partnerId,
    accountId: session.accountId,
    provider: provider.slug,
    auth: method.name,
    externalAccount: externalAccount ?? undefined,
    name: session.name ?? (label === null ? provider.name : `${provider.name}: ${label}`).slice(0, 200),
    settings,
    syncIntervalSeconds: session.syncIntervalSeconds ?? undefined,
    sandbox: session.sandbox,
  })

async function renewed(
  tx: Db,
  session: ConnectSession,
  provider: Provider,
  method: AuthMethod,
  identity: Identity,
): Promise<Connection> {
  const before = await getConnection(tx, session.connectionId)
  const gone = () =>
    new HubError(
      'StateConflict',
      'The connection was deleted meanwhile. Ask for a link that makes a new one.',
    )
  if (!before || before.state === 'deleted') throw gone()
  if (!session.allowOtherAccount) checkSameAccount(before, provider, identity)
  const after = await reconnectConnection(tx, session.connectionId, {
    auth: method.name,
    settings: { ...learnt(before, method), ...identity.settings },
    externalAccount: identity.externalAccount,
    name: session.name ?? undefined,
    syncIntervalSeconds: session.syncIntervalSeconds ?? undefined,
  })
  if (!after) throw gone()
  return after
}

/** What nobody enters but was found out on the way (a currency, a plan); a field that was left empty now is empty. */
function learnt({ settings }: Connection, { setup }: AuthMethod): Readonly<Record<string, string>> {
  const entered = setup.flatMap(({ fields }) => fields.map(({ name }) => name))
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !entered.includes(name)))
}

/**
 * Records and cursors belong to one account of the provider: another one must not be mixed in by mistake. Where neither
 * side names its account (keys and tokens), the address of the account tells.
 */
function checkSameAccount(
  before: Connection,
  provider: Provider,
  { settings, externalAccount }: Identity,
): void {
  const isOther =
    before.externalAccount !== null && externalAccount !== null
      ? before.externalAccount !== externalAccount
      : provider.baseUrl({ ...before.settings, ...settings }) !== provider.baseUrl(before.settings)
  if (!isOther) return
  const text = `This is another ${provider.name} account than the one that was connected before. Sign in to the same account, or ask for a link that makes a new connection.`
  throw new HubError('StateConflict', text)
}

/**
 * Brings the schedule in line: made for a new connection, running again for one that was mended. Its first tick comes at once, and so does a
 * look at a provider that nobody watches yet.
 */
async function scheduleConnection(
  deps: ActivityDeps,
  { connectionId }: { readonly connectionId: string },
): Promise<void> {
  const { db } = deps.database
  const connection = await getConnection(db, connectionId)
  if (!connection || connection.state === 'deleted') return
  const { client } = Context.current()
  await deps.ensureSyncSchedule(client, connection)
  if (connection.state === 'active') await deps.syncSoon(client, connectionId)
  if (!(await isWatched(db, connection.provider))) await deps.checkHealthSoon(client, connection.provider)
}

/** Ends an attempt with its reason; the person may try again. Repeatable; a later attempt is left alone. */
async function endConnectAttempt(
  deps: ActivityDeps,
  { sessionId, attempt, failure }: SessionKey & { readonly attempt: number; readonly failure: FailureNote },
): Promise<void> {
  const session = await getConnectSession(deps.database.db, sessionId)
  if (!session) return
  await asTenant(deps.database.db, session.partnerId, async (tx) => {
    if (!(await endAttemptFailed(tx, sessionId, attempt, failure))) return
    await appendAudit(tx, {
      actor: session.createdBy,
      action: 'connect_session.failed',
      subject: sessionId,
      partnerId: session.partnerId,
      details: { code: failure.code, provider: session.provider },
    })
  })
}

export function createConnectActivities(deps: ActivityDeps) {
  return {
    describeConnectSession: failing((input: SessionKey) => describeConnectSession(deps, input)),
    exchangeConsent: failing((input: SessionKey) =>
      exchangeConsent(deps, input, Context.current().info.attempt),
    ),
    proveAccount: failing((input: SessionKey) => proveAccount(deps, input)),
    keepConnection: failing((input: SessionKey) => keepConnection(deps, input)),
    scheduleConnection: failing((input: { readonly connectionId: string }) =>
      scheduleConnection(deps, input),
    ),
    endConnectAttempt: failing((input: Parameters<typeof endConnectAttempt>[1]) =>
      endConnectAttempt(deps, input),
    ),
  }
}

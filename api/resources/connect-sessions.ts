/** Connect sessions: a link for the person who connects an account, and how far they have come. The page is in `connect/`. */
import { appendAudit } from '../../db/audit.ts'
import { asTenant } from '../../db/client.ts'
import {
  expireConnectSessions,
  getConnectSession as findSession,
  insertConnectSession,
  type ConnectSession,
} from '../../db/connect-sessions.ts'
import type { Connection } from '../../db/connections.ts'
import { checkConnectionsLeft } from '../../db/quotas.ts'
import { hostName } from '../../model/hosts.ts'
import type { components } from '../../openapi/types.ts'
import { HubError } from '../../platform/errors.ts'
import { newId } from '../../platform/new-id.ts'
import type { AuthMethod, Provider } from '../../providers/contract.ts'
import { addressAt, domainOf } from '../connect/domain.ts'
import type { ApiDeps } from '../deps.ts'
import type { Handler } from '../operation.ts'
import { invalidInput } from '../problem.ts'
import { accountOf } from './account.ts'
import { givenProvider, livingConnection } from './find.ts'
import { isForSandbox } from './sandbox.ts'
import { missingApp } from './setup-values.ts'

type Schemas = components['schemas']
type Body = Schemas['NewConnectSession']

/** How long a link lives. */
export const lifetimeSeconds = 30 * 60

export const createConnectSession: Handler<'createConnectSession'> = async (deps, { body, caller }) => {
  const provider = givenProvider(deps, body.provider)
  const before = body.connectionId === undefined ? undefined : await reconnected(deps, body, provider)
  if (body.returnUrl !== undefined) checkReturnUrl(body.returnUrl)
  const auth = fixedAuth(deps, provider, body.auth ?? before?.auth)
  const sandbox = before?.sandbox ?? isForSandbox(deps, caller, provider, body.sandbox, undefined)
  const owner = before ?? (await accountOf(deps, caller, body.accountId))
  const address =
    body.domain === undefined ? deps.config.publicUrl : await ownAddress(deps, body.domain, owner.partnerId)
  const { db } = deps.database
  await expireConnectSessions(db)
  // Asked again when the connection is made: nobody should enter a password for nothing.
  if (!before) await checkConnectionsLeft(db, owner.partnerId)
  const session = await asTenant(db, owner.partnerId, async (tx) => {
    const made = await insertConnectSession(tx, {
      sessionId: newId('session'),
      partnerId: owner.partnerId,
      accountId: owner.accountId,
      provider: provider.slug,
      auth,
      isAuthFixed: auth !== null,
      connectionId: before?.connectionId ?? newId('connection'),
      isReconnection: before !== undefined,
      allowOtherAccount: body.allowOtherAccount ?? false,
      name: body.name,
      syncIntervalSeconds: body.syncIntervalSeconds,
      sandbox,
      returnUrl: body.returnUrl,
      createdBy: caller.name,
      lifetimeSeconds,
    })
    await appendAudit(tx, {
      actor: caller.name,
      action: 'connect_session.created',
      subject: made.sessionId,
      partnerId: owner.partnerId,
      details: {
        provider: provider.slug,
        accountId: owner.accountId,
        ...(before ? { reconnects: before.connectionId } : {}),
      },
    })
    return made
  })
  const { sessionId, expiresAt } = session
  const token = await deps.links.sign(sessionId, expiresAt)
  return {
    status: 201,
    body: { sessionId, url: `${address}/connect/${token}`, expiresAt: expiresAt.toISOString() },
    headers: { Location: `/admin/v1/connect-sessions/${sessionId}` },
  }
}

/** @throws InvalidInput for what is no verified domain of the partner whose customer is to connect. */
async function ownAddress(deps: ApiDeps, given: string, partnerId: string): Promise<string> {
  const domain = await domainOf(deps, hostName(given) ?? '', partnerId)
  if (domain !== undefined) return addressAt(deps, domain)
  const detail = 'should be a domain of this partner that is verified'
  throw invalidInput([{ in: 'body', pointer: '/domain', detail }])
}

/** The connection that is connected again. @throws InvalidInput when the body says otherwise of it. */
async function reconnected(deps: ApiDeps, body: Body, provider: Provider): Promise<Connection> {
  const connection = await livingConnection(deps, body.connectionId ?? '')
  const wrong = (field: string, detail: string) =>
    invalidInput([{ in: 'body', pointer: `/${field}`, detail }])
  if (connection.provider !== provider.slug)
    throw wrong('provider', `should be ${connection.provider}, as of the connection`)
  if (body.accountId !== undefined && body.accountId !== connection.accountId)
    throw wrong('accountId', 'should be the account of the connection, or left out')
  return connection
}

/**
 * The method that is used for certain: the one that was named, or the only one there is.
 * @throws InvalidInput for a name that there is not; HubError `NotConfigured` where the hub lacks its app at the provider.
 */
function fixedAuth({ env }: ApiDeps, provider: Provider, name: string | undefined): string | null {
  const method = name === undefined ? undefined : provider.auth.find((one) => one.name === name)
  if (name !== undefined && !method) {
    const names = provider.auth.map((one) => one.name).join(', ')
    throw invalidInput([{ in: 'body', pointer: '/auth', detail: `should be one of ${names}` }])
  }
  const usable = (method ? [method] : provider.auth).filter((one) => missingApp(one, env).length === 0)
  const [first, ...others] = usable
  if (first) return others.length === 0 ? first.name : null
  const missing = [...new Set((method ? [method] : provider.auth).flatMap((one) => missingApp(one, env)))]
  const text = `${provider.name} is not configured: set ${missing.join(', ')} in the environment of the hub.`
  throw new HubError('NotConfigured', text)
}

/** Ways to connect that this hub can offer: OAuth only where it has an app at the provider. */
export const usableMethods = ({ env }: Pick<ApiDeps, 'env'>, provider: Provider): readonly AuthMethod[] =>
  provider.auth.filter((method) => missingApp(method, env).length === 0)

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** @throws InvalidInput for anything but https, or http on this machine. */
function checkReturnUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isSafe =
    url?.username === '' &&
    url.password === '' &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname)))
  if (isSafe) return
  const detail = 'should be an https URL without user or password (http only on a loopback address)'
  throw invalidInput([{ in: 'body', pointer: '/returnUrl', detail }])
}

export const getConnectSession: Handler<'getConnectSession'> = async (deps, { path }) => {
  const session = await findSession(deps.database.db, path.sessionId)
  if (!session) throw new HubError('NoSuchThing', `There is no connect session "${path.sessionId}".`)
  return { status: 200, body: showSession(session) }
}

const time = (at: Date | null): string | null => at?.toISOString() ?? null

function showSession(session: ConnectSession): Schemas['ConnectSession'] {
  const { sessionId, partnerId, accountId, provider, auth, isReconnection, state, failure, returnUrl } =
    session
  const isThere = isReconnection || state === 'done'
  const { finding } = session
  return {
    sessionId,
    partnerId,
    accountId,
    provider,
    auth,
    connectionId: isThere ? session.connectionId : null,
    isReconnection,
    state,
    failure,
    finding: finding && { ...finding, without: [...finding.without] },
    sandbox: session.sandbox,
    returnUrl,
    createdAt: session.createdAt.toISOString(),
    openedAt: time(session.openedAt),
    expiresAt: session.expiresAt.toISOString(),
    endedAt: time(session.endedAt),
  }
}

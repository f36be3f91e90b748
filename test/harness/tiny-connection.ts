import { createConnection, type Connection } from '../../db/connections.ts'
import { putCredential } from '../../db/credentials.ts'
import { ensureAccount, ensurePartner } from '../../db/partners.ts'
import { newId } from '../../platform/new-id.ts'
import type { TestHub } from './worker.ts'

/** A connection with a partner, an account and a credential of its own. */
export async function connect(
  { deps }: Pick<TestHub, 'deps'>,
  provider: string,
  options: {
    readonly token?: string
    readonly syncIntervalSeconds?: number
    readonly settings?: Record<string, string>
  } = {},
): Promise<Connection> {
  const { db } = deps.database
  const partnerId = newId('partner')
  const accountId = newId('account')
  await ensurePartner(db, { partnerId, name: 'Partner' })
  await ensureAccount(db, { accountId, partnerId, name: 'Account' })
  const connectionId = newId('connection')
  const { settings = {}, syncIntervalSeconds } = options
  const connection = await createConnection(db, {
    connectionId,
    partnerId,
    accountId,
    provider,
    auth: 'token',
    name: 'Sample',
    settings,
    ...(syncIntervalSeconds === undefined ? {} : { syncIntervalSeconds }),
  })
  await putCredential(db, deps.vault, connection, { token: options.token ?? 'good-token' })
  return connection
}
